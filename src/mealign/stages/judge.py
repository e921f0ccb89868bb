"""How reliable the judge is, then its verdicts on the candidates in both orders, and their ranking."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mealign.config import Settings
from mealign.jsonl import read_json, write_json, write_records
from mealign.judging.settings import EVIDENCE, is_packaged, servers_of, template_paths
from mealign.language.settings import Destination
from mealign.pipeline.judges import judge_inputs, judge_of
from mealign.pipeline.recalling import EMBEDDER, MEMORY_INDEX
from mealign.pipeline.stage import Stage, StageContext
from mealign.summaries import Funnel, Summary

if TYPE_CHECKING:
    from mealign.pipeline.tracker import Tracker


@dataclass(frozen=True, kw_only=True)
class JudgeSummary(Summary):
    """The judge's verdicts as a whole, and its certificate."""

    verdicts: int
    counts: dict[str, Any]
    judged: dict[str, Any]
    certificate: dict[str, Any]


def run(context: StageContext) -> JudgeSummary:
    """Certify the judge, then ask it."""
    from mealign.judging.certificate import certificate_metrics, certify_judge
    from mealign.judging.certification_pairs import split_certification_pairs
    from mealign.judging.injections import injection_flip_rate, load_injections
    from mealign.judging.judgement_stats import describe
    from mealign.judging.panel import PanelJudge, panel_weights
    from mealign.judging.tournament import judge_candidates

    settings = context.settings
    folder = context.outputs / "judge" / settings.judge.name
    all_tasks, pool, pairs = judge_inputs(context)
    who = judge_of(context)
    if isinstance(who, PanelJudge):
        weighed, pairs = split_certification_pairs(pairs, seed=settings.seed)
        who = who.weighted(panel_weights({each.name: certify_judge(each, weighed) for each in who.members}))
    certificate = certify_judge(who, pairs, description=f"certify {settings.judge.name}")
    if settings.judge.backend != EVIDENCE:
        tried = pairs[: settings.judge.known_pairs]
        certificate["injection_flip_rate"] = injection_flip_rate(who, tried, load_injections())
    result = judge_candidates(all_tasks, pool, who, settings=settings.judge, seed=settings.seed)
    write_json(folder / "certificate.json", certificate)
    write_records(folder / "verdicts.jsonl", result.verdicts)
    write_records(folder / "ranking.jsonl", result.standings)
    return JudgeSummary(
        funnel=Funnel(what="verdicts", count=len(result.verdicts), rest={"counts": result.counts}),
        verdicts=len(result.verdicts),
        counts=result.counts,
        judged=describe(result, pool, plan=settings.judge.tournament.value),
        certificate=certificate,
        metrics=certificate_metrics(certificate),
    )


def templates(settings: Settings, root: Path) -> dict[str, Path]:
    """Return the files of the judge's templates."""
    return {path.name: root / path for path in template_paths(settings.judge)}


def sends(settings: Settings) -> Iterator[Destination]:
    """Yield the servers that judge."""
    return servers_of(settings.judge, key="judge")


def track(tracker: Tracker, context: StageContext, summary: Mapping[str, object]) -> None:
    """Log the certificate, its figure, and the judge's templates."""
    from mealign.judging.templates import load_template
    from mealign.records import canonical_json
    from mealign.reporting.figures import draw_certificate

    folder = f"judge/{context.settings.judge.name}"
    certificate = read_json(context.inputs / folder / "certificate.json")
    tracker.log_bytes(f"{folder}/certificate.json", canonical_json(certificate).encode(), personal=False)
    for name, image in draw_certificate(certificate).items():
        tracker.log_bytes(f"{folder}/{name}", image, personal=False)
    for path in template_paths(context.settings.judge):
        template = load_template(context.root / path)
        tracker.log_prompt(template.name, template.text, digest=template.digest, personal=not is_packaged(path))


STAGE = Stage(
    name="judge",
    run=run,
    reads=(*MEMORY_INDEX, "memory/profile.json", "labels.jsonl", "tasks.jsonl", "candidates.jsonl"),
    writes=("judge/{judge}/verdicts.jsonl", "judge/{judge}/ranking.jsonl", "judge/{judge}/certificate.json"),
    settings=("user.person", *EMBEDDER, "model", "judge", "prices", "seed"),
    active=lambda settings: settings.mix.dpo,
    files=templates,
    tracked=True,
    sends=sends,
    track=track,
)
