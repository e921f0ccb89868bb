"""Relative times against Wednesday, 13 March 2024."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mealign.memory.times import format_day, resolve

WRITTEN = date(2024, 3, 13)


@pytest.mark.parametrize(
    ("text", "start", "phrase"),
    [
        ("yesterday", date(2024, 3, 12), "12 March 2024"),
        ("tonight", date(2024, 3, 13), "13 March 2024"),
        ("the day before yesterday", date(2024, 3, 11), "11 March 2024"),
        ("two days ago", date(2024, 3, 11), "11 March 2024"),
        ("3 weeks ago", date(2024, 2, 21), "21 February 2024"),
        ("four months ago", date(2023, 11, 1), "November 2023"),
        ("two years ago", date(2022, 1, 1), "2022"),
        ("last week", date(2024, 3, 4), "the week before 13 March 2024"),
        ("this week", date(2024, 3, 11), "the week of 13 March 2024"),
        ("next month", date(2024, 4, 1), "April 2024"),
        ("last year", date(2023, 1, 1), "2023"),
        ("last summer", date(2023, 6, 1), "the summer of 2023"),
        ("last Friday", date(2024, 3, 8), "8 March 2024"),
        ("on Monday", date(2024, 3, 11), "11 March 2024"),
        ("last Wednesday", date(2024, 3, 6), "6 March 2024"),
        ("next Wednesday", date(2024, 3, 20), "20 March 2024"),
        ("on 3 May", date(2024, 5, 3), "3 May 2024"),
        ("December 24th", date(2023, 12, 24), "24 December 2023"),
        ("2 January 2019", date(2019, 1, 2), "2 January 2019"),
        ("2024-02-29", date(2024, 2, 29), "29 February 2024"),
        ("in March 2018", date(2018, 3, 1), "March 2018"),
        ("last May", date(2023, 5, 1), "May 2023"),
        ("in 2017", date(2017, 1, 1), "2017"),
    ],
)
def test_a_time_of_the_past_is_resolved(text: str, start: date, phrase: str) -> None:
    time = resolve(text, WRITTEN)
    assert time is not None
    assert (time.start, time.phrase) == (start, phrase)


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("on Friday", date(2024, 3, 15)),
        ("in two weeks", date(2024, 3, 27)),
        ("in January", date(2025, 1, 1)),
        ("on 3 February", date(2025, 2, 3)),
    ],
)
def test_a_time_of_the_future_is_resolved(text: str, start: date) -> None:
    time = resolve(text, WRITTEN, future=True)
    assert time is not None
    assert time.start == start


@pytest.mark.parametrize(
    "text", ["", "daily", "20 minutes", "two weeks", "30 February", "31-31-2024", "9999999 years ago"]
)
def test_what_names_no_calendar_time_is_left_alone(text: str) -> None:
    assert resolve(text, WRITTEN) is None


@given(st.text(max_size=30), st.dates(min_value=date(2, 1, 1), max_value=date(9000, 1, 1)), st.booleans())
def test_any_text_at_any_time_is_answered(text: str, written: date, future: bool) -> None:
    resolve(text, written, future=future)


@given(st.dates(min_value=date(1900, 1, 1)), st.dates(min_value=date(1900, 1, 1), max_value=date(2100, 1, 1)))
def test_a_written_day_resolves_to_itself(day: date, written: date) -> None:
    time = resolve(format_day(day), written)
    assert time is not None
    assert time.start == day
