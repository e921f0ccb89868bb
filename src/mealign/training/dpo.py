"""Direct preference optimisation (arXiv 2305.18290): LoRA training on preferences, starting from the SFT adapter.

The reference policy is what training starts from, frozen: a copy of the SFT adapter, or the base model without one. Its
log-probabilities are computed once per pair for all runs that share it, and every prompt is read once
(:mod:`mealign.training.prefix_sharing`).
"""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from trl import DPOConfig as DpoArguments

from mealign import plugins, processes
from mealign.errors import MealignError
from mealign.jsonl import digest_path
from mealign.language.precision import dtype_of
from mealign.language.settings import Precision
from mealign.language.weights import weights_digest
from mealign.records import Preference, Task, content_id
from mealign.training import loop, losses
from mealign.training.adapters import policy_arguments
from mealign.training.arguments import micro_batch, shared_arguments, to_dataset, total_steps
from mealign.training.base_models import load_base, load_tokenizer
from mealign.training.checkpoints import run_key
from mealign.training.fitting import sequence_length
from mealign.training.mixing import draw, fitting_pairs, fitting_tasks, interleave
from mealign.training.packing import PrefixSharedCollator
from mealign.training.prefix_sharing import LogProbabilities, PairLoss, PrefixSharedDPOTrainer
from mealign.training.results import TrainingResult, sum_up
from mealign.training.settings import DpoConfig, LoraConfig, LoraVariant


@processes.joined
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
    precision: Precision = Precision.auto,
    tasks: Sequence[Task] = (),
    dpo_fraction: float = 1.0,
    known: MutableMapping[str, LogProbabilities] | None = None,
    checkpoints: Path | None = None,
    on_log: loop.OnLog | None = None,
) -> TrainingResult:
    """Train an adapter with TRL's DPOTrainer, sharing prompts, and save it to ``output``, completely or not at all.

    The loss of a pair is the one in :mod:`mealign.training.losses` that ``settings.loss`` names, plus ``sft_weight``
    times the mean negative log-likelihood of the chosen answers' tokens. At the first step the policy equals the
    reference, and every reward, beta times a log-ratio to the reference in nats, is 0 up to rounding.

    Args:
        pairs: preferences. One with more than ``max_length`` tokens on either side shows less of the memory
            (:func:`mealign.training.fitting.fit`), and is left out if it is too long even without; both are counted. Of
            the rest at most ``settings.max_pairs`` are drawn (:func:`mealign.training.mixing.draw`).
        model: folder of the base model.
        sft_adapter: the adapter to start from, which must match ``lora``; None starts a fresh one on the base.
        output: folder of the adapter to make; an older one is replaced. It holds the whole policy: on the base model
            it needs no SFT adapter below it.
        lora: the adapter's settings. Dropout does not apply: policy and reference must see the same network.
        settings: beta, epochs, rates, batches; ``micro_batch_size`` is lowered to a divisor of ``batch_size``.
        max_length: longest prompt with an answer, in tokens.
        seed: of the draw, a fresh adapter's initial weights and the order of the pairs. On a CPU the same seed gives
            the same bytes, for the same number of threads.
        precision: of the base model and of products; the adapter is trained in fp32.
        tasks: the training tasks, for the SFT steps between those of DPO, if there are any.
        dpo_fraction: share of the steps that are DPO (:func:`mealign.training.mixing.interleave`).
        known: earlier log-probabilities of references, by reference and pair; missing ones are computed and added.
        checkpoints: folder of checkpoints, each run's under its key; a killed run resumes from its last one when it is
            started again. None: it starts from the beginning.
        on_log: called with the step and its point of the history after every optimizer step taken in this process.

    Raises:
        MealignError: no pair is left to train on, or too few for one step besides SFT steps, the adapter does not match
            ``lora`` or this model, the loss is not a number or explodes, a single pair exceeds the memory, or model,
            tokenizer and ``lora`` do not fit together.
        Terminated: SIGTERM was received; the current step is in a checkpoint.
    """
    if not pairs:
        raise MealignError(
            "dpo: there are no preferences to learn from; the preferences' card.md counts why pairs were not made. "
            "Lower preferences.min_margin, raise preferences.max_pairs_per_task or candidates.max_prompts, or choose "
            "mix=sft_only"
        )
    tokenizer = load_tokenizer(model)
    fitting = fitting_pairs(pairs, tokenizer=tokenizer, max_length=max_length)
    if not fitting:
        raise MealignError(
            f"dpo: each of {len(pairs)} preferences is longer than model.max_length={max_length} tokens; raise it, or "
            "lower context.top_k"
        )
    drawn = draw(fitting, count=settings.max_pairs, seed=seed)
    rows = [to_row(pair, pair_length(pair, tokenizer)) for pair in drawn]
    if dpo_fraction < 1:
        examples = fitting_tasks(tasks, tokenizer=tokenizer, max_length=max_length)
        rows = interleave(rows, examples, fraction=dpo_fraction, batch_size=settings.batch_size, seed=seed)
    whole = {pair.id: pair.prompt for pair in pairs}
    start = weights_digest(model, sft_adapter)
    loss = digest_path(losses.file_of(settings.loss))
    key = run_key("dpo", rows, start, asdict(lora), asdict(settings), seed, str(dtype_of(precision)), loss)
    done = loop.run(
        "dpo",
        lambda folder, micro: build_trainer(
            rows,
            tokenizer,
            model=model,
            sft_adapter=sft_adapter,
            lora=lora,
            settings=replace(settings, micro_batch_size=micro),
            seed=seed,
            precision=precision,
            folder=folder,
            known={} if known is None else known,
        ),
        steps=total_steps(settings, examples=len(rows)),
        settings=settings,
        micro_batch_size=micro_batch(settings.batch_size, at_most=settings.micro_batch_size),
        seed=seed,
        model=model,
        output=output,
        checkpoints=checkpoints / key if checkpoints else None,
        on_log=on_log,
    )
    return sum_up(
        "dpo",
        done.history,
        examples=len(rows),
        skipped_too_long=len(pairs) - len(fitting),
        shortened=sum(pair.prompt != whole[pair.id] for pair in drawn),
        halvings=done.halvings,
    )


def pair_length(pair: Preference, tokenizer: Any) -> int:
    """Return the number of tokens of the prompt with the longer of the two answers."""
    return max(sequence_length(tokenizer, pair.prompt, answer) for answer in (pair.chosen, pair.rejected))


def to_row(pair: Preference, length: int) -> dict[str, Any]:
    """Convert a pair to TRL's conversational prompt, chosen and rejected answer, with its id, length and margin."""
    return {
        "id": pair.id,
        "prompt": [message.model_dump() for message in pair.prompt],
        "chosen": [{"role": "assistant", "content": pair.chosen}],
        "rejected": [{"role": "assistant", "content": pair.rejected}],
        "length": length,
        "margin": pair.margin,
    }


def pair_loss(settings: DpoConfig) -> PairLoss:
    """Return the loss that ``settings.loss`` names, bound to the settings that it uses.

    Raises:
        ConfigError: there is no such loss, or its module does not define one.
    """
    function = plugins.member("mealign.training.losses", settings.loss, "loss")
    return partial(function, **{name: getattr(settings, name) for name in losses.settings_of(settings.loss)})


def build_trainer(
    rows: Sequence[dict[str, Any]],
    tokenizer: Any,
    *,
    model: Path,
    sft_adapter: Path | None,
    lora: LoraConfig,
    settings: DpoConfig,
    seed: int,
    precision: Precision,
    folder: Path,
    known: MutableMapping[str, LogProbabilities],
) -> PrefixSharedDPOTrainer:
    """Build the trainer, which computes the reference's log-probabilities that are not ``known``.

    TRL uses an adapter's frozen copy named ``ref`` as the reference, or the bare base model for a fresh adapter.
    """
    # The reference's log-probabilities depend on the number format of its weights.
    held_in = [str(dtype_of(precision)), *(["nf4"] if lora.variant is LoraVariant.qlora else [])]
    base = load_base(model, precision=precision, variant=lora.variant, attention=settings.attention)
    micro = micro_batch(settings.batch_size, at_most=settings.micro_batch_size)
    arguments = DpoArguments(
        **shared_arguments(
            settings, examples=len(rows), micro_batch_size=micro, precision=precision, seed=seed, folder=folder
        ),
        beta=settings.beta,
        loss_type=[],
        precompute_ref_log_probs=True,
        precompute_ref_batch_size=micro,
    )
    return PrefixSharedDPOTrainer(
        **policy_arguments(base, sft_adapter, lora=lora, seed=seed),
        args=arguments,
        train_dataset=to_dataset(rows),
        processing_class=tokenizer,
        data_collator=PrefixSharedCollator(tokenizer.pad_token_id),
        loss=pair_loss(settings),
        sft_weight=settings.sft_weight,
        known=known,
        reference=content_id("reference", weights_digest(model, sft_adapter), *held_in),
    )
