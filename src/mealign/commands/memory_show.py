"""Shows what is known about the user: printed as a tree and written as a page, or the history of one fact."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mealign import terminal
from mealign.config import Settings
from mealign.damage import make_room
from mealign.errors import ConfigError
from mealign.jsonl import read_record, read_records, write_text
from mealign.pipeline.stage import Command
from mealign.settings import path_at

if TYPE_CHECKING:
    from mealign.records import Fact
    from mealign.reporting.memory_content import Memory

READS = ("documents.jsonl", "memory/facts.jsonl", "memory/profile.json")


def memory_show(settings: Settings, root: Path) -> None:
    """Print what is known about the user and write ``memory/memory.html``; with ``memory_show.fact`` explain one fact.

    Args:
        settings: checked settings.
        root: folder to which relative paths of the settings refer.

    Raises:
        ConfigError: the memory has not been made yet, or ``memory_show.fact`` is not the id of a fact.
        MealignError: the files of the memory are damaged, or do not belong together.
    """
    from rich.text import Text

    from mealign.reporting.memory_page import render_memory_page
    from mealign.reporting.memory_source import find_passage
    from mealign.reporting.memory_tree import fact_story, memory_tree

    folder = path_at(root, settings.paths.data) / settings.user.name
    memory = _read(folder)
    if settings.memory_show.fact is not None:
        fact = find_fact(memory.facts, settings.memory_show.fact, listed=folder / "memory/facts.jsonl")
        document = memory.documents[fact.evidence.document_id]
        passage = find_passage(document, fact.evidence, sources=path_at(root, settings.user.path))
        terminal.show(fact_story(memory, fact, passage))
        return
    page = folder / "memory/memory.html"
    write_text(make_room(page, inside=folder), render_memory_page(memory))
    terminal.show(memory_tree(memory))
    terminal.show(Text(f"the page: {page}"))


def find_fact(facts: Sequence[Fact], asked: str, *, listed: Path) -> Fact:
    """Return the fact whose id is or begins with ``asked``, with or without ``fact_``.

    Raises:
        ConfigError: no id begins with it, or several do; the message names the nearest ids.
    """
    whole = asked if asked.startswith("fact_") else f"fact_{asked}"
    found = [fact for fact in facts if fact.id.startswith(whole)]
    exact = [fact for fact in found if fact.id == whole]
    if len(exact or found) == 1:
        return (exact or found)[0]
    if found:
        some = ", ".join(fact.id for fact in found[:3])
        raise ConfigError(f"memory_show.fact={asked}: {len(found)} facts begin so ({some}, ...); give more of the id")
    near = difflib.get_close_matches(whole, [fact.id for fact in facts], n=1, cutoff=0.5)
    hint = f"the nearest is {near[0]}; " if near else ""
    raise ConfigError(
        f"memory_show.fact={asked}: there is no such fact; {hint}ids stand in {listed} and on memory.html"
    )


def _read(folder: Path) -> Memory:
    from mealign.memory.profile import Profile
    from mealign.records import Document, Fact
    from mealign.reporting.memory_content import Memory

    for path in READS:
        if not (folder / path).exists():
            raise ConfigError(
                f"stage=memory_show: it reads {folder / path}, which does not exist; run stage=[ingest,memory] first"
            )
    documents = read_records(folder / "documents.jsonl", Document)
    return Memory(
        facts=read_records(folder / "memory/facts.jsonl", Fact),
        documents={document.id: document for document in documents},
        profile=read_record(folder / "memory/profile.json", Profile),
    )


COMMAND = Command(name="memory_show", run=memory_show, section="memory_show")
