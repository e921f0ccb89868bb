import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mealign.evaluation import intervals
from mealign.evaluation.intervals import Interval, bootstrap_mean, paired_difference

values = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30)


def test_mean_and_width_are_those_of_the_normal_approximation() -> None:
    sample = [0.0, 1.0] * 200
    found = bootstrap_mean(sample, resamples=4000, confidence=0.95, seed=1)
    assert found.mean == 0.5
    assert found.n == 400
    # standard error sqrt(0.25 / 400) = 0.025; 1.96 of them either way
    assert found.low == pytest.approx(0.5 - 1.96 * 0.025, abs=0.004)
    assert found.high == pytest.approx(0.5 + 1.96 * 0.025, abs=0.004)


def test_no_values_have_no_mean() -> None:
    with pytest.raises(ValueError, match="no values"):
        bootstrap_mean([], resamples=100, confidence=0.95, seed=1)


def test_one_value_is_its_own_interval() -> None:
    assert bootstrap_mean([0.3], resamples=100, confidence=0.95, seed=1) == Interval(0.3, 0.3, 0.3, 1)


def test_equal_values_have_no_width() -> None:
    found = bootstrap_mean([0.1] * 7, resamples=100, confidence=0.95, seed=1)
    assert found.low == found.mean == found.high == pytest.approx(0.1)


@settings(max_examples=50)
@given(values, st.floats(0.5, 0.999), st.integers(0, 5))
def test_the_mean_is_inside(sample: list[float], confidence: float, seed: int) -> None:
    found = bootstrap_mean(sample, resamples=100, confidence=confidence, seed=seed)
    assert found.low <= found.mean <= found.high


@settings(max_examples=25)
@given(values, st.integers(0, 5))
def test_more_confidence_is_wider(sample: list[float], seed: int) -> None:
    narrow = bootstrap_mean(sample, resamples=200, confidence=0.6, seed=seed)
    wide = bootstrap_mean(sample, resamples=200, confidence=0.95, seed=seed)
    # Means of few values round, and so does what is between two of them.
    off = 2 * len(sample) * np.finfo(float).eps * max(map(abs, sample))
    assert wide.low <= narrow.low + off
    assert narrow.high <= wide.high + off


def test_the_seed_decides_and_batches_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    sample = [float(value) for value in np.random.default_rng(0).random(20)]
    once = bootstrap_mean(sample, resamples=500, confidence=0.9, seed=3)
    assert once == bootstrap_mean(sample, resamples=500, confidence=0.9, seed=3)
    assert once != bootstrap_mean(sample, resamples=500, confidence=0.9, seed=4)
    monkeypatch.setattr(intervals, "DRAWS_PER_BATCH", 60)
    assert once == bootstrap_mean(sample, resamples=500, confidence=0.9, seed=3)


def test_pairing_removes_what_both_share() -> None:
    easy = [0.0, 1.0] * 20
    better = [value + 0.1 for value in easy]
    found = paired_difference(better, easy, resamples=200, confidence=0.95, seed=1)
    assert (found.mean, found.low, found.high) == (pytest.approx(0.1), pytest.approx(0.1), pytest.approx(0.1))


def test_pairs_must_be_of_the_same_questions() -> None:
    with pytest.raises(ValueError, match="2 against 1"):
        paired_difference([0.1, 0.2], [0.1], resamples=100, confidence=0.95, seed=1)
