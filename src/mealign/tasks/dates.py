"""The time phrase of a statement: found, removed from the sentence, and available as an answer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip

_MONTH = "|".join(MONTHS)
_WEEKDAYS = "Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday"
_DATE = rf"(?:\d{{1,2}} (?:{_MONTH}) \d{{4}}|(?:{_MONTH}) \d{{4}}|(?:19|20)\d{{2}})"
_ANCHOR = (
    rf"(?:the |a )?(?:{_WEEKDAYS}|day|night|week|weekend|month|year|summer|winter|spring|autumn) (?:before|after|of) "
)
_PREPOSITION = r"as of|on|in|since|from|until|till|by|before|after|around|about|during|for"
_PHRASE = re.compile(
    rf",?\s*\b(?:(?P<preposition>{_PREPOSITION})\s+)?(?P<anchor>{_ANCHOR})?(?P<date>{_DATE})(?P<tail>\s*,)?(?!\w)",
    re.IGNORECASE,
)
_DAY = re.compile(rf"\b(\d{{1,2}}) ({_MONTH}) (\d{{4}})\b")
_YEAR = re.compile(r"\b((?:19|20)\d{2})\b")


@dataclass(frozen=True)
class TimePhrase:
    """A time phrase of a statement: ``preposition`` as written (may be empty) and ``answer``, the time without it."""

    preposition: str
    answer: str

    @property
    def phrase(self) -> str:
        """The words that a question appends to its clause: ``on 1 March 2024``."""
        return f"{self.preposition} {self.answer}".strip()

    @property
    def is_event(self) -> bool:
        """Whether the phrase says when the event happened, so that it answers ``When ...?``."""
        return self.preposition in ("on", "in", "during", "") or bool(re.match(_ANCHOR, self.answer, re.IGNORECASE))


def take_time_phrase(statement: str) -> tuple[str, TimePhrase | None]:
    """Return the statement without its last time phrase, and that phrase.

    >>> take_time_phrase("Nadia moved to Ghent on 1 March 2024.")
    ('Nadia moved to Ghent.', TimePhrase(preposition='on', answer='1 March 2024'))
    """
    found = None
    for match in _PHRASE.finditer(statement):
        # A bare year without preposition or anchor is part of a name ("the 2022 concert"), not a time.
        if statement[: match.start()].endswith(" of"):
            continue
        if match["preposition"] or match["anchor"] or not _YEAR.fullmatch(match["date"]):
            found = match
    if found is None:
        return statement, None
    before, after = statement[: found.start()].rstrip(), statement[found.end() :].lstrip()
    rest = f"{before} {after}" if before and after and after[0].isalnum() else before + after
    if not before and rest:
        rest = rest[0].upper() + rest[1:]
    answer = f"{found['anchor'] or ''}{found['date']}"
    return rest, TimePhrase(preposition=(found["preposition"] or "").lower(), answer=answer)


def day_of(text: str) -> date | None:
    """Return the day that a text names in full, or ``None``."""
    match = _DAY.search(text)
    if match is None:
        return None
    try:
        return date(int(match[3]), MONTHS.index(match[2]) + 1, int(match[1]))
    except ValueError:
        return None


def written(day: date) -> str:
    """Return a day as answers write it: ``1 March 2024``."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"
