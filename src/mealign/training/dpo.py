"""Direct preference optimisation (arXiv 2305.18290): LoRA by preference, from the SFT adapter.

The reference policy is what training starts from, frozen: a copy of the SFT adapter, or the base model where there is
none. Its log-probabilities are computed once a pair, whatever runs share it, and every prompt is read once
(:mod:`mealign.training.prefix_sharing`).
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import MutableMapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from trl import DPOConfig as DpoArguments

from mealign import processes
from mealign.config import DpoConfig, LoraConfig, LoraVariant, Precision
from mealign.errors import MealignError
from mealign.language.precision import dtype_of
from mealign.language.weights import weights_digest
from mealign.records import FAMILIES, Family, Preference, Task, content_id
from mealign.training import loop
from mealign.training.adapters import policy_arguments
from mealign.training.arguments import micro_batch, shared_arguments, to_dataset, total_steps
from mealign.training.base_models import load_base, load_tokenizer
from mealign.training.checkpoints import run_key
from mealign.training.fitting import fit, sequence_length
from mealign.training.prefix_sharing import LogProbabilities, PrefixSharedCollator, PrefixSharedDPOTrainer
from mealign.training.results import TrainingResult, sum_up


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
    """Train an adapter with TRL's DPOTrainer, prompts shared, and save it to ``output``, whole or not at all.

    The loss of a pair is ``settings.loss`` of its rewards, beta times the log-ratios to the reference in nats: unless
    another one is chosen, -log sigmoid(reward of chosen - reward of rejected) (eq. 7). To it ``sft_weight`` times the
    mean negative log-likelihood of the chosen answers' tokens is added. At the first step the policy is the reference,
    and every reward is 0 up to rounding.

    Args:
        pairs: preferences. One of more than ``max_length`` tokens on either side shows less of the memory
            (:func:`mealign.training.fitting.fit`), and is left out if it is too long without; both are counted. Of the
            others at most ``settings.max_pairs`` are drawn (:func:`draw`).
        model: folder of the base model.
        sft_adapter: the adapter to start from, which must be one of ``lora``; None starts a fresh one on the base.
        output: folder of the adapter to make; an older one is replaced. It holds the whole policy: put on the base
            model, it needs no SFT adapter below it.
        lora: the adapter. Its dropout does not apply: policy and reference must see the same network.
        settings: beta, epochs, rates, batches; ``micro_batch_size`` is lowered to a divisor of ``batch_size``.
        max_length: longest prompt with an answer, in tokens.
        seed: of the draw, a fresh adapter's first weights and the order of the pairs. On a CPU the same seed gives the
            same bytes, for the same number of threads.
        precision: of the base model and of products; the adapter is trained in fp32.
        tasks: what steps of SFT between those of DPO train on, if there are any; the training tasks.
        dpo_fraction: share of the steps that are DPO (:func:`interleave`).
        known: what references said before, by reference and pair; what is missing is computed and put there.
        checkpoints: folder of checkpoints, each run's under its key; a killed run goes on from its last one when it is
            started again. None: it begins anew.
        on_log: called with the step and its point of the history after every optimizer step that is taken here.

    Raises:
        MealignError: no pair is left to train on, or too few for one step beside steps of SFT, the adapter is not one
            of ``lora`` for this model, the loss is not a number or explodes, one pair alone exceeds the memory, or
            model, tokenizer and ``lora`` do not fit together.
        Terminated: SIGTERM came; the step in hand is in a checkpoint.
    """
    if not pairs:
        raise MealignError(
            "dpo: there are no preferences to learn from; the preferences' card.md counts why pairs were not made. "
            "Lower preferences.min_margin, raise preferences.max_pairs_per_task or candidates.max_prompts, or choose "
            "mix=sft_only"
        )
    tokenizer = load_tokenizer(model)
    prompts = {
        pair.id: fit(pair.prompt, [pair.chosen, pair.rejected], max_length=max_length, tokenizer=tokenizer)
        for pair in pairs
    }
    fitting = [pair.model_copy(update={"prompt": prompt}) for pair in pairs if (prompt := prompts[pair.id]) is not None]
    if not fitting:
        raise MealignError(
            f"dpo: each of {len(pairs)} preferences is longer than model.max_length={max_length} tokens; raise it, or "
            "lower context.top_k"
        )
    drawn = draw(fitting, count=settings.max_pairs, seed=seed)
    rows = [to_row(pair, pair_length(pair, tokenizer), offset=settings.offset) for pair in drawn]
    if dpo_fraction < 1:
        examples = fitting_tasks(tasks, tokenizer=tokenizer, max_length=max_length)
        rows = interleave(rows, examples, fraction=dpo_fraction, batch_size=settings.batch_size, seed=seed)
    whole = {pair.id: pair.prompt for pair in pairs}
    start = weights_digest(model, sft_adapter)
    key = run_key("dpo", rows, start, asdict(lora), asdict(settings), seed, str(dtype_of(precision)))
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


def fitting_tasks(tasks: Sequence[Task], *, tokenizer: Any, max_length: int) -> list[dict[str, Any]]:
    """Turn the training tasks that fit into rows of SFT; in TRL's columns the answer stands for both of a pair."""
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
                }
            )
    return rows


def interleave(
    pairs: Sequence[dict[str, Any]],
    examples: Sequence[dict[str, Any]],
    *,
    fraction: float,
    batch_size: int,
    seed: int,
) -> list[dict[str, Any]]:
    """Return the rows of whole batches of pairs, and with them those of as many batches of SFT as leave ``fraction``.

    Every row says whether it is ``supervised``. The examples are drawn at random, each one again only when all were.

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
    gap = {"gap": 0.0} if "gap" in pairs[0] else {}
    return [
        *({**row, "supervised": False} for row in pairs[: steps * batch_size]),
        *({**row, **gap, "supervised": True} for row in drawn[:count]),
    ]


def draw(pairs: Sequence[Preference], *, count: int, seed: int) -> list[Preference]:
    """Draw at most ``count`` pairs at random, every family in proportion to its share (within one pair).

    The same set of pairs and seed give the same draw in the same order, whatever the order of ``pairs``. Of a family of
    ``n`` pairs, the one drawn at rank ``r`` stands at ``(r + 1/2) / n`` of its family; the lowest ``count`` are taken.
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


def pair_length(pair: Preference, tokenizer: Any) -> int:
    """Count the tokens of the prompt with the longer of the two answers."""
    return max(sequence_length(tokenizer, pair.prompt, answer) for answer in (pair.chosen, pair.rejected))


def to_row(pair: Preference, length: int, *, offset: float = 0.0) -> dict[str, Any]:
    """Turn a pair into TRL's conversational prompt, chosen and rejected answer, with its ``length`` and its ``id``.

    With an ``offset`` (ODPO's alpha) it has the ``gap`` that its rewards are to have: alpha * log(margin).
    """
    row = {
        "id": pair.id,
        "prompt": [message.model_dump() for message in pair.prompt],
        "chosen": [{"role": "assistant", "content": pair.chosen}],
        "rejected": [{"role": "assistant", "content": pair.rejected}],
        "length": length,
    }
    return row | {"gap": offset * math.log(pair.margin)} if offset else row


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
    """Build the trainer, which computes what is not ``known`` of the reference's log-probabilities.

    TRL takes an adapter's frozen copy named ``ref`` as the reference, and the bare base model for a fresh adapter.
    """
    # What a reference says depends on the numbers that its weights are held in.
    held_in = [str(dtype_of(precision)), *(["nf4"] if lora.variant is LoraVariant.qlora else [])]
    base = load_base(model, precision=precision, variant=lora.variant, attention=settings.attention)
    micro = micro_batch(settings.batch_size, at_most=settings.micro_batch_size)
    losses = {settings.loss.value: 1.0} | ({"sft": settings.sft_weight} if settings.sft_weight > 0 else {})
    arguments = DpoArguments(
        **shared_arguments(
            settings, examples=len(rows), micro_batch_size=micro, precision=precision, seed=seed, folder=folder
        ),
        beta=settings.beta,
        loss_type=list(losses),
        label_smoothing=settings.label_smoothing,
        loss_weights=list(losses.values()),
        precompute_ref_log_probs=True,
        precompute_ref_batch_size=micro,
    )
    return PrefixSharedDPOTrainer(
        **policy_arguments(base, sft_adapter, lora=lora, seed=seed),
        args=arguments,
        train_dataset=to_dataset(rows),
        processing_class=tokenizer,
        data_collator=PrefixSharedCollator(tokenizer.pad_token_id),
        known=known,
        reference=content_id("reference", weights_digest(model, sft_adapter), *held_in),
    )
