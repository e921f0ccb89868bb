"""The main score: token F1 by the rule that applies to a question, in [0, 1].

Questions that carry a LoCoMo category (arXiv 2402.17753) are scored exactly as the benchmark's own evaluation does;
all others by the best token F1 over the accepted answers, and unanswerable ones by whether the answer abstains.
"""

from __future__ import annotations

from collections.abc import Callable

from mealign.answers import LOCOMO_ABSTENTIONS, abstained, normalise, token_f1
from mealign.records import Question


def measure(question: Question, answer: str) -> float:
    """Score an answer by the rule that applies to its question.

    A LoCoMo category decides first: 1 multi-hop (mean over the gold's comma-separated parts), 2 and 4 token F1, 3 token
    F1 against the part before ``;``, 5 abstention by LoCoMo's two phrases. Without a category, an unanswerable question
    requires an abstention; any other gets the best token F1 over its answer and variants, and 0 for an abstention.
    """
    if question.category is not None:
        return _LOCOMO_RULES[question.category](answer, question.answer)
    if question.family == "unanswerable":
        return float(abstained(answer))
    accepted = (question.answer, *question.variants)
    # An accepted answer may read like an abstention.
    if abstained(answer) and normalise(answer) not in map(normalise, accepted):
        return 0.0
    return max(token_f1(answer, gold) for gold in accepted)


def _multi_hop(prediction: str, reference: str) -> float:
    parts = prediction.split(",")
    best = [max(token_f1(part, expected) for part in parts) for expected in reference.split(",")]
    return sum(best) / len(best)


def _open_domain(prediction: str, reference: str) -> float:
    return token_f1(prediction, reference.split(";")[0])


def _adversarial(prediction: str, _: str) -> float:
    return float(any(phrase in prediction.lower() for phrase in LOCOMO_ABSTENTIONS))


_LOCOMO_RULES: dict[int, Callable[[str, str], float]] = {
    1: _multi_hop,
    2: token_f1,
    3: _open_domain,
    4: token_f1,
    5: _adversarial,
}
