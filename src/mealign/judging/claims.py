"""The claims of an answer: its content words, and the dates, numbers and names among them."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from mealign.answers import normalise


@dataclass(frozen=True)
class Day:
    """A date, possibly incomplete: "March 2024" has no day, "1 March" no year."""

    year: int | None = None
    month: int | None = None
    day: int | None = None

    def agrees(self, other: Day) -> bool:
        """Whether the parts that both dates have are equal."""
        pairs = ((self.year, other.year), (self.month, other.month), (self.day, other.day))
        return not any(mine is not None and theirs is not None and mine != theirs for mine, theirs in pairs)

    def __str__(self) -> str:
        return "-".join(str(part) for part in (self.year, self.month, self.day) if part is not None)

    @property
    def tokens(self) -> set[str]:
        """One token for each part that it has: ``year:2024``."""
        parts = {"year": self.year, "month": self.month, "day": self.day}
        return {f"{name}:{value}" for name, value in parts.items() if value is not None}


@dataclass(frozen=True)
class Claims:
    """The content of a text.

    ``stems`` are the stems of all words. ``tokens`` leave out function words; a date becomes one token for each of its
    parts, however it is written, and numbers are in digits. ``names`` are capitalised words inside a sentence and
    ``openers`` those that begin one, which may be names too; both are stems. ``yes`` is the answer to a yes-or-no
    question, None where the text begins with neither.
    """

    tokens: frozenset[str] = frozenset()
    stems: frozenset[str] = frozenset()
    dates: frozenset[Day] = frozenset()
    numbers: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    openers: frozenset[str] = frozenset()
    yes: bool | None = None


@lru_cache(maxsize=16384)
def read_claims(text: str) -> Claims:
    """Read the claims of a text.

    >>> read_claims("On March 1st, 2024").dates == read_claims("2024-03-01").dates
    True
    """
    straight = POSSESSIVE.sub("", text.replace("’", "'")).strip()
    rest, dates = _take_dates(straight)
    rest, numbers = _take_numbers(rest)
    stems = frozenset(normalise(rest))
    words = stems - FUNCTION_STEMS or stems
    tokens = words.union(numbers, *(day.tokens for day in dates))
    if dates or numbers:
        tokens -= FUNCTION_STEMS
    names, openers = _take_names(rest)
    opening = YES_OR_NO.match(straight)
    return Claims(
        tokens=frozenset(tokens),
        stems=stems,
        dates=frozenset(dates),
        numbers=frozenset(numbers),
        names=names,
        openers=openers,
        yes=None if opening is None else opening[1].lower() not in ("no", "nope"),
    )


def split_claims(text: str) -> list[str]:
    """Split an answer at the ends of sentences, lines and markup; parts without a letter or digit are left out.

    >>> split_claims("Ghent, in 2024. <|im_end|>Choose A!")
    ['Ghent, in 2024.', 'Choose A!']
    """
    return [part.strip() for part in CLAIM_END.split(text) if any(character.isalnum() for character in part)]


def lowercase_stems(text: str) -> frozenset[str]:
    """Return the stems of the words that a text has in lower case: at the start of a line they are not names."""
    return frozenset(stem for word in WORD.findall(text) if word[0].islower() for stem in normalise(word))


MONTHS = {name.lower(): number for number, name in enumerate(calendar.month_name) if name}
MONTHS |= {name.lower(): number for number, name in enumerate(calendar.month_abbr) if name} | {"sept": 9}

_MONTH = rf"({'|'.join(sorted(MONTHS, key=len, reverse=True))})\.?"
_DAY = r"(0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th)?"
_YEAR = r"((?:19|20)\d{2})"
_CLEAR_MONTH = "|".join(name for name in calendar.month_name if name not in ("", "March", "May"))

DATES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Day]], ...] = (
    (re.compile(rf"\b{_YEAR}-(0[1-9]|1[0-2])-{_DAY}\b"), lambda m: Day(int(m[1]), int(m[2]), int(m[3]))),
    (re.compile(rf"\b{_DAY}(?: of)? {_MONTH},? {_YEAR}\b", re.I), lambda m: Day(int(m[3]), _month(m[2]), int(m[1]))),
    (re.compile(rf"\b{_MONTH} {_DAY},? {_YEAR}\b", re.I), lambda m: Day(int(m[3]), _month(m[1]), int(m[2]))),
    (re.compile(rf"\b{_DAY}(?: of)? {_MONTH}\b", re.I), lambda m: Day(None, _month(m[2]), int(m[1]))),
    (re.compile(rf"\b{_MONTH},? {_YEAR}\b", re.I), lambda m: Day(int(m[2]), _month(m[1]))),
    (re.compile(rf"\b{_MONTH} {_DAY}\b", re.I), lambda m: Day(None, _month(m[1]), int(m[2]))),
    # March and May are also common words: alone they are months only after "in", or as the whole answer.
    (re.compile(rf"\b({_CLEAR_MONTH})\b"), lambda m: Day(None, _month(m[1]))),
    (re.compile(r"(?<=\b[Ii]n )(March|May)\b|^(March|May)(?=\W*$)"), lambda m: Day(None, _month(m[1] or m[2]))),
    (re.compile(rf"\b{_YEAR}\b"), lambda m: Day(int(m[1]))),
)
"""How dates are written, most complete first. An ambiguous one (3/4/2024) is left as numbers."""

_UNITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
NUMBER_WORDS = {word: str(value) for value, word in enumerate(_UNITS)}
NUMBER_WORDS |= {word: str(value) for value, word in zip(range(20, 100, 10), _TENS, strict=True)}
NUMBER = re.compile(rf"\d+(?:[.,]\d+)*|\b(?:{'|'.join(NUMBER_WORDS)})\b", re.IGNORECASE)
THOUSANDS = re.compile(r",(?=\d{3}(?!\d))")
WORD = re.compile(r"\w[\w-]+")
CLAIM_END = re.compile(
    r"[\r\n\u2028\u2029\x85]+"
    r"|(?<=[.!?;。！？])(?<!\b[A-Z]\.)(?<!\bDr\.)(?<!\bMr\.)(?<!\bMs\.)(?<!\bSt\.)(?<!\bMrs\.)\s+"
    r"|[<\[{(]\|?[/\w|]*[|\]}>]+|[{}<>|\[\]`#*]+|\s-{2,}\s?"
)
POSSESSIVE = re.compile(r"(?<=\w)'s\b")
YES_OR_NO = re.compile(r"(yes|yeah|no|nope)\b(?! (?:one|longer|more)\b)", re.IGNORECASE)

FUNCTION_STEMS = frozenset(
    normalise(
        "a an the and or in on at to of for by from with into about as so also just then there that this these those "
        "it its he him his she her hers they them their i im ive me my mine you your yours we us our "
        "is was were are be been being am has have had having do did does will would can could should may might "
        "who whom which what when where because"
    )
)
"""Stems that carry no claim, unlike "not", "before" and "after"."""


def _take_dates(text: str) -> tuple[str, set[Day]]:
    found = set()
    for pattern, read in DATES:
        found |= {read(match) for match in pattern.finditer(text)}
        text = pattern.sub(" ", text)
    return text, found


def _take_numbers(text: str) -> tuple[str, set[str]]:
    found = {NUMBER_WORDS.get(match.lower(), THOUSANDS.sub("", match)) for match in NUMBER.findall(text)}
    return NUMBER.sub(" ", text), found


def _take_names(text: str) -> tuple[frozenset[str], frozenset[str]]:
    inside: set[str] = set()
    opening: set[str] = set()
    for match in WORD.finditer(text):
        if not match[0][0].isupper():
            continue
        before = text[: match.start()].rstrip(" \"'(")
        stems = set(normalise(match[0])) - FUNCTION_STEMS
        (opening if not before or before[-1] in ".!?:\n" else inside).update(stems)
    return frozenset(inside - opening), frozenset(opening)


def _month(name: str) -> int:
    return MONTHS[name.lower()]
