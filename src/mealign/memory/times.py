"""Relative times in a sentence, resolved relative to the day on which it was written."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

Precision = Literal["day", "week", "month", "season", "year"]

MONTHS = {name.lower(): number for number, name in enumerate(calendar.month_name) if name}
MONTHS |= {name.lower(): number for number, name in enumerate(calendar.month_abbr) if name}
WEEKDAYS = {name.lower(): number for number, name in enumerate(calendar.day_name)}
WEEKDAYS |= {name.lower(): number for number, name in enumerate(calendar.day_abbr)}
NUMBERS = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "eleven": 11, "twelve": 12,
}  # fmt: skip
VAGUE_NUMBERS = {"a couple of": 2, "a couple": 2, "a few": 3, "several": 4, "some": 3}
_NUMBER = r"(\d+|" + "|".join(sorted(NUMBERS, key=len, reverse=True)) + ")"
_UNIT = r"(day|week|month|year)s?"
_MONTH = "(" + "|".join(sorted(MONTHS, key=len, reverse=True)) + r")\.?"
_WEEKDAY = "(" + "|".join(sorted(WEEKDAYS, key=len, reverse=True)) + r")\.?"
DAYS = {"today": 0, "tonight": 0, "yesterday": -1, "tomorrow": 1}
DAYS |= {"this morning": 0, "this afternoon": 0, "this evening": 0, "last night": -1, "yesterday evening": -1}
DAYS |= {"yesterday morning": -1, "the day before yesterday": -2, "the day after tomorrow": 2}
DAYS |= {"tomorrow morning": 1, "tomorrow evening": 1, "yesterday afternoon": -1, "tomorrow night": 1}
CALENDAR_WORDS = frozenset(
    (*MONTHS, *WEEKDAYS, *(word for name in DAYS for word in name.split()), "weekend", "spring", "summer", "autumn",
     "fall", "winter", *(f"{unit}{ending}" for unit in ("day", "week", "month", "year") for ending in ("", "s")))
) - {"the", "this", "last", "before", "after"}  # fmt: skip
"""Every expression of a calendar time has one of these words, or a digit."""


@dataclass(frozen=True)
class Time:
    """A resolved time: its first day, its precision, and its wording in a sentence.

    ``phrase`` can follow a preposition; ``preposition`` is the one to use when there is none.
    """

    start: date
    precision: Precision
    preposition: str
    phrase: str

    @property
    def end(self) -> date:
        """Its last day."""
        if self.precision == "day":
            return self.start
        if self.precision == "week":
            return self.start + timedelta(days=6 - self.start.weekday())
        if self.precision in ("month", "season"):
            months = self.start.year * 12 + self.start.month - 1 + (2 if self.precision == "season" else 0)
            year, month = min(months // 12, date.max.year), months % 12 + 1
            return date(year, month, calendar.monthrange(year, month)[1])
        return self.start.replace(month=12, day=31)


def format_day(day: date) -> str:
    """Write a day as ``1 March 2024``."""
    return f"{day.day} {calendar.month_name[day.month]} {day.year}"


def may_name_a_time(word: str) -> bool:
    """Whether a word may belong to a calendar time: a cheap test that some word of every such expression passes."""
    return word.rstrip(".").lower() in CALENDAR_WORDS or any(character.isdigit() for character in word)


def resolve(expression: str, written: date, *, future: bool = False) -> Time | None:
    """Resolve a time expression; None when it is not a calendar time.

    Args:
        expression: as it stands in the text, such as ``last week`` or ``on 3 May``.
        written: day on which it was written.
        future: whether its sentence is about the future, which decides what ``on Friday`` and ``in May`` mean.
    """
    try:
        found = _resolve(expression, written, future=future)
        # A time whose end lies outside the calendar is none either.
        return found if found and found.end else None
    except (ValueError, OverflowError):
        return None


def _resolve(expression: str, written: date, *, future: bool) -> Time | None:
    text = re.sub(r"\s+", " ", expression.lower().strip(" .,;:!"))
    text = re.sub(r"\b(?:this past|this coming) ", lambda match: f"{match[0].split()[1]} ", text)
    bare = re.sub(r"^(on|in|at|by|since|until|from|around|about) ", "", text)
    if found := _ahead(text, written, future) or _roughly_ago(bare, written):
        return found
    for rule in (_named_day, _ago, _neighbour, _weekday, _calendar_day, _calendar_month, _year):
        if found := rule(bare, written, future):
            return found
    return None


def times_in(text: str, today: date) -> list[Time]:
    """Return the times that a question names, such as ``last week`` or ``in May 2023``.

    A single word counts only as a year or behind a preposition: "Who sat in May's chair?" names no time for ``sat``.

    Args:
        text: a question.
        today: day on which it is asked.
    """
    words = re.findall(r"[\w-]+", text)
    telling = [may_name_a_time(word) for word in words]
    found = []
    position = 0
    while position < len(words):
        for length in range(min(5, len(words) - position), 0, -1):
            if not any(telling[position : position + length]):
                break
            expression = " ".join(words[position : position + length])
            if (length > 1 or re.fullmatch(r"\d{4}", expression)) and (time := resolve(expression, today)):
                found.append(time)
                position += length - 1
                break
        position += 1
    return found


def _day(day: date) -> Time:
    return Time(day, "day", "on", format_day(day))


def _month(year: int, month: int) -> Time:
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    return Time(date(year, month, 1), "month", "in", f"{calendar.month_name[month]} {year}")


def _whole_year(year: int) -> Time | None:
    return Time(date(year, 1, 1), "year", "in", str(year)) if 1 <= year <= 9999 else None


def _named_day(text: str, written: date, future: bool) -> Time | None:
    del future
    return _day(written + timedelta(days=DAYS[text])) if text in DAYS else None


def _ago(text: str, written: date, future: bool) -> Time | None:
    del future
    match = re.fullmatch(rf"(?:about |around |almost |over )?{_NUMBER} {_UNIT} (?:ago|back|before)", text)
    return _offset(match[1], match[2], written, -1) if match else None


def _ahead(text: str, written: date, future: bool) -> Time | None:
    # Without its preposition a length of time says how long or how often: "four cups a day", "three weeks pregnant".
    match = re.fullmatch(rf"in {_NUMBER} {_UNIT}", text) or re.fullmatch(rf"{_NUMBER} {_UNIT} from now", text)
    return _offset(match[1], match[2], written, 1) if match and future else None


def _roughly_ago(text: str, written: date) -> Time | None:
    match = re.fullmatch(rf"({'|'.join(VAGUE_NUMBERS)}) {_UNIT} (?:ago|back)", text)
    found = _offset(str(VAGUE_NUMBERS[match[1]]), match[2], written, -1) if match else None
    if not match or not found:
        return None
    return Time(found.start, found.precision, "", f"{match[1]} {match[2]}s before {format_day(written)}")


def _offset(number: str, unit: str, written: date, sign: int) -> Time | None:
    amount = sign * (int(number) if number.isdigit() else NUMBERS[number])
    if abs(amount) > 1000:
        return None
    if unit == "day":
        return _day(written + timedelta(days=amount))
    if unit == "week":
        return _day(written + timedelta(weeks=amount))
    if unit == "month":
        return _month(written.year, written.month + amount) if written.year + amount // 12 > 1 else None
    return _whole_year(written.year + amount)


def _neighbour(text: str, written: date, future: bool) -> Time | None:
    del future
    match = re.fullmatch(
        r"(?:the )?(last|past|previous|this|next|coming) (week|weekend|month|year|spring|summer|autumn|fall|winter)",
        text,
    )
    if not match:
        return None
    step = {"last": -1, "past": -1, "previous": -1, "this": 0}.get(match[1], 1)
    if match[2] in ("week", "weekend"):
        monday = written - timedelta(days=written.weekday()) + timedelta(weeks=step)
        start = monday + timedelta(days=5 if match[2] == "weekend" else 0)
        side = {-1: "before", 0: "of", 1: "after"}[step]
        preposition = "on" if match[2] == "weekend" else "in"
        return Time(start, "week", preposition, f"the {match[2]} {side} {format_day(written)}")
    if match[2] == "month":
        return _month(written.year, written.month + step)
    if match[2] == "year":
        return _whole_year(written.year + step)
    year = written.year + step
    first = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}[match[2]]
    return Time(date(year, first, 1), "season", "in", f"the {match[2]} of {year}")


def _weekday(text: str, written: date, future: bool) -> Time | None:
    match = re.fullmatch(
        rf"(?:(last|this|next|past|coming) )?{_WEEKDAY}(?: (?:morning|afternoon|evening|night))?", text
    )
    if not match:
        return None
    ahead = (WEEKDAYS[match[2]] - written.weekday()) % 7
    if match[1] in ("next", "coming") or (match[1] in (None, "this") and future):
        return _day(written + timedelta(days=ahead or 7))
    return _day(written - timedelta(days=(7 - ahead) if ahead else (7 if match[1] else 0)))


def _calendar_day(text: str, written: date, future: bool) -> Time | None:
    if match := re.fullmatch(r"(\d{4})-(\d{2})-(\d{2})", text):
        return _safe_day(int(match[1]), int(match[2]), int(match[3]))
    day = r"(\d{1,2})(?:st|nd|rd|th)?"
    match = re.fullmatch(rf"(?:{_WEEKDAY},? )?(?:the )?{day}(?: of)? {_MONTH},?(?: (\d{{4}}))?", text)
    if match:
        return _nearest_day(int(match[2]), MONTHS[match[3]], match[4], written, future)
    match = re.fullmatch(rf"(?:{_WEEKDAY},? )?{_MONTH} {day},?(?: (\d{{4}}))?", text)
    return _nearest_day(int(match[3]), MONTHS[match[2]], match[4], written, future) if match else None


def _nearest_day(day: int, month: int, year: str | None, written: date, future: bool) -> Time | None:
    if year:
        return _safe_day(int(year), month, day)
    found = _safe_day(written.year, month, day)
    if found and future and found.start < written:
        return _safe_day(written.year + 1, month, day)
    if found and not future and found.start > written + timedelta(days=183):
        return _safe_day(written.year - 1, month, day)
    return found


def _safe_day(year: int, month: int, day: int) -> Time | None:
    try:
        return _day(date(year, month, day))
    except ValueError:
        return None


def _calendar_month(text: str, written: date, future: bool) -> Time | None:
    text = re.sub(rf"^(?:of )?{_MONTH} (last|this|next) year$", lambda match: _in_year(match, written), text)
    match = re.fullmatch(rf"(?:(last|next|this) )?{_MONTH},?(?: (\d{{4}}))?", text)
    if not match or (match[2] == "may" and not (match[1] or match[3] or text == "may")):
        return None
    month = MONTHS[match[2]]
    if match[3]:
        return _month(int(match[3]), month)
    year = written.year
    if match[1] == "last" or (match[1] is None and not future and month > written.month + 6):
        year -= month >= written.month
    elif match[1] == "next" or (match[1] is None and future):
        year += month < written.month if match[1] is None else month <= written.month
    return _month(year, month)


def _in_year(match: re.Match[str], written: date) -> str:
    return f"{match[1]} {written.year + {'last': -1, 'this': 0, 'next': 1}[match[2]]}"


def _year(text: str, written: date, future: bool) -> Time | None:
    del written, future
    return _whole_year(int(text)) if re.fullmatch(r"(1[89]|20)\d{2}", text) else None
