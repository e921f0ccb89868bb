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
    return [fact.statement for fact in facts if fact.evidence.document_id == documents[1].id and not fact.quote]


@pytest.mark.parametrize(
    ("text", "statement"),
    [
        ("I met Ilse at the station. She bought a red coat.", "Ilse bought a red coat."),
        ("I saw Koen and Ilse. She bought a red coat.", "Ilse bought a red coat."),
        ("I met Ilse. Koen sold the red coat. She bought a blue coat.", "Ilse bought a blue coat."),
        ("Ilse washed her old car.", "Ilse washed Ilse's old car."),
        ("Ilse said that the teacher gave her a book.", "Ilse said that the teacher gave Ilse a book."),
        ("Mum made soup. She sold the red pot.", "Mum sold the red pot."),
        ("I met Koen. My sister came home. She bought a coat.", "Nadia's sister bought a coat."),
        ("The dog bit Ilse. My boss is strict. He lives in Hull.", "Nadia's boss lives in Hull."),
    ],
)
def test_a_pronoun_means_the_one_person_it_fits(text: str, statement: str, parser_path: Path) -> None:
    assert any(statement in found for found in statements(text, parser_path))


@pytest.mark.parametrize(
    "text",
    [
        "Koen sold the red coat. She bought a blue coat in Utrecht.",
        "I met Koen at the station. A man came in. He bought a blue coat in Utrecht.",
        "Koen came home. His sister is tired, and she bought a blue coat.",
        # Koen cannot be whom Koen saw.
        "Koen saw him at the station in a blue coat.",
        "I went to Ghent. She typed a long letter on blue paper.",
        "The dog bit Koen. The doctor was late. He wore a blue coat.",
    ],
)
def test_who_may_be_somebody_without_a_name_is_nobody(text: str, parser_path: Path) -> None:
    assert not any("blue" in found for found in statements(text, parser_path))


def test_a_reflexive_stays(parser_path: Path) -> None:
    assert statements("Koen built the boat himself.", parser_path) == ["Koen built the boat himself."]
