"""A packed row holds what two sequences hold, and every token sees what it saw there."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.attention.flex_attention import create_mask
from trl.trainer.dpo_trainer import DataCollatorForPreference

from mealign.errors import MealignError
from mealign.training.answer_head import IGNORED
from mealign.training.packing import PrefixSharedCollator, pack, visible, visible_blocks

TOKENS = st.lists(st.integers(4, 50), min_size=1, max_size=9)
PAIRS = st.lists(
    st.fixed_dictionaries({"prompt_ids": TOKENS, "chosen_ids": TOKENS, "rejected_ids": TOKENS}), min_size=1, max_size=5
)


@given(PAIRS, st.one_of(st.none(), st.integers(8, 60)))
@settings(max_examples=50, deadline=None)
def test_a_packed_batch_holds_every_token_of_an_answer_behind_its_prompt(
    pairs: list[dict[str, list[int]]], budget: int | None
) -> None:
    batch = PrefixSharedCollator(0, max_tokens=budget)([dict(pair) for pair in pairs])
    plain = DataCollatorForPreference(0)([dict(pair) for pair in pairs])
    assert all(torch.equal(batch[name], plain[name]) for name in plain)
    scored = plain["completion_mask"][:, 1:].bool()
    order = batch["packed_order"]
    assert torch.equal(batch["packed_labels"].reshape(-1)[order], plain["input_ids"][:, 1:][scored])
    assert (batch["packed_labels"] != IGNORED).sum() == len(order)
    seen = visible(batch["packed_groups"], batch["packed_branches"])[:, 0]
    width = batch["packed_ids"].shape[1]
    sequences = [(pair["prompt_ids"], pair[side]) for side in ("chosen_ids", "rejected_ids") for pair in pairs]
    places = iter(order.tolist())
    for prompt, answer in sequences:
        for length in range(len(answer)):
            row, column = divmod(next(places), width)
            visible_to = seen[row, column]
            # Whatever predicts a token sees the prompt and the answer so far, at their positions, and no more.
            assert batch["packed_ids"][row][visible_to].tolist() == prompt + answer[:length]
            assert batch["packed_positions"][row][visible_to].tolist() == list(range(len(prompt) + length))
    first = slice(batch["packed_causal"])
    assert torch.equal(seen[:, first, first], torch.ones_like(seen[:, first, first]).tril())
    assert batch["packed_causal"] >= min(len(pair["prompt_ids"]) + len(pair["chosen_ids"]) for pair in pairs)
    blocks = visible_blocks(batch["packed_groups"], batch["packed_branches"])
    by_token = create_mask(blocks.mask_mod, len(seen), None, width, width, device="cpu")
    assert torch.equal(by_token[:, 0], seen)


@given(st.lists(st.integers(1, 30), max_size=20), st.integers(5, 40))
def test_packing_loses_nothing_and_keeps_the_budget(lengths: list[int], budget: int) -> None:
    rows = pack(lengths, budget)
    assert sorted(index for row in rows for index in row) == list(range(len(lengths)))
    for row in rows:
        assert len(row) == 1 or sum(lengths[index] for index in row) <= budget


def test_an_empty_prompt_is_named() -> None:
    with pytest.raises(MealignError, match="empty prompt"):
        PrefixSharedCollator(0)([{"prompt_ids": [], "chosen_ids": [1], "rejected_ids": [2]}])
