"""Documents, gold questions, labels and corrections from the user's sources."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mealign import terminal
from mealign.config import Settings
from mealign.damage import make_room
from mealign.jsonl import write_json, write_records
from mealign.pipeline.stage import Stage, StageContext
from mealign.summaries import Funnel, Summary


@dataclass(frozen=True, kw_only=True)
class IngestSummary(Summary):
    """How much was found, and how much could not be used, by kind of problem."""

    documents: int
    questions: int
    ignored: int
    corrections: int
    labels: int
    report: dict[str, Any]


def run(context: StageContext) -> IngestSummary:
    """Read the user's sources."""
    from mealign.ingest import contained
    from mealign.ingest.report import render
    from mealign.ingest.user import IngestError, ingest_user

    settings = context.settings
    try:
        result = ingest_user(settings.user, settings.ingest, root=context.root)
    except IngestError as error:
        # The report says what to fix; the documents of the last success stay next to it.
        write_json(make_room(context.inputs / "ingest_report.json", inside=context.inputs), error.report.to_json())
        raise
    finally:
        contained.close()
    if result.report.problems:
        terminal.show(render(result.report))
    write_records(context.outputs / "documents.jsonl", result.documents)
    write_records(context.outputs / "questions.jsonl", result.questions)
    write_records(context.outputs / "labels.jsonl", result.labels)
    write_json(context.outputs / "corrections.json", result.corrections.model_dump(mode="json", by_alias=True))
    write_json(context.outputs / "ingest_report.json", result.report.to_json())
    refused = result.report.counts()
    return IngestSummary(
        funnel=Funnel(what="documents", count=len(result.documents), rest={"report": refused}),
        documents=len(result.documents),
        questions=len(result.questions),
        ignored=sum(result.report.ignored.values()),
        corrections=len(result.corrections.entries),
        labels=len(result.labels),
        report=refused,
    )


def source(settings: Settings, root: Path) -> dict[str, str]:
    """Return the digest of the user's sources."""
    from mealign.ingest.user import digest_of

    return {"source": digest_of(settings.user, settings.ingest, root=root)}


STAGE = Stage(
    name="ingest",
    run=run,
    writes=("documents.jsonl", "questions.jsonl", "labels.jsonl", "corrections.json", "ingest_report.json"),
    settings=("user", "ingest"),
    files=source,
)
