"""The order in which a run reads its examples: a function of the seed and the epoch alone.

The trainer's own sampler draws from the global generator, whose state in a later epoch depends on all that was drawn
before it (dropout among it); a run that is resumed there would read its examples in another order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from transformers.trainer_pt_utils import LengthGroupedSampler, get_length_grouped_indices

from mealign.records import content_id


class SeededOrder(LengthGroupedSampler):  # type: ignore[misc]
    """Batches of like length in random order, as :class:`LengthGroupedSampler` makes them.

    Args:
        lengths: of the examples, in tokens.
        batch_size: examples an optimizer step, accumulation included.
        seed: of the order.
    """

    def __init__(self, lengths: Sequence[int], *, batch_size: int, seed: int) -> None:
        super().__init__(batch_size, lengths=list(lengths))
        self._seed = seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Take the order of this epoch, from 0; accelerate calls it before every pass."""
        self._epoch = epoch

    def __iter__(self) -> Iterator[int]:
        return iter(self._indices(self._epoch))

    def step(self, number: int) -> list[int]:
        """Return the indices of the examples of an optimizer step, counted from 1."""
        epoch, place = divmod(number - 1, -(-len(self.lengths) // self.batch_size))
        return self._indices(epoch)[place * self.batch_size : (place + 1) * self.batch_size]

    def _indices(self, epoch: int) -> list[int]:
        digits = content_id("order", self._seed, epoch).removeprefix("order_")
        generator = torch.Generator().manual_seed(int(digits, 16) >> 1)
        indices: list[int] = get_length_grouped_indices(self.lengths, self.batch_size, generator=generator)
        return indices
