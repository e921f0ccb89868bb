"""Pairs of answers whose better one is known, from the questions of a file in LoCoMo's format."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mealign.judging.certification_pairs import CertificationPair
from mealign.records import ABSTENTION, Message, Task

NO_KEY = "(not given)"
"""Stands where a task needs a reference: no judge is told the right answer."""
SHORTEST_NAME = 3


@dataclass(frozen=True)
class LocomoPairs:
    """The certificate's pairs; ``answerable``, gold answers against an abstention; questions skipped, by reason."""

    pairs: list[CertificationPair]
    answerable: list[CertificationPair]
    skipped: dict[str, int]


def locomo_pairs(sample: dict[str, Any], *, seed: int) -> LocomoPairs:
    """Build the pairs of one conversation.

    - ``other_answer``: the gold answer against that of another question of the same category.
    - ``other_person``: the same, the other question being about the other speaker.
    - ``abstention``: a question of category 5, an abstention against its ``adversarial_answer``.
    """
    name = str(sample["sample_id"])
    speakers = [str(sample["conversation"][f"speaker_{side}"]) for side in "ab"]
    entries = sample.get("qa", [])
    built = LocomoPairs([], [], {"no_adversarial_answer": 0, "no_other_answer": 0, "no_other_person": 0})
    for number, entry in enumerate(entries, start=1):
        task = _task(f"{name}#q{number:03d}", str(entry["question"]))
        generator = random.Random(f"{seed}:{task.id}")
        if int(entry["category"]) == 5:
            if wrong := str(entry.get("adversarial_answer") or ""):
                built.pairs.append(CertificationPair(task, ABSTENTION, wrong, "abstention"))
            else:
                built.skipped["no_adversarial_answer"] += 1
            continue
        gold = str(entry["answer"])
        others = [
            other for other in entries
            if other["category"] == entry["category"] and str(other["answer"]).lower() != gold.lower()
        ]  # fmt: skip
        about = _about(task.question, speakers)
        persons = [
            other for other in others if about is not None and _about(str(other["question"]), speakers) == 1 - about
        ]
        for kind, pool in (("other_answer", others), ("other_person", persons)):
            if pool:
                built.pairs.append(CertificationPair(task, gold, str(generator.choice(pool)["answer"]), kind))
            else:
                built.skipped[f"no_{kind}"] += 1
        built.answerable.append(CertificationPair(task, gold, ABSTENTION, "answerable"))
    return built


def sampled(pairs: Sequence[CertificationPair], n: int, *, seed: int) -> list[CertificationPair]:
    """Draw ``n`` pairs, every kind as often as the others where there are enough."""
    kinds: dict[str, list[CertificationPair]] = {}
    for pair in random.Random(seed).sample(list(pairs), len(pairs)):
        kinds.setdefault(pair.kind, []).append(pair)
    drawn: list[CertificationPair] = []
    while len(drawn) < n and any(kinds.values()):
        drawn += [kinds[kind].pop() for kind in sorted(kinds) if kinds[kind]]
    return drawn[:n]


def _about(question: str, speakers: Sequence[str]) -> int | None:
    """Return which of the speakers a question names, where it names one of them; "Mel" is Melanie."""
    words = [word for word in re.findall(r"\w+", question) if word[0].isupper() and len(word) >= SHORTEST_NAME]
    named = [at for at, speaker in enumerate(speakers) if any(speaker.startswith(word) for word in words)]
    return named[0] if len(named) == 1 else None


def _task(key: str, question: str) -> Task:
    return Task(
        id=key,
        kind="memory_qa_third_party",
        family="recall",
        question=question,
        prompt=(Message(role="user", content=question),),
        reference=NO_KEY,
        fact_ids=(),
        split="eval",
    )
