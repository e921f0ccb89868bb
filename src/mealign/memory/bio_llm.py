"""A bio in a language model's words, accepted only where its sentences name the facts that they rest on."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mealign.language.chat import TextModel, without_role_tokens
from mealign.language.egress import Personal
from mealign.language.prices import tokens_of
from mealign.language.replies import ask
from mealign.language.settings import LlmConfig
from mealign.memory.context import in_time_order, memory_line
from mealign.memory.llm import read_items, request_schema, template
from mealign.memory.profile import MAX_WORDS
from mealign.records import Fact, Message, Record

MAX_FACTS = 80
"""The latest facts that the model is shown: about 2000 tokens."""
NAME = re.compile(r"(?<!^)\b(?:[A-Z]\w+|\d+)\b")
"""What a sentence can get wrong: names and numbers. Its first word is capitalised in any case and does not count."""


class Sentence(Record):
    """One sentence as a model is asked to give it: ``facts`` counts from 1 in the order in which they were shown."""

    text: str
    facts: tuple[int, ...]


class WrittenBio(Record):
    """A model's whole answer."""

    sentences: tuple[Sentence, ...]


class SentenceRefusal(StrEnum):
    """Why a sentence is not part of the bio."""

    malformed = "malformed"
    empty = "empty"
    too_long = "too_long"
    no_fact = "no_fact"
    unsupported = "unsupported"
    duplicate = "duplicate"
    over_limit = "over_limit"


@dataclass(frozen=True)
class Bio:
    """Sentences with the ids of the facts behind each, and how many were refused, by reason."""

    sentences: list[tuple[str, tuple[str, ...]]]
    refused: dict[str, int]


def abstractive_bio(
    facts: Sequence[Fact], *, person: str, model: TextModel, settings: LlmConfig, cache: Path, sentences: int
) -> Bio:
    """Let a model write the bio from what is current about the person.

    A sentence is refused if it names no facts, or a fact that was not shown, or has a name or number that its facts do
    not have. The bio is empty when the model says nothing usable, and when nothing is known.

    Args:
        facts: of any number of people.
        person: full name of the user.
        model: writes the bio.
        settings: the length and size of the reply, and its temperature.
        cache: folder of the replies.
        sentences: the maximum number of sentences.

    Raises:
        MealignError: the model cannot answer. No answer of its raises an error.
    """
    current = [fact for fact in facts if fact.subject == person and not fact.superseded_by]
    shown = in_time_order(current)[-MAX_FACTS:]
    if not shown:
        return Bio([], {})
    prompt = _prompt(shown, person, sentences)
    replies = ask(
        model,
        [prompt],
        request_schema(WrittenBio, WrittenBio="Reply"),
        cache=cache,
        max_new_tokens=settings.max_new_tokens,
        temperature=settings.temperature,
        max_reply_bytes=settings.max_reply_bytes,
        description="write the bio",
        personal=[Personal(facts=tuple(fact.id for fact in shown), tokens=tokens_of(prompt[-1].content))],
    )
    items = read_items(replies.texts[0], "sentences")
    refused: Counter[str] = Counter()
    if items is None:
        refused[SentenceRefusal.malformed] += 1
    kept: dict[str, tuple[str, ...]] = {}
    for item in items or ():
        read = _sentence(item, shown)
        if isinstance(read, SentenceRefusal):
            refused[read] += 1
        elif read.text in kept:
            refused[SentenceRefusal.duplicate] += 1
        elif len(kept) == sentences:
            refused[SentenceRefusal.over_limit] += 1
        else:
            kept[read.text] = tuple(dict.fromkeys(shown[number - 1].id for number in read.facts))
    return Bio(list(kept.items()), dict(sorted(refused.items())))


def _prompt(facts: Sequence[Fact], person: str, sentences: int) -> tuple[Message, ...]:
    system = template("bio.system.txt").substitute(person=person, sentences=sentences, words=MAX_WORDS)
    lines = [f"[{number}] {memory_line(fact).removeprefix('- ')}" for number, fact in enumerate(facts, start=1)]
    return (
        Message(role="system", content=system),
        Message(role="user", content=without_role_tokens("\n".join(lines))),
    )


def _sentence(item: Any, facts: Sequence[Fact]) -> Sentence | SentenceRefusal:
    try:
        said = Sentence.model_validate(item)
    except ValidationError:
        return SentenceRefusal.malformed
    text = " ".join(said.text.split())
    if not re.search(r"\w", text):
        return SentenceRefusal.empty
    if len(text.split()) > MAX_WORDS:
        return SentenceRefusal.too_long
    if not said.facts or not all(1 <= number <= len(facts) for number in said.facts):
        return SentenceRefusal.no_fact
    behind = " ".join(f"{memory_line(facts[number - 1])} {facts[number - 1].subject}" for number in said.facts)
    if not set(NAME.findall(text)) <= set(re.findall(r"\w+", behind)):
        return SentenceRefusal.unsupported
    return Sentence(text=text, facts=said.facts)
