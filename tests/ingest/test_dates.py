"""Dates as people write them; what could be two days, or is not a whole one, is refused."""

from datetime import date, datetime

import pytest

from mealign.ingest.dates import ImplausibleDateError, from_unix, parse_date
from tests.defaults import IngestConfig


@pytest.mark.parametrize(
    "value",
    [
        date(2024, 3, 14), "2024-03-14", 20240314, "2024/3/14", "2024.03.14", "14.3.2024", "14 March 2024",
        "March 14, 2024", "Thursday, March 14th 2024", "14 mars 2024", "2024年3月14日",
    ],
)  # fmt: skip
def test_a_day_in_many_forms(value: object) -> None:
    assert parse_date(value, IngestConfig()) == datetime(2024, 3, 14)


@pytest.mark.parametrize(
    "value",
    [
        "03/04/2024", "2024-13-01", "2024/02/30", "30.02.2024", "30 February 2024", "March 2024", "yesterday", "soon",
        "in 3 days", "", "0001-01-01T00:00:00+14:00", "2024-01-01T00:00:00+99:99", "1492-10-12", True, ["2024-03-14"],
    ],
)  # fmt: skip
def test_what_is_not_one_day_is_refused(value: object) -> None:
    with pytest.raises(ImplausibleDateError):
        parse_date(value, IngestConfig())


def test_a_time_stamp_is_utc() -> None:
    assert parse_date(from_unix(1710406800), IngestConfig()) == datetime(2024, 3, 14, 9)
    assert parse_date(from_unix("1710406800"), IngestConfig()) == datetime(2024, 3, 14, 9)
