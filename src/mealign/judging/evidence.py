"""The evidence judge: the claims of an answer against the facts. Offline, deterministic, the same in both orders.

Each answer is scored on its own. What the task's facts say is the truth; the task's reference, which was built by rule
from those facts, says which part of them is asked for. So this judge knows the answer key of its own tasks, as a
teacher does: its verdicts are as good as the facts and the rules, and its certificate says nothing about questions
whose answer it does not hold.
"""

from __future__ import annotations

import calendar
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mealign.answers import abstained, normalise
from mealign.judging.judge import Opinion
from mealign.records import Fact, Task, content_id

ABSTENTION_SCORE = 0.25
"""A needless "I do not know" is poor, and better than a falsehood."""

SUPPORT, CONTRADICTION, UNSUPPORTED, LENGTH = 0.75, 0.5, 0.2, 0.1
STEEPNESS = 6.0
"""Logistic slope: a difference of 0.5 between two scores gives 0.95."""

NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
NAME = re.compile(r"\b[A-Z][\w'’-]+")
MONTHS = frozenset(name.lower() for name in calendar.month_name if name)


@dataclass(frozen=True)
class EvidenceScore:
    """One answer against the facts; every part is in [0, 1].

    ``total`` = 0.25 + 0.75 supported - 0.5 contradicted - 0.2 unsupported - 0.1 length, cut to [0, 1]; a needless
    abstention scores 0.25, a right one 1, an invention 0.
    """

    total: float
    supported: float = 0.0
    contradicted: float = 0.0
    unsupported: float = 0.0
    abstained: float = 0.0
    length: float = 0.0
    why: str = ""


class EvidenceJudge:
    """Compares answers by :func:`score_answer`.

    Args:
        facts: the person's whole memory, superseded facts included.
    """

    name = "evidence"

    def __init__(self, facts: Sequence[Fact]) -> None:
        self._facts = {fact.id: fact for fact in facts}
        weights = (ABSTENTION_SCORE, SUPPORT, CONTRADICTION, UNSUPPORTED, LENGTH, STEEPNESS)
        self.digest = content_id("judge", self.name, weights, sorted(self._facts))

    def compare(self, task: Task, first: str, second: str) -> Opinion:
        """Turn the difference of the two scores into a probability."""
        scores = [score_answer(task, answer, facts=self._facts) for answer in (first, second)]
        difference = scores[0].total - scores[1].total
        parts = ("total", "supported", "contradicted", "unsupported", "abstained", "length")
        return Opinion(
            p_first=1.0 / (1.0 + math.exp(-STEEPNESS * difference)),
            dimensions={
                f"{side}_{part}": round(getattr(score, part), 4)
                for side, score in zip(("first", "second"), scores, strict=True)
                for part in parts
            },
            rationale=f"first: {scores[0].why}; second: {scores[1].why}",
        )


def score_answer(task: Task, answer: str, *, facts: Mapping[str, Fact]) -> EvidenceScore:
    """Score one answer against the facts behind its task."""
    declined = abstained(answer)
    if task.family == "unanswerable" or abstained(task.reference):
        why = "rightly abstains" if declined else "invents an answer that no fact gives"
        return EvidenceScore(total=float(declined), abstained=float(declined), unsupported=1.0 - declined, why=why)
    if declined:
        return EvidenceScore(total=ABSTENTION_SCORE, abstained=1.0, why="abstains although a fact answers")
    known = [facts[fact_id] for fact_id in task.fact_ids if fact_id in facts]
    asked = set(normalise(task.question))
    claims = [token for token in normalise(answer) if token not in asked] or normalise(answer)
    expected = [token for token in normalise(task.reference) if token not in asked] or normalise(task.reference)
    supported = _f1(claims, expected)
    evidence = {token for fact in known for token in normalise(f"{fact.statement} {fact.object}")} | set(expected)
    unknown = [token for token in claims if token not in evidence]
    unsupported = len(unknown) / len(claims) if claims else 1.0
    wrong = _contradictions(answer, task.reference, task.question)
    contradicted = float(bool(wrong))
    length = min(1.0, max(0, len(claims) - 2 * len(expected) - 3) / 10)
    total = ABSTENTION_SCORE + SUPPORT * supported
    total -= CONTRADICTION * contradicted + UNSUPPORTED * unsupported + LENGTH * length
    return EvidenceScore(
        total=min(1.0, max(0.0, total)),
        supported=supported,
        contradicted=contradicted,
        unsupported=unsupported,
        length=length,
        why=_why(supported, wrong, [fact.id for fact in known]),
    )


def _f1(claims: Sequence[str], expected: Sequence[str]) -> float:
    same = len(set(claims) & set(expected))
    return 2 * same / (len(set(claims)) + len(set(expected))) if same else 0.0


def _contradictions(answer: str, reference: str, question: str) -> list[str]:
    """Return values of the answer that stand where the reference has others of the same type: number, month or name."""
    found = []
    for kind in (_numbers, _months, _names):
        expected, given = kind(reference), kind(answer) - kind(question)
        if expected and given and not given & expected:
            found += sorted(given)
        elif kind is not _names and expected and given - expected:
            found += sorted(given - expected)
    return found


def _numbers(text: str) -> set[str]:
    return set(NUMBER.findall(text))


def _months(text: str) -> set[str]:
    return {word for word in re.findall(r"[a-z]+", text.lower()) if word in MONTHS}


def _names(text: str) -> set[str]:
    return {word.lower() for word in NAME.findall(text) if word.lower() not in MONTHS and word != "I"}


def _why(supported: float, wrong: Sequence[str], fact_ids: Sequence[str]) -> str:
    where = ", ".join(fact_ids)
    if wrong:
        return f"contradicts {where} in {', '.join(wrong)}"
    if supported == 0:
        return f"says nothing of {where}"
    return f"agrees with {where} by {supported:.2f}"
