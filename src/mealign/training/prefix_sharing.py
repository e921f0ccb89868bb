"""DPO that reads every prompt once, with a loss of ours and all else as TRL does it.

TRL runs a pair as two sequences, ``prompt chosen`` and ``prompt rejected``; here the model reads the rows that
:mod:`mealign.training.packing` makes of pairs, and scores the answers' positions alone. What it says of them is laid
out as TRL's padded batch has it, so that TRL's own metrics are computed from it. Gradients flow through the shared
prompt: losses and gradients are those of two sequences up to rounding.

A batch may be one of SFT instead: its examples are marked ``supervised``, have one answer, and their loss is the mean
negative log-likelihood of its tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import torch
from datasets import Dataset
from torch import Tensor
from torch.utils.data import DataLoader
from trl import DPOTrainer
from trl.trainer.utils import use_adapter

from mealign import processes
from mealign.errors import MealignError
from mealign.records import content_id
from mealign.training import causal_prefix
from mealign.training.answer_head import IGNORED
from mealign.training.losses import PairScores, imitation
from mealign.training.packing import visible, visible_blocks
from mealign.training.patches import speed_up

LogProbabilities = tuple[float, float]
"""Of the chosen and of the rejected answer, in nats."""
PairLoss = Callable[[PairScores], Tensor]
"""A loss of ``b`` pairs, of shape [b]."""
PER_TOKEN = ("log_probs", "entropy", "log_sum_sq_probs", "mean_logits", "is_top1")
"""What TRL's head says of every scored token."""


class PrefixSharedDPOTrainer(DPOTrainer):  # type: ignore[misc]
    """TRL's DPOTrainer over packed pairs; the batch must come from :class:`PrefixSharedCollator`.

    Args:
        args: TRL's arguments, with ``loss_type=[]``, ``precompute_ref_log_probs=True`` and ``max_length=None``. Of what
            else they say of losses, ``beta`` is that of the reported rewards, and ``ld_alpha`` weighs tokens.
        loss: what is minimised: its mean over the pairs of a batch.
        sft_weight: of the mean negative log-likelihood of the chosen answers' tokens, which is added to it.
        known: what the reference says of a pair, by key: log-probabilities of its chosen and its rejected answer, in
            nats. What is missing is computed and put there; runs with the same reference share it.
        reference: names the reference policy: its weights and their precision.
        given: TRL's other arguments.

    Raises:
        MealignError: an argument asks for what packing does not do.
    """

    _name = "DPO"

    def __init__(
        self,
        *,
        args: Any,
        loss: PairLoss,
        sft_weight: float = 0.0,
        known: MutableMapping[str, LogProbabilities],
        reference: str,
        **given: Any,
    ):
        if args.loss_type or not args.precompute_ref_log_probs or args.max_length is not None:
            raise MealignError(
                "PrefixSharedDPOTrainer wants loss_type=[], precompute_ref_log_probs=True and max_length=None: the "
                "loss is given apart, the reference is computed once, and what is too long is cut or left out before"
            )
        self._loss = loss
        self._sft_weight = sft_weight
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
        packed = _PackedModel(model, self._attention)
        # TRL runs the model and reports; without a loss_type it has no loss of pairs.
        loss = super()._compute_loss(packed, inputs, return_outputs=False)
        pairs = self._scores(packed, inputs)
        loss = loss + self._loss(pairs).mean()
        if self._sft_weight:
            loss = loss + self._sft_weight * imitation(pairs.policy_chosen_logps, pairs.chosen_tokens.sum())
        return loss

    def _scores(self, packed: _PackedModel, inputs: dict[str, Any]) -> PairScores:
        chosen_tokens, rejected_tokens = packed.scored.sum(dim=1).chunk(2)
        log_probs = packed.log_probs
        if self.ld_alpha is not None:
            # LD-DPO (arXiv 2409.06411): what is longer than the pair's other answer counts less.
            shared = torch.minimum(chosen_tokens, rejected_tokens).repeat(2)
            excess = packed.scored.cumsum(dim=1) > shared[:, None]
            log_probs = log_probs.where(~excess, self.ld_alpha * log_probs)
        policy_chosen, policy_rejected = log_probs.sum(dim=1).chunk(2)
        return PairScores(
            policy_chosen_logps=policy_chosen,
            policy_rejected_logps=policy_rejected,
            ref_chosen_logps=inputs["ref_chosen_logps"],
            ref_rejected_logps=inputs["ref_rejected_logps"],
            chosen_tokens=chosen_tokens,
            rejected_tokens=rejected_tokens,
            margins=inputs["margins"],
        )

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
        return imitation(log_probs, len(log_probs))

    def compute_ref_log_probs(self, model: Any, inputs: dict[str, Any]) -> Any:
        """Return the reference's log-probabilities of the chosen and the rejected answers, two tensors of shape [b]."""
        return super().compute_ref_log_probs(_PackedModel(model, self._attention, log_probs_only=True), inputs)

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


class _PackedModel:
    """A model that is called with TRL's batch and reads the packed rows in it.

    Of the last batch it keeps ``log_probs``, of shape [2 b, l - 1] and 0 where no answer's token is predicted, and
    ``scored``, where one is.
    """

    log_probs: Tensor
    scored: Tensor

    def __init__(self, model: Any, attention: str, *, log_probs_only: bool = False) -> None:
        self._model = model
        self._attention = attention
        self._log_probs_only = log_probs_only

    def __call__(self, *, labels: Tensor, **inputs: Any) -> Any:
        output = _read(self._model, inputs, self._attention, log_probs_only=self._log_probs_only)
        self.scored = labels[:, 1:] != IGNORED
        for name in PER_TOKEN:
            if (values := getattr(output, name)) is not None:
                found = values.reshape(-1)[inputs["packed_order"]]
                output[name] = found.new_zeros(self.scored.shape).masked_scatter(self.scored, found)
        self.log_probs = output.log_probs
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
