"""From verdicts to preference pairs.

A pair of answers becomes a preference when the judge, asked in both orders, names the same winner by enough of a
margin. Errors, flips, ties and equal texts become nothing, and are counted.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from mealign.answers import normalise
from mealign.config import PreferencesConfig
from mealign.judging.outcome import Outcome, merge
from mealign.records import Candidate, Fact, Lineage, Preference, Task, Verdict, content_id

Skip = Literal["judge_error", "flip", "tie", "duplicate", "over_task_limit", "over_limit"]


@dataclass(frozen=True)
class PreferenceSet:
    """Pairs to train on and to hold out, by task; ``counts`` of pairs made and skipped sum up to the judged pairs.

    ``origins`` counts the pairs by ``<origin of chosen> over <origin of rejected>``.
    """

    train: tuple[Preference, ...]
    eval: tuple[Preference, ...]
    counts: dict[str, int]
    origins: dict[str, int]


def build_preferences(
    tasks: Sequence[Task],
    candidates: Sequence[Candidate],
    verdicts: Sequence[Verdict],
    facts: Sequence[Fact],
    *,
    settings: PreferencesConfig,
    seed: int,
) -> PreferenceSet:
    """Make the pairs of every task, clearest first, and split them by task.

    At most ``max_pairs_per_task`` a task and ``max_pairs`` in all; over the limit, families take turns, clearest
    first, so that a frequent family does not crowd out the others.
    """
    task_of = {task.id: task for task in tasks}
    answers = {candidate.id: candidate for candidate in candidates}
    fact_of = {fact.id: fact for fact in facts}
    counts: Counter[str] = Counter()
    by_task: dict[str, list[Preference]] = {}
    for outcome in merge(verdicts):
        reason = skip_reason(outcome, answers, min_margin=settings.min_margin)
        if reason:
            counts[reason] += 1
        else:
            pair = _preference(outcome, task_of[outcome.task_id], answers, fact_of)
            by_task.setdefault(outcome.task_id, []).append(pair)
    kept: list[Preference] = []
    for task_id in sorted(by_task):
        ranked = sorted(by_task[task_id], key=lambda pair: (-pair.margin, pair.id))
        distinct = list({(pair.chosen, pair.rejected): pair for pair in reversed(ranked)}.values())[::-1]
        counts["duplicate"] += len(ranked) - len(distinct)
        counts["over_task_limit"] += max(0, len(distinct) - settings.max_pairs_per_task)
        kept += distinct[: settings.max_pairs_per_task]
    limited = _take_turns(kept, settings.max_pairs)
    counts["over_limit"] += len(kept) - len(limited)
    counts["pairs"] = len(limited)
    held_out = {task_id for task_id in by_task if _is_held_out(task_id, share=settings.eval_share, seed=seed)}
    ordered = sorted(limited, key=lambda pair: pair.id)
    return PreferenceSet(
        train=tuple(pair for pair in ordered if pair.lineage.task_id not in held_out),
        eval=tuple(pair for pair in ordered if pair.lineage.task_id in held_out),
        counts=dict(sorted(counts.items())),
        origins=dict(sorted(Counter(_origins(pair, answers) for pair in ordered).items())),
    )


def skip_reason(outcome: Outcome, answers: Mapping[str, Candidate], *, min_margin: float) -> Skip | None:
    """Say why an outcome makes no pair; None when it does."""
    if outcome.error is not None:
        return "judge_error"
    if outcome.flipped:
        return "flip"
    if outcome.winner is None or outcome.margin < min_margin:
        return "tie"
    if normalise(answers[outcome.first].text) == normalise(answers[outcome.second].text):
        return "duplicate"
    return None


def _preference(
    outcome: Outcome, task: Task, answers: Mapping[str, Candidate], facts: Mapping[str, Fact]
) -> Preference:
    loser = outcome.second if outcome.winner == outcome.first else outcome.first
    chosen, rejected = answers[outcome.winner or outcome.first], answers[loser]
    fact_ids = tuple(dict.fromkeys((*task.fact_ids, *chosen.edit_fact_ids, *rejected.edit_fact_ids)))
    documents = tuple(dict.fromkeys(facts[fact_id].evidence.document_id for fact_id in fact_ids))
    return Preference(
        id=content_id("pair", task.id, chosen.id, rejected.id),
        family=task.family,
        prompt=task.prompt,
        chosen=chosen.text,
        rejected=rejected.text,
        margin=outcome.margin,
        lineage=Lineage(
            task_id=task.id,
            chosen_id=chosen.id,
            rejected_id=rejected.id,
            verdict_ids=outcome.verdict_ids,
            fact_ids=fact_ids,
            document_ids=documents,
        ),
    )


def _take_turns(pairs: Sequence[Preference], limit: int) -> list[Preference]:
    by_family: dict[str, list[Preference]] = {}
    for pair in sorted(pairs, key=lambda pair: (pair.margin, pair.id)):
        by_family.setdefault(pair.family, []).append(pair)
    taken: list[Preference] = []
    while len(taken) < limit and any(by_family.values()):
        for family in sorted(by_family):
            if by_family[family] and len(taken) < limit:
                taken.append(by_family[family].pop())
    return taken


def _is_held_out(task_id: str, *, share: float, seed: int) -> bool:
    digest = hashlib.sha256(f"{seed}:{task_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < share * 2**64


def _origins(pair: Preference, answers: Mapping[str, Candidate]) -> str:
    return f"{answers[pair.lineage.chosen_id].origin} over {answers[pair.lineage.rejected_id].origin}"
