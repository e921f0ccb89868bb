"""What DPO steps train on, pairs of all families in proportion, and the SFT steps between them."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

from mealign.errors import MealignError
from mealign.records import FAMILIES, Family, Preference, Task
from mealign.training.fitting import fit, sequence_length


def fitting_pairs(pairs: Sequence[Preference], *, tokenizer: Any, max_length: int) -> list[Preference]:
    """Return the pairs that fit, with as much memory in their prompts as fits with the longer answer."""
    prompts = (
        fit(pair.prompt, [pair.chosen, pair.rejected], max_length=max_length, tokenizer=tokenizer) for pair in pairs
    )
    return [
        pair.model_copy(update={"prompt": prompt})
        for pair, prompt in zip(pairs, prompts, strict=True)
        if prompt is not None
    ]


def draw(pairs: Sequence[Preference], *, count: int, seed: int) -> list[Preference]:
    """Draw at most ``count`` pairs at random, every family in proportion to its share (to within one pair).

    The same set of pairs and seed give the same draw in the same order, whatever the order of ``pairs``. In a family of
    ``n`` pairs, the one drawn at rank ``r`` gets the position ``(r + 1/2) / n``; the lowest ``count`` positions are
    taken.
    """
    shuffled = sorted(pairs, key=lambda pair: pair.id)
    random.Random(seed).shuffle(shuffled)
    sizes = Counter(pair.family for pair in shuffled)
    seen: Counter[Family] = Counter()
    placed: list[tuple[float, int, Preference]] = []
    for pair in shuffled:
        position = (seen[pair.family] + 0.5) / sizes[pair.family]
        placed.append((position, FAMILIES.index(pair.family), pair))
        seen[pair.family] += 1
    placed.sort(key=lambda entry: entry[:2])
    return [pair for _, _, pair in placed[:count]]


def interleave(
    pairs: Sequence[dict[str, Any]],
    examples: Sequence[dict[str, Any]],
    *,
    fraction: float,
    batch_size: int,
    seed: int,
) -> list[dict[str, Any]]:
    """Return the rows of whole batches of pairs, and of as many SFT batches as leave a share ``fraction`` for DPO.

    Every row says whether it is ``supervised``. The examples are drawn at random; none repeats before all were drawn.

    Raises:
        MealignError: the pairs do not fill a batch, or there are no examples.
    """
    steps = len(pairs) // batch_size
    if not steps:
        raise MealignError(
            f"mix.dpo_fraction={fraction}: {len(pairs)} preferences do not fill one step of "
            f"training.dpo.batch_size={batch_size}; lower it, or choose mix=joint"
        )
    if not examples:
        raise MealignError(
            f"mix.dpo_fraction={fraction}: no training task fits model.max_length, so there is nothing for steps of "
            "SFT; raise it, or choose mix=dpo_only"
        )
    count = round(steps * (1 - fraction) / fraction) * batch_size
    order = random.Random(seed)
    drawn: list[dict[str, Any]] = []
    while len(drawn) < count:
        drawn += order.sample(list(examples), len(examples))
    return [
        *({**row, "supervised": False} for row in pairs[: steps * batch_size]),
        *({**row, "supervised": True} for row in drawn[:count]),
    ]


def fitting_tasks(tasks: Sequence[Task], *, tokenizer: Any, max_length: int) -> list[dict[str, Any]]:
    """Convert the training tasks that fit to SFT rows with the columns of pairs; the answer serves as both answers."""
    rows = []
    for task in tasks:
        prompt = fit(task.prompt, [task.reference], max_length=max_length, tokenizer=tokenizer)
        if task.split == "train" and prompt is not None:
            answer = [{"role": "assistant", "content": task.reference}]
            rows.append(
                {
                    "id": task.id,
                    "prompt": [message.model_dump() for message in prompt],
                    "chosen": answer,
                    "rejected": answer,
                    "length": sequence_length(tokenizer, prompt, task.reference),
                    "margin": 1.0,
                }
            )
    return rows
