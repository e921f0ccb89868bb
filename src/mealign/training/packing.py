"""Pairs as rows in which every prompt occurs once: ``prompt chosen rejected`` (prefix sharing, arXiv 2410.20305).

The rejected answer does not see the chosen one, and both begin at the position after the prompt. The prompt's last
token is placed at the head of each answer instead of at the end of the prompt, since each answer's first token is
predicted from it. Several pairs share a row up to a budget of tokens, and do not see each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask, create_block_mask
from trl.trainer.dpo_trainer import DataCollatorForPreference

from mealign.errors import MealignError
from mealign.training.answer_head import IGNORED


@dataclass
class PrefixSharedCollator(DataCollatorForPreference):  # type: ignore[misc]
    """TRL's batch, plus the same pairs packed.

    Args:
        max_tokens: budget of a packed row; a longer pair has a row of its own. None: the length of the batch's longest
            pair, so that short pairs fill up the rows that it requires, and attention stays as cheap as possible.

    Of ``b`` pairs in ``r`` rows of ``t`` tokens it adds ``packed_ids``, ``packed_positions`` and ``packed_labels``, of
    shape [r, t], ``packed_groups`` and ``packed_branches`` (of the segment to which a token belongs; group 0 is
    padding), of the same shape, ``packed_causal``, the number of first tokens of every row that see all before them,
    and ``packed_order``: for every token of the answers, in the order of TRL's batch of shape [2 b, l], its index among
    the ``r * t``. The column ``margin``, by default 1, becomes ``margins`` of shape [b]. For ``supervised`` examples,
    which share no batch with others, only the chosen answer is packed.
    """

    max_tokens: int | None = None

    def torch_call(self, examples: list[dict[str, Any]]) -> dict[str, Any]:
        """Collate, truncating as TRL does."""
        batch: dict[str, Any] = super().torch_call(examples)
        supervised = bool(examples[0].get("supervised"))
        pairs = [self._segments(example, group) for group, example in enumerate(examples, start=1)]
        lengths = [sum(len(segment.tokens) for segment in pair) for pair in pairs]
        rows = pack(lengths, max(lengths) if self.max_tokens is None else self.max_tokens)
        width = max(sum(lengths[index] for index in row) for row in rows)
        shape = (len(rows), width)
        ids = torch.full(shape, self.pad_token_id)
        labels = torch.full(shape, IGNORED)
        positions, groups, branches = (torch.zeros(shape, dtype=torch.long) for _ in range(3))
        places: dict[tuple[int, int], Tensor] = {}
        for number, row in enumerate(rows):
            at = 0
            for index in row:
                for segment in pairs[index]:
                    size = len(segment.tokens)
                    part = slice(at, at + size)
                    ids[number, part] = torch.tensor(segment.tokens)
                    labels[number, part] = torch.tensor(segment.labels)
                    positions[number, part] = torch.arange(segment.start, segment.start + size)
                    groups[number, part] = segment.group
                    branches[number, part] = segment.branch
                    if segment.branch:
                        # The last token of an answer predicts nothing.
                        places[index, segment.branch] = number * width + torch.arange(at, at + size - 1)
                    at += size
        order = [places[index, branch] for branch in ((1,) if supervised else (1, 2)) for index in range(len(pairs))]
        if supervised:
            batch["supervised"] = True
        else:
            batch["margins"] = torch.tensor([float(example.get("margin", 1.0)) for example in examples])
        return batch | {
            "packed_ids": ids,
            "packed_positions": positions,
            "packed_labels": labels,
            "packed_groups": groups,
            "packed_branches": branches,
            # The first pair's prompt with its chosen answer; later tokens do not see all of that.
            "packed_causal": min(sum(len(segment.tokens) for segment in pairs[row[0]][:2]) for row in rows),
            "packed_order": torch.cat(order),
        }

    def _segments(self, example: dict[str, Any], group: int) -> tuple[_Segment, ...]:
        prompt, end = example["prompt_ids"], len(example["prompt_ids"]) - 1
        if end < 0:
            raise MealignError("dpo: a pair has an empty prompt, so there is nothing to answer; leave it out")
        shared = _Segment(prompt[:end], 0, group, 0, [IGNORED] * end)
        answers = [example["chosen_ids"]] + ([] if example.get("supervised") else [example["rejected_ids"]])
        return shared, *(
            _Segment([prompt[end], *answer], end, group, branch, [*answer, IGNORED])
            for branch, answer in enumerate(answers, start=1)
        )


@dataclass(frozen=True)
class _Segment:
    """Contiguous tokens: those of a prompt, or an answer after the prompt's last token.

    A prompt and its answers share a ``group``; ``branch`` is 0 for the prompt.
    """

    tokens: list[int]
    start: int
    group: int
    branch: int
    labels: list[int]


def visible(groups: Tensor, branches: Tensor) -> Tensor:
    """Return which token sees which: the tokens up to it in its prompt and in its own answer.

    Args:
        groups: of every token, integers of shape [r, t].
        branches: of every token, of the same shape; 0 is a prompt.

    Returns:
        Booleans of shape [r, 1, t, t].
    """
    together = groups[:, :, None] == groups[:, None, :]
    open_to = (branches[:, None, :] == 0) | (branches[:, :, None] == branches[:, None, :])
    return (together & open_to).tril()[:, None]


def visible_blocks(groups: Tensor, branches: Tensor) -> BlockMask:
    """Return the same as :func:`visible` in blocks of tokens, for FlexAttention (arXiv 2412.05496).

    Blocks in which no token sees another are skipped, and nothing of size t * t is held.
    """
    rows, width = groups.shape

    def sees(row: Tensor, head: Tensor, query: Tensor, key: Tensor) -> Tensor:
        together = groups[row, query] == groups[row, key]
        open_to = (branches[row, key] == 0) | (branches[row, query] == branches[row, key])
        return (query >= key) & together & open_to

    return create_block_mask(sees, rows, None, width, width, device=groups.device)


def pack(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Put items into few rows of at most ``budget`` by first-fit decreasing (Johnson 1973).

    >>> pack([3, 9, 5], 10)
    [[1], [2, 0]]

    Returns:
        The indices in each row; an item longer than the budget gets its own row.
    """
    rows: list[list[int]] = []
    room: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda index: (-lengths[index], index)):
        row = next((number for number, left in enumerate(room) if lengths[index] <= left), None)
        if row is None:
            rows.append([])
            room.append(budget)
            row = len(rows) - 1
        rows[row].append(index)
        room[row] -= lengths[index]
    return rows
