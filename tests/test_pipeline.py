"""The whole way on real parts: a small person, a two-layer model with the real tokenizer, SQLite, every stage."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from mealign.commands.export import export
from mealign.commands.judge_plan import judge_plan
from mealign.compose import compose_settings
from mealign.config import Settings
from mealign.errors import ConfigError, MealignError
from mealign.experiment import runner
from mealign.export.settings import AdapterName
from mealign.jsonl import digest_path, read_json, read_records
from mealign.judging.settings import TournamentPlan
from mealign.pipeline.registry import check, pipeline, stages
from mealign.records import Candidate, Document, Fact, Preference, Standing, Task, Verdict
from tests.defaults import MixConfig

ROOT = Path(__file__).resolve().parents[1]
BIO = replace(compose_settings("judge=bio").judge, max_tasks=4, known_pairs=2)
LABELS = """\
- question: Where do I live?
  better: in Ghent
  worse: on the moon
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project folder that holds the demo person's first months."""
    root = tmp_path_factory.mktemp("project")
    source = ROOT / "examples/demo_user"
    for note in sorted((source / "notes").glob("2024-0[1-4]*.md")):
        target = root / "person/notes" / note.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(note, target)
    known = {f"notes/{note.name}" for note in (root / "person/notes").iterdir()}
    questions = (source / "questions.jsonl").read_text().splitlines()
    kept = [line for line in questions if set(json.loads(line)["evidence"]) <= known]
    (root / "person/questions.jsonl").write_text("\n".join(kept) + "\n")
    (root / "person/labels.yaml").write_text(LABELS)
    return root


@pytest.fixture(scope="module")
def settings() -> Settings:
    made = compose_settings("experiment=smoke", "user.path=person", "task.max_tasks=80")
    check(made)
    return made


@pytest.fixture(scope="module")
def first(home: Path, settings: Settings) -> float | None:
    return runner.run(settings, root=home)


Run = Callable[[Settings], dict[str, str]]


@pytest.fixture
def outcomes(home: Path, first: float | None, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run again and read from the stage table what was done for each stage."""

    def run(changed: Settings) -> dict[str, str]:
        capsys.readouterr()
        runner.run(changed, root=home)
        rows = [line.split("│") for line in capsys.readouterr().out.splitlines() if line.startswith("│")]
        return {cells[1].strip(): cells[2].strip() for cells in rows if cells[1].strip() in stages()}

    return run


def test_every_stage_writes_what_it_names(home: Path, settings: Settings, first: float | None) -> None:
    assert first is not None
    assert 0.0 <= first <= 1.0
    for stage in pipeline(settings):
        for path in stage.outputs(settings):
            assert (home / "data/demo" / path).exists(), path


def test_lineage_resolves_down_to_the_text(home: Path, first: float | None) -> None:
    folder = home / "data/demo"
    tasks = {task.id: task for task in read_records(folder / "tasks.jsonl", Task)}
    candidates = {candidate.id: candidate for candidate in read_records(folder / "candidates.jsonl", Candidate)}
    facts = {fact.id: fact for fact in read_records(folder / "memory/facts.jsonl", Fact)}
    documents = {document.id: document for document in read_records(folder / "documents.jsonl", Document)}
    pairs = read_records(folder / "preferences/evidence/train.jsonl", Preference)
    assert pairs
    for pair in pairs:
        assert pair.chosen != pair.rejected
        assert tasks[pair.lineage.task_id].split == "train"
        assert candidates[pair.lineage.chosen_id].text == pair.chosen
        assert candidates[pair.lineage.rejected_id].text == pair.rejected
        assert pair.lineage.fact_ids
        for fact_id in pair.lineage.fact_ids:
            evidence = facts[fact_id].evidence
            assert evidence.document_id in pair.lineage.document_ids
            assert documents[evidence.document_id].text[evidence.start : evidence.end].strip()


def test_nothing_held_out_is_shown_in_training(home: Path, first: float | None) -> None:
    tasks = read_records(home / "data/demo/tasks.jsonl", Task)
    held_out = {fact for task in tasks if task.split == "eval" for fact in task.fact_ids}
    for task in tasks:
        if task.split == "train":
            assert not held_out & {*task.fact_ids, *task.context_fact_ids}


def test_the_report_names_all_arms(home: Path, first: float | None) -> None:
    text = (home / "data/demo/report/report.md").read_text()
    for arm in ("base", "base+memory", "sft", "sft+memory", "dpo", "dpo+memory"):
        assert arm in text


def test_a_second_run_computes_nothing(outcomes: Run, settings: Settings) -> None:
    assert set(outcomes(settings).values()) == {"up to date"}


def test_a_changed_setting_reruns_only_what_depends_on_it(outcomes: Run, settings: Settings) -> None:
    changed = replace(settings, preferences=replace(settings.preferences, max_pairs_per_task=1))
    done = outcomes(changed)
    assert {stage for stage, outcome in done.items() if outcome == "up to date"} == {
        "ingest", "memory", "tasks", "sft", "candidates", "judge",
    }  # fmt: skip
    assert done["preferences"] == "ran"
    assert outcomes(settings)["preferences"] == "restored"


def test_the_champion_answers_when_it_is_loaded(home: Path, settings: Settings, first: float | None) -> None:
    import mlflow
    import pandas as pd

    mlflow.set_tracking_uri(f"sqlite:///{home}/mlruns/mlflow.db")
    champion = mlflow.pyfunc.load_model(f"models:/mealign-demo-{settings.model.name}@champion")
    answers = champion.predict(pd.DataFrame({"question": ["Where do I live?", "Who is Farah?"]}))
    assert len(answers) == 2
    assert all(isinstance(answer, str) for answer in answers)
    assert champion.metadata.get_input_schema().input_names() == ["question"]


def test_a_run_starts_from_the_adapter_of_another(
    outcomes: Run, settings: Settings, home: Path, first: float | None
) -> None:
    with closing(sqlite3.connect(home / "mlruns/mlflow.db")) as books:
        (run_id,) = books.execute("select run_uuid from tags where key = 'mealign.adapter.dpo'").fetchone()

    def from_it(run: str, stage: str, **changes: Any) -> Settings:
        training = replace(settings.training, init_from=run)
        return replace(settings, training=training, stage=stage, **changes)

    before = read_json(home / "data/demo/history/sft.json")
    assert outcomes(from_it(run_id, "sft")) == {"sft": "ran"}
    assert outcomes(from_it(run_id, "sft")) == {"sft": "up to date"}
    # Both have the same first batch, of which a fresh adapter would say the same again.
    again = read_json(home / "data/demo/history/sft.json")
    assert again[0]["tokens"] == before[0]["tokens"]
    assert again[0]["loss"] != before[0]["loss"]
    assert outcomes(replace(settings, stage="sft")) == {"sft": "restored"}
    alone = MixConfig(name="dpo_only", sft=False)
    assert outcomes(from_it(run_id, "dpo", mix=alone)) == {"dpo": "ran"}
    fetched = next((home / "data/.store/adapters").iterdir())
    assert fetched.name == digest_path(fetched)
    with pytest.raises(MealignError, match=r"lora\.rank"):
        runner.run(from_it(run_id, "sft", lora=replace(settings.lora, rank=4)), root=home)
    other = replace(settings.model, hidden_size=32)
    with pytest.raises(ConfigError, match="its adapter was trained on"):
        runner.run(from_it(run_id, "sft", model=other), root=home)
    with pytest.raises(ConfigError, match="no such run"):
        runner.run(from_it("0" * 32, "sft"), root=home)
    assert set(outcomes(settings).values()) <= {"up to date", "restored"}


def test_another_judge_is_another_branch(outcomes: Run, settings: Settings, home: Path) -> None:
    before = digest_path(home / "data/demo/judge/evidence")
    done = outcomes(replace(settings, judge=BIO, stage=["judge", "preferences"]))
    assert done == {"judge": "ran", "preferences": "ran"}
    assert digest_path(home / "data/demo/judge/evidence") == before
    assert (home / "data/demo/preferences/bio/card.md").exists()


def test_the_judge_is_certified_on_known_pairs_and_on_what_the_user_labelled(
    home: Path, settings: Settings, first: float | None
) -> None:
    folder = home / "data/demo/judge/evidence"
    certificate = read_json(folder / "certificate.json")
    assert certificate["per_kind"]["user"]["n"] == certificate["user"]["n"] == 1
    sizes = {kind: row["n"] for kind, row in certificate["per_kind"].items()}
    assert all(1 <= size <= settings.judge.known_pairs for size in sizes.values())
    assert {"wrong_object", "wrong_date", "invention", "abstention"} <= certificate["per_kind"].keys()
    assert certificate["n"] == sum(sizes.values())
    assert "moon" not in (folder / "certificate.json").read_text()
    summary = read_json(home / "data/demo/summaries/judge-evidence.json")
    assert summary["metrics"]["judge/accuracy"] == certificate["accuracy"]
    assert summary["judged"]["pairs"] * 2 == summary["verdicts"]


def test_the_books_hold_the_certificate_and_no_text_of_the_user(home: Path, first: float | None) -> None:
    certificate = read_json(home / "data/demo/judge/evidence/certificate.json")
    kept = next(
        path
        for path in sorted((home / "mlruns/artifacts").rglob("judge/evidence/certificate.json"))
        if json.loads(path.read_text()) == certificate and (path.parents[2] / "report").exists()
    )
    assert (kept.parent / "judge.svg").exists()
    of_this_run = "select key, value from latest_metrics where key like 'judge/%' and run_uuid = ?"
    with closing(sqlite3.connect(home / "mlruns/mlflow.db")) as books:
        metrics = dict(books.execute(of_this_run, (kept.parents[3].name,)))
    assert metrics["judge/accuracy"] == certificate["accuracy"]
    assert metrics["judge/consistency"] == certificate["consistency"]
    assert {f"judge/accuracy_{kind}" for kind in certificate["per_kind"]} <= metrics.keys()
    assert (home / "data/demo/report/judge.svg").exists()


def test_texts_enter_the_books_only_when_they_may(
    outcomes: Run, settings: Settings, home: Path, first: float | None
) -> None:
    """Every answer, pair, statement and note of the user, searched for in every file of MLflow's store."""

    def found_in_books() -> set[str]:
        folder, files = home / "data/demo", [path for path in (home / "mlruns").rglob("*") if path.is_file()]
        texts = {
            "facts": [fact.statement for fact in read_records(folder / "memory/facts.jsonl", Fact)],
            "notes": [document.text[:80] for document in read_records(folder / "documents.jsonl", Document)],
            "pairs": [pair.rejected for pair in read_records(folder / "preferences/evidence/train.jsonl", Preference)],
        }
        held = [path.read_bytes() for path in files]
        return {
            kind for kind, each in texts.items() for text in each if len(text) > 20
            if any(json.dumps(text, ensure_ascii=False)[1:-1].encode() in content for content in held)
        }  # fmt: skip

    assert found_in_books() == set()
    outcomes(replace(settings, tracking=replace(settings.tracking, log_texts=True)))
    assert "pairs" in found_in_books()
    kept = {path.name for path in (home / "mlruns/artifacts").rglob("*.jsonl")}
    assert kept == {"evaluation.jsonl", "train.jsonl", "eval.jsonl"}


def test_every_candidate_that_was_compared_has_its_standing(home: Path, first: float | None) -> None:
    folder = home / "data/demo/judge/evidence"
    verdicts = read_records(folder / "verdicts.jsonl", Verdict)
    standings = read_records(folder / "ranking.jsonl", Standing)
    assert {each.candidate_id for each in standings} == {verdict.first for verdict in verdicts}
    assert {each.rank for each in standings if each.task_id == standings[0].task_id} == set(
        range(1, 1 + sum(each.task_id == standings[0].task_id for each in standings))
    )


def test_an_uncertified_judge_is_refused_and_nothing_is_written(
    home: Path, settings: Settings, first: float | None
) -> None:
    strict = replace(
        settings,
        judge=BIO,
        preferences=replace(settings.preferences, min_accuracy=1.0, min_consistency=1.0, allow_uncertified=False),
        stage=["ingest", "memory", "tasks", "sft", "candidates", "judge", "preferences"],
    )
    workspace = home / "multirun/refused"
    with pytest.raises(MealignError) as error:
        runner.run(strict, root=home, workspace=workspace)
    certificate = read_json(workspace / "judge/bio/certificate.json")
    assert f"accuracy {certificate['accuracy']:.3f} (preferences.min_accuracy=1)" in str(error.value)
    assert f"consistency {certificate['consistency']:.3f} (preferences.min_consistency=1)" in str(error.value)
    assert f"n={certificate['n']} known pairs" in str(error.value)
    assert "preferences.allow_uncertified=true" in str(error.value)
    assert not (workspace / "preferences").exists()
    assert not list((home / "data/.store/preferences").glob(".part-*"))


@pytest.mark.parametrize("plan", [TournamentPlan.swiss, TournamentPlan.knockout])
def test_another_tournament_spends_less(
    home: Path, settings: Settings, first: float | None, plan: TournamentPlan
) -> None:
    workspace = home / f"multirun/{plan.value}"
    judge = replace(settings.judge, tournament=plan, max_pairs_per_task=99)
    runner.run(
        replace(
            settings, judge=judge, stage=["ingest", "memory", "tasks", "sft", "candidates", "judge", "preferences"]
        ),
        root=home,
        workspace=workspace,
    )
    said = read_json(workspace / "summaries/judge-evidence.json")["judged"]["tournament"]
    assert said["plan"] == plan.value
    assert said["rounds"] > 1
    everything = replace(settings, judge=replace(judge, tournament=TournamentPlan.all_pairs), stage=["judge"])
    runner.run(everything, root=home, workspace=workspace)
    assert said["calls"] < read_json(workspace / "summaries/judge-evidence.json")["judged"]["tournament"]["calls"]


def test_the_plan_asks_nothing_and_writes_nothing(
    home: Path, settings: Settings, first: float | None, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.stat().st_mtime_ns for path in home.rglob("*") if path.is_file()}
    planned = replace(settings, judge=replace(BIO, plan=True), stage="judge")
    check(planned)
    capsys.readouterr()
    judge_plan(planned, home)
    shown = capsys.readouterr().out
    assert "what judge=bio would take; nothing was asked" in shown
    assert "known pairs" in shown
    assert {path: path.stat().st_mtime_ns for path in home.rglob("*") if path.is_file()} == before


def test_a_plan_needs_the_stages_before_it(home: Path, settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"judge\.plan=true.*documents\.jsonl"):
        judge_plan(replace(settings, judge=replace(settings.judge, plan=True), stage="judge"), tmp_path)
    with pytest.raises(ConfigError, match=r"judge\.plan=true with stage=all"):
        check(replace(settings, judge=replace(settings.judge, plan=True)))


def test_a_label_is_the_judges_business_alone(outcomes: Run, settings: Settings, home: Path) -> None:
    (home / "person/labels.yaml").write_text(LABELS.replace("Ghent", "Bruges"))
    done = outcomes(settings)
    assert {stage for stage in ("ingest", "judge") if done[stage] == "ran"} == {"ingest", "judge"}
    assert {done[stage] for stage in ("memory", "tasks", "sft", "candidates")} == {"up to date"}
    (home / "person/labels.yaml").write_text(LABELS)
    assert outcomes(settings)["judge"] == "restored"


@pytest.mark.slow
def test_the_same_input_gives_the_same_bytes(settings: Settings, home: Path, first: float | None) -> None:
    again = home / "again"
    shutil.copytree(home / "person", again / "person")
    runner.run(replace(settings, stage=["ingest", "memory", "tasks", "sft", "candidates", "judge"]), root=again)
    for path in ("documents.jsonl", "memory", "tasks.jsonl", "adapters/sft", "candidates.jsonl", "judge/evidence"):
        assert digest_path(again / "data/demo" / path) == digest_path(home / "data/demo" / path), path


def test_a_failed_stage_leaves_its_previous_outputs(settings: Settings, home: Path, first: float | None) -> None:
    folder = home / "data/demo"
    before = {path: digest_path(folder / path) for path in ("documents.jsonl", "questions.jsonl")}
    strict = replace(settings, stage="ingest", ingest=replace(settings.ingest, max_bytes=1))
    with pytest.raises(MealignError, match=r"ingest\.max_bytes"):
        runner.run(strict, root=home)
    assert {path: digest_path(folder / path) for path in before} == before
    assert not list((home / "data/.store/ingest").glob(".part-*"))


def test_a_folder_of_results_has_one_run_at_a_time(settings: Settings, home: Path, first: float | None) -> None:
    folder = home / "data/demo"
    unfinished = folder / ".part-of-a-killed-run"
    unfinished.mkdir()
    ingest = replace(settings, stage="ingest")
    with FileLock(folder / ".lock"), pytest.raises(MealignError, match=r"another run is at work.*paths\.data"):
        runner.run(ingest, root=home)
    assert unfinished.exists()
    runner.run(ingest, root=home)
    assert not unfinished.exists()


def test_when_nothing_is_usable_the_report_says_why(settings: Settings, home: Path, first: float | None) -> None:
    folder = home / "data/demo"
    documents = digest_path(folder / "documents.jsonl")
    (home / "broken").mkdir()
    (home / "broken/note.md").write_bytes(b"---\ndate: 3000-01-01\n---\nI moved to Ghent.\n")
    (home / "broken/old.md").write_bytes(b"---\ndate: 2024-01-01\n---\nCaf\xe9\n")
    changed = replace(settings, user=replace(settings.user, path="broken"), stage="ingest")
    with pytest.raises(MealignError, match=r"user\.path=broken: nothing usable"):
        runner.run(changed, root=home)
    report = read_json(folder / "ingest_report.json")
    # The last says that a note without a day finds no other whose day it could have.
    assert [item["file"] for item in report["items"]] == ["note.md", "old.md", "."]
    assert digest_path(folder / "documents.jsonl") == documents
    runner.run(replace(settings, stage="ingest"), root=home)
    assert read_json(folder / "ingest_report.json")["items"] == []


def test_mix_without_dpo_has_no_dpo_arm(settings: Settings, home: Path, first: float | None) -> None:
    only = replace(settings, mix=MixConfig(name="sft_only", sft=True, dpo=False))
    workspace = home / "multirun/0"
    runner.run(only, root=home, workspace=workspace)
    arms = set(read_json(workspace / "metrics.json")["gold"]["arms"])
    assert arms == {"base", "base+memory", "sft", "sft+memory"}


@pytest.mark.slow
def test_dpo_from_the_base_model(settings: Settings, home: Path, first: float | None) -> None:
    only = replace(settings, mix=MixConfig(name="dpo_only", sft=False, dpo=True))
    workspace = home / "multirun/1"
    assert runner.run(only, root=home, workspace=workspace) is not None
    assert not (workspace / "adapters/sft").exists()


def test_an_adapter_is_exported_with_the_figures_that_are_its_own(
    home: Path, settings: Settings, first: float | None, capsys: pytest.CaptureFixture[str]
) -> None:
    # Not the outcome of another test's settings.
    runner.run(settings, root=home)
    before = {path: digest_path(path) for path in sorted((home / "data/demo").iterdir())}
    asked = compose_settings("experiment=smoke", "user.path=person", "task.max_tasks=80", "stage=export")
    check(asked)
    export(asked, home)
    folder = home / "data/demo/exports/dpo-merged-fp32"
    assert "exports/dpo-merged-fp32" in "".join(capsys.readouterr().out.split())
    assert {path: digest_path(path) for path in before} == before, "nothing of the pipeline's has changed"
    card, metrics = (folder / "README.md").read_text(), read_json(home / "data/demo/metrics.json")
    for path in ("tasks.jsonl", "preferences/evidence/train.jsonl"):
        assert f"| {path} | `{digest_path(home / 'data/demo' / path)}` |" in card
    certificate = read_json(home / "data/demo/judge/evidence/certificate.json")
    assert f"On {certificate['n']} pairs whose answer is known" in card
    score = metrics["gold"]["arms"]["dpo+memory"]
    assert f"| dpo+memory | {score['score']:.3f} | {score['low']:.3f} to {score['high']:.3f} |" in card
    assert "| licence of the base model | apache-2.0 |" in card
    for fact in read_records(home / "data/demo/memory/facts.jsonl", Fact):
        assert fact.statement not in card
    elsewhere = replace(asked, export=replace(asked.export, adapter=AdapterName.sft, path="given/sft"))
    export(replace(elsewhere, seed=18), home)
    card = (home / "given/sft/README.md").read_text()
    assert "what it learnt from is not known here" in card
    assert "has not been measured with the present settings" in card
    with pytest.raises(ConfigError, match=r"reads .*adapters/dpo, which does not exist; run stage=dpo first"):
        export(replace(asked, paths=replace(asked.paths, data="nowhere")), home)
