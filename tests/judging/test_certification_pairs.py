import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mealign.answers import normalise
from mealign.judging.certification_pairs import (
    NO_REFERENCE,
    CertificationPair,
    certification_pairs,
    labelled_pairs,
    split_certification_pairs,
)
from mealign.records import ABSTENTION, Fact, Label, Task
from tests.judging.builders import MEMORY, fact, task


def person(size: int) -> tuple[list[Task], list[Fact]]:
    """Somebody who drinks something else every month: tasks with and without memory, and dates."""
    facts = [
        fact(f"d{number}", f"Nadia drank drink{number} on {number + 1} March 2024.", f"drink{number}")
        for number in range(size)
    ]
    tasks = [
        task(f"What did Nadia drink on day {number}?", f"drink{number}", facts=[f"d{number}"], shown=shown, key=key)
        for number in range(size)
        for key, shown in ((f"bare_{number}", []), (f"shown_{number}", [f"d{number}"]))
    ]
    tasks += [
        task(
            f"When did Nadia drink drink{number}?",
            f"{number + 1} March 2024",
            facts=[f"d{number}"],
            key=f"when_{number}",
        )
        for number in range(size)
    ]
    tasks += [
        task(f"What did Bart drink on day {number}?", facts=[f"d{number}"], key=f"bart_{number}")
        for number in range(size)
    ]
    return tasks, facts


def test_every_kind_has_its_share_and_no_pair_comes_twice() -> None:
    tasks, facts = person(8)
    pairs = certification_pairs(tasks, facts, [], per_kind=3, seed=1)
    counts = Counter(pair.kind for pair in pairs)
    assert counts == {"wrong_object": 3, "wrong_date": 3, "invention": 3, "abstention": 3}
    assert len({(pair.task.question, pair.right, pair.wrong) for pair in pairs}) == len(pairs)
    for pair in pairs:
        assert pair.right == pair.task.reference
        assert normalise(pair.right) != normalise(pair.wrong)
    assert all(pair.wrong == ABSTENTION and pair.task.context_fact_ids for pair in pairs if pair.kind == "abstention")
    assert all(pair.right == ABSTENTION for pair in pairs if pair.kind == "invention" and "Bart" in pair.task.question)


def test_what_is_asked_depends_on_the_seed_and_on_no_order() -> None:
    tasks, facts = person(8)
    pairs = certification_pairs(tasks, facts, [], per_kind=2, seed=1)
    assert pairs == certification_pairs(tasks[::-1], facts[::-1], [], per_kind=2, seed=1)
    assert pairs != certification_pairs(tasks, facts, [], per_kind=2, seed=2)


def test_none_asked_for_leaves_the_labels() -> None:
    tasks, facts = person(2)
    label = Label(question="Where do I live?", better="Ghent", worse="Utrecht")
    (pair,) = certification_pairs(tasks, facts, [label], per_kind=0, seed=1)
    assert (pair.kind, pair.right, pair.wrong) == ("user", "Ghent", "Utrecht")


def test_a_labelled_question_is_that_of_its_task() -> None:
    bare = task("Where did Nadia move to?", "Ghent", key="bare")
    shown = task("Where did Nadia move to?", "Ghent", shown=["ghent"], key="shown")
    (pair,) = labelled_pairs(
        [Label(question="where did nadia move to", better="To Ghent", worse="Rome")], [bare, shown]
    )
    assert (pair.task, pair.right, pair.wrong) == (shown, "To Ghent", "Rome")


def test_a_label_of_its_own_hands_the_judge_no_answer() -> None:
    (pair,) = labelled_pairs([Label(question="Who is Bart?", better="My brother", worse="My dog")], [])
    assert (pair.task.reference, pair.task.fact_ids) == (NO_REFERENCE, ())
    assert "brother" not in pair.task.model_dump_json()


@settings(max_examples=40)
@given(
    kinds=st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["wrong_object", "wrong_date", "user"])), max_size=30),
    seed=st.integers(0, 9),
)
def test_the_halves_share_no_question_and_lose_no_pair(kinds: list[tuple[int, str]], seed: int) -> None:
    pairs = [
        CertificationPair(task(f"Question {number}?", "Ghent"), "Ghent", f"w{i}", kind)
        for i, (number, kind) in enumerate(kinds)
    ]
    first, second = split_certification_pairs(pairs, seed=seed)
    assert Counter(pair.wrong for pair in (*first, *second)) == Counter(pair.wrong for pair in pairs)
    assert not {pair.task.question for pair in first} & {pair.task.question for pair in second}


@pytest.mark.parametrize("seed", range(4))
def test_every_kind_is_halved(seed: int) -> None:
    pairs = [
        CertificationPair(task(f"{kind} {number}?", "Ghent"), "Ghent", f"w{number}", kind)
        for kind in ("wrong_object", "wrong_date")
        for number in range(10)
    ]
    halves = split_certification_pairs(random.Random(seed).sample(pairs, len(pairs)), seed=seed)
    assert [Counter(pair.kind for pair in half) for half in halves] == [{"wrong_object": 5, "wrong_date": 5}] * 2


def test_the_memory_of_the_builders_gives_superseded_and_other_people() -> None:
    asked = task("Where did Nadia move to?", "Ghent", shown=["ghent"])
    kinds = {pair.kind: pair.wrong for pair in certification_pairs([asked], MEMORY, [], per_kind=1, seed=1)}
    assert kinds["superseded"] == "Utrecht"
    assert kinds["abstention"] == ABSTENTION


def test_what_a_question_about_the_past_asks_for_is_no_superseded_answer() -> None:
    asked = task(
        "Where did Nadia live before Ghent?", "Utrecht", facts=["utrecht", "ghent"], shown=["utrecht", "ghent"]
    )
    pairs = certification_pairs([asked], MEMORY, [], per_kind=5, seed=1)
    assert pairs
    assert all(normalise(pair.wrong) != normalise("Utrecht") and pair.kind != "superseded" for pair in pairs)
