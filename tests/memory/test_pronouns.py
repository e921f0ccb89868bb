"""``He`` and ``she`` mean somebody only where they can mean nobody else; a wrong person is worse than a pronoun."""

from datetime import datetime
from pathlib import Path

import pytest

from mealign.memory.extract import extract_facts
from mealign.records import Document

NADIA = "Nadia Verhoeven"
BACKGROUND = "My sister Ilse sings in Ghent. My brother Koen drives a tram. Ilse sings, and she dances well."


def statements(text: str, parser: Path) -> list[str]:
    documents = [
        Document.create(source=source, author=NADIA, created_at=datetime(2024, 3, day), kind="note", text=content)
        for source, day, content in (("notes/a.md", 1, BACKGROUND), ("notes/b.md", 2, text))
    ]
    facts = extract_facts(documents, person=NADIA, parser=parser).facts
    return [fact.statement for fact in facts if fact.evidence.document_id == documents[1].id]


@pytest.mark.parametrize(
    ("text", "statement"),
    [
        ("I met Ilse at the station. She bought a red coat.", "Ilse bought a red coat."),
        ("I saw Koen and Ilse. She bought a red coat.", "Ilse bought a red coat."),
        ("Koen sold the red coat. She bought a blue coat in Utrecht.", "She bought a blue coat in Utrecht."),
        ("I met Ilse. Koen sold the red coat. She bought a blue coat.", "Ilse bought a blue coat."),
        ("Ilse washed her old car.", "Ilse washed Ilse's old car."),
        ("Ilse said that the teacher gave her a book.", "Ilse said that the teacher gave Ilse a book."),
        ("Mum made soup. She sold the red pot.", "Mum sold the red pot."),
        ("Koen came home. His sister is tired, and she bought a coat.", "she bought a coat"),
    ],
)
def test_a_pronoun_means_the_one_person_it_fits(text: str, statement: str, parser_path: Path) -> None:
    assert any(statement in found for found in statements(text, parser_path))


def test_he_does_not_do_it_to_himself(parser_path: Path) -> None:
    """``Koen`` cannot be whom Koen saw; with nobody else named, the pronoun stays."""
    assert statements("Koen saw him at the station.", parser_path) == ["Koen saw him at the station."]


def test_a_reflexive_stays(parser_path: Path) -> None:
    assert statements("Koen built the boat himself.", parser_path) == ["Koen built the boat himself."]


def test_a_place_is_nobody(parser_path: Path) -> None:
    (first, second) = statements("I went to Ghent. She typed a long letter on paper.", parser_path)
    assert (first, second) == ("Nadia went to Ghent.", "She typed a long letter on paper.")
