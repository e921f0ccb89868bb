"""LoRA training on the reference answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from mealign.jsonl import read_records, write_json
from mealign.pipeline.memos import kept
from mealign.pipeline.models import base_model, given_adapter, language_model
from mealign.pipeline.stage import Stage, StageContext
from mealign.pipeline.trained import TrainingSummary, reported

if TYPE_CHECKING:
    from mealign.training.replay import Replayed


@dataclass(frozen=True, kw_only=True)
class SftSummary(TrainingSummary):
    """What was trained on, and how it went."""

    examples: int


def run(context: StageContext) -> SftSummary:
    """Train on the training tasks."""
    from mealign.records import Task
    from mealign.training.sft import train_sft

    settings = context.settings
    training = [task for task in read_records(context.inputs / "tasks.jsonl", Task) if task.split == "train"]
    result = train_sft(
        training,
        model=base_model(context),
        start=given_adapter(context),
        replay=_replayed(context, beside=len(training)),
        output=context.outputs / "adapters/sft",
        lora=settings.lora,
        settings=settings.training.sft,
        max_length=settings.model.max_length,
        seed=settings.seed,
        precision=settings.model.precision,
        checkpoints=context.store / "checkpoints",
        on_log=partial(context.on_step, "sft"),
    )
    write_json(context.outputs / "history/sft.json", list(result.history))
    return SftSummary(examples=result.examples, **reported(result, what="training examples"))


def _replayed(context: StageContext, *, beside: int) -> Sequence[Replayed]:
    """Return as many general questions as their share requires with this number of tasks."""
    from mealign.training.replay import replayed

    settings = context.settings
    share = settings.training.sft.replay_share
    if not share:
        return ()
    model = language_model(context, given_adapter(context))
    with kept(context, "replay", str) as known:
        return replayed(model, count=round(beside * share / (1 - share)), seed=settings.seed, known=known)


STAGE = Stage(
    name="sft",
    run=run,
    reads=("tasks.jsonl",),
    writes=("adapters/sft", "history/sft.json"),
    settings=("model", "lora", "training.init_from", "training.sft", "seed"),
    active=lambda settings: settings.mix.sft,
    starts=lambda _: True,
    tracked=True,
)
