import math
import random
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from mealign.judging.outcome import merge
from mealign.judging.ranking import PRIOR, bradley_terry, rank
from tests.judging.builders import both_orders

Game = tuple[str, str, float]

games = st.lists(
    st.tuples(st.sampled_from("abcdef"), st.sampled_from("abcdef"), st.floats(0.0, 1.0)).filter(lambda g: g[0] != g[1]),
    min_size=1,
    max_size=15,
)


def test_one_game_by_hand() -> None:
    # a beats b in 0.8 of a game: with strengths x and -x, 0.8 - 1 / (1 + exp(-2 x)) = PRIOR * x.
    found = bradley_terry([("a", "b", 0.8)])
    x = found["a"].value
    assert found["b"].value == -x
    expected = 1 / (1 + math.exp(-2 * x))
    assert 0.8 - expected == pytest.approx(PRIOR * x, abs=1e-7)
    # Information [[w + PRIOR, -w], [-w, w + PRIOR]], of determinant PRIOR * (2 w + PRIOR).
    w = expected * (1 - expected)
    assert found["a"].error == pytest.approx(math.sqrt((w + PRIOR) / (PRIOR * (2 * w + PRIOR))), abs=1e-7)


@settings(max_examples=40, deadline=None)
@given(games)
def test_the_fit_is_the_maximum(played: list[Game]) -> None:
    """Against a general optimiser on the same posterior."""
    found = bradley_terry(played)
    names = sorted(found)

    def loss(theta: np.ndarray) -> float:
        strength = dict(zip(names, theta, strict=True))
        value = PRIOR / 2 * float(theta @ theta)
        for first, second, won in played:
            odds = strength[first] - strength[second]
            value += won * np.logaddexp(0, -odds) + (1 - won) * np.logaddexp(0, odds)
        return value

    best = minimize(loss, np.zeros(len(names)), tol=1e-10)
    assert loss(np.array([found[name].value for name in names])) <= best.fun + 1e-8
    assert sum(strength.value for strength in found.values()) == pytest.approx(0.0, abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(games, st.randoms(use_true_random=False))
def test_neither_the_order_of_games_nor_names_matter(played: list[Game], generator: random.Random) -> None:
    found = bradley_terry(played)
    shuffled = [(b, a, 1 - p) if generator.random() < 0.5 else (a, b, p) for a, b, p in played]
    generator.shuffle(shuffled)
    names = dict(zip("abcdef", generator.sample("uvwxyz", 6), strict=True))
    renamed = bradley_terry([(names[a], names[b], p) for a, b, p in shuffled])
    for name, strength in found.items():
        assert renamed[names[name]].value == pytest.approx(strength.value, abs=1e-6)
        assert renamed[names[name]].error == pytest.approx(strength.error, abs=1e-6)


@given(st.permutations("abcde"))
def test_a_known_order_is_found(order: list[str]) -> None:
    """Everybody beats all that come after them, a little."""
    played = [(first, second, 0.6) for first, second in combinations(order, 2)]
    assert list(bradley_terry(played)) == order


def test_more_games_make_surer() -> None:
    once = bradley_terry([("a", "b", 0.7)])["a"].error
    often = bradley_terry([("a", "b", 0.7)] * 20)["a"].error
    assert often < once < 1 / math.sqrt(PRIOR)


@pytest.mark.parametrize("certain", [0.0, 1.0])
def test_one_who_always_wins_is_finitely_strong(certain: float) -> None:
    found = bradley_terry([("a", name, certain) for name in "bcdefgh"] * 20)
    assert all(math.isfinite(strength.value) and abs(strength.value) < 20 for strength in found.values())


def test_nobody_played() -> None:
    assert bradley_terry([]) == {}
    assert rank([]) == []


def test_standings_are_by_task_and_leave_out_what_was_not_decided() -> None:
    verdicts = [
        *both_orders("a", "b", 0.9, 0.1),
        *both_orders("b", "c", 0.9, 0.1),
        *both_orders("c", "d", None, 0.2),
        *both_orders("x", "y", 0.1, 0.9, task_id="task_2"),
    ]
    standings = rank(merge(verdicts))
    assert [(each.task_id, each.candidate_id, each.rank, each.pairs) for each in standings] == [
        ("task_1", "a", 1, 1),
        ("task_1", "b", 2, 2),
        ("task_1", "c", 3, 1),
        ("task_2", "y", 1, 1),
        ("task_2", "x", 2, 1),
    ]


def test_a_flip_is_near_a_draw() -> None:
    (first, second) = rank(merge(both_orders("a", "b", 0.9, 0.9)))
    assert first.strength == second.strength == 0.0
