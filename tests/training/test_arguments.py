"""Batches, steps and the order of a data set: what both trainers are given alike."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mealign.training.arguments import micro_batch, to_dataset, total_steps
from tests.defaults import DpoConfig, SftConfig


@pytest.mark.parametrize(
    ("batch_size", "at_most", "expected"), [(8, 4, 4), (6, 4, 3), (7, 4, 1), (2, 4, 2), (16, 16, 16)]
)
def test_micro_batches_make_up_the_batch(batch_size: int, at_most: int, expected: int) -> None:
    assert micro_batch(batch_size, at_most=at_most) == expected


@given(st.integers(1, 200), st.integers(1, 64))
def test_a_micro_batch_divides_every_batch(batch_size: int, at_most: int) -> None:
    size = micro_batch(batch_size, at_most=at_most)
    assert batch_size % size == 0
    assert size <= at_most


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (SftConfig(epochs=1, batch_size=4), 3),  # 10 examples: 4, 4 and 2
        (SftConfig(epochs=1.5, batch_size=4), 5),
        (DpoConfig(epochs=2, batch_size=10), 2),
        (DpoConfig(epochs=2, max_steps=7), 7),
    ],
)
def test_steps_of_ten_examples(settings: Any, expected: int) -> None:
    assert total_steps(settings, examples=10) == expected


def test_rows_are_ordered_by_length() -> None:
    rows = [{"name": "b", "length": 5}, {"name": "a", "length": 9}, {"name": "c", "length": 2}]
    assert list(to_dataset(rows)["name"]) == ["c", "b", "a"]
