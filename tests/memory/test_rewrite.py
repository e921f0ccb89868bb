"""What a statement says must be what the note said: times against the day of writing, quotations, contractions."""

from datetime import date, datetime
from pathlib import Path

import pytest

from mealign.memory.extract import extract_facts
from mealign.records import Document, Fact

NADIA = "Nadia Verhoeven"


def told(text: str, day: str, parser: Path) -> list[Fact]:
    document = Document.create(
        source="notes/a.md", author=NADIA, created_at=datetime.fromisoformat(day), kind="note", text=text
    )
    return [fact for fact in extract_facts([document], person=NADIA, parser=parser).facts if not fact.quote]


@pytest.mark.parametrize(
    ("day", "text", "statement"),
    [
        ("2024-07-02", "The floor is wet and so I start on 12 August.", "Nadia starts on 12 August 2024."),
        ("2024-05-09", "The baby is due on 24 November.", "The baby is due on 24 November 2024."),
        ("2024-11-13", "Grietje has moved the opening to 13 December.",
         "Grietje has moved the opening to 13 December 2024."),
        ("2024-11-20", "Bart's cousin had a daughter at the end of October.",
         "Bart's cousin had a daughter at the end of October 2024."),
        ("2024-08-25", "We went to Otranto in September.", "Nadia and others went to Otranto in September 2023."),
        ("2024-01-30", "We broke up in June last year.", "Nadia and others broke up in June 2023."),
        ("2024-08-25", "Daniel invited me to a concert next month.",
         "Daniel invited Nadia to a concert in September 2024."),
        ("2024-04-12", "I met Femke a few days ago.", "Nadia met Femke a few days before 12 April 2024."),
        ("2024-07-09", "Last Fri I took Bart to a pottery workshop.",
         "On 5 July 2024 Nadia took Bart to a pottery workshop."),
        ("2024-04-13", "Yesterday Bart and I ran for the first time.",
         "On 12 April 2024 Bart and Nadia ran for the first time."),
        ("2024-06-16", "Tomorrow's opening will be fun.", "17 June 2024's opening will be fun."),
    ],
)  # fmt: skip
def test_the_year_is_the_one_that_was_meant(day: str, text: str, statement: str, parser_path: Path) -> None:
    assert [fact.statement for fact in told(text, day, parser_path)][-1] == statement


@pytest.mark.parametrize(
    ("text", "statement"),
    [
        ("I drink four cups of coffee a day.", "Nadia drinks four cups of coffee a day."),
        ("My rent is 965 euros a month.", "Nadia's rent is 965 euros a month."),
        ("Bart and I boulder at Blok every Monday.", "Bart and Nadia boulder at Blok every Monday."),
        ("Bart teaches swimming on Sunday nights.", "Bart teaches swimming on Sunday nights."),
        ("The class moves from Tuesday to Wednesday.", "The class moves from Tuesday to Wednesday."),
        ("Lotte moved tea to the last Sunday of the month.", "Lotte moved tea to the last Sunday of the month."),
        ("Ilse is twenty-one weeks pregnant.", "Ilse is twenty-one weeks pregnant."),
        ("I have never asked Lotte, in nine years.", "Nadia has never asked Lotte, in nine years."),
    ],
)
def test_a_habit_or_a_length_of_time_is_no_date(text: str, statement: str, parser_path: Path) -> None:
    (fact,) = told(text, "2024-02-06", parser_path)
    assert fact.statement == statement
    assert fact.valid_from == date(2024, 2, 6)


@pytest.mark.parametrize(
    ("text", "statement"),
    [
        ("Work's been tough since Bart lost the boat.", "Work has been tough since Bart lost the boat."),
        ("We've put our hearts into the boat.", "Nadia and others have put their hearts into the boat."),
        ("I've sold the boat.", "Nadia has sold the boat."),
        ('I have said "perhaps" to Bart.', 'Nadia has said "perhaps" to Bart.'),
        ('Bart calls me "Nadja from downstairs".', 'Bart calls Nadia "Nadja from downstairs".'),
        ('Dad gave me a card with one word: "Again."', 'Dad gave Nadia a card with one word: "Again."'),
        ("I bought three books (all with spaceships).", "Nadia bought three books (all with spaceships)."),
        ("I bought a well-known map for €5.", "Nadia bought a well-known map for €5."),
    ],
)
def test_a_statement_is_written_as_its_source_was(text: str, statement: str, parser_path: Path) -> None:
    (fact,) = told(text, "2024-03-02", parser_path)
    assert fact.statement == statement


@pytest.mark.parametrize(
    ("text", "valid_from"),
    [
        ("I moved to Ghent two years ago.", date(2022, 1, 1)),
        ("I will move to Ghent next year.", date(2024, 3, 2)),
        ("Dad has gone back to the model ship, begun in 2011.", date(2024, 3, 2)),
        ("I sold the car and bought a bike yesterday.", date(2024, 3, 1)),
    ],
)
def test_a_fact_begins_with_its_own_event_and_a_plan_when_it_is_told(
    text: str, valid_from: date, parser_path: Path
) -> None:
    assert [fact.valid_from for fact in told(text, "2024-03-02", parser_path)] == [valid_from]


@pytest.mark.parametrize("text", ["There was mist on the water, a heron, my own breath.", "Last week was wild."])
def test_nobody_is_put_where_the_subject_is_missing(text: str, parser_path: Path) -> None:
    assert all(not fact.statement.startswith("Nadia") for fact in told(text, "2024-03-02", parser_path))
