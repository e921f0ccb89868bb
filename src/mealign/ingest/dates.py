"""Dates as people write them into front matter and exports."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

from mealign.config import IngestConfig


class ImplausibleDateError(ValueError):
    """A date that cannot be: it does not exist, or lies outside the years that the settings allow."""


def parse_date(value: object, settings: IngestConfig) -> datetime:
    """Turn a YAML date, a date-time or an ISO string into a naive date-time (a zone is converted to UTC).

    Raises:
        ImplausibleDateError: it is no date, the day does not exist, or the year is out of range.
    """
    if isinstance(value, datetime):
        moment = value
    elif isinstance(value, date):
        moment = datetime.combine(value, time())
    else:
        try:
            moment = datetime.fromisoformat(str(value).strip())
        except ValueError as error:
            raise ImplausibleDateError("the date is not an ISO date that exists (YYYY-MM-DD)") from error
    if moment.tzinfo:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    if not settings.first_year <= moment.year <= settings.last_year:
        raise ImplausibleDateError(
            f"the year {moment.year} lies outside {settings.first_year} to {settings.last_year} "
            "(ingest.first_year, ingest.last_year)"
        )
    return moment
