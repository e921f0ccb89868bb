from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mealign.records import Fact
from mealign.tasks.split import LARGEST_GROUP, near_identical, side_of, split_facts
from tests.tasks.conftest import make_fact

WORDS = "anchor bridge candle dragon engine feather garden hammer island jacket kettle ladder mirror needle orchid"
NOUNS = WORDS.split()


@dataclass(frozen=True)
class Tie:
    fact_ids: tuple[str, ...]


def some_facts(count: int) -> list[Fact]:
    return [make_fact(f"Tom|{NOUNS[n]}|x|{NOUNS[n]} {NOUNS[-n]} {n}.", id=f"fact_{n:02}") for n in range(count)]


@given(
    ties=st.lists(st.lists(st.integers(0, 14), min_size=1, max_size=4, unique=True), max_size=25),
    replaced=st.lists(st.tuples(st.integers(0, 14), st.integers(0, 14)), max_size=4),
    share=st.floats(0.0, 0.9),
    seed=st.integers(0, 1000),
)
def test_every_tie_lies_on_one_side(
    ties: list[list[int]], replaced: list[tuple[int, int]], share: float, seed: int
) -> None:
    facts = some_facts(15)
    for old, new in replaced:
        facts[old] = facts[old].model_copy(update={"superseded_by": facts[new].id})
    drafts = [Tie(tuple(facts[position].id for position in tie)) for tie in ties]
    splitting, kept = split_facts(facts, drafts, share=share, seed=seed)
    for draft in kept:
        assert len({splitting.sides[fact_id] for fact_id in draft.fact_ids}) == 1
    for fact in facts:
        if fact.superseded_by:
            assert splitting.sides[fact.id] == splitting.sides[fact.superseded_by]
    assert splitting.dropped == len(drafts) - len(kept)
    assert splitting.held_out == {fact.id for fact in facts if splitting.sides[fact.id] == "eval"}


def test_a_task_that_would_tie_too_many_facts_is_dropped() -> None:
    facts = some_facts(12)
    chain = [Tie((facts[n].id, facts[n + 1].id)) for n in range(11)]
    splitting, kept = split_facts(facts, chain, share=0.5, seed=1)
    assert len(kept) < len(chain)
    assert splitting.dropped == len(chain) - len(kept)
    assert len(kept) >= LARGEST_GROUP - 1


@given(st.permutations([(3, 1), (3, 4), (4, 6)]), st.integers(0, 1000))
def test_a_group_is_drawn_by_its_smallest_id(ties: list[tuple[int, int]], seed: int) -> None:
    facts = some_facts(8)
    drafts = [Tie(tuple(facts[position].id for position in tie)) for tie in ties]
    splitting, _ = split_facts(facts, drafts, share=0.5, seed=seed)
    smallest = side_of(facts[1].id, share=0.5, seed=seed)
    assert {splitting.sides[facts[position].id] for position in (1, 3, 4, 6)} == {smallest}


def test_statements_that_differ_in_a_date_are_the_same() -> None:
    one = make_fact("Tom|go to|the fair|Tom went to the village fair on 1 March 2024.")
    two = make_fact("Tom|go to|the fair|Tom went to the village fair on 8 March 2024.")
    other = make_fact("Tom|sell|a van|Tom sold a van to the farmer.")
    assert near_identical([one, two, other]) == [(one.id, two.id)]


@pytest.mark.parametrize(("share", "held_out"), [(0.0, 0), (0.2, 200)])
def test_the_share_is_that_of_the_groups(share: float, held_out: int) -> None:
    drawn = [side_of(f"fact_{n}", share=share, seed=17) for n in range(1000)]
    assert drawn.count("eval") == pytest.approx(held_out, abs=40)
