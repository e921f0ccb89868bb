"""Dates in the names of files and folders, as note programs and people write them."""

from datetime import date

import pytest

from mealign.ingest.dates import Period
from mealign.ingest.named_dates import NamedDate, date_in_name, day_first_in


@pytest.mark.parametrize(
    "name",
    [
        "2024-03-29.md", "journals/2024_03_29.md", "20240329.md", "2024.03.29.txt", "2024-3-29.md", "29-03-2024.md",
        "29.3.2024.txt", "March 29th, 2024.md", "29 March 2024.md", "29. März 2024.md", "29 mars 2024.docx",
        "Meeting 2024-03-29.md", "Day_01_2024-03-29.txt", "202403291430 idea.md", "IMG20240329.pdf", "2024年3月29日.md",
        "2024/03/29.md", "2024/03/29.txt", "2024/March/29.md", "2024/03-March/29 Friday.md", "2024-03/29.md",
        "2024/03-29.md", "2024/29 March.md", "2024/03/29/index.md", "2024-03-29/page one.md", "2024-W13-5.md",
        "03-29-2024.md", "2024-03-29T10_30.md", "2024-03-29 to 2024-04-02 trip.md", "Freitag, 29. März 2024.txt",
    ],
)  # fmt: skip
def test_a_day_in_a_name(name: str) -> None:
    assert date_in_name(name, None) == NamedDate(day="2024-03-29")


@pytest.mark.parametrize(
    ("name", "start", "unit"),
    [
        ("2024-W13.md", date(2024, 3, 25), "week"),
        ("KW 13 2024.md", date(2024, 3, 25), "week"),
        ("2024-05.md", date(2024, 5, 1), "month"),
        ("Diary May 2024.md", date(2024, 5, 1), "month"),
        ("2024/05/Bart.md", date(2024, 5, 1), "month"),
        ("2024-Q2.md", date(2024, 4, 1), "quarter"),
        ("2024.md", date(2024, 1, 1), "year"),
        ("2024 log.md", date(2024, 1, 1), "year"),
    ],
)
def test_a_longer_time_in_a_name(name: str, start: date, unit: str) -> None:
    assert date_in_name(name, None) == NamedDate(period=Period(start, unit))


@pytest.mark.parametrize(
    "name",
    [
        "People/Bart.md",
        "Apollo 11.md",
        "v1.2.3.md",
        "Notes on 1984.md",
        "12345678901.md",
        "24.12.md",
        "x 2024-13-45.md",
    ],
)
def test_other_numbers_are_no_dates(name: str) -> None:
    assert date_in_name(name, None).day is None


def test_numbers_that_could_be_two_days() -> None:
    assert date_in_name("03-04-2024.md", None) == NamedDate(ambiguous=True)
    assert date_in_name("03-04-2024.md", True).day == "2024-04-03"
    assert date_in_name("03-04-2024.md", False).day == "2024-03-04"
    assert day_first_in(["03-04-2024.md", "25-04-2024.md"]) is True
    assert day_first_in(["03-04-2024.md", "04-25-2024.md"]) is False
    assert day_first_in(["25-04-2024.md", "04-25-2024.md"]) is None
