"""Dates in the names of files and of the folders in which they are."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import PurePosixPath

from mealign.ingest.dates import AmbiguousDateError, Period, day_at, days_in, month_of, period_at

BEGINNING = re.compile(r"\d{4}-\d{2}-\d{2}")
YEAR = re.compile(r"(?:19|20)\d\d")
MONTH = re.compile(r"(?P<number>\d{1,2})(?![^\W_])|(?:\d{1,2}[-_. ]{1,3})?(?P<name>[^\W\d_]{3,20})")
DAY = re.compile(r"(?P<day>\d\d|\d\Z|\d(?=st|nd|rd|th|\.))(?:st|nd|rd|th|\.)?(?![^\W_]|[-_.:]\d)")
NUMBERS = re.compile(r"(?<!\d)(\d{1,2})([-_.])(\d{1,2})\2\d{4}(?!\d)")
WORD_START = re.compile(r"(?<![^\W_])(?=\w)")
LONGEST_NAME = 300
"""Characters of a name that are searched; file systems allow 255 bytes."""


@dataclass(frozen=True)
class NamedDate:
    """What a name says: a day as YYYY-MM-DD, else a longer period. ``ambiguous``: its numbers could be two days."""

    day: str | None = None
    period: Period | None = None
    ambiguous: bool = False


def date_in_name(name: str, day_first: bool | None) -> NamedDate:
    """Return the date in a path below the person's folder.

    A whole day anywhere in the file's name comes first, then one in the name of a folder, the nearest first, then one
    that folders and file give together (``2024/03/29.md``), then a week, a month or a year. Of several whole days in a
    name the first counts.
    """
    path = PurePosixPath(name)
    stem = path.stem if re.fullmatch(r"\.[^\W_]*[^\W\d_][^\W_]*", path.suffix) else path.name
    parts = [part[:LONGEST_NAME] for part in (*path.parts[:-1], stem)]
    if (match := BEGINNING.match(stem)) and not re.match(r"\d", stem[match.end() :]):
        # Whether there is such a day is said where the date is used.
        return NamedDate(day=match[0])
    ambiguous = False
    for part in reversed(parts):
        try:
            for found in days_in(part, day_first=day_first):
                if 1900 <= found.moment.year <= 2100:
                    return NamedDate(day=found.moment.date().isoformat())
        except AmbiguousDateError:
            ambiguous = True
    for last in range(len(parts), 1, -1):
        if day := _together(parts[:last]):
            return NamedDate(day=day.isoformat())
    return NamedDate(period=_period(parts), ambiguous=ambiguous)


def day_first_in(names: Iterable[str]) -> bool | None:
    """Return whether names like 24-03-2024 have the day first; None where none shows it, or they contradict."""
    seen = set()
    for name in names:
        for first, _, second in NUMBERS.findall(name):
            if (int(first) > 12) != (int(second) > 12):
                seen.add(int(first) > 12)
    return seen.pop() if len(seen) == 1 else None


def _together(parts: list[str]) -> date | None:
    """Return the day of YYYY/MM/DD, YYYY/MM-DD, YYYY-MM/DD or YYYY/March/DD."""
    *folders, stem = parts
    year, month = _year_and_month(folders)
    if not year:
        return None
    try:
        if month and (match := DAY.match(stem)):
            return date(year, month, int(match["day"]))
        found = day_at(stem, year=year)
    except ValueError:
        return None
    return found.moment.date() if found else None


def _year_and_month(folders: list[str]) -> tuple[int | None, int | None]:
    year = month = None
    for folder in folders:
        if YEAR.fullmatch(folder):
            year, month = int(folder), None
        elif (found := period_at(folder)) and found[1].unit == "month":
            year, month = found[1].start.year, found[1].start.month
        elif year and (match := MONTH.match(folder)):
            number = int(match["number"]) if match["number"] else month_of(match["name"])
            month = number if number and 1 <= number <= 12 else month
    return year, month


def _period(parts: list[str]) -> Period | None:
    year, month = _year_and_month(parts[:-1])
    for part in reversed(parts):
        found = [found for start in WORD_START.finditer(part) if (found := period_at(part, start.start()))]
        # A year within a name is rather a part of a title, but for the name's beginning.
        for _, period in found:
            if period.unit != "year" or (YEAR.match(part) and not month):
                return period
    return Period(date(year, month, 1), "month") if year and month else None
