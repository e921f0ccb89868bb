"""Small values of a made-up person, for the tests of judging and of what follows it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

from mealign.judging.judge import Comparison, Opinion
from mealign.language.decisions import Decided, Estimate, Inquiry, Undecided, Usage
from mealign.records import (
    ABSTENTION,
    Candidate,
    Evidence,
    Fact,
    Family,
    Message,
    Order,
    Origin,
    Task,
    TaskKind,
    Verdict,
)


def fact(key: str, statement: str, value: str = "", *, superseded_by: str | None = None) -> Fact:
    return Fact(
        id=f"fact_{key}",
        subject="Nadia Verhoeven",
        relation="live in",
        object=value or statement,
        statement=statement,
        valid_from=date(2024, 3, 1),
        superseded_by=superseded_by and f"fact_{superseded_by}",
        evidence=Evidence(document_id=f"doc_{key}", start=0, end=10),
        confidence=0.9,
    )


def task(
    question: str,
    reference: str = ABSTENTION,
    *,
    facts: Sequence[str] = ("ghent",),
    shown: Sequence[str] = (),
    family: Family | None = None,
    key: str = "task_1",
    kind: TaskKind = "memory_qa_third_party",
) -> Task:
    return Task(
        id=key,
        kind=kind,
        family=family or ("unanswerable" if reference == ABSTENTION else "recall"),
        question=question,
        prompt=(Message(role="user", content=question),),
        reference=reference,
        fact_ids=tuple(f"fact_{name}" for name in facts),
        context_fact_ids=tuple(f"fact_{name}" for name in shown),
        split="train",
    )


def candidate(
    key: str, text: str, origin: Origin = "policy", *, task_id: str = "task_1", facts: Sequence[str] = ()
) -> Candidate:
    edits = tuple(f"fact_{name}" for name in facts)
    return Candidate(id=key, task_id=task_id, text=text, origin=origin, edit_fact_ids=edits)


def verdict(first: str, second: str, order: Order, p_first: float | None, *, task_id: str = "task_1") -> Verdict:
    return Verdict(
        id=f"verdict_{task_id}_{first}_{second}_{order}",
        task_id=task_id,
        judge="scripted",
        judge_digest="judge_0",
        first=first,
        second=second,
        order=order,
        p_first=p_first,
        error="unreachable" if p_first is None else None,
    )


def both_orders(
    first: str, second: str, forward: float | None, reverse: float | None, *, task_id: str = "task_1"
) -> list[Verdict]:
    """Verdicts of one pair; ``reverse`` is P(the answer shown first, which is ``second``)."""
    return [
        verdict(first, second, "forward", forward, task_id=task_id),
        verdict(second, first, "reverse", reverse, task_id=task_id),
    ]


class ScriptedJudge:
    """Says of every comparison what a function of the two texts says: P(first), or why it is undecided."""

    name = "scripted"
    digest = "judge_scripted"

    def __init__(self, script: Callable[[str, str], float | Undecided]) -> None:
        self._script = script

    def compare(
        self, comparisons: Sequence[Comparison], *, description: str | None = None
    ) -> list[Opinion | Undecided]:
        said = [self._script(each.first, each.second) for each in comparisons]
        return [
            opinion
            if isinstance(opinion, Undecided)
            else Opinion(p_first=opinion, usage=Usage(prompt_tokens=7, completion_tokens=1, cost_usd=0.5))
            for opinion in said
        ]

    def estimate(self, comparisons: Sequence[Comparison]) -> Estimate:
        return Estimate(len(comparisons), 0, 7 * len(comparisons), len(comparisons), 0.5 * len(comparisons), None)


class ScriptedModel:
    """Decides as a function of the inquiry says (question to option to probability), and keeps what it was asked."""

    digest = "model_0"

    def __init__(self, script: Callable[[Inquiry], Decided | Undecided]) -> None:
        self._script = script
        self.asked: list[Inquiry] = []

    def decide(self, inquiries: Sequence[Inquiry], *, description: str | None = None) -> list[Decided | Undecided]:
        self.asked += inquiries
        return [self._script(inquiry) for inquiry in inquiries]

    def estimate(self, inquiries: Sequence[Inquiry]) -> Estimate:
        return Estimate(len(inquiries), 0, 0, 0, None, None)


def always(option: int = 0, p: float = 0.75) -> Callable[[Inquiry], Decided]:
    """Give one option of every question, by its position, the probability ``p``, and share the rest out."""

    def decide(inquiry: Inquiry) -> Decided:
        return Decided(
            {
                name: {
                    each: p if index == option else (1 - p) / (len(choice.options) - 1)
                    for index, each in enumerate(choice.options)
                }
                for name, choice in inquiry.questions.items()
            },
            usage=Usage(prompt_tokens=11),
        )

    return decide


MEMORY = (
    fact("utrecht", "Nadia lived in Utrecht.", "Utrecht", superseded_by="ghent"),
    fact("ghent", "Nadia Verhoeven moved to Ghent on 1 March 2024 with Farah.", "Ghent"),
    fact("cake", "Nadia baked a lemon cake with three eggs.", "a lemon cake"),
    fact("job", "Bart works at a library in Antwerp.", "a library in Antwerp"),
)
