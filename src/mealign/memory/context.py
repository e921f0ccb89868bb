"""The one prompt format of training, judging and evaluation.

An answer prompt is a short system message, with the remembered facts as dated lines when there are any, and the
question as the user's message. Where the facts are about another person than the question (:mod:`.subject_mismatch`), a
note after the question says so, since small models do not notice it by themselves.
"""

from __future__ import annotations

from collections.abc import Sequence

from mealign.memory.subject_mismatch import SubjectMismatch
from mealign.memory.times import format_day
from mealign.records import ABSTENTION, MEMORY_HEAD, MEMORY_KINDS, Fact, Message, TaskKind

ASKER: dict[TaskKind, str] = {
    "memory_qa_self": "You answer {person}'s questions about their own life.",
    "memory_qa_third_party": "You answer questions about {person}'s life.",
    "context_enhance": "You rewrite what {person} asks for as a full request in the first person, with what matters.",
    "context_critic": "You are {person}. You tell an expert in the first person what their advice misses.",
}
SHORT_ANSWER = f"Answer in a few words. If you do not know, answer: {ABSTENTION}."
ABOUT_ANOTHER = "(In the memory this is not mentioned of {asked}; it is about {found}.)"


def answer_prompt(
    question: str, *, person: str, kind: TaskKind, facts: Sequence[Fact] = (), instead: SubjectMismatch | None = None
) -> tuple[Message, ...]:
    """Build the messages for a question or a need.

    Args:
        question: the bare question.
        person: full name of the user.
        kind: who asks, and for what.
        facts: what is remembered; shown oldest first.
        instead: which person the facts are about instead of the one whom the question names; noted beside facts only.
    """
    lines = [ASKER[kind].format(person=person)]
    if kind in MEMORY_KINDS:
        lines.append(SHORT_ANSWER)
    system = " ".join(lines)
    if facts:
        system += MEMORY_HEAD + "\n".join(memory_line(fact) for fact in in_time_order(facts))
        if kind in MEMORY_KINDS and instead:
            question += "\n" + ABOUT_ANOTHER.format(asked=instead.asked, found=instead.found)
    return (Message(role="system", content=system), Message(role="user", content=question))


def in_time_order(facts: Sequence[Fact]) -> list[Fact]:
    """Return facts oldest first; undated ones come before all others."""
    return sorted(facts, key=lambda fact: (str(fact.valid_from or ""), fact.id))


def memory_line(fact: Fact) -> str:
    """Write a fact as ``- 1 March 2024: statement``, with the day on which it ended, if it did."""
    day = f"{format_day(fact.valid_from)}: " if fact.valid_from else ""
    until = f" (until {format_day(fact.valid_to)})" if fact.valid_to else ""
    return f"- {day}{fact.statement}{until}"
