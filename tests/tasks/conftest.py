"""A small person: facts as the memory would write them, their clauses, and an index over words."""

import zlib
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mealign.memory.search import FactIndex
from mealign.records import Evidence, Fact, content_id
from mealign.tasks.clause_parser import load_parser, parse_clauses
from mealign.tasks.grammar import Clause, Unparsed
from tests.memory.builders import index_of

PERSON = "Nadia Verhoeven"

STATEMENTS = """
Nadia Verhoeven|move to|Ghent|Nadia moved to Ghent on 1 March 2024.
Nadia Verhoeven|paint|a lake sunrise|Nadia painted a lake sunrise in 2022.
Nadia Verhoeven|buy|a red bike|Nadia bought a red bike at the market on 9 April 2024.
Nadia Verhoeven|buy|two lamps|Nadia bought two lamps for the kitchen on 2 May 2024.
Nadia Verhoeven|love|fado|Nadia loves fado.
Nadia Verhoeven|not like|coriander|Nadia does not like coriander.
Nadia Verhoeven|have|three cats|Nadia has three cats.
Nadia Verhoeven|stop|drinking coffee|Nadia stopped drinking coffee because it kept Tom awake.
Nadia Verhoeven|swim with|Joris|Nadia swims with Joris every Sunday.
Nadia Verhoeven|work at|a bakery|Nadia works at a bakery in Ghent.
Nadia Verhoeven|visit|the town museum|Nadia visited the town museum on 7 July 2024 to draw the boats.
Nadia Verhoeven|want|to learn Portuguese|Nadia wants to learn Portuguese.
Nadia Verhoeven|play|the cello|Nadia has played the cello since January 2020.
Nadia Verhoeven|bake|a plum cake|Nadia baked a plum cake on 3 August 2024.
Nadia Verhoeven|run|ten kilometres|Nadia ran ten kilometres along the canal on 6 October 2024.
Ana|be|Nadia's sister|Ana is Nadia's sister.
Ana|work at|a hospital|Ana works at a hospital in Porto.
Ana|adopt|a grey parrot|Ana adopted a grey parrot on 11 June 2024.
Ana|paint|the fence|Ana painted the fence on 20 August 2024.
Tom|give|a fern|Tom gave Nadia a fern on 3 May 2024.
Tom|sell|the old van|Tom sold the old van to a farmer on 8 September 2024.
Tom|hate|mushrooms|Tom hates mushrooms.
Tom|climb|the tower|Tom climbed the tower in Bruges on 12 October 2024.
Joris|build|violins|Joris builds violins.
Joris|win|a medal|Joris won a medal in Lisbon on 21 May 2024.
Joris|move to|Lille|Joris moved to Lille on 5 November 2024.
"""


def make_fact(line: str, **changes: Any) -> Fact:
    """Build a fact from ``subject|relation|object|statement``."""
    subject, relation, value, statement = line.split("|")
    identifier = content_id("fact", statement)
    fields = {
        "id": identifier,
        "subject": subject,
        "relation": relation,
        "object": value,
        "statement": statement,
        "valid_from": date(2024, 1, 15),
        "evidence": Evidence(document_id=content_id("doc", statement), start=0, end=len(statement)),
        "entities": (subject,),
        "confidence": 0.9,
    }
    return Fact.model_validate({**fields, **changes})


def word_vectors(texts: Sequence[str]) -> NDArray[np.float32]:
    """Embed texts as bags of words: float32 of shape [n, 256], rows of length 1."""
    rows = np.zeros((len(texts), 256), dtype=np.float32)
    for row, text in zip(rows, texts, strict=True):
        for word in text.lower().replace("?", "").replace(".", "").split():
            row[zlib.crc32(word.encode()) % 256] += 1
        row /= max(float(np.linalg.norm(row)), 1e-6)
    return rows


@pytest.fixture(scope="session")
def facts() -> list[Fact]:
    return [make_fact(line) for line in STATEMENTS.strip().splitlines()]


@pytest.fixture(scope="session")
def index(facts: list[Fact]) -> FactIndex:
    return index_of(facts, word_vectors)


@pytest.fixture(scope="session")
def nlp(parser_path: Path) -> Any:
    return load_parser(parser_path)


@pytest.fixture(scope="session")
def clauses(facts: list[Fact], nlp: Any) -> dict[str, Clause]:
    read = parse_clauses(facts, person=PERSON, nlp=nlp)
    return {clause.fact.id: clause for clause in read if isinstance(clause, Clause)}


Read = Callable[..., Clause | Unparsed]
"""Takes a statement, and fields of its fact by name."""


@pytest.fixture
def read(nlp: Any) -> Read:
    """Read one more statement; its subject is the first name in it."""

    def one(statement: str, **changes: Any) -> Clause | Unparsed:
        subject = PERSON if statement.startswith("Nadia") else statement.split()[0].removesuffix("'s")
        known = [make_fact(f"{name}|be|Nadia's friend|{name} is Nadia's friend.") for name in ("Tom", "Ana", "Joris")]
        fact = make_fact(f"{subject}|relate||{statement}", **changes)
        return parse_clauses([*known, fact], person=PERSON, nlp=nlp)[-1]

    return one
