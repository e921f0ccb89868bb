"""The order of examples: by seed and epoch, whole batches of a kind."""

import torch

from mealign.training.sampler import SeededSampler


def test_the_order_is_that_of_seed_and_epoch_and_names_a_steps_examples() -> None:
    torch.manual_seed(0)
    order = SeededSampler(list(range(10, 23)), batch_size=4, seed=3)
    epochs = []
    for epoch in range(3):
        order.set_epoch(epoch)
        epochs.append(list(order))
        torch.rand(3)
    assert all(sorted(indices) == list(range(13)) for indices in epochs)
    assert epochs[0] != epochs[1] != epochs[2]
    order.set_epoch(0)
    assert list(order) == epochs[0]
    # Four steps an epoch, the last of one example.
    assert [index for step in range(5, 9) for index in order.step(step)] == epochs[1]
    assert len(order.step(8)) == 1
    assert list(SeededSampler(list(range(10, 23)), batch_size=4, seed=4)) != epochs[0]


def test_batches_of_two_kinds_are_of_one_each_and_spread_evenly() -> None:
    kinds = ["pair"] * 6 + ["task"] * 12
    order = SeededSampler(list(range(18)), batch_size=3, seed=3, kinds=kinds)
    indices = list(order)
    assert sorted(indices) == list(range(18))
    assert [{kinds[index] for index in order.step(step)} for step in range(1, 7)] == [
        {"task"}, {"pair"}, {"task"}, {"task"}, {"pair"}, {"task"},
    ]  # fmt: skip
