"""Views: what shows a person's results, or hands them out, and computes none that is tracked."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from rich.table import Table
from rich.text import Text

from mealign import terminal
from mealign.config import AdapterName, ModelConfig, Settings, WeightsSource, active_stages, export_quantization
from mealign.errors import ConfigError, MealignError
from mealign.jsonl import digest_path, read_json, read_records, write_text
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


def export(settings: Settings, *, root: Path) -> None:
    """Write the chosen adapter, merged into its base, with its model card, as a folder of its own.

    Figures enter the card only where they belong to this adapter: what was measured with other settings, inputs or
    code is left out.

    Args:
        settings: checked settings.
        root: folder to which relative paths of the settings refer.

    Raises:
        ConfigError: there is no such adapter yet, or ``export.path`` holds something else.
        MealignError: the export failed, or another run is at work in the user's folder.
    """
    asked, folder = settings.export, root / settings.paths.data / settings.user.name
    adapter, quantization = folder / "adapters" / asked.adapter.value, export_quantization(asked)
    if not adapter.exists():
        raise ConfigError(
            f"stage=export: it reads {adapter}, which does not exist; "
            f"run stage={asked.adapter.value} first, or stage=all"
        )
    name = f"{settings.model.name}-{asked.adapter.value}-{quantization.value}"
    usual = folder / "exports" / f"{asked.adapter.value}-{asked.format.value}-{quantization.value}"
    target = root / Path(asked.path).expanduser() if asked.path else usual
    from mealign.export.build import adapter_settings, export_model, require_free
    from mealign.export.card import CardValues, render_model_card
    from mealign.export.licence import base_licence
    from mealign.language.weights import fetch_model, weights_digest
    from mealign.runner import alone_in
    from mealign.tracking import NullTracker

    require_free(target)
    with alone_in(folder):
        context = Context(settings=settings, root=root, inputs=folder, outputs=folder, tracker=NullTracker())
        base = fetch_model(settings.model, cache=context.weights())
        digest = weights_digest(base, adapter)
        datasets = _learnt_from(settings, root=root, folder=folder)
        judged = asked.adapter is AdapterName.dpo
        card = CardValues(
            name=name,
            format=asked.format,
            quantization=quantization,
            base=settings.model.name,
            base_source=_source_of(settings.model),
            base_digest=digest,
            licence=base_licence(settings.model, base, cache=context.weights()),
            adapter=asked.adapter.value,
            lora=adapter_settings(adapter),
            datasets=datasets,
            judge=settings.judge.name if judged else None,
            certificate=_of_now("judge", f"judge/{settings.judge.name}/certificate.json", settings, root, folder)
            if judged and datasets
            else None,
            metrics=_of_now("evaluate", "metrics.json", settings, root, folder),
        )
        export_model(
            target,
            base=base,
            adapter=adapter,
            quantization=quantization,
            name=name,
            card=render_model_card(card),
            provenance={
                "name": name,
                "base": base.name,
                "digest": digest,
                "lora": card.lora,
                "datasets": datasets,
                "quantization": quantization.value,
            },
        )
    terminal.show(Text(f"the export: {target}"))


def _learnt_from(settings: Settings, *, root: Path, folder: Path) -> dict[str, str] | None:
    """Return the digests of all that the adapter learnt from; None when it was not made from what is there now."""
    digests: dict[str, str] = {}
    names = ("sft", "dpo") if settings.export.adapter is AdapterName.dpo else ("sft",)
    for name in (name for name in names if name in active_stages(settings.mix)):
        stage = next(stage for stage in PIPELINE if stage.name == name)
        if not _is_current(name, settings, root=root, folder=folder):
            return None
        digests |= {path: digest_path(folder / path) for path in stage.inputs(settings) if path.endswith(".jsonl")}
    return digests


def _of_now(stage: str, path: str, settings: Settings, root: Path, folder: Path) -> dict[str, Any] | None:
    """Return a JSON object that a stage wrote, where it is the result of the present settings and inputs."""
    return dict(read_json(folder / path)) if _is_current(stage, settings, root=root, folder=folder) else None


def _is_current(name: str, settings: Settings, *, root: Path, folder: Path) -> bool:
    """Say whether a stage's outputs are those of the present settings, inputs and code."""
    from mealign.runner import stage_key

    stage = next(stage for stage in PIPELINE if stage.name == name)
    key = stage_key(stage, settings, root=root, folder=folder)
    manifest = root / settings.paths.store / name / key / "manifest.json"
    return manifest.exists() and read_json(manifest) == {
        path: digest_path(folder / path) for path in stage.outputs(settings)
    }


def _source_of(model: ModelConfig) -> str:
    """Say where weights are from, without a path of this machine."""
    if model.source is not WeightsSource.hub:
        drawn = "random weights; tokenizer of " if model.source is WeightsSource.random else ""
        return f"{drawn}package {model.weights.package} {model.weights.version}, SHA-256 {model.weights.sha256}"
    if Path(str(model.hub_id)).expanduser().is_dir():
        return "a local folder"
    return f"model hub: {model.hub_id}" + (f", revision {model.revision}" if model.revision else "")


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
