"""The calendar times of LoCoMo's answers: ``7 May 2023``, ``June, 2023``, ``The week before 9 June 2023``, ``2022``."""

from __future__ import annotations

import calendar
import re
from datetime import date, timedelta

from mealign.memory.times import MONTHS, NUMBERS, WEEKDAYS

Period = tuple[date, date]
"""First and last day."""

_MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
_DAY = re.compile(rf"\b(\d{{1,2}})(?:st|nd|rd|th)?(?: of)? ?({_MONTH})\.?,? ?(\d{{4}})")
_DAY_AMERICAN = re.compile(rf"\b({_MONTH})\.? (\d{{1,2}})(?:st|nd|rd|th)?,? (\d{{4}})")
_MONTH_YEAR = re.compile(rf"\b({_MONTH})\.?,? ?(\d{{4}})")
_SEASON = re.compile(r"\b(spring|summer|autumn|fall|winter)(?: of)?,? (\d{4})")
_YEAR = re.compile(r"\b(19\d\d|20\d\d)\b")
_SEASONS = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}


def gold_period(answer: str) -> Period | None:
    """Return the days that an answer means; None when it names no calendar time."""
    text = answer.lower().strip()
    if match := _DAY.search(text):
        day = date(int(match[3]), MONTHS[match[2]], int(match[1]))
        return _moved(text[: match.start()], day)
    if match := _DAY_AMERICAN.search(text):
        return _moved(text[: match.start()], date(int(match[3]), MONTHS[match[1]], int(match[2])))
    if match := _MONTH_YEAR.search(text):
        return _months(int(match[2]), MONTHS[match[1]], 1)
    if match := _SEASON.search(text):
        return _months(int(match[2]), _SEASONS[match[1]], 3)
    if match := _YEAR.search(text):
        return date(int(match[1]), 1, 1), date(int(match[1]), 12, 31)
    return None


def _moved(words: str, day: date) -> Period:
    """Return the period that the words before a day make of it: itself, or something before it, of it or after it."""
    before = "before" in words
    weekday = next((number for name, number in WEEKDAYS.items() if re.search(rf"\b{name}\b", words)), None)
    if weekday is not None:
        back = (day.weekday() - weekday) % 7 or (7 if before else 0)
        found = day - timedelta(days=back) if before else day + timedelta(days=(weekday - day.weekday()) % 7)
        return found, found
    number = next((value for name, value in NUMBERS.items() if re.search(rf"\b{name}\b", words)), 1)
    monday = day - timedelta(days=day.weekday())
    if "weekend" in words:
        saturday = monday + timedelta(days=-2 if before else 5)
        return saturday, saturday + timedelta(days=1)
    if "week" in words:
        # "The week before 9 June": the calendar week before, or the seven days before; both are accepted.
        if before:
            return monday - timedelta(weeks=number), day - timedelta(weeks=number - 1, days=1)
        return monday, monday + timedelta(days=6)
    if "day" in words and before:
        return day - timedelta(days=3 if "few" in words else number), day - timedelta(days=1)
    return day, day


def _months(year: int, month: int, count: int) -> Period:
    last = month - 1 + count - 1
    end_year, end_month = year + last // 12, last % 12 + 1
    return date(year, month, 1), date(end_year, end_month, calendar.monthrange(end_year, end_month)[1])


def agrees(found: Period, gold: Period) -> bool:
    """Whether a period says what the gold one does: they overlap, and it is not vaguer than the gold one."""
    overlap = found[0] <= gold[1] and gold[0] <= found[1]
    return overlap and found[1] - found[0] <= gold[1] - gold[0]
