"""Dates as people write them into front matter and exports."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time

from mealign.ingest.settings import IngestConfig

YEAR_FIRST = re.compile(r"(\d{4})[/.](\d{1,2})[/.](\d{1,2})")
DAY_FIRST = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")
NAMED_MONTH = re.compile(r"(?=.*\d)(?=.*[^\W\d]{2}|.*月)")

LONGEST = 48
"""Characters of a date that names weekday, month and time; dateparser takes long over longer texts."""


class ImplausibleDateError(ValueError):
    """A date that does not exist, or lies outside the years that the settings allow."""


def parse_date(value: object, settings: IngestConfig) -> datetime:
    """Turn a YAML date, a date-time or a written date into a naive date-time (a zone is converted to UTC).

    Understood are ISO dates, ``2024/03/14``, ``14.03.2024``, and dates with the month's name in any language. With
    slashes, day and month could be either, so ``03/04/2024`` is refused.

    Raises:
        ImplausibleDateError: it is not a date, the day does not exist, or the year is out of range.
    """
    if isinstance(value, datetime):
        moment = value
    elif isinstance(value, date):
        moment = datetime.combine(value, time())
    else:
        moment = _written(str(value).strip())
    try:
        if moment.tzinfo:
            moment = moment.astimezone(UTC).replace(tzinfo=None)
    except OverflowError as error:
        raise ImplausibleDateError("the date lies outside the years that a calendar has") from error
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


def _written(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    try:
        if match := YEAR_FIRST.fullmatch(text):
            return datetime(int(match[1]), int(match[2]), int(match[3]))
        if match := DAY_FIRST.fullmatch(text):
            return datetime(int(match[3]), int(match[2]), int(match[1]))
    except ValueError as error:
        raise ImplausibleDateError("the date does not exist") from error
    if moment := _with_month_name(text):
        return moment
    raise ImplausibleDateError("the date is none that exists, or not written as one (YYYY-MM-DD)")


def _with_month_name(text: str) -> datetime | None:
    if len(text) > LONGEST or not NAMED_MONTH.match(text):
        return None
    import dateparser

    # Whole dates only: "yesterday" or "March 2024" would be completed from today's date, so the result would change.
    rules = {"PARSERS": ["absolute-time"], "REQUIRE_PARTS": ["day", "month", "year"], "DATE_ORDER": "DMY"}
    moment: datetime | None = dateparser.parse(text, settings=rules)
    return moment
