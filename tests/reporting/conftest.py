"""One summary of each kind: six arms on two sets, and LoCoMo's categories."""

import random
from typing import Any

import pytest

from mealign.evaluation.summary import summarise
from mealign.judging.certificate import measure
from mealign.judging.certification_pairs import CertificationPair
from mealign.judging.examination import ExaminedPair
from mealign.judging.judge import Opinion
from mealign.language.decisions import Undecided
from mealign.records import FAMILIES, Answer
from tests.defaults import EvaluationConfig
from tests.evaluation.builders import ARMS
from tests.judging.builders import task


def _summary(*, locomo: bool) -> dict[str, Any]:
    rng = random.Random(0)
    answers = [
        Answer(
            question_id=f"q{number}",
            question_set="held_out" if held_out else "gold",
            arm=arm,
            family=FAMILIES[number % 6],
            category=number % 5 + 1 if locomo and not held_out else None,
            answer="a text of the user",
            score=min(1.0, 0.1 + 0.1 * level + 0.1 * rng.random()),
            abstained=number % 4 == 0,
        )
        for held_out, n in ((False, 30), (True, 12))
        for level, arm in enumerate(ARMS)
        for number in range(n)
    ]
    return summarise(answers, settings=EvaluationConfig(resamples=100), seed=1)


def _certificate() -> dict[str, Any]:
    """Of a judge that is right about an old value, wrong about a date, and undecided once."""
    known = [
        CertificationPair(task("Where?", "a text of the user"), "a text of the user", wrong, kind)
        for kind, wrong in (("superseded", "Utrecht"), ("wrong_date", "on some other day"), ("user", "Rome"))
    ]
    said: list[tuple[Opinion | Undecided, Opinion | Undecided]] = [
        (Opinion(0.9), Opinion(0.2)),
        (Opinion(0.3), Opinion(0.6)),
        (Undecided("refused", raw="a text of the user"), Opinion(0.4)),
    ]
    return measure([ExaminedPair(pair, *both) for pair, both in zip(known, said, strict=True)])


@pytest.fixture(scope="session")
def summary() -> dict[str, Any]:
    return _summary(locomo=False)


@pytest.fixture(scope="session")
def locomo_summary() -> dict[str, Any]:
    return _summary(locomo=True)


@pytest.fixture(scope="session")
def stages() -> dict[str, dict[str, Any]]:
    def funnel(what: str, count: int, **rest: Any) -> dict[str, Any]:
        return {"funnel": {"what": what, "count": count, "rest": rest}}

    return {
        "ingest": funnel("documents", 160, report={"broken_date": 2, "too_large": 1}),
        "memory": funnel("facts", 812, superseded=31),
        "tasks": funnel("tasks", 600, counts={"train": 480, "skipped": {"pronoun": 12}}),
        "sft": {
            **funnel("training examples", 480, skipped_too_long=2),
            "history": [{"step": i, "loss": 3 / i} for i in range(1, 9)],
        },
        "candidates": funnel("candidate answers", 700, counts={"policy": 480, "wrong_object": 220}),
        "judge": {**funnel("verdicts", 1400, counts={"capped": 3}), "certificate": _certificate()},
        "preferences": funnel("preference pairs", 330, counts={"flip": 3, "tie": 80}),
        "dpo": {
            # As written to disk, where what is empty is left out.
            "funnel": {"what": "pairs trained on", "count": 120},
            "history": [{"step": i, "loss": 0.69 / i, "rewards/accuracies": 0.5 + i / 20} for i in range(1, 9)],
        },
    }
