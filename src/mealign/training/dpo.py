"""Direct preference optimisation (arXiv 2305.18290): LoRA by preference, from the SFT adapter.

The reference policy is the adapter that training starts from, frozen: the SFT adapter, or the base model where there
is none. Its log-probabilities are computed once, before the first step.
"""

from __future__ import annotations

import math
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path

from mealign.config import DpoConfig, LoraConfig
from mealign.errors import MealignError
from mealign.records import Preference
from mealign.training import common


def train_dpo(
    pairs: Sequence[Preference],
    *,
    model: Path,
    sft_adapter: Path | None,
    output: Path,
    lora: LoraConfig,
    settings: DpoConfig,
    max_length: int,
    seed: int,
    on_log: common.OnLog | None = None,
) -> common.TrainingResult:
    """Train an adapter with TRL's DPOTrainer and save it to ``output``.

    Args:
        pairs: preferences; at most ``settings.max_pairs`` are used (:func:`draw`), and one whose longer answer exceeds
            ``max_length`` tokens with its prompt is skipped and counted.
        model: folder of the base model.
        sft_adapter: the adapter to start from; None: a fresh one on the base model.
        output: folder of the adapter to make.
        lora: the fresh adapter; an SFT adapter brings its own.
        settings: beta, epochs, rates and batches.
        max_length: in tokens.
        seed: of weights, draw and order.
        on_log: called with step and metrics after every optimizer step.

    Raises:
        MealignError: there are no pairs, the adapter is another model's, or the loss is no number.
    """
    tokenizer = common.load_tokenizer(model)
    fitting = [
        pair
        for pair in pairs
        if not any(
            common.too_long(pair.prompt, answer, tokenizer, max_length=max_length)
            for answer in (pair.chosen, pair.rejected)
        )
    ]
    used = draw(fitting, count=settings.max_pairs, seed=seed)
    if not used:
        raise MealignError(
            f"dpo: {len(pairs)} preferences and none to train on; look at the skips in the preferences' card.md, lower "
            "preferences.min_margin, raise candidates.max_prompts, or choose mix=sft_only"
        )
    from datasets import Dataset
    from trl import DPOConfig as Arguments
    from trl import DPOTrainer

    rows = [
        {
            "prompt": [message.model_dump() for message in pair.prompt],
            "chosen": [{"role": "assistant", "content": pair.chosen}],
            "rejected": [{"role": "assistant", "content": pair.rejected}],
        }
        for pair in used
    ]
    micro = min(settings.micro_batch_size, settings.batch_size)
    accumulation = math.ceil(settings.batch_size / micro)
    total = math.ceil(math.ceil(len(used) / (micro * accumulation)) * settings.epochs)
    total = settings.max_steps if settings.max_steps > 0 else total
    imitation = {"loss_type": ["sigmoid", "sft"], "loss_weights": [1.0, settings.sft_weight]}
    base = common.load_base(model)
    with tempfile.TemporaryDirectory() as scratch, common.training_bar("dpo", total, on_log) as watch:
        arguments = Arguments(
            **common.trainer_arguments(Path(scratch), seed=seed),
            num_train_epochs=settings.epochs,
            max_steps=settings.max_steps,
            learning_rate=settings.learning_rate,
            per_device_train_batch_size=micro,
            gradient_accumulation_steps=accumulation,
            warmup_steps=math.ceil(settings.warmup_ratio * total),
            beta=settings.beta,
            max_length=None,
            precompute_ref_log_probs=True,
            precompute_ref_batch_size=micro,
            **(imitation if settings.sft_weight > 0 else {}),
        )
        trainer = DPOTrainer(
            model=common.load_adapter(base, sft_adapter) if sft_adapter else base,
            args=arguments,
            train_dataset=Dataset.from_list(rows),
            processing_class=tokenizer,
            peft_config=None if sft_adapter else common.peft_config(lora),
            callbacks=[watch],
        )
        common.train(trainer)
        common.save_adapter(trainer.model, output, base=model.name)
    return common.result("dpo", watch.history, examples=len(used), skipped=len(pairs) - len(fitting))


def draw(pairs: Sequence[Preference], *, count: int, seed: int) -> list[Preference]:
    """Draw up to ``count`` pairs, family by family in turn, so that a frequent family does not crowd out the others."""
    generator = random.Random(seed)
    by_family: dict[str, list[Preference]] = {}
    for pair in sorted(pairs, key=lambda pair: pair.id):
        by_family.setdefault(pair.family, []).append(pair)
    for group in by_family.values():
        generator.shuffle(group)
    drawn: list[Preference] = []
    while len(drawn) < count and any(by_family.values()):
        for family in sorted(by_family):
            if by_family[family] and len(drawn) < count:
                drawn.append(by_family[family].pop())
    return drawn
