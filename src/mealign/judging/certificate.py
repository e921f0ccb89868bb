"""How far a judge can be trusted: its verdicts on pairs whose better answer is known, beside two trivial baselines.

A certificate is made before a judge's verdicts are used, and ``preferences`` refuses a judge whose certificate is too
poor. One baseline picks the longer answer, the other tosses a coin.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from mealign.judging.agreement import kappa, wilson
from mealign.judging.calibration import brier_score, calibration_error, reliability
from mealign.judging.certification_pairs import USER, CertificationPair
from mealign.judging.examination import ExaminedPair, examine
from mealign.judging.judge import Judge
from mealign.judging.length import Contest, control_length

COIN = 0.5
"""The accuracy of a coin."""


def certify_judge(
    judge: Judge, pairs: Sequence[CertificationPair], *, description: str | None = None
) -> dict[str, Any]:
    """Ask a judge about every certification pair in both orders and measure its answers.

    Returns:
        JSON values; shares are in [0, 1], and null where there is nothing to count; ``_low`` and ``_high`` are the ends
        of a 95 % interval.

        - ``n``; ``accuracy`` (a tie is half right, undecided in either order is wrong) with its Wilson interval;
          ``longer`` and ``coin``: the baselines' accuracy; ``per_kind``: the same for every kind of pair.
        - ``consistency``: share of the answered pairs for which both orders name the same winner, or none.
          ``position_bias``: mean P(first) - 0.5, over all orders.
        - ``ece``, ``brier``, ``reliability`` (the bins of :func:`~mealign.judging.calibration.reliability`).
        - ``kappa``: Cohen's, against the truth, over both orders of every pair
          (:func:`~mealign.judging.agreement.kappa`).
        - ``user``: ``n``, ``agreement`` (accuracy on the pairs that the user labelled) and ``kappa``, with intervals.
        - ``length``: how often the longer answer wins, and how often the right one would win at equal length
          (:func:`~mealign.judging.length.control_length`).
        - ``errors``: undecided orders by kind. ``cost``: ``calls``, tokens and US dollars.
        - ``judge``, ``judge_digest``: whose certificate it is.

    Raises:
        MealignError: the judge cannot be asked, or its budget is spent.
    """
    return {
        "judge": judge.name,
        "judge_digest": judge.digest,
        **measure(examine(judge, pairs, description=description)),
    }


def measure(examined: Sequence[ExaminedPair]) -> dict[str, Any]:
    """Return the numbers of :func:`certify_judge` for answers that were given already."""
    answered = [p for each in examined if (p := each.p_right) is not None]
    consistent = [said for each in examined if (said := each.consistent) is not None]
    first = [p for each in examined for p in each.p_first]
    bins = reliability(answered)
    agreed = kappa([each.votes for each in examined])
    kinds: dict[str, list[ExaminedPair]] = {}
    for each in examined:
        kinds.setdefault(each.pair.kind, []).append(each)
    contests = [
        Contest(each.p_right, len(each.pair.right), len(each.pair.wrong))
        for each in examined
        if each.p_right is not None
    ]
    return {
        **_accuracy(examined),
        "coin": COIN,
        "per_kind": {kind: _accuracy(group) for kind, group in sorted(kinds.items())},
        "consistency": _mean(consistent),
        "position_bias": _mean(first, less=0.5),
        "ece": calibration_error(bins),
        "brier": brier_score(answered),
        "reliability": [asdict(each) for each in bins],
        "kappa": agreed.value,
        "kappa_low": agreed.low,
        "kappa_high": agreed.high,
        "user": _with_user(kinds.get(USER, [])),
        "length": control_length(contests).to_json(),
        "errors": dict(sorted(Counter(error for each in examined for error in each.errors).items())),
        "cost": {
            "calls": 2 * len(examined),
            "prompt_tokens": sum(each.usage.prompt_tokens for each in examined),
            "completion_tokens": sum(each.usage.completion_tokens for each in examined),
            "usd": sum(each.usage.cost_usd for each in examined),
        },
    }


def certificate_metrics(certificate: Mapping[str, Any]) -> dict[str, float]:
    """Return the certificate's numbers by their names in MLflow: ``judge/accuracy`` and so on."""
    numbers: dict[str, Any] = {
        name: certificate[name]
        for name in (
            "n", "accuracy", "accuracy_low", "accuracy_high", "consistency", "ece", "brier", "kappa", "kappa_low",
            "kappa_high", "position_bias", "longer", "coin",
        )
    }  # fmt: skip
    numbers |= {f"accuracy_{kind}": values["accuracy"] for kind, values in certificate["per_kind"].items()}
    numbers |= {f"user_{name}": value for name, value in certificate["user"].items()}
    numbers |= {f"length_{name}": value for name, value in certificate["length"].items()}
    numbers |= {f"errors_{kind}": count for kind, count in certificate["errors"].items()}
    numbers |= {f"certificate_{name}": value for name, value in certificate["cost"].items()}
    numbers["injection_flip_rate"] = certificate.get("injection_flip_rate")
    return {f"judge/{name}": float(value) for name, value in numbers.items() if value is not None}


def _accuracy(examined: Sequence[ExaminedPair]) -> dict[str, Any]:
    correct = [each.correct for each in examined]
    low, high = wilson(sum(correct), len(correct))
    return {
        "n": len(correct),
        "accuracy": _mean(correct),
        "accuracy_low": low,
        "accuracy_high": high,
        "longer": _mean([each.longer_is_right for each in examined]),
    }


def _with_user(examined: Sequence[ExaminedPair]) -> dict[str, Any]:
    shares, agreed = _accuracy(examined), kappa([each.votes for each in examined])
    return {
        "n": shares["n"],
        "agreement": shares["accuracy"],
        "agreement_low": shares["accuracy_low"],
        "agreement_high": shares["accuracy_high"],
        "kappa": agreed.value,
        "kappa_low": agreed.low,
        "kappa_high": agreed.high,
    }


def _mean(values: Sequence[float], *, less: float = 0.0) -> float | None:
    return sum(values) / len(values) - less if values else None
