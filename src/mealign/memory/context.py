"""The one prompt format of training, judging and evaluation.

An answer prompt is a short system message, with the remembered facts as dated lines when there are any, and the
question as the user's message. Facts know whom they are about: where the one that fits a question best is about another
person than the question, a note behind the question says so, since small models do not see it for themselves.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Sequence

from mealign.memory.entities import PRONOUNS
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
_NO_NAMES = {*calendar.month_name, *calendar.day_name, "I"}
_FIRST_PERSON = re.compile(r"\b(?:I|my|me|mine)\b")


def answer_prompt(question: str, *, person: str, kind: TaskKind, facts: Sequence[Fact] = ()) -> tuple[Message, ...]:
    """Build the messages for a question or a need.

    Args:
        question: the bare question.
        person: full name of the user.
        kind: who asks, and for what.
        facts: what is remembered, the most fitting first; shown oldest first.
    """
    lines = [ASKER[kind].format(person=person)]
    if kind in MEMORY_KINDS:
        lines.append(SHORT_ANSWER)
    system = " ".join(lines)
    if facts:
        system += MEMORY_HEAD + "\n".join(memory_line(fact) for fact in in_time_order(facts))
        if kind in MEMORY_KINDS and (names := about_another(question, facts[0], person=person)):
            question += "\n" + ABOUT_ANOTHER.format(asked=names[0], found=names[1])
    return (Message(role="system", content=system), Message(role="user", content=question))


def about_another(question: str, fact: Fact, *, person: str) -> tuple[str, str] | None:
    """Return whom a question asks about and whom the fact is about instead, by first name.

    None where the question names nobody, the fact mentions one of those it names, or the fact is not about somebody
    with a name. ``I`` is the user.
    """
    user = person.split()[0]
    named = [word for word in re.findall(r"\w+", question)[1:] if word[0].isupper() and word not in _NO_NAMES]
    if _FIRST_PERSON.search(question):
        named.append(user)
    subject = re.match(r"[A-Z]\w+", fact.subject)
    if not named or subject is None or subject[0].lower() in PRONOUNS | {"the", "an"} or subject[0] in named:
        return None
    if set(named) & set(re.findall(r"\w+", fact.statement)):
        return None
    return named[0], subject[0]


def in_time_order(facts: Sequence[Fact]) -> list[Fact]:
    """Return facts oldest first; undated ones before all."""
    return sorted(facts, key=lambda fact: (str(fact.valid_from or ""), fact.id))


def memory_line(fact: Fact) -> str:
    """Write a fact as ``- 1 March 2024: statement``, with the day on which it ended, if it did."""
    day = f"{format_day(fact.valid_from)}: " if fact.valid_from else ""
    until = f" (until {format_day(fact.valid_to)})" if fact.valid_to else ""
    return f"- {day}{fact.statement}{until}"
