"""The whole way on real parts: a small person, a two-layer model with the real tokenizer, SQLite, every stage."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from filelock import FileLock

from mealign import pipeline, runner
from mealign.compose import compose_settings
from mealign.config import STAGES, JudgeBackend, JudgeConfig, JudgeView, MixConfig, Settings, check
from mealign.errors import MealignError
from mealign.jsonl import digest_path, read_json, read_records
from mealign.records import Candidate, Document, Fact, Preference, Task

ROOT = Path(__file__).resolve().parents[1]
BIO = JudgeConfig(name="bio", backend=JudgeBackend.local, view=JudgeView.bio, max_tasks=4, instructions="Which?")


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
        return {cells[1].strip(): cells[2].strip() for cells in rows if cells[1].strip() in STAGES}

    return run


def test_every_stage_writes_what_it_names(home: Path, settings: Settings, first: float | None) -> None:
    assert first is not None
    assert 0.0 <= first <= 1.0
    for stage in pipeline.PIPELINE:
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


def test_another_judge_is_another_branch(outcomes: Run, settings: Settings, home: Path) -> None:
    before = digest_path(home / "data/demo/judge/evidence")
    done = outcomes(replace(settings, judge=BIO, stage=["judge", "preferences"]))
    assert done == {"judge": "ran", "preferences": "ran"}
    assert digest_path(home / "data/demo/judge/evidence") == before
    assert (home / "data/demo/preferences/bio/card.md").exists()


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
    assert [item["file"] for item in report["items"]] == ["note.md", "old.md"]
    assert digest_path(folder / "documents.jsonl") == documents
    runner.run(replace(settings, stage="ingest"), root=home)
    assert read_json(folder / "ingest_report.json")["items"] == []


def test_mix_without_dpo_has_no_dpo_arm(settings: Settings, home: Path, first: float | None) -> None:
    only = replace(settings, mix=MixConfig(name="sft_only", sft=True, dpo=False))
    workspace = home / "multirun/0"
    runner.run(only, root=home, workspace=workspace)
    arms = set(read_json(workspace / "metrics.json")["gold"]["arms"])
    assert arms == {"base", "base+memory", "sft", "sft+memory"}


def test_dpo_from_the_base_model(settings: Settings, home: Path, first: float | None) -> None:
    only = replace(settings, mix=MixConfig(name="dpo_only", sft=False, dpo=True))
    workspace = home / "multirun/1"
    assert runner.run(only, root=home, workspace=workspace) is not None
    assert not (workspace / "adapters/sft").exists()


def test_the_key_of_a_result_covers_the_functions_that_a_stage_calls() -> None:
    """Also those behind a ``lambda``, and those that they call in turn."""
    source = runner.source_of(pipeline.memory)
    assert [f"def {name}(" in source for name in ("memory", "_extract", "_reading_model", "_base_model", "dpo")] == [
        True, True, True, True, False,
    ]  # fmt: skip
    assert runner.source_of(pipeline.memory) == source
