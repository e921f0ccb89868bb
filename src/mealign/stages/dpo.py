"""LoRA training on preferences, starting from the SFT adapter."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from mealign.jsonl import read_records, write_json
from mealign.pipeline.memos import kept
from mealign.pipeline.models import SFT_ADAPTER, base_model, policy_before_dpo
from mealign.pipeline.stage import Stage, StageContext
from mealign.pipeline.trained import TrainingSummary, reported


@dataclass(frozen=True, kw_only=True)
class DpoSummary(TrainingSummary):
    """What was trained on, and how it went."""

    pairs: int


def run(context: StageContext) -> DpoSummary:
    """Train on the preferences of the run's judge."""
    from mealign.records import Preference, Task
    from mealign.training.dpo import train_dpo

    settings = context.settings
    with kept(context, "reference", tuple[float, float]) as known:
        result = train_dpo(
            read_records(context.inputs / "preferences" / settings.judge.name / "train.jsonl", Preference),
            model=base_model(context),
            sft_adapter=policy_before_dpo(context),
            output=context.outputs / "adapters/dpo",
            lora=settings.lora,
            settings=settings.training.dpo,
            max_length=settings.model.max_length,
            seed=settings.seed,
            precision=settings.model.precision,
            tasks=read_records(context.inputs / "tasks.jsonl", Task),
            dpo_fraction=settings.mix.dpo_fraction,
            known=known,
            checkpoints=context.store / "checkpoints",
            on_log=partial(context.on_step, "dpo"),
        )
    write_json(context.outputs / "history/dpo.json", list(result.history))
    return DpoSummary(pairs=result.examples, **reported(result, what="pairs trained on"))


STAGE = Stage(
    name="dpo",
    run=run,
    reads=("preferences/{judge}/train.jsonl", "tasks.jsonl"),
    reads_if=lambda settings: (SFT_ADAPTER,) if settings.mix.sft else (),
    writes=("adapters/dpo", "history/dpo.json"),
    settings=(
        "judge.name",
        "model",
        "lora",
        "mix.sft",
        "mix.dpo_fraction",
        "training.init_from",
        "training.dpo",
        "seed",
    ),
    active=lambda settings: settings.mix.dpo,
    starts=lambda settings: not settings.mix.sft,
    tracked=True,
)
