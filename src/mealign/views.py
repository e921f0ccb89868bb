"""Views: what shows a person's results and computes none that is kept or tracked."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError
from rich.table import Table
from rich.text import Text

from mealign import terminal
from mealign.config import Settings
from mealign.errors import ConfigError, MealignError
from mealign.jsonl import read_json, read_records, write_text
from mealign.language.decisions import Estimate
from mealign.memory.profile import Profile
from mealign.pipeline import PIPELINE, Context, judge_inputs, judge_of
from mealign.records import Document, Fact
from mealign.reporting.memory_page import render_memory_page
from mealign.reporting.memory_source import find_passage
from mealign.reporting.memory_tree import fact_story, memory_tree
from mealign.reporting.memory_view import Memory

READS = ("documents.jsonl", "memory/facts.jsonl", "memory/profile.json")


def memory_show(settings: Settings, *, root: Path) -> None:
    """Print what is known of the user and write ``memory/memory.html``, or explain one fact with ``mealign.why``.

    Args:
        settings: checked settings.
        root: folder to which relative paths of the settings refer.

    Raises:
        ConfigError: the memory has not been made yet, or ``mealign.why`` is the id of no fact.
        MealignError: the files of the memory do not belong together.
    """
    folder = root / settings.paths.data / settings.user.name
    memory = _read(folder)
    if settings.mealign.why is not None:
        fact = find_fact(memory.facts, settings.mealign.why, listed=folder / "memory/facts.jsonl")
        document = memory.documents[fact.evidence.document_id]
        passage = find_passage(document, fact.evidence, sources=root / Path(settings.user.path).expanduser())
        terminal.show(fact_story(memory, fact, passage))
        return
    page = folder / "memory/memory.html"
    write_text(page, render_memory_page(memory))
    terminal.show(memory_tree(memory))
    terminal.show(Text(f"the page: {page}"))


def judge_plan(settings: Settings, *, root: Path) -> None:
    """Print what ``stage=judge`` would take: calls, tokens, dollars, minutes, for the certificate and for the pairs.

    Nothing is asked and nothing is written. Of a tournament that goes by rounds it is what the longest takes.

    Args:
        settings: checked settings.
        root: folder to which relative paths of the settings refer.

    Raises:
        ConfigError: what the judge reads has not been made yet.
    """
    from mealign.judging.examination import comparisons_of
    from mealign.judging.protocol import comparisons_between
    from mealign.judging.tournament import expected_pairs
    from mealign.tracking import NullTracker

    folder = root / settings.paths.data / settings.user.name
    stage = next(stage for stage in PIPELINE if stage.name == "judge")
    for path in stage.inputs(settings):
        if not (folder / path).exists():
            raise ConfigError(
                f"judge.plan=true: stage=judge reads {folder / path}, which does not exist; "
                "run the stages before it first"
            )
    context = Context(settings=settings, root=root, inputs=folder, outputs=folder, tracker=NullTracker())
    tasks, pool, known = judge_inputs(context)
    who = judge_of(context)
    pairs = expected_pairs(tasks, pool, settings=settings.judge, seed=settings.seed)
    parts = {
        f"certificate ({len(known)} known pairs)": who.estimate(comparisons_of(known)),
        f"candidates ({len(pairs)} pairs)": who.estimate(comparisons_between(tasks, pool, pairs)),
    }
    terminal.show(plan_table(parts, judge=settings.judge.name))


def plan_table(parts: Mapping[str, Estimate], *, judge: str) -> Table:
    """Return one line a part and their sum; a sum with a part that nobody knows is unknown."""
    table = Table(title=f"what judge={judge} would take; nothing was asked", title_justify="left")
    table.add_column("for")
    for column in ("calls", "known already", "prompt tokens", "completion tokens", "US dollars", "minutes"):
        table.add_column(column, justify="right")
    for name, part in parts.items():
        table.add_row(name, *_cells(part))
    table.add_section()
    table.add_row("together", *_cells(_sum(list(parts.values()))))
    return table


def _cells(part: Estimate) -> tuple[str, ...]:
    counts = (part.requests, part.known, part.prompt_tokens, part.completion_tokens)
    dollars = "unknown" if part.cost_usd is None else f"{part.cost_usd:.4f}"
    minutes = "unknown" if part.minutes is None else f"{part.minutes:.1f}"
    return (*(f"{count:,}" for count in counts), dollars, minutes)


def _sum(parts: Sequence[Estimate]) -> Estimate:
    dollars = [part.cost_usd for part in parts]
    minutes = [part.minutes for part in parts]
    return Estimate(
        requests=sum(part.requests for part in parts),
        known=sum(part.known for part in parts),
        prompt_tokens=sum(part.prompt_tokens for part in parts),
        completion_tokens=sum(part.completion_tokens for part in parts),
        cost_usd=None if None in dollars else sum(value for value in dollars if value is not None),
        minutes=None if None in minutes else sum(value for value in minutes if value is not None),
    )


def find_fact(facts: Sequence[Fact], asked: str, *, listed: Path) -> Fact:
    """Return the fact whose id is or begins with ``asked``, with or without ``fact_``.

    Raises:
        ConfigError: no id begins so, or more than one; the message names the nearest ids.
    """
    whole = asked if asked.startswith("fact_") else f"fact_{asked}"
    found = [fact for fact in facts if fact.id.startswith(whole)]
    exact = [fact for fact in found if fact.id == whole]
    if len(exact or found) == 1:
        return (exact or found)[0]
    if found:
        some = ", ".join(fact.id for fact in found[:3])
        raise ConfigError(f"mealign.why={asked}: {len(found)} facts begin so ({some}, ...); give more of the id")
    near = difflib.get_close_matches(whole, [fact.id for fact in facts], n=1, cutoff=0.5)
    hint = f"the nearest is {near[0]}; " if near else ""
    raise ConfigError(f"mealign.why={asked}: there is no such fact; {hint}ids stand in {listed} and on memory.html")


def _read(folder: Path) -> Memory:
    for path in READS:
        if not (folder / path).exists():
            raise ConfigError(
                f"stage=memory_show: it reads {folder / path}, which does not exist; run stage=[ingest,memory] first"
            )
    documents = read_records(folder / "documents.jsonl", Document)
    try:
        profile = Profile.model_validate(read_json(folder / "memory/profile.json"))
    except ValidationError as error:
        raise MealignError(
            f"{folder / 'memory/profile.json'}: it is of another version of mealign; run stage=[ingest,memory] again"
        ) from error
    return Memory(
        facts=read_records(folder / "memory/facts.jsonl", Fact),
        documents={document.id: document for document in documents},
        profile=profile,
    )
