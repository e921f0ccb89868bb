"""What is drawn is spread over the families, and what is interleaved over the steps."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mealign.errors import MealignError
from mealign.training.mixing import draw, interleave
from tests.training.conftest import make_pair


def test_a_draw_keeps_the_shares_of_the_families() -> None:
    # make_pair gives pair n the family n % 6, so 0 and 6, 12, ... are recall and 1 is temporal.
    recall, temporal = [make_pair(6 * n) for n in range(8)], [make_pair(6 * n + 1) for n in range(4)]
    drawn = draw([*recall, *temporal], count=6, seed=0)
    assert [pair.family for pair in drawn].count("recall") == 4
    assert [pair.family for pair in drawn].count("temporal") == 2


def test_a_draw_depends_on_its_seed() -> None:
    pairs = [make_pair(6 * n) for n in range(12)]
    assert {pair.id for pair in draw(pairs, count=6, seed=0)} != {pair.id for pair in draw(pairs, count=6, seed=1)}


@given(
    numbers=st.sets(st.integers(0, 60), max_size=20), order=st.randoms(use_true_random=False), count=st.integers(1, 25)
)
def test_a_draw_is_a_set_of_given_pairs_whatever_their_order(numbers: set[int], order: Any, count: int) -> None:
    pairs = [make_pair(number) for number in sorted(numbers)]
    shuffled = list(pairs)
    order.shuffle(shuffled)
    drawn = draw(shuffled, count=count, seed=5)
    assert drawn == draw(pairs, count=count, seed=5)
    assert len({pair.id for pair in drawn}) == len(drawn) == min(count, len(pairs))
    assert {pair.id for pair in drawn} <= {pair.id for pair in pairs}


@given(
    pairs=st.integers(0, 40), examples=st.integers(0, 15), fraction=st.floats(0.1, 0.99), batch_size=st.integers(1, 6)
)
def test_interleaved_steps_are_whole_and_have_the_share_that_is_asked(
    pairs: int, examples: int, fraction: float, batch_size: int
) -> None:
    preferences, tasks = ([{"id": f"{kind} {number}"} for number in range(count)] for kind, count in
                          (("pair", pairs), ("task", examples)))  # fmt: skip
    if pairs < batch_size or not examples:
        with pytest.raises(MealignError, match=r"mix\.dpo_fraction=.* (do not fill one step|nothing for steps of SFT)"):
            interleave(preferences, tasks, fraction=fraction, batch_size=batch_size, seed=0)
        return
    rows = interleave(preferences, tasks, fraction=fraction, batch_size=batch_size, seed=0)
    dpo = [row["id"] for row in rows if not row["supervised"]]
    sft = [row["id"] for row in rows if row["supervised"]]
    assert dpo == [row["id"] for row in preferences[: pairs // batch_size * batch_size]]
    assert len(sft) % batch_size == 0
    assert abs(len(dpo) / batch_size * (1 - fraction) / fraction - len(sft) / batch_size) <= 0.5 + 1e-9
    drawn = [sft.count(row["id"]) for row in tasks]
    assert max(drawn) - min(drawn) <= 1, "an example comes again only when all came"
