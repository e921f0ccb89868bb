"""Aggregates scored answers to the numbers in ``metrics.json``, every score with its interval.

A sweep optimises ``objective``: the mean score of the first arm of ``evaluation.objective`` that was asked, on the gold
questions, or on the held-out tasks without gold questions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, get_args

from mealign.errors import MealignError
from mealign.evaluation.intervals import Interval, bootstrap_mean, paired_difference
from mealign.evaluation.settings import ArmConfig, EvaluationConfig
from mealign.records import FAMILIES, Answer

QUESTION_SETS: tuple[str, ...] = get_args(Answer.model_fields["question_set"].annotation)


def summarise(answers: Sequence[Answer], *, settings: EvaluationConfig, seed: int) -> dict[str, Any]:
    """Aggregate the answers of every arm.

    Returns:
        ``objective`` and ``objective_arm`` (null when none of the objective's arms was asked), ``confidence``,
        ``arms`` (``name``, ``adapter`` and ``context`` of every arm of the settings, in their order), and for every
        question set that was asked ``{"n", "arms", "differences"}``. An arm holds ``score``, ``low``, ``high``, ``n``,
        the same for each of its families and LoCoMo categories, its ``abstention`` rates, and for every further metric,
        under ``metrics``, ``mean``, ``low``, ``high``, ``n`` and how often it ``failed``. Groups without questions are
        left out, and so is the mean of a metric that always failed.

    Raises:
        MealignError: an arm answered a question twice, or two arms of a set answered different questions.
    """
    interval = _Bootstrap(resamples=settings.resamples, confidence=settings.confidence, seed=seed)
    arms = [{"name": arm.name, "adapter": arm.adapter, "context": arm.context} for arm in settings.arms]
    summary: dict[str, Any] = {"confidence": settings.confidence, "arms": arms}
    for question_set in QUESTION_SETS:
        if asked := [answer for answer in answers if answer.question_set == question_set]:
            summary[question_set] = _summarise_set(asked, settings.arms, question_set=question_set, interval=interval)
    summary["objective"], summary["objective_arm"] = _objective(summary, settings.objective)
    return summary


def flatten_metrics(summary: Mapping[str, Any]) -> dict[str, float]:
    """Name every number as MLflow allows: ``sft+memory`` becomes ``sft_with_memory``.

    ``gold/sft_with_memory/score``, ``.../score_low``, ``.../recall/score``, ``.../category_2/score``,
    ``.../abstention_right`` and ``gold/sft_minus_base/difference``; ``objective`` stands alone. A further metric is
    ``gold/sft_with_memory/<metric>``, ``.../<metric>_low``, ``.../<metric>_n``, ``.../<metric>_failed``.
    """
    metrics: dict[str, float] = {}
    if summary.get("objective") is not None:
        metrics["objective"] = summary["objective"]
    for question_set in QUESTION_SETS:
        part = summary.get(question_set, {"arms": {}, "differences": {}})
        for arm, values in part["arms"].items():
            prefix = f"{question_set}/{_metric_name(arm)}"
            metrics |= _flat_score(prefix, values)
            for family, inner in values["families"].items():
                metrics |= _flat_score(f"{prefix}/{family}", inner)
            for category, inner in values.get("categories", {}).items():
                metrics |= _flat_score(f"{prefix}/category_{category}", inner)
            for kind, inner in values["abstention"].items():
                metrics[f"{prefix}/abstention_{kind}"] = inner["rate"]
            for metric, inner in values.get("metrics", {}).items():
                metrics |= _flat_further(f"{prefix}/{metric}", inner)
        for name, values in part["differences"].items():
            prefix = f"{question_set}/{_metric_name(name)}/difference"
            metrics |= {prefix: values["difference"], f"{prefix}_low": values["low"], f"{prefix}_high": values["high"]}
    return metrics


def objective_scores(
    answers: Sequence[Answer], *, settings: EvaluationConfig
) -> tuple[ArmConfig | None, dict[str, float]]:
    """Return the arm whose mean is the objective, and its scores by question; None if no such arm was asked."""
    arms = {arm.name: arm for arm in settings.arms}
    for question_set in QUESTION_SETS:
        for name in settings.objective:
            scores = {
                answer.question_id: answer.score
                for answer in answers
                if answer.question_set == question_set and answer.arm == name
            }
            if scores:
                return arms[name], scores
    return None, {}


def beats(
    scores: Mapping[str, float], others: Mapping[str, float] | None, *, settings: EvaluationConfig, seed: int
) -> bool:
    """Whether scores by question beat others by more than their interval; anything beats None.

    For the same questions the interval of the paired difference must lie above 0; for different questions the intervals
    of the two means must not overlap.
    """
    if others is None:
        return True
    interval = _Bootstrap(resamples=settings.resamples, confidence=settings.confidence, seed=seed)
    if scores.keys() == others.keys():
        return interval.difference([scores[key] for key in others], list(others.values())).low > 0
    return interval.mean(list(scores.values())).low > interval.mean(list(others.values())).high


class _Bootstrap:
    def __init__(self, *, resamples: int, confidence: float, seed: int) -> None:
        self._resamples, self._confidence, self._seed = resamples, confidence, seed

    def mean(self, values: Sequence[float]) -> Interval:
        return bootstrap_mean(values, resamples=self._resamples, confidence=self._confidence, seed=self._seed)

    def difference(self, a: Sequence[float], b: Sequence[float]) -> Interval:
        return paired_difference(a, b, resamples=self._resamples, confidence=self._confidence, seed=self._seed)


def _summarise_set(
    answers: Sequence[Answer], arms: Sequence[ArmConfig], *, question_set: str, interval: _Bootstrap
) -> dict[str, Any]:
    answered_by = {answer.arm for answer in answers}
    by_arm = {arm.name: _by_question(answers, arm.name) for arm in arms if arm.name in answered_by}
    asked = {arm: tuple(answered) for arm, answered in by_arm.items()}
    first = next(iter(asked))
    for arm, questions in asked.items():
        if questions != asked[first]:
            raise MealignError(
                f"{question_set}: {arm} and {first} answered different questions; run stage=evaluate again"
            )
    return {
        "n": len(asked[first]),
        "arms": {arm: _summarise_arm(list(answered.values()), interval) for arm, answered in by_arm.items()},
        "differences": {
            f"{arm.name} - {other}": _compare(by_arm[arm.name], by_arm[other], interval)
            for arm in arms
            for other in arm.against
            if arm.name in by_arm and other in by_arm
        },
    }


def _by_question(answers: Iterable[Answer], arm: str) -> dict[str, Answer]:
    of_arm = [answer for answer in answers if answer.arm == arm]
    found = {answer.question_id: answer for answer in sorted(of_arm, key=lambda answer: answer.question_id)}
    if len(found) < len(of_arm):
        raise MealignError(
            f"{arm}: {len(of_arm) - len(found)} of {len(of_arm)} answers share a question id; "
            "give every question in questions.jsonl an id of its own"
        )
    return found


def _summarise_arm(answers: Sequence[Answer], interval: _Bootstrap) -> dict[str, Any]:
    families = {family: [answer for answer in answers if answer.family == family] for family in FAMILIES}
    summary = {
        **_score(answers, interval),
        "families": {family: _score(group, interval) for family, group in families.items() if group},
        "abstention": _abstention(answers),
    }
    names = sorted({name for answer in answers for name in (*answer.metrics, *answer.failed)})
    if names:
        summary["metrics"] = {name: _further(name, answers, interval) for name in names}
    categories = sorted({answer.category for answer in answers if answer.category is not None})
    if categories:
        summary["categories"] = {
            str(category): _score([answer for answer in answers if answer.category == category], interval)
            for category in categories
        }
    return summary


def _score(answers: Sequence[Answer], interval: _Bootstrap) -> dict[str, Any]:
    found = interval.mean([answer.score for answer in answers])
    return {"score": found.mean, "low": found.low, "high": found.high, "n": found.n}


def _further(name: str, answers: Sequence[Answer], interval: _Bootstrap) -> dict[str, Any]:
    values = [answer.metrics[name] for answer in answers if name in answer.metrics]
    counts = {"n": len(values), "failed": sum(name in answer.failed for answer in answers)}
    if not values:
        return counts
    found = interval.mean(values)
    return {"mean": found.mean, "low": found.low, "high": found.high, **counts}


def _compare(a: Mapping[str, Answer], b: Mapping[str, Answer], interval: _Bootstrap) -> dict[str, Any]:
    found = interval.difference([answer.score for answer in a.values()], [answer.score for answer in b.values()])
    return {"difference": found.mean, "low": found.low, "high": found.high, "n": found.n}


def _abstention(answers: Sequence[Answer]) -> dict[str, Any]:
    """Return ``right``, unanswerable questions that were declined, and ``wrong``, answerable ones that were."""
    groups = {
        "right": [answer.abstained for answer in answers if _is_unanswerable(answer)],
        "wrong": [answer.abstained for answer in answers if not _is_unanswerable(answer)],
    }
    return {kind: {"rate": sum(group) / len(group), "n": len(group)} for kind, group in groups.items() if group}


def _is_unanswerable(answer: Answer) -> bool:
    return answer.category == 5 or (answer.category is None and answer.family == "unanswerable")


def _objective(summary: Mapping[str, Any], names: Sequence[str]) -> tuple[float | None, str | None]:
    for question_set in QUESTION_SETS:
        arms = summary.get(question_set, {}).get("arms", {})
        for arm in names:
            if arm in arms:
                return arms[arm]["score"], arm
    return None, None


def _metric_name(name: str) -> str:
    return name.replace("+", "_with_").replace(" - ", "_minus_")


def _flat_score(prefix: str, values: Mapping[str, Any]) -> dict[str, float]:
    return {
        f"{prefix}/score": values["score"],
        f"{prefix}/score_low": values["low"],
        f"{prefix}/score_high": values["high"],
        f"{prefix}/n": values["n"],
    }


def _flat_further(prefix: str, values: Mapping[str, Any]) -> dict[str, float]:
    names = {"mean": prefix, **{key: f"{prefix}_{key}" for key in ("low", "high", "n", "failed")}}
    return {name: values[key] for key, name in names.items() if key in values}
