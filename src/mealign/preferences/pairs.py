"""From verdicts to preference pairs.

A pair of answers becomes a preference when the judge, asked in both orders, names the same winner by a sufficient
margin. Errors, flips, ties and equal texts make no preference, and are counted.

Not every clear verdict is a useful lesson either. For an answerable question, whether declining is right depends on
what the prompt shows, which the judge does not take into account:

| the prompt shows | an abstention may be chosen | an abstention may be rejected |
| --- | --- | --- |
| the facts that answer | no: it would teach not to read them | yes |
| a memory without one of them | yes | no: it would teach to invent |
| no memory | no: it would undo what SFT put into the weights | no: it would teach to guess |

A pair that contradicts this table is skipped as ``abstention``. For an unanswerable question the verdict stands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from mealign.answers import abstained, normalise
from mealign.errors import MealignError
from mealign.judging.outcome import Outcome, merge
from mealign.preferences.settings import PreferencesConfig
from mealign.records import Candidate, Fact, Lineage, Preference, Record, Standing, Task, Verdict, content_id

R = TypeVar("R", bound=Record)

Skip = Literal["judge_error", "flip", "tie", "duplicate", "abstention"]
"""Why one outcome makes no pair."""


@dataclass(frozen=True)
class PreferenceSet:
    """Pairs to train on and to hold out; no task, and no set of facts, has pairs in both.

    ``counts`` has the ``pairs`` made and the judged pairs skipped, by reason (:data:`Skip`, ``over_task_limit``,
    ``over_limit``); together they are all judged pairs. ``origins`` counts the pairs by
    ``<origin of chosen> over <origin of rejected>``.
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
    standings: Sequence[Standing] = (),
    *,
    settings: PreferencesConfig,
    seed: int,
) -> PreferenceSet:
    """Make the pairs of every task, clearest first, and split them by the facts that their tasks rest on.

    At most ``max_pairs_per_task`` per task and ``max_pairs`` in all; over the limit, families take turns, clearest
    first, so that a frequent family does not crowd out the others. The same two texts make one pair per task, whoever
    wrote them: the clearest verdict counts. Of equally clear pairs, the one whose answers are further apart in
    ``standings`` comes first. Whether there is a pair at all depends on the verdicts of both orders alone.

    Raises:
        MealignError: a verdict names a task, a candidate or a fact that is not given.
    """
    lookup = _Lookup.of(tasks, candidates, facts, standings)
    counts: Counter[str] = Counter()
    by_task: dict[str, list[Preference]] = {}
    for outcome in merge(verdicts):
        task = lookup.task(outcome.task_id)
        first, second = lookup.answer(outcome.first), lookup.answer(outcome.second)
        reason = skip_reason(outcome, task, first, second, min_margin=settings.min_margin)
        if reason:
            counts[reason] += 1
        else:
            chosen, rejected = (first, second) if outcome.winner == first.id else (second, first)
            by_task.setdefault(task.id, []).append(_preference(outcome, task, chosen, rejected, lookup))
    kept: list[Preference] = []
    for task_id in sorted(by_task):
        distinct = _distinct(by_task[task_id], lookup)
        counts["duplicate"] += len(by_task[task_id]) - len(distinct)
        counts["over_task_limit"] += max(0, len(distinct) - settings.max_pairs_per_task)
        kept += distinct[: settings.max_pairs_per_task]
    limited = sorted(_take_turns(kept, settings.max_pairs, lookup), key=lambda pair: pair.id)
    counts["over_limit"] += len(kept) - len(limited)
    counts["pairs"] = len(limited)
    held_out = {task.id for task in tasks if _is_held_out(task, share=settings.eval_share, seed=seed)}
    return PreferenceSet(
        train=tuple(pair for pair in limited if pair.lineage.task_id not in held_out),
        eval=tuple(pair for pair in limited if pair.lineage.task_id in held_out),
        counts={reason: count for reason, count in sorted(counts.items()) if count or reason == "pairs"},
        origins=dict(sorted(Counter(lookup.origins(pair) for pair in limited).items())),
    )


def skip_reason(outcome: Outcome, task: Task, first: Candidate, second: Candidate, *, min_margin: float) -> Skip | None:
    """Return why an outcome makes no pair; None if it makes one. ``first`` and ``second`` are its candidates."""
    if outcome.error is not None:
        return "judge_error"
    if outcome.flipped:
        return "flip"
    if outcome.winner is None or outcome.margin < min_margin:
        return "tie"
    if normalise(first.text) == normalise(second.text):
        return "duplicate"
    chosen, rejected = (first, second) if outcome.winner == first.id else (second, first)
    return None if _teaches(task, chosen.text, rejected.text) else "abstention"


def _teaches(task: Task, chosen: str, rejected: str) -> bool:
    """Whether the table in this module's docstring allows the pair."""
    if task.family == "unanswerable" or abstained(task.reference):
        return True
    answer_shown = set(task.fact_ids) <= set(task.context_fact_ids)
    if abstained(chosen) and (answer_shown or not task.context_fact_ids):
        return False
    return answer_shown or not abstained(rejected)


@dataclass(frozen=True)
class _Lookup:
    """The records to which verdicts refer, by id."""

    tasks: Mapping[str, Task]
    answers: Mapping[str, Candidate]
    facts: Mapping[str, Fact]
    strengths: Mapping[str, float]

    @classmethod
    def of(
        cls,
        tasks: Sequence[Task],
        candidates: Sequence[Candidate],
        facts: Sequence[Fact],
        standings: Sequence[Standing],
    ) -> _Lookup:
        return cls(
            {task.id: task for task in tasks},
            {candidate.id: candidate for candidate in candidates},
            {fact.id: fact for fact in facts},
            {standing.candidate_id: standing.strength for standing in standings},
        )

    def clearness(self, pair: Preference) -> tuple[float, float]:
        """Return the margin of the direct verdict, then the difference of the two answers' strengths."""
        chosen, rejected = pair.lineage.chosen_id, pair.lineage.rejected_id
        return pair.margin, self.strengths.get(chosen, 0.0) - self.strengths.get(rejected, 0.0)

    def task(self, task_id: str) -> Task:
        return _find(self.tasks, task_id, file="tasks.jsonl")

    def answer(self, candidate_id: str) -> Candidate:
        return _find(self.answers, candidate_id, file="candidates.jsonl")

    def document(self, fact_id: str) -> str:
        return _find(self.facts, fact_id, file="memory/facts.jsonl").evidence.document_id

    def origins(self, pair: Preference) -> str:
        return f"{self.answers[pair.lineage.chosen_id].origin} over {self.answers[pair.lineage.rejected_id].origin}"


def _find(lookup: Mapping[str, R], key: str, *, file: str) -> R:
    if key not in lookup:
        raise MealignError(f"{file}: the verdicts speak of {key}, which is not there; run stage=judge again")
    return lookup[key]


def _preference(outcome: Outcome, task: Task, chosen: Candidate, rejected: Candidate, lookup: _Lookup) -> Preference:
    fact_ids = tuple(dict.fromkeys((*task.fact_ids, *chosen.edit_fact_ids, *rejected.edit_fact_ids)))
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
            document_ids=tuple(dict.fromkeys(lookup.document(fact_id) for fact_id in fact_ids)),
        ),
    )


def _distinct(pairs: Sequence[Preference], lookup: _Lookup) -> list[Preference]:
    """Return the clearest pair for every two texts, clearest first."""
    found: dict[frozenset[tuple[str, ...]], Preference] = {}
    for pair in _clearest_first(pairs, lookup):
        found.setdefault(frozenset({tuple(normalise(pair.chosen)), tuple(normalise(pair.rejected))}), pair)
    return list(found.values())


def _clearest_first(pairs: Sequence[Preference], lookup: _Lookup) -> list[Preference]:
    by_id = sorted(pairs, key=lambda pair: pair.id)
    return sorted(by_id, key=lookup.clearness, reverse=True)


def _take_turns(pairs: Sequence[Preference], limit: int, lookup: _Lookup) -> list[Preference]:
    by_family: dict[str, list[Preference]] = {}
    for pair in reversed(_clearest_first(pairs, lookup)):
        by_family.setdefault(pair.family, []).append(pair)
    taken: list[Preference] = []
    while len(taken) < limit and any(by_family.values()):
        for family in sorted(by_family):
            if by_family[family] and len(taken) < limit:
                taken.append(by_family[family].pop())
    return taken


def _is_held_out(task: Task, *, share: float, seed: int) -> bool:
    """Draw by facts, so that a question with and without memory falls on the same side."""
    digest = content_id("", seed, sorted(task.fact_ids) or task.id)
    return int(digest[1:], 16) < share * 16**16
