"""Whether the memory speaks of another person than a question asks about."""

from collections.abc import Sequence
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from mealign.memory.passages import Passage
from mealign.memory.search import FactIndex, embed
from mealign.memory.subject_mismatch import SubjectMismatch, recall
from mealign.records import Fact
from tests.memory.builders import index_of
from tests.memory.handmade import PERSON, fact


def by_words_alone(texts: Sequence[str]) -> NDArray[np.float32]:
    """Say nothing of the meaning, so that facts are found by their words."""
    return np.ones((len(texts), 4), dtype=np.float32) / 2


def says(number: int, statement: str, *, subject: str = "", day: int = 1) -> Fact:
    who = subject or statement.split()[0]
    return fact(f"f{number}", statement, who, relation="tell", day=date(2024, 1, day))


def memory(*told: Fact) -> FactIndex:
    """Index facts next to some of which no question here is about."""
    others = [
        says(100 + number, statement)
        for number, statement in enumerate(
            f"{name} {verb} {thing}."
            for name in ("Nadia", "Ana", "Joris", "Jean-Luc")
            for verb, thing in (("sang", "a song"), ("read", "the paper"), ("met", "a friend"))
        )
    ]
    return index_of([*told, *others], by_words_alone)


def instead(question: str, index: FactIndex, **limits: object) -> SubjectMismatch | None:
    (found,) = recall([question], index, person=PERSON, k=5, **limits)
    return found.instead


@pytest.mark.parametrize(
    ("question", "statement", "subject", "said"),
    [
        ("Where did Ana buy the kayak?", "Joris bought the kayak in Porto.", "", ("Ana", "Joris")),
        ("Where did I buy the kayak?", "Joris bought the kayak in Porto.", "", ("Nadia", "Joris")),
        ("When did Nadia's kayak break?", "Ana and others had the kayak break.", "Ana and others", ("Nadia", "Ana")),
        ("When did Jean-Luc's kayak break?", "Ana had the kayak break.", "", ("Jean-Luc", "Ana")),
        # The fact is about whom the question asks about, or names them.
        ("When did Jean-Luc's kayak break?", "Ana broke Jean-Luc's kayak.", "", None),
        ("Where did Ana buy the kayak?", "Ana bought the kayak in Porto.", "", None),
        ("Where did Ana and Joris buy the kayak?", "Joris bought the kayak in Porto.", "", None),
        ("Which kayak did Ana get?", "Joris gave Ana the kayak.", "", None),
        # Nobody whom the memory knows is asked about, or the fact is about nobody with a name.
        ("Who bought the kayak?", "Joris bought the kayak in Porto.", "", None),
        ("Where did Zoe buy the kayak?", "Joris bought the kayak in Porto.", "", None),
        ("Where did Ana buy the kayak?", "It is about the kayak in Porto.", "It", None),
        ("Where did Ana buy the kayak?", "The kayak is from Porto.", "the kayak", None),
    ],
)
def test_the_better_fitting_facts_decide(
    question: str, statement: str, subject: str, said: tuple[str, str] | None
) -> None:
    assert instead(question, memory(says(1, statement, subject=subject))) == said


def test_both_having_done_it_is_no_case_of_another() -> None:
    index = memory(says(1, "Joris bought the kayak in Porto."), says(2, "Ana bought the kayak in Ghent."))
    assert instead("Where did Ana buy the kayak?", index) is None
    assert instead("Where did I buy the kayak?", index) is not None


def test_one_fact_is_enough_for_whom_little_is_told_of() -> None:
    hers = says(1, "Ana bought the colt in October.")
    his = [
        says(number, f"Joris bought {thing} in October.") for number, thing in enumerate(("hay", "oats", "a cart"), 2)
    ]
    assert instead("What is the name of the colt that Ana bought in October?", memory(hers, *his)) is None


def test_a_fact_that_may_not_be_found_does_not_count() -> None:
    index = memory(says(1, "Ana bought the kayak in Porto.", day=20), says(2, "Joris bought the kayak in Ghent."))
    question = "Where did Ana buy the kayak?"
    assert instead(question, index) is None
    assert instead(question, index, exclude=["f1"]) == ("Ana", "Joris")
    assert instead(question, index, as_of=date(2024, 1, 10)) == ("Ana", "Joris")
    assert instead(question, index, exclude=["f1", "f2"]) is None


def test_whoever_speaks_is_known_and_an_empty_memory_knows_of_nobody() -> None:
    facts = [says(1, "Joris bought the kayak.")]
    passages = [Passage(text="Joris bought the kayak.", written=date(2024, 2, 1), speaker="Mo")]
    index = FactIndex(facts, passages, embed(facts, passages, by_words_alone), by_words_alone)
    assert instead("Where did Mo buy the kayak?", index) is None  # who is named once and does not speak is nobody known
    facts = [says(1, "Joris bought the kayak."), says(2, "Joris likes his kayak."), says(3, "Mo sang.")]
    passages = [Passage(text=fact.statement, written=date(2024, 2, 1), speaker="Joris") for fact in facts]
    passages[2] = Passage(text="Mo sang.", written=date(2024, 2, 1), speaker="Mo")
    index = FactIndex(facts, passages, embed(facts, passages, by_words_alone), by_words_alone)
    assert instead("Where did Mo buy the kayak?", index) == ("Mo", "Joris")
    empty = FactIndex([], [], np.zeros((0, 2, 4), dtype=np.float32), by_words_alone)
    assert recall(["Where do I live?", "Why?"], empty, person=PERSON, k=5) == [([], None)] * 2


@given(
    doer=st.sampled_from(["Nadia", "Ana", "Joris"]),
    asked=st.sampled_from(["Nadia", "Ana", "Joris"]),
    deed=st.sampled_from(["bought the kayak", "painted the fence", "broke the cup"]),
)
def test_only_who_did_it_matters_and_not_what_they_are_called(doer: str, asked: str, deed: str) -> None:
    found = instead(f"Did {asked} say why {asked} {deed}?", memory(says(1, f"{doer} {deed} in Porto.")))
    assert found == (None if asked == doer else (asked, doer))
