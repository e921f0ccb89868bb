import pytest

from mealign.judging.certificate import certify, wilson
from mealign.judging.outcome import Outcome, merge
from tests.judging.builders import both_orders, candidate

POOL = [
    candidate("right", "Ghent", "reference"),
    candidate("old", "Utrecht, as ever", "superseded"),
    candidate("wrong", "Rome", "wrong_object"),
    candidate("drawn", "In Ghent, she says", "policy"),
]


def test_a_certificate_by_hand() -> None:
    outcomes = merge(
        [
            *both_orders("right", "old", 0.95, 0.05),  # right, P 0.95
            *both_orders("right", "wrong", 0.25, 0.75),  # wrong, P 0.75
            *both_orders("right", "drawn", 0.9, 0.8),  # of unknown truth, and a flip
        ]
    )
    certificate = certify(outcomes, POOL)
    assert (certificate["n"], certificate["pairs"], certificate["errors"]) == (2, 3, 0)
    assert certificate["accuracy"] == 0.5
    assert certificate["consistency"] == pytest.approx(2 / 3)
    # Two bins with one pair each: (|0.95 - 1| + |0.75 - 0|) / 2.
    assert certificate["ece"] == pytest.approx(0.4)
    assert certificate["per_kind"] == {
        "superseded": {"accuracy": 1.0, "n": 1},
        "wrong_object": {"accuracy": 0.0, "n": 1},
    }
    # "Ghent" is shorter than "Utrecht, as ever" and longer than "Rome": picking the longer is right once in two.
    assert certificate["longer"] == 0.5
    # The winners are right, wrong and (at 0.55) right: the longer one in none of the three.
    assert certificate["longer_wins"] == 0.0
    assert certificate["coin"] == 0.5


def test_a_tie_is_half_right_and_an_error_is_wrong() -> None:
    outcomes = merge([*both_orders("right", "old", 0.5, 0.5), *both_orders("right", "wrong", None, 0.1)])
    certificate = certify(outcomes, POOL)
    assert (certificate["accuracy"], certificate["errors"], certificate["consistency"]) == (0.25, 1, 1.0)
    assert certificate["ece"] == 0.0


@pytest.mark.parametrize("outcomes", [[], merge(both_orders("right", "drawn", None, None))])
def test_shares_of_nothing_are_null(outcomes: list[Outcome]) -> None:
    certificate = certify(outcomes, POOL)
    assert certificate["n"] == 0
    assert {
        certificate[key] for key in ("accuracy", "accuracy_low", "consistency", "ece", "longer", "longer_wins")
    } == {None}


def test_a_fool_that_picks_the_longer_answer_is_seen() -> None:
    """Second-Me, defect 18."""
    outcomes = merge([*both_orders("right", "old", 0.1, 0.9), *both_orders("right", "drawn", 0.1, 0.9)])
    assert certify(outcomes, POOL)["longer_wins"] == 1.0


def test_the_interval_by_hand() -> None:
    # n = 10, share 0.5, z = 1.96: centre 0.5, half-width 1.96 / 1.3842 * sqrt(0.025 + 0.0096) = 0.2634.
    low, high = wilson(5, 10)
    assert low == pytest.approx(0.2366, abs=1e-4)
    assert high == pytest.approx(0.7634, abs=1e-4)
    assert wilson(10, 10)[1] == pytest.approx(1.0)
    assert wilson(0, 0) == (None, None)
