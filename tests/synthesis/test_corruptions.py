from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mealign.answers import normalise
from mealign.records import ABSTENTION, Candidate, Fact, Message, Task
from mealign.synthesis.corruptions import corrupt
from tests.tasks.conftest import make_fact

LINES = {
    "ghent": "Nadia Verhoeven|live in|Ghent|Nadia lives in Ghent.",
    "antwerp": "Nadia Verhoeven|live in|Antwerp|Nadia lives in Antwerp.",
    "porto": "Ana|live in|Porto|Ana lives in Porto.",
    "bike": "Nadia Verhoeven|buy|a red bike|Nadia bought a red bike on 9 April 2024.",
    "lamp": "Nadia Verhoeven|buy|a lamp|Nadia bought a lamp on 2 May 2024.",
    "van": "Tom|buy|an old van|Tom bought an old van.",
    "tea": "Tom|drink|it|Tom drinks it.",
}


@pytest.fixture(scope="module")
def facts() -> dict[str, Fact]:
    """The facts by id; Antwerp was before Ghent."""
    made = {name: make_fact(line, id=name) for name, line in LINES.items()}
    return made | {"antwerp": made["antwerp"].model_copy(update={"superseded_by": "ghent"})}


def task(question: str, reference: str, *fact_ids: str, shown: tuple[str, ...] = (), **changes: Any) -> Task:
    fields = {
        "id": f"task_{question}",
        "kind": "memory_qa_third_party",
        "family": "unanswerable" if reference == ABSTENTION else "recall",
        "question": question,
        "prompt": (Message(role="user", content=question),),
        "reference": reference,
        "fact_ids": fact_ids,
        "context_fact_ids": shown,
        "split": "train",
    }
    return Task.model_validate({**fields, **changes})


def wrong(made: Task, facts: Mapping[str, Fact]) -> dict[str, list[Candidate]]:
    """Return every corruption that can be built, by its kind."""
    found: dict[str, list[Candidate]] = {}
    for candidate in corrupt(made, facts=facts, n=20, seed=1):
        found.setdefault(candidate.origin, []).append(candidate)
    return found


def texts(candidates: list[Candidate]) -> set[str]:
    return {candidate.text for candidate in candidates}


def test_the_old_value_is_wrong_now(facts: dict[str, Fact]) -> None:
    built = wrong(task("Where does Nadia live now?", "Ghent", "ghent"), facts)
    (old,) = built["superseded"]
    assert (old.text, old.edit_fact_ids) == ("Antwerp", ("antwerp",))


def test_another_persons_value_is_wrong(facts: dict[str, Fact]) -> None:
    assert "Porto" in texts(wrong(task("Where does Nadia live?", "Ghent", "ghent"), facts)["other_person"])


def test_what_was_bought_another_day_is_wrong(facts: dict[str, Fact]) -> None:
    asked = task("What did Nadia buy on 9 April 2024?", "a red bike", "bike")
    assert "a lamp" in texts(wrong(asked, facts)["wrong_object"])


def test_what_may_be_true_as_well_is_no_negative(facts: dict[str, Fact]) -> None:
    built = wrong(task("What did Nadia buy?", "a red bike", "bike"), facts)
    assert "a lamp" not in {text for candidates in built.values() for text in texts(candidates)}


@pytest.mark.parametrize(("reference", "opposite"), [("Yes", "No"), ("No", "Yes")])
def test_a_verdict_is_turned_round(facts: dict[str, Fact], reference: str, opposite: str) -> None:
    built = wrong(task("Does Nadia still live in Ghent?", reference, "ghent"), facts)
    assert {origin: texts(candidates) for origin, candidates in built.items()} == {"wrong_object": {opposite}}


@pytest.mark.parametrize(
    ("reference", "year"),
    [("9 April 2024", "20"), ("April 2024", "202"), ("2022", "20"), ("the week of 9 April 2024", "")],
)
def test_a_date_stays_a_date(facts: dict[str, Fact], reference: str, year: str) -> None:
    built = wrong(task("When did Nadia buy a red bike?", reference, "bike"), facts)
    assert set(built) == {"wrong_date"}
    for text in texts(built["wrong_date"]):
        assert len(text.split()) == len(reference.split())
        assert text != reference
        assert year in text


def test_a_question_without_answer_gets_an_invented_one(facts: dict[str, Fact]) -> None:
    built = wrong(task("Where does Tom live?", ABSTENTION, "porto", shown=("porto", "ghent")), facts)
    assert set(built) == {"invention"}
    assert texts(built["invention"]) == {"Porto", "Ghent"}


def test_a_needless_abstention_is_wrong_only_where_the_memory_is_shown(facts: dict[str, Fact]) -> None:
    shown = task("Where does Nadia live?", "Ghent", "ghent", shown=("ghent",))
    blind = task("Where does Nadia live?", "Ghent", "ghent")
    assert texts(wrong(shown, facts)["abstention"]) == {ABSTENTION}
    assert "abstention" not in wrong(blind, facts)


def test_an_addition_comes_last(facts: dict[str, Fact]) -> None:
    asked = task("What did Nadia buy on 9 April 2024?", "a red bike", "bike")
    kinds = [candidate.origin for candidate in corrupt(asked, facts=facts, n=20, seed=1)]
    assert "invention" in kinds
    assert kinds == [kind for kind in kinds if kind != "invention"] + ["invention"] * kinds.count("invention")


@given(
    reference=st.sampled_from(["Ghent", "a red bike", "9 April 2024", "2022", "Yes", ABSTENTION, "a lamp", "GHENT."]),
    shown=st.booleans(),
    n=st.integers(0, 8),
    seed=st.integers(0, 50),
)
def test_none_equals_the_reference_or_another(
    facts: dict[str, Fact], reference: str, shown: bool, n: int, seed: int
) -> None:
    made = task("Where does Nadia live now?", reference, "ghent", shown=("ghent", "bike") if shown else ())
    built = corrupt(made, facts=facts, n=n, seed=seed)
    said = [tuple(normalise(candidate.text)) for candidate in built]
    assert len(built) <= n
    assert () not in said
    assert len({*said, tuple(normalise(reference))}) == len(said) + 1
    assert built == corrupt(made, facts=facts, n=n, seed=seed)
    for candidate in built:
        assert set(candidate.edit_fact_ids) <= set(facts)
