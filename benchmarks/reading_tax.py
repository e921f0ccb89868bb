"""What training does to the reading of a memory: base+memory against sft+memory and dpo+memory, on LoCoMo's questions.

    python benchmarks/reading_tax.py --locomo FILE --users N

A user is a speaker of a conversation; the first N are taken, every conversation's first speaker before any second one.
Each goes through the pipeline as shipped, in ``--data``: there a result that is known is not computed again, so a
killed run goes on. The memory is made from ``conversation`` alone, and training never sees a question of ``qa``.

Prints one JSON object: ``arms`` (mean F1 by LoCoMo's rule over categories 1 to 4, with its interval), ``by_category``,
``abstention`` (share of category 5 that is rightly declined; ``declined``: of the others, wrongly), ``difference`` of
every tuned arm and base+memory with its paired 95 % ``interval`` (bootstrap over questions), ``ratio`` of the two,
``best`` (the tuned arm with the highest F1), ``n``, and the arms of each user. ``base``, ``sft`` and ``dpo`` answer
without memory.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from mealign.compose import compose_settings
from mealign.errors import MealignError
from mealign.evaluation.intervals import bootstrap_mean, paired_difference
from mealign.evaluation.settings import EvaluationConfig
from mealign.experiment.runner import run
from mealign.jsonl import read_records
from mealign.records import Answer

STAGES = "[ingest,memory,tasks,sft,candidates,judge,preferences,dpo,evaluate]"
BASE = "base+memory"
TUNED = ("sft+memory", "dpo+memory")
ABSTENTION = 5
"""LoCoMo's category of questions that the conversation does not answer."""
SEED = 17


def users_of(path: Path, count: int) -> list[tuple[str, str]]:
    """Return the conversation and the name of the first ``count`` speakers.

    Raises:
        MealignError: the file is not in LoCoMo's format, or has fewer.
    """
    try:
        talks = [(str(sample["sample_id"]), sample["conversation"]) for sample in json.loads(path.read_bytes())]
        users = [(name, str(talk[speaker])) for speaker in ("speaker_a", "speaker_b") for name, talk in talks]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MealignError(f"{path}: this is no readable file in LoCoMo's format ({error!r})") from error
    if not 0 < count <= len(users):
        raise MealignError(f"--users {count}: the file has {len(users)} speakers; ask for 1 to {len(users)}")
    return users[:count]


def answers_of(path: Path, conversation: str, speaker: str, *, data: Path, overrides: Sequence[str]) -> list[Answer]:
    """Bring one user's results up to date, and return what every arm answered to the questions of ``qa``."""
    settings = compose_settings(
        "user=locomo",
        f"user.path='{path.resolve()}'",
        f"user.conversation='{conversation}'",
        f"user.speaker='{speaker}'",
        "tracking=none",
        f"stage={STAGES}",
        *overrides,
    )
    with contextlib.redirect_stdout(sys.stderr):
        run(settings, root=data)
    answers = read_records(data / settings.paths.data / settings.user.name / "evaluation.jsonl", Answer)
    return [
        answer.model_copy(update={"question_id": f"{conversation} {speaker} {answer.question_id}"})
        for answer in answers
        if answer.question_set == "gold"
    ]


def summarise(answers: Sequence[Answer], settings: EvaluationConfig) -> dict[str, Any]:
    """Count as LoCoMo does."""
    sampling = {"resamples": settings.resamples, "confidence": settings.confidence, "seed": SEED}
    scores: dict[str, dict[str, float]] = {}
    summary: dict[str, Any] = {"arms": {}, "by_category": {}, "abstention": {}, "declined": {}}
    for arm in dict.fromkeys(answer.arm for answer in answers):
        own = [answer for answer in answers if answer.arm == arm]
        answerable = [answer for answer in own if answer.category != ABSTENTION]
        scores[arm] = {answer.question_id: answer.score for answer in answerable}
        mean = bootstrap_mean(list(scores[arm].values()), **sampling)
        summary["arms"][arm] = {"f1": mean.mean, "low": mean.low, "high": mean.high, "n": mean.n}
        summary["by_category"][arm] = {
            category: {"f1": fmean(values), "n": len(values)}
            for category in sorted({answer.category for answer in own if answer.category is not None})
            if (values := [answer.score for answer in own if answer.category == category])
        }
        if declined := [answer.score for answer in own if answer.category == ABSTENTION]:
            summary["abstention"][arm] = fmean(declined)
        summary["declined"][arm] = fmean(answer.abstained for answer in answerable)
    summary |= {"difference": {}, "interval": {}, "ratio": {}}
    for arm in (arm for arm in TUNED if arm in scores):
        gained = paired_difference([scores[arm][key] for key in scores[BASE]], list(scores[BASE].values()), **sampling)
        summary["difference"][arm] = gained.mean
        summary["interval"][arm] = [gained.low, gained.high]
        base = summary["arms"][BASE]["f1"]
        summary["ratio"][arm] = summary["arms"][arm]["f1"] / base if base else None
    summary["best"] = max(summary["ratio"], key=lambda arm: summary["arms"][arm]["f1"])
    summary["n"] = len(scores[BASE])
    return summary


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--locomo", type=Path, required=True, help="a file in LoCoMo's format")
    parser.add_argument("--users", type=int, default=1)
    parser.add_argument("--data", type=Path, help="folder of the results, kept; a temporary one unless given")
    parser.add_argument("overrides", nargs="*", help="settings other than those shipped, as on mealign's command line")
    given = parser.parse_args()
    started = time.perf_counter()
    try:
        with tempfile.TemporaryDirectory() as temporary:
            data = given.data or Path(temporary)
            by_user = {
                f"{conversation} {speaker}": answers_of(
                    given.locomo, conversation, speaker, data=data, overrides=given.overrides
                )
                for conversation, speaker in users_of(given.locomo, given.users)
            }
    except MealignError as error:
        sys.exit(f"reading_tax: {error}")
    evaluation = compose_settings().evaluation
    result = summarise([answer for answers in by_user.values() for answer in answers], evaluation)
    result["users"] = {name: summarise(answers, evaluation)["arms"] for name, answers in by_user.items()}
    result["overrides"] = given.overrides
    result["seconds"] = round(time.perf_counter() - started, 1)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
