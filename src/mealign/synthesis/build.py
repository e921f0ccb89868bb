"""All candidates of the training prompts."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mealign.language.chat import TextModel
from mealign.records import MEMORY_KINDS, Candidate, Fact, Sampling, Task, content_id
from mealign.synthesis.corruptions import corrupt
from mealign.synthesis.settings import CandidatesConfig


@dataclass(frozen=True)
class CandidateSet:
    """Candidates in canonical order; ``counts`` by origin, and of samples that were empty or repeated."""

    candidates: list[Candidate]
    counts: dict[str, int]


def build_candidates(
    tasks: Sequence[Task], *, facts: Mapping[str, Fact], model: TextModel, settings: CandidatesConfig, seed: int
) -> CandidateSet:
    """Collect the policy's samples, the reference and the corruptions for the chosen prompts.

    Only training tasks that ask for a short answer have candidates: for others no rule tells what is wrong. No
    constructed answer comes from a held-out fact, or DPO would see what the evaluation asks for.
    """
    held_out = {fact_id for task in tasks if task.split == "eval" for fact_id in task.fact_ids}
    known = {fact_id: fact for fact_id, fact in facts.items() if fact_id not in held_out}
    chosen = choose_prompts(tasks, count=settings.max_prompts, seed=seed)
    counts: Counter[str] = Counter(prompts=len(chosen))
    found: dict[str, Candidate] = {}
    for candidate in [*_references(chosen), *sample(chosen, model=model, settings=settings, seed=seed, counts=counts)]:
        found.setdefault(candidate.id, candidate)
    for task in chosen:
        for candidate in corrupt(task, facts=known, n=settings.negatives, seed=seed):
            found.setdefault(candidate.id, candidate)
    candidates = sorted(found.values(), key=lambda candidate: (candidate.task_id, candidate.id))
    counts.update(candidate.origin for candidate in candidates)
    return CandidateSet(candidates, dict(sorted(counts.items())))


def choose_prompts(tasks: Sequence[Task], *, count: int, seed: int) -> list[Task]:
    """Choose up to ``count`` training prompts; families, with and without memory, take turns."""
    generator = random.Random(seed)
    groups: dict[tuple[str, bool], list[Task]] = {}
    for task in sorted(tasks, key=lambda task: task.id):
        if task.split == "train" and can_be_corrupted(task):
            groups.setdefault((task.family, bool(task.context_fact_ids)), []).append(task)
    for group in groups.values():
        generator.shuffle(group)
    chosen: list[Task] = []
    while len(chosen) < count and any(groups.values()):
        for key in sorted(groups):
            if groups[key] and len(chosen) < count:
                chosen.append(groups[key].pop())
    return sorted(chosen, key=lambda task: task.id)


def can_be_corrupted(task: Task) -> bool:
    """Whether rules can make a wrong answer: the task asks for a short one."""
    return task.kind in MEMORY_KINDS


def sample(
    tasks: Sequence[Task], *, model: TextModel, settings: CandidatesConfig, seed: int, counts: Counter[str]
) -> list[Candidate]:
    """Sample ``settings.n`` answers per prompt from the policy; empty and repeated ones are counted and left out."""
    if settings.n == 0 or not tasks:
        return []
    answers = model.chat(
        [task.prompt for task in tasks],
        n=settings.n,
        max_new_tokens=settings.max_new_tokens,
        temperature=settings.temperature,
        top_p=settings.top_p,
        seed=seed,
        batch_size=settings.batch_size,
        description="sample candidates",
    )
    drawn = []
    for task, texts in zip(tasks, answers, strict=True):
        seen: set[str] = set()
        for index, text in enumerate(texts):
            if not text.strip():
                counts["empty"] += 1
            elif text in seen:
                counts["repeated"] += 1
            else:
                seen.add(text)
                how = Sampling(temperature=settings.temperature, top_p=settings.top_p, seed=seed, index=index)
                drawn.append(
                    Candidate(
                        id=content_id("candidate", task.id, "policy", text),
                        task_id=task.id,
                        text=text,
                        origin="policy",
                        sampling=how,
                        model=model.digest,
                    )
                )
    return drawn


def _references(tasks: Sequence[Task]) -> list[Candidate]:
    return [
        Candidate(
            id=content_id("candidate", task.id, "reference", task.reference),
            task_id=task.id,
            text=task.reference,
            origin="reference",
        )
        for task in tasks
    ]
