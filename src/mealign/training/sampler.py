"""The order in which a run reads its examples: a function of the seed and the epoch only.

The trainer's own sampler draws from the global generator, whose state in a later epoch depends on all earlier draws,
including dropout; a run resumed there would read its examples in another order.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence

import torch
from transformers.trainer_pt_utils import LengthGroupedSampler, get_length_grouped_indices

from mealign.records import content_id


class SeededSampler(LengthGroupedSampler):  # type: ignore[misc]
    """Batches of similar length in random order, as :class:`LengthGroupedSampler` makes them.

    Args:
        lengths: of the examples, in tokens.
        batch_size: examples per optimizer step, including accumulation.
        seed: of the order.
        kinds: of the examples. Every batch is of one kind, each kind's batches are spread evenly over the epoch, and
            each kind's number of examples is a multiple of ``batch_size``. None: all are of one kind.
    """

    def __init__(
        self, lengths: Sequence[int], *, batch_size: int, seed: int, kinds: Sequence[Hashable] | None = None
    ) -> None:
        super().__init__(batch_size, lengths=list(lengths))
        self._seed = seed
        self._kinds: dict[Hashable, list[int]] = {}
        for index in range(len(lengths)):
            self._kinds.setdefault(kinds[index] if kinds else None, []).append(index)
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Use the order of this epoch, counted from 0; accelerate calls it before every pass."""
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
        placed: list[tuple[float, int, list[int]]] = []
        for number, members in enumerate(self._kinds.values()):
            lengths = [self.lengths[index] for index in members]
            drawn = get_length_grouped_indices(lengths, self.batch_size, generator=generator)
            batches = [drawn[start : start + self.batch_size] for start in range(0, len(drawn), self.batch_size)]
            placed += [
                ((place + 0.5) / len(batches), number, [members[index] for index in batch])
                for place, batch in enumerate(batches)
            ]
        return [index for *_, batch in sorted(placed, key=lambda entry: entry[:2]) for index in batch]
