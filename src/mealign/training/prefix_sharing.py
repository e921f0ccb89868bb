"""DPO that reads every prompt once, with our own loss and everything else as in TRL.

TRL runs a pair as two sequences, ``prompt chosen`` and ``prompt rejected``; here the model reads the rows that
:mod:`mealign.training.packing` makes from pairs, and scores only the answers' positions. The scores are arranged as in
TRL's padded batch, so that TRL computes its own metrics from them. Gradients flow through the shared prompt: losses and
gradients equal those of two sequences up to rounding.

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
"""Log-probabilities of the chosen and the rejected answer, in nats."""
PairLoss = Callable[[PairScores], Tensor]
"""Returns the losses of ``b`` pairs, of shape [b]."""
PER_TOKEN = ("log_probs", "entropy", "log_sum_sq_probs", "mean_logits", "is_top1")
"""What TRL's head returns for every scored token."""


class PrefixSharedDPOTrainer(DPOTrainer):  # type: ignore[misc]
    """TRL's DPOTrainer over packed pairs; the batch must come from :class:`PrefixSharedCollator`.

    Args:
        args: TRL's arguments, with ``loss_type=[]``, ``precompute_ref_log_probs=True`` and ``max_length=None``. Of the
            other arguments about losses, ``beta`` scales the reported rewards, and ``ld_alpha`` weighs tokens.
        loss: its mean over the pairs of a batch is minimised.
        sft_weight: weight of the mean negative log-likelihood of the chosen answers' tokens, which is added to it.
        known: the reference's log-probabilities of a pair's chosen and rejected answer, by key, in nats. Missing ones
            are computed and added; runs with the same reference share them.
        reference: identifies the reference policy: its weights and their precision.
        given: TRL's other arguments.

    Raises:
        MealignError: an argument requires what packing does not support.
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
        # TRL has added its head to the model by now, and will compute the reference with it next.
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
        # TRL runs the model and reports; without a loss_type it computes no loss of pairs.
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
            # LD-DPO (arXiv 2409.06411): tokens beyond the length of the pair's other answer count less.
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
        """Make the model the reference policy while the block runs.

        TRL switches the adapter off and on for every batch, and PEFT goes through all layers each time, which takes as
        long as a small model needs to read a batch.
        """
        with use_adapter(self.model, "ref" if "ref" in self.model.peft_config else None):
            # With a separate reference TRL switches nothing.
            self.ref_model = self.model
            try:
                yield
            finally:
                self.ref_model = None

    @property
    def _attention(self) -> str:
        return str(self.model.config._attn_implementation)


class _PackedModel:
    """A model that takes TRL's batch and reads the packed rows in it.

    For the last batch it keeps ``log_probs``, of shape [2 b, l - 1] and 0 where no token of an answer is predicted, and
    ``scored``, true where one is.
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
