import pytest
from hypothesis import given
from hypothesis import strategies as st

from mealign.judging.outcome import merge
from tests.judging.builders import both_orders, verdict

shares = st.floats(0.0, 1.0)


def test_the_two_orders_are_averaged() -> None:
    # P(a) is 0.9 shown first and 1 - 0.3 = 0.7 shown second: 0.8, a margin of 2 * 0.3.
    (outcome,) = merge(both_orders("a", "b", 0.9, 0.3))
    assert (outcome.first, outcome.second, outcome.winner) == ("a", "b", "a")
    assert outcome.p_first == pytest.approx(0.8)
    assert outcome.margin == pytest.approx(0.6)
    assert not outcome.flipped
    assert outcome.verdict_ids == ("verdict_task_1_a_b_forward", "verdict_task_1_b_a_reverse")


@pytest.mark.parametrize(
    ("forward", "reverse", "flipped", "winner"),
    [
        (0.9, 0.1, False, "a"),
        (0.1, 0.9, False, "b"),
        (0.9, 0.9, True, None),  # whatever is shown first wins
        (0.9, 0.6, True, "a"),
        (0.5, 0.5, False, None),
        (0.5, 0.2, True, "a"),  # a tie in one order, a winner in the other
        (1.0, 0.0, False, "a"),
    ],
)
def test_a_flip_is_a_winner_that_depends_on_the_order(
    forward: float, reverse: float, flipped: bool, winner: str | None
) -> None:
    (outcome,) = merge(both_orders("a", "b", forward, reverse))
    assert (outcome.flipped, outcome.winner) == (flipped, winner)


@pytest.mark.parametrize(("forward", "reverse"), [(None, 0.1), (0.9, None), (None, None)])
def test_an_error_in_either_order_is_an_error_and_no_tie(forward: float | None, reverse: float | None) -> None:
    """Second-Me, defect 3."""
    (outcome,) = merge(both_orders("a", "b", forward, reverse))
    assert (outcome.error, outcome.p_first, outcome.winner, outcome.margin) == ("unreachable", None, None, 0.0)


@pytest.mark.parametrize("alone", [verdict("a", "b", "forward", 0.9), verdict("b", "a", "reverse", 0.1)])
def test_half_a_measurement_is_an_error(alone) -> None:  # type: ignore[no-untyped-def]
    (outcome,) = merge([alone])
    assert (outcome.first, outcome.second, outcome.error) == ("a", "b", "one order is missing")


def test_pairs_of_different_tasks_are_kept_apart() -> None:
    verdicts = [*both_orders("a", "b", 0.9, 0.1), *both_orders("a", "b", 0.1, 0.9, task_id="task_2")]
    assert [outcome.winner for outcome in merge(verdicts)] == ["a", "b"]


@given(shares, shares)
def test_naming_the_pair_the_other_way_round_changes_nothing(forward: float, reverse: float) -> None:
    (straight,) = merge(both_orders("a", "b", forward, reverse))
    (mirrored,) = merge(both_orders("b", "a", reverse, forward))
    assert straight.flipped == mirrored.flipped
    assert straight.margin == pytest.approx(mirrored.margin)
    if straight.margin > 1e-9:
        assert straight.winner == mirrored.winner


@given(shares)
def test_a_symmetric_judge_never_flips(p_first: float) -> None:
    (outcome,) = merge(both_orders("a", "b", p_first, 1.0 - p_first))
    assert not outcome.flipped or p_first == pytest.approx(0.5)
