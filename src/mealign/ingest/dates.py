"""Dates as people write them into front matter, file names, headings and exports."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib import import_module
from zoneinfo import ZoneInfo

from mealign.ingest.settings import IngestConfig

NAMED_MONTH = re.compile(r"(?=.*\d)(?=.*[^\W\d]{2}|.*月)")
TEMPLATE = re.compile(r"\{\{|\{%|<%|\$\{|[yY]{4}|[dD]{2}[-/. ]?[mM]{2}")
"""What a note's template has where the date would be: ``{{date}}``, ``<% tp.date.now() %>``, ``YYYY-MM-DD``."""

LONGEST = 48
"""Characters of a date that names weekday, month and time; dateparser takes long over longer texts."""
NO_DATE = "the date is none that exists, or not written as one (YYYY-MM-DD)"
MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
LANGUAGES = 60
"""How many of dateparser's languages, the most used first, the names of months and days are taken from."""

WORD = r"[^\W\d_]"
SPACE = "[ \t\u00a0\u202f\u3000]"
# Every alternative is of bounded length. The order counts: the first that gives a day is taken.
WHOLE = [
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"(?P<year>\d{{4}})(?P<sep>[-/_.]|\.{SPACE})(?P<month>\d{{1,2}})(?P=sep)(?P<day>\d{{1,2}})(?!\d)\.?",
        r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)(?:[-_T ]?(?P<hour>\d\d)(?P<minute>\d\d)(?:\d\d)?)?(?!\d)",
        rf"(?P<a>\d{{1,2}})(?P<sep>[-/_.]|\.{SPACE})(?P<b>\d{{1,2}})(?P=sep)(?P<year>\d{{4}})(?!\d)",
        rf"(?P<year>\d{{4}}){SPACE}?[年년]{SPACE}?(?P<month>\d{{1,2}}){SPACE}?[月월]{SPACE}?(?P<day>\d{{1,2}}){SPACE}?[日일号]",
        r"(?P<year>\d{4})-?W(?P<week>\d\d)-?(?P<weekday>[1-7])(?!\d)",
        # 5 April 2024, 5th of April, 2024, 5. April 2024, 1er mars 2024, 5 de abril de 2024, 5-Apr-2024
        rf"(?P<day>\d{{1,2}})(?:st|nd|rd|th|er|re|º|ª|°|\.|:e|-го)?(?:{SPACE}|[-_])(?:(?:of|de|di){SPACE}|d['’])?"
        rf"(?P<name>{WORD}{{2,20}})\.?[ ,_-]{{1,2}}(?:(?:de|del|of){SPACE})?(?P<year>\d{{4}})(?!\d)",
        # April 5, 2024, Apr 5th 2024
        rf"(?P<name>{WORD}{{2,20}})\.?(?:{SPACE}|[-_])(?P<day>\d{{1,2}})(?:st|nd|rd|th|\.)?[ ,_-]{{1,2}}"
        r"(?P<year>\d{4})(?!\d)",
        # 2024. április 5., 2024 April 5
        rf"(?P<year>\d{{4}})[., _-]{{1,2}}(?P<name>{WORD}{{2,20}})\.?[ _-](?P<day>\d{{1,2}})(?!\d)",
        rf"(?:ngày{SPACE})?(?P<day>\d{{1,2}}){SPACE}tháng{SPACE}(?P<month>\d{{1,2}})[ ,]{{1,2}}"
        rf"(?:năm{SPACE})?(?P<year>\d{{4}})",
    )
]
"""A whole day."""
OF_YEAR = [
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"(?P<day>\d{{1,2}})(?:st|nd|rd|th|er|º|ª|°|\.)?(?:{SPACE}|[-_])(?:(?:of|de|di){SPACE}|d['’])?(?P<name>{WORD}{{2,20}})",
        rf"(?P<name>{WORD}{{2,20}})\.?(?:{SPACE}|[-_])(?P<day>\d{{1,2}})(?:st|nd|rd|th|\.)?(?!\d)",
        rf"(?P<month>\d{{1,2}}){SPACE}?[月월]{SPACE}?(?P<day>\d{{1,2}}){SPACE}?[日일号]",
        rf"(?P<day>\d{{1,2}})\.{SPACE}?(?P<month>\d{{1,2}})\.(?!\d)",
        r"(?P<month>\d\d)-(?P<day>\d\d)(?!\d)",
    )
]
"""A day where the year is known."""
SHORT = re.compile(r"(?P<a>\d{1,2})(?P<sep>[/.])(?P<b>\d{1,2})(?P=sep)(?P<short>\d\d)(?!\d)")
"""A day with two digits for the year, as it stands alone on the lines of a diary."""
OF_MONTH = re.compile(rf"(?P<day>\d{{1,2}})(?:st|nd|rd|th|\.|{SPACE}?[日일号])?(?!\d|[.:,/]\d)")
"""A day where the month is known."""
PERIODS = [
    re.compile(form, re.IGNORECASE)
    for form in (
        r"(?P<year>\d{4})[-_ ]?(?:W|KW|CW|wk|week)[-_ ]?(?P<week>\d{1,2})(?!\d)",
        r"(?:W|KW|CW|wk|week)[-_ ]?(?P<week>\d{1,2})[-_, /]{1,2}(?P<year>\d{4})(?!\d)",
        r"(?P<year>\d{4})[-_ ]?Q(?P<quarter>[1-4])(?!\d)",
        r"(?P<year>\d{4})[-_./](?P<month>\d\d)(?![-_./]?\d)",
        rf"(?P<year>\d{{4}}){SPACE}?[年년]{SPACE}?(?P<month>\d{{1,2}}){SPACE}?[月월]",
        rf"(?P<name>{WORD}{{3,20}})\.?[ ,_-]{{1,2}}(?:de{SPACE})?(?P<year>\d{{4}})(?![-_./]?\d)",
        rf"(?P<year>\d{{4}})[., _-]{{1,2}}(?P<name>{WORD}{{3,20}})(?!\w)",
        r"(?P<year>(?:19|20)\d\d)(?![-_./:]?\d)",
    )
]
"""A week, a month or a year."""
WEEKDAY = re.compile(
    rf"(?P<word>{WORD}{{1,20}})(?:-feira)?\.?(?:,?{SPACE}{{0,2}}(?:(?:den|der|le|the|el|il|d\.){SPACE})?)"
)
WEEKDAY_AFTER = re.compile(rf"[,（(]?{SPACE}{{0,2}}[（(]?(?P<word>{WORD}{{1,20}})(?:-feira)?\.?[）)]?")
TIME = re.compile(
    rf",?(?:{SPACE}{{1,2}}|T|_)(?:(?:at|um|à|a las|kl\.?|alle){SPACE})?(?P<hour>\d{{1,2}})"
    rf"(?:[:.h](?P<minute>\d\d)(?:[:.](?P<second>\d\d)(?:[.,]\d{{1,6}})?)?(?!\d)|(?={SPACE}?[ap]\.?m\b))(?:{SPACE}?(?P<half>[ap])\.?m\b\.?)?"
    rf"(?P<zone>{SPACE}?(?:Z|(?:UTC|GMT)?[+-](?:1[0-4]|0?\d):?(?:[0-5]\d)?|UTC|GMT|[A-Z]{{3,4}}(?![^\W_]))(?![^\W_]))?",
    re.IGNORECASE,
)
UTC_ZONES = frozenset({"Z", "UTC", "GMT", "+0000", "+00", "UTC+0", "GMT+0", "UTC+00", "GMT+00", "-0000"})


class ImplausibleDateError(ValueError):
    """A date that does not exist, or lies outside the years that the settings allow."""


class AmbiguousDateError(ImplausibleDateError):
    """A date that is one of two days, as ``03/04/2024``."""


@dataclass(frozen=True)
class Period:
    """More than a day: what a file called ``2024-W13``, ``2024-05`` or ``2024`` is about, by its first day."""

    start: date
    unit: str


@dataclass(frozen=True)
class Found:
    """A day in a text. ``end`` is where it ends; ``moment`` has a zone where the text says UTC, else none."""

    end: int
    moment: datetime
    timed: bool


def parse_date(value: object, settings: IngestConfig, *, day_first: bool | None = None) -> datetime:
    """Turn a YAML date, a date-time or a written date into a naive date-time on the writer's clock.

    What names another offset than UTC is told on the clock of that offset: what its writer calls "today". What is in
    UTC, as a program's stamps are, is told on the clock of ``ingest.time_zone``.

    Understood are ISO dates, ``2024/03/14``, ``14.03.2024``, Unix stamps of ten or thirteen digits, and dates with the
    month's name in any language. ``day_first`` says what ``03/04/2024`` is.

    Raises:
        AmbiguousDateError: it is one of two days, and nothing says which.
        ImplausibleDateError: it is not a date, the day does not exist, or the year is out of range.
    """
    return on_the_clock(moment_of(value, day_first=day_first), settings)


def moment_of(value: object, *, day_first: bool | None = None) -> datetime:
    """Return a date as :func:`parse_date` reads it, with the zone that it names.

    Raises:
        ImplausibleDateError: as there, but for the year.
    """
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime.combine(value, time())
    return _written(str(value).strip(), day_first)


def is_utc(moment: datetime) -> bool:
    """Whether a moment says of itself that it is in UTC."""
    return moment.tzinfo is not None and not moment.utcoffset()


def on_the_clock(moment: datetime, settings: IngestConfig) -> datetime:
    """Return what the writer's clock showed, as :func:`parse_date` explains.

    Raises:
        ImplausibleDateError: the year is out of range.
    """
    try:
        if is_utc(moment):
            moment = moment.astimezone(ZoneInfo(settings.time_zone))
    except OverflowError as error:
        raise ImplausibleDateError("the date lies outside the years that a calendar has") from error
    moment = moment.replace(tzinfo=None)
    if not settings.first_year <= moment.year <= settings.last_year:
        raise ImplausibleDateError(
            f"the year {moment.year} lies outside {settings.first_year} to {settings.last_year} "
            "(ingest.first_year, ingest.last_year)"
        )
    return moment


def from_unix(seconds: object) -> object:
    """Return the moment of a Unix time stamp; anything else comes back unchanged, for :func:`parse_date` to refuse."""
    try:
        return datetime.fromtimestamp(float(str(seconds)), UTC)
    except (ValueError, OverflowError, OSError):
        return seconds


def is_template(value: object) -> bool:
    """Whether a text stands where a template's date would be."""
    return isinstance(value, str) and len(value) <= LONGEST and bool(TEMPLATE.search(value))


def day_at(
    text: str,
    position: int = 0,
    *,
    day_first: bool | None = None,
    year: int | None = None,
    month: int | None = None,
    short: bool = False,
) -> Found | None:
    """Return the day that begins at a position of a text, with its weekday and time where they are written with it.

    Args:
        text: where it stands.
        position: where it begins.
        day_first: what ``03/04/2024`` is; None: it is refused.
        year: the year of a day without one.
        month: the month of a day without one.
        short: whether two digits may be a year of this century.

    Raises:
        AmbiguousDateError: there is a date that is one of two days.
        ImplausibleDateError: there is a date that does not exist.
    """
    begins = position
    before = WEEKDAY.match(text, position)
    if before and weekday_of(before["word"]) is not None:
        position = before.end()
    for form in WHOLE:
        if (match := form.match(text, position)) and (day := _day_of(match, day_first)):
            return _with_time(text, match, day)
    for form in OF_YEAR if year else ():
        if (match := form.match(text, position)) and (day := _day_of(match, day_first, year)):
            return _with_time(text, match, day)
    if short and (match := SHORT.match(text, position)) and (day := _day_of(match, day_first)):
        return _with_time(text, match, day)
    if year and month and (match := OF_MONTH.match(text, position)):
        return _with_time(text, match, _exists(year, month, int(match["day"])))
    # "Mar 5, 2024" begins with a word that is a weekday in some language.
    for form in (*WHOLE, *(OF_YEAR if year else ())) if begins < position else ():
        if (match := form.match(text, begins)) and (day := _day_of(match, day_first, year)):
            return _with_time(text, match, day)
    return None


def days_in(text: str, *, day_first: bool | None = None) -> Iterator[Found]:
    """Yield the whole days in a short text, wherever they stand; what is no day is passed over.

    Raises:
        AmbiguousDateError: there is one that could be two days.
    """
    for start in re.finditer(rf"(?<![^\W_])(?=\w)|(?<=\D)(?=\d{{8}})|(?<={WORD})(?=\d)", text):
        try:
            found = day_at(text, start.start(), day_first=day_first)
        except AmbiguousDateError:
            raise
        except ImplausibleDateError:
            continue
        if found:
            yield found


def period_at(text: str, position: int = 0, *, year: int | None = None) -> tuple[int, Period] | None:
    """Return where a week, month or year that begins at a position ends, and which it is; None where none does.

    ``year`` is that of a month without one.
    """
    for form in PERIODS:
        if match := form.match(text, position):
            parts = {key: value for key, value in match.groupdict().items() if value}
            found = int(parts["year"])
            if not 1900 <= found <= 2100:
                continue
            month = month_of(parts["name"]) if "name" in parts else int(parts.get("month", 0))
            month = 3 * int(parts["quarter"]) - 2 if "quarter" in parts else month
            if "week" in parts:
                with_week = _week(found, int(parts["week"]))
                if with_week:
                    return match.end(), Period(with_week, "week")
            elif month and 1 <= month <= 12:
                return match.end(), Period(date(found, month, 1), "quarter" if "quarter" in parts else "month")
            elif parts.keys() == {"year"}:
                return match.end(), Period(date(found, 1, 1), "year")
    word = re.compile(rf"{WORD}{{3,20}}").match(text, position) if year else None
    if year and word and (month := month_of(word[0])):
        return word.end(), Period(date(year, month, 1), "month")
    return None


def month_of(word: str) -> int | None:
    """Return the number of a month by its name, or how that is shortened, in any of many languages."""
    return _months().get(word.casefold().rstrip("."))


def weekday_of(word: str) -> int | None:
    """Return the number of a day of the week, Monday's being 0, by its name or how that is shortened."""
    return _weekdays().get(word.casefold().rstrip("."))


@cache
def _months() -> dict[str, int]:
    return _names(MONTHS, first=1)


@cache
def _weekdays() -> dict[str, int]:
    return _names(WEEKDAYS, first=0)


def _names(keys: tuple[str, ...], first: int) -> dict[str, int]:
    """Return what dateparser's languages call months or days; a word of several languages is that of the most used."""
    from dateparser.data.languages_info import language_order

    found: dict[str, int] = {}
    for language in language_order[:LANGUAGES]:
        info = import_module(f"dateparser.data.date_translation_data.{language}").info
        for number, key in enumerate(keys, start=first):
            for word in info.get(key, ()):
                # The T of 2024-03-14T10:00 is a Tuesday nowhere.
                if len(word) == 1 and word.isascii():
                    continue
                found.setdefault(word.casefold().rstrip("."), number)
    return found


def _week(year: int, week: int) -> date | None:
    try:
        return date.fromisocalendar(year, week, 1)
    except ValueError:
        return None


def _day_of(match: re.Match[str], day_first: bool | None, year: int | None = None) -> date | None:
    """Return the day of a match; None where what stands for the month is no month's name.

    Raises:
        ImplausibleDateError: there is no such day, or it could be two.
    """
    parts = {key: value for key, value in match.groupdict().items() if value}
    in_year = int(parts.get("year") or year or 0) or 2000 + int(parts.get("short", 0))
    if "week" in parts:
        monday = _week(in_year, int(parts["week"]))
        return monday and monday + timedelta(days=int(parts["weekday"]) - 1)
    if "name" in parts:
        named = month_of(parts["name"])
        return _exists(in_year, named, int(parts["day"])) if named else None
    if "month" in parts:
        return _exists(in_year, int(parts["month"]), int(parts["day"]))
    first, second = int(parts["a"]), int(parts["b"])
    # Nobody writes the month first with dots.
    if first > 12 or parts["sep"].startswith(".") or first == second:
        day_first = True
    elif second > 12:
        day_first = False
    if day_first is None:
        raise AmbiguousDateError("day and month could be either: write YYYY-MM-DD, or set ingest.day_first")
    return _exists(in_year, second, first) if day_first else _exists(in_year, first, second)


def _exists(year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError as error:
        raise ImplausibleDateError("the date does not exist") from error


def _with_time(text: str, match: re.Match[str], day: date) -> Found:
    """Add the weekday and the time that follow a day."""
    end, parts = match.end(), match.groupdict()
    after = WEEKDAY_AFTER.match(text, end)
    if after and weekday_of(after["word"]) is not None:
        end = after.end()
    hours, minutes, seconds, zone, timed = 0, 0, 0, None, False
    if parts.get("hour") and int(parts["hour"]) < 24 and int(parts["minute"]) < 60:
        hours, minutes, timed = int(parts["hour"]), int(parts["minute"]), True
    elif clock := TIME.match(text, end):
        hours, minutes, seconds = int(clock["hour"]), int(clock["minute"] or 0), int(clock["second"] or 0)
        if clock["half"]:
            hours = hours % 12 + (12 if clock["half"] in "Pp" else 0)
        if timed := hours < 24 and minutes < 60 and seconds < 60:
            end = clock.end()
            named = (clock["zone"] or "").strip().upper().replace(":", "")
            zone = UTC if named in UTC_ZONES else None
    if not timed:
        hours = minutes = seconds = 0
    return Found(end, datetime(day.year, day.month, day.day, hours, minutes, seconds, tzinfo=zone), timed)


def _written(text: str, day_first: bool | None) -> datetime:
    try:
        # Of a week that names no day (2024-W13) it would be the Monday.
        if len(text) > 8 or text.isdecimal():
            return datetime.fromisoformat(text)
    except ValueError:
        pass
    if len(text) > LONGEST:
        raise ImplausibleDateError(NO_DATE)
    if text.isdecimal() and len(text) in (10, 13):
        return datetime.fromtimestamp(int(text[:10]), UTC)
    if (found := day_at(text, day_first=day_first)) and found.end == len(text):
        return found.moment
    if moment := _with_month_name(text):
        return moment
    raise ImplausibleDateError(NO_DATE)


def _with_month_name(text: str) -> datetime | None:
    if not NAMED_MONTH.match(text):
        return None
    import dateparser

    # Whole dates only: "yesterday" or "March 2024" would be completed from today's date, so the result would change.
    rules = {"PARSERS": ["absolute-time"], "REQUIRE_PARTS": ["day", "month", "year"], "DATE_ORDER": "DMY"}
    moment: datetime | None = dateparser.parse(text, settings=rules)
    return moment
