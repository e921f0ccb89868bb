from datetime import date

import pytest

from mealign.tasks.dates import TimePhrase, day_of, take_time_phrase, written


@pytest.mark.parametrize(
    ("statement", "rest", "when"),
    [
        ("Nadia moved on 1 March 2024.", "Nadia moved.", TimePhrase("on", "1 March 2024")),
        ("On 1 March 2024, Nadia moved.", "Nadia moved.", TimePhrase("on", "1 March 2024")),
        ("Nadia painted it in 2022.", "Nadia painted it.", TimePhrase("in", "2022")),
        ("Nadia left in June 2023 with Tom.", "Nadia left with Tom.", TimePhrase("in", "June 2023")),
        ("Nadia ran the week before 9 June 2023.", "Nadia ran.", TimePhrase("", "the week before 9 June 2023")),
        ("Nadia swam in the summer of 2021.", "Nadia swam.", TimePhrase("in", "the summer of 2021")),
        ("Nadia has sung since March 2018.", "Nadia has sung.", TimePhrase("since", "March 2018")),
        ("Nadia saw the 2022 concert.", "Nadia saw the 2022 concert.", None),
        ("Nadia found the list of 1 January 2024.", "Nadia found the list of 1 January 2024.", None),
        ("Nadia bakes.", "Nadia bakes.", None),
    ],
)
def test_the_time_is_taken_out(statement: str, rest: str, when: TimePhrase | None) -> None:
    assert take_time_phrase(statement) == (rest, when)


@pytest.mark.parametrize(
    ("when", "is_event"),
    [
        (TimePhrase("on", "1 March 2024"), True),
        (TimePhrase("", "the week before 9 June 2023"), True),
        (TimePhrase("as of", "1 March 2024"), False),
        (TimePhrase("until", "March 2024"), False),
    ],
)
def test_only_some_phrases_say_when_something_happened(when: TimePhrase, is_event: bool) -> None:
    assert when.is_event is is_event


@pytest.mark.parametrize(
    ("text", "day"),
    [("on 1 March 2024", date(2024, 3, 1)), ("March 2024", None), ("31 February 2024", None), ("", None)],
)
def test_a_day_is_read(text: str, day: date | None) -> None:
    assert day_of(text) == day


def test_a_day_is_written_as_answers_write_it() -> None:
    assert written(date(2024, 3, 1)) == "1 March 2024"
