"""The person's memory in a terminal: everything as a tree, or one fact with its history and its source."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text
from rich.tree import Tree

from mealign.memory.times import format_day
from mealign.records import Fact
from mealign.reporting.memory_content import EXAMPLES_A_TOPIC, Memory
from mealign.reporting.memory_source import Passage

TOPICS = 15


def memory_tree(memory: Memory) -> Tree:
    """Return the person's memory as a tree: bio, topics, people and, by month, events and changes."""
    tree = Tree(Text(memory.person, style="bold"))
    tree.add(_counts(memory))
    bio = tree.add(_heading("bio"))
    for sentence in memory.profile.bio:
        bio.add(Text(sentence.text))
    topics = tree.add(_heading("topics"))
    for topic in memory.profile.topics[:TOPICS]:
        branch = topics.add(_counted(topic.name, len(topic.fact_ids)))
        for identity in topic.fact_ids[:EXAMPLES_A_TOPIC]:
            branch.add(Text(memory.by_id[identity].statement, style="dim"))
    left_out = len(memory.profile.topics) - TOPICS
    if left_out > 0:
        topics.add(Text(f"and {left_out} smaller ones", style="dim"))
    people = tree.add(_heading("people"))
    for name, count in memory.profile.people:
        people.add(_counted(name, count))
    timeline = tree.add(_heading("timeline"))
    for month in memory.months():
        branch = timeline.add(_counted(month.title, month.count))
        for fact in month.happened:
            branch.add(Text(fact.statement))
        for change in month.changed:
            branch.add(Text.assemble((change.old.statement, "strike dim"), " → ", (change.new.statement, "yellow")))
    return tree


def fact_story(memory: Memory, fact: Fact, passage: Passage) -> RenderableType:
    """Return a fact with its time, what it replaced, what replaced it, and the words of its source."""
    graph = memory.graph
    after = graph.successor(fact.id)
    document = memory.documents[fact.evidence.document_id]
    parts = [
        Text(fact.statement, style="bold"),
        _row("id", fact.id),
        _row("holds", held(fact)),
        _row("names", ", ".join(graph.names_in(fact.id)) or "none"),
        *(_row("replaced", _dated(old)) for old in graph.replaced(fact.id)),
        *([_row("replaced by", _dated(after))] if after else []),
        _row("source", f"{passage.place}, {document.author}, {format_day(document.created_at.date())}"),
        *_lines(passage),
    ]
    return Group(*parts)


def held(fact: Fact) -> str:
    """Return when a fact holds, in words: ``from 1 March 2024 until 2 May 2024``."""
    start = f"from {format_day(fact.valid_from)}" if fact.valid_from else "always"
    return f"{start} until {format_day(fact.valid_to)}" if fact.valid_to else start


def _lines(passage: Passage) -> Sequence[Text]:
    width = len(str(passage.number + len(passage.lines) - 1))
    return [
        Text.assemble(
            (f"{passage.number + offset:>{width + 2}} │ ", "dim"),
            line.before,
            (line.span, "black on yellow"),
            line.after,
        )
        for offset, line in enumerate(passage.lines)
    ]


def _counts(memory: Memory) -> Text:
    dates = f", {format_day(memory.span[0])} to {format_day(memory.span[1])}" if memory.span else ""
    return Text(f"{len(memory.facts)} facts from {len(memory.documents)} documents{dates}", style="dim")


def _heading(text: str) -> Text:
    return Text(text, style="cyan")


def _counted(text: str, count: int) -> Text:
    return Text.assemble(text, (f"  {count}", "dim"))


def _row(key: str, value: str) -> Text:
    return Text.assemble((f"{key}: ", "cyan"), value)


def _dated(fact: Fact) -> str:
    return f"{fact.statement} ({fact.id}, {held(fact)})"
