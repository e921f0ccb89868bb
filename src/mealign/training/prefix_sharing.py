"""DPO that reads every prompt once (prefix sharing, arXiv 2410.20305), exact, with all else as TRL does it.

TRL runs a pair as two sequences, ``prompt chosen`` and ``prompt rejected``. Here it is one: ``prompt chosen rejected``,
in which the rejected answer does not see the chosen one and both begin at the position behind the prompt. The last
token of the prompt stands at the head of each answer instead of at the end of the prompt, since the first token of
either is predicted from it. Several pairs share a row up to a budget of tokens, and see nothing of each other.

The model scores the answers' positions alone; what it says is laid out as TRL's padded batch has it, so that TRL's own
losses and metrics are computed from it. Gradients flow through the shared prompt: losses and gradients are those of
TRL up to rounding.

A pair may ask for a gap between its rewards (ODPO, arXiv 2402.10571, eq. 8): -log sigmoid(r_chosen - r_rejected - gap),
where TRL has no gap. It is had by a reference that is ``gap / beta`` nats fonder of the chosen answer; what is reported
of the rewards is what they are without it.

A batch may be one of SFT instead: its examples are marked ``supervised``, have one answer, and their loss is the mean
negative log-likelihood of its tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from datasets import Dataset
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask, create_block_mask
from torch.utils.data import DataLoader
from trl import DPOTrainer
from trl.trainer.dpo_trainer import DataCollatorForPreference
from trl.trainer.utils import use_adapter

from mealign import processes
from mealign.errors import MealignError
from mealign.records import content_id
from mealign.training import causal_prefix
from mealign.training.answer_head import IGNORED
from mealign.training.patches import speed_up

LogProbabilities = tuple[float, float]
"""Of the chosen and of the rejected answer, in nats."""
PER_TOKEN = ("log_probs", "entropy", "log_sum_sq_probs", "mean_logits", "is_top1")
"""What TRL's head says of every scored token."""


@dataclass(frozen=True)
class _Segment:
    """Tokens that stand together: those of a prompt, or an answer behind the prompt's last token.

    ``group`` is shared by what may see each other: a prompt and its answers; ``branch`` is 0 for the prompt.
    """

    tokens: list[int]
    start: int
    group: int
    branch: int
    labels: list[int]


@dataclass
class PrefixSharedCollator(DataCollatorForPreference):  # type: ignore[misc]
    """TRL's batch, and beside it the same pairs packed.

    Args:
        max_tokens: budget of a packed row; a longer pair has a row of its own. None: the batch's longest pair, so that
            short pairs fill the rows that the longest one makes necessary, and attention stays as cheap as it can.

    Of ``b`` pairs in ``r`` rows of ``t`` tokens it adds ``packed_ids``, ``packed_positions`` and ``packed_labels``, of
    shape [r, t], ``packed_groups`` and ``packed_branches`` (of the segment that a token belongs to; group 0 is
    padding), of the same shape, ``packed_causal``, so many of the first tokens of every row as see all before them, and
    ``packed_order``: for every token of the answers, in the order of TRL's batch of shape [2 b, l], its place among the
    ``r * t``. The column ``gap`` becomes a tensor of shape [b]. Of ``supervised`` examples, which share no batch with
    others, the chosen answer alone is packed.
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
        elif "gap" in examples[0]:
            batch["gap"] = torch.tensor([float(example["gap"]) for example in examples])
        return batch | {
            "packed_ids": ids,
            "packed_positions": positions,
            "packed_labels": labels,
            "packed_groups": groups,
            "packed_branches": branches,
            # The first pair's prompt with its chosen answer; what is behind them does not see all of that.
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


class PrefixSharedDPOTrainer(DPOTrainer):  # type: ignore[misc]
    """TRL's DPOTrainer over packed pairs; the batch must come from :class:`PrefixSharedCollator`.

    Args:
        args: TRL's arguments, with ``precompute_ref_log_probs=True`` and ``max_length=None``.
        known: what the reference says of a pair, by key: log-probabilities of its chosen and its rejected answer, in
            nats. What is missing is computed and put there; runs with the same reference share it.
        reference: names the reference policy: its weights and their precision.
        given: TRL's other arguments.

    Raises:
        MealignError: an argument asks for what packing does not do.
    """

    _name = "DPO"

    def __init__(self, *, args: Any, known: MutableMapping[str, LogProbabilities], reference: str, **given: Any):
        if not args.precompute_ref_log_probs or args.max_length is not None:
            raise MealignError(
                "PrefixSharedDPOTrainer wants precompute_ref_log_probs=True and max_length=None: the reference is "
                "computed once, and what is too long is cut or left out before"
            )
        self._known = known
        self._reference = reference
        super().__init__(args=args, **given)

    def _precompute_ref_logps(self, dataset: Dataset, name: str, batch_size: int) -> Dataset:
        # TRL has put its head on the model by now, and asks it for the reference next.
        speed_up(self)
        tokens = [(row["prompt_ids"], row["chosen_ids"], row["rejected_ids"]) for row in dataset]
        keys = [
            "" if row.get("supervised") else content_id("ref", self._reference, self.ld_alpha, *ids)
            for row, ids in zip(dataset, tokens, strict=True)
        ]
        missing = sorted(
            (index for index, key in enumerate(keys) if key and key not in self._known),
            key=lambda index: sum(map(len, tokens[index])),
        )
        missing = processes.share(missing)[processes.place() :: processes.count()]
        batches = DataLoader(dataset.select(missing), batch_size=batch_size, collate_fn=self.data_collator)
        with self.as_reference():
            for number, batch in enumerate(batches):
                found = self.compute_ref_log_probs(self.model, self._prepare_inputs(batch))
                places = missing[number * batch_size :]
                for index, chosen, rejected in zip(places, *(part.tolist() for part in found), strict=False):
                    self._known[keys[index]] = (chosen, rejected)
        if processes.count() > 1:
            for part in processes.gather({keys[index]: self._known[keys[index]] for index in missing}):
                self._known.update(part)
        known = processes.share({key: self._known[key] for key in keys if key} if processes.leads() else {})
        columns = zip(*(known[key] if key else (0.0, 0.0) for key in keys), strict=True)
        for column, values in zip(("ref_chosen_logps", "ref_rejected_logps"), columns, strict=True):
            dataset = dataset.add_column(column, list(values))
        return dataset

    def _compute_loss(self, model: Any, inputs: dict[str, Any], return_outputs: bool) -> Any:
        if "supervised" in inputs:
            return self._supervised_loss(model, inputs)
        packed = _Packed(model, self._attention)
        if "gap" not in inputs:
            return super()._compute_loss(packed, inputs, return_outputs)
        shift = inputs["gap"] / self.beta
        loss = super()._compute_loss(
            packed, inputs | {"ref_chosen_logps": inputs["ref_chosen_logps"] + shift}, return_outputs
        )
        reported = self._metrics["train" if self.model.training else "eval"]
        gap = self.accelerator.gather(inputs["gap"]).mean().item()
        for name in ("rewards/chosen", "rewards/margins"):
            reported[name][-1] += gap
        chosen, rejected = packed.log_probs.chunk(2)
        ahead = chosen - inputs["ref_chosen_logps"] > rejected - inputs["ref_rejected_logps"]
        reported["rewards/accuracies"][-1] = self.accelerator.gather(ahead.float()).mean().item()
        return loss

    def _supervised_loss(self, model: Any, inputs: dict[str, Any]) -> Tensor:
        output = _read(model, inputs, self._attention)
        log_probs, correct = (
            values.reshape(-1)[inputs["packed_order"]] for values in (output.log_probs, output.is_top1)
        )
        reported = self._metrics["train" if self.model.training else "eval"]
        chosen, _ = inputs["attention_mask"].chunk(2)
        self._total_train_tokens += self.accelerator.gather_for_metrics(chosen.sum()).sum().item()
        reported["num_tokens"] = [self._total_train_tokens]
        reported["mean_token_accuracy"].append(self.accelerator.gather(correct.float()).mean().item())
        loss: Tensor = -log_probs.mean()
        return loss

    def compute_ref_log_probs(self, model: Any, inputs: dict[str, Any]) -> Any:
        """Return the reference's log-probabilities of the chosen and the rejected answers, two tensors of shape [b]."""
        return super().compute_ref_log_probs(_Packed(model, self._attention, log_probs_only=True), inputs)

    @contextmanager
    def as_reference(self) -> Iterator[None]:
        """Let the model be the reference policy for as long as the block runs.

        TRL switches the adapter off and on for every batch, for which PEFT walks through all layers: a small model has
        read a batch in that time.
        """
        with use_adapter(self.model, "ref" if "ref" in self.model.peft_config else None):
            # Where TRL sees a reference apart it switches nothing.
            self.ref_model = self.model
            try:
                yield
            finally:
                self.ref_model = None

    @property
    def _attention(self) -> str:
        return str(self.model.config._attn_implementation)


class _Packed:
    """A model that is called with TRL's batch and reads the packed rows in it.

    ``log_probs`` are those of the answers in the last batch, of shape [2 b].
    """

    log_probs: Tensor

    def __init__(self, model: Any, attention: str, *, log_probs_only: bool = False) -> None:
        self._model = model
        self._attention = attention
        self._log_probs_only = log_probs_only

    def __call__(self, *, labels: Tensor, **inputs: Any) -> Any:
        output = _read(self._model, inputs, self._attention, log_probs_only=self._log_probs_only)
        scored = labels[:, 1:] != IGNORED
        for name in PER_TOKEN:
            if (values := getattr(output, name)) is not None:
                found = values.reshape(-1)[inputs["packed_order"]]
                output[name] = found.new_zeros(scored.shape).masked_scatter(scored, found)
        self.log_probs = output.log_probs.detach().sum(dim=1)
        return output


def _read(model: Any, inputs: dict[str, Any], attention: str, *, log_probs_only: bool = False) -> Any:
    flex = attention == "flex_attention"
    prefix = {"causal_prefix": inputs["packed_causal"]} if attention == causal_prefix.NAME else {}
    return model(
        input_ids=inputs["packed_ids"],
        position_ids=inputs["packed_positions"],
        attention_mask=(visible_blocks if flex else visible)(inputs["packed_groups"], inputs["packed_branches"]),
        shift_labels=inputs["packed_labels"],
        fused_lm_head=True,
        log_probs_only=log_probs_only,
        **prefix,
    )


def visible(groups: Tensor, branches: Tensor) -> Tensor:
    """Say which token sees which: those before it in its prompt and in its own answer.

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
    """Say the same as :func:`visible` by blocks of tokens, for FlexAttention (arXiv 2412.05496).

    Blocks in which no token sees another are not computed, and nothing of the size t * t is held.
    """
    rows, width = groups.shape

    def sees(row: Tensor, head: Tensor, query: Tensor, key: Tensor) -> Tensor:
        together = groups[row, query] == groups[row, key]
        open_to = (branches[row, key] == 0) | (branches[row, query] == branches[row, key])
        return (query >= key) & together & open_to

    return create_block_mask(sees, rows, None, width, width, device=groups.device)


def pack(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Put items into as few rows of at most ``budget`` as first-fit decreasing finds (Johnson 1973).

    >>> pack([3, 9, 5], 10)
    [[1], [2, 0]]

    Returns:
        The indices in each row; an item longer than the budget is alone in its row.
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
