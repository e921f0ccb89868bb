"""The nine additions of docs/extending.md, written from that page into a folder outside the package, and run."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from mealign.jsonl import read_json, read_records
from mealign.records import Answer, Document, Question, Task
from tests.conftest import ROOT
from tests.language.server import Request, Response, serving
from tests.notes import NOTES

PAGE = (ROOT / "docs/extending.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"^```\w+ (\S+)\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL))
QUESTIONS = [
    Question(id="q1", family="recall", kind="memory_qa_self", question="What did Tom give me?", answer="a fern"),
    Question(id="q2", family="recall", kind="memory_qa_self", question="Where do I live?", answer="Ghent"),
]
ME = ["user=folder", "user.name=me", "user.person=Nadia Roy", "user.path=notes", "tracking=none"]


def mealign(*arguments: str, cwd: Path) -> str:
    environment = {**os.environ, "MEALIGN_PLUGINS": "additions", "COLUMNS": "200"}
    command = [sys.executable, "-m", "mealign", *arguments]
    result = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the page's files, a few notes, and what a run of the page's experiment made of them."""
    folder = tmp_path_factory.mktemp("extending")
    files = {f"additions/{name}": text for name, text in FILES.items()}
    files |= {f"notes/{day}.md": text for day, text in NOTES.items()}
    files["notes/questions.jsonl"] = "\n".join(question.model_dump_json() for question in QUESTIONS)
    files["notes/train.journal"] = "2024-06-01 > Ana repaired the piano.\n2024-06-02 > Tom planted a pear tree.\n"
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    mealign(*ME, "experiment=one_evening", cwd=folder)
    return folder


@pytest.fixture(scope="module")
def results(root: Path) -> Path:
    return root / "data/me"


@pytest.fixture(scope="module")
def metrics(results: Path) -> dict[str, Any]:
    return dict(read_json(results / "metrics.json"))


def test_the_page_has_nine_additions_of_one_file_each_or_two() -> None:
    headings = re.findall(r"^## (?:A|An) (.+?):", PAGE, flags=re.MULTILINE)
    assert headings == [
        "judge variant", "arm", "metric", "context", "loss", "vendor", "importer", "stage", "experiment",
    ]  # fmt: skip
    assert len(FILES) == 9 + 2, "a judge variant and a context have two files"


def test_a_judge_variant(results: Path) -> None:
    certificate = read_json(results / "judge/terse/certificate.json")
    assert certificate["n"] > 0
    assert {path.name for path in (results / "preferences").iterdir()} == {"terse"}
    assert "terse.md" in read_json(results / "keys/judge-terse.json")["inputs"]


def test_an_arm(metrics: dict[str, Any]) -> None:
    assert {"name": "sft+searched", "adapter": "sft", "context": "retrieval"} in metrics["arms"]
    assert set(metrics["gold"]["arms"]) == {"base", "sft+memory", "sft+searched"}
    assert set(metrics["gold"]["differences"]) == {"sft+memory - base", "sft+searched - sft+memory"}


def test_a_metric(results: Path, metrics: dict[str, Any]) -> None:
    answers = read_records(results / "evaluation.jsonl", Answer)
    for arm, values in metrics["gold"]["arms"].items():
        gold = [answer for answer in answers if answer.arm == arm and answer.question_set == "gold"]
        counts = [len(answer.answer.split()) for answer in gold]
        assert values["metrics"]["words"]["mean"] == pytest.approx(sum(counts) / len(counts))
    assert "mealign.evaluation.metrics.words" in read_json(results / "keys/evaluate.json")["code"]


def test_a_context(results: Path) -> None:
    shown = [task for task in read_records(results / "tasks.jsonl", Task) if task.context_fact_ids]
    assert shown
    assert all(len(task.context_fact_ids) <= 3 for task in shown if task.family != "multi_hop")
    for stage in ("tasks", "evaluate"):
        assert "mealign.memory.contexts.newest" in read_json(results / f"keys/{stage}.json")["code"]


def test_a_loss(results: Path) -> None:
    # At the first step the policy is the reference: every difference is 0, and (1 - 0)^2 is 1.
    assert read_json(results / "history/dpo.json")[0]["loss"] == pytest.approx(1.0, abs=1e-3)
    assert "mealign.training.losses.squared" in read_json(results / "keys/dpo.json")["code"]
    assert "mealign.training.losses.squared" not in read_json(results / "keys/sft.json")["code"]


def answer(request: Request) -> Response:
    asked = request.body["questions"].items()
    said = {name: dict(zip(options, [0.7, 0.3], strict=True)) for name, options in asked}
    return Response(body=json.dumps(said).encode())


def test_a_vendor(root: Path) -> None:
    with serving(answer) as server:
        overrides = ["judge.backend=echo", "judge.server.model=m", f"judge.server.base_url={server.openai}"]
        mealign(*ME, "experiment=one_evening", "judge.name=remote", "stage=judge", *overrides, cwd=root)
    assert {request.path for request in server.requests} == {"/v1/decide"}
    certificate = read_json(root / "data/me/judge/remote/certificate.json")
    # It always prefers the first answer, so it names another winner in the other order.
    assert certificate["consistency"] == 0.0
    assert "mealign.language.vendors.echo" in read_json(root / "data/me/keys/judge-remote.json")["code"]


def test_an_importer(results: Path) -> None:
    documents = read_records(results / "documents.jsonl", Document)
    found = {document.text: document.created_at.date().isoformat() for document in documents}
    assert found["Ana repaired the piano."] == "2024-06-01"
    assert found["Tom planted a pear tree."] == "2024-06-02"


def test_a_stage(root: Path, results: Path) -> None:
    words = read_json(results / "lexicon.json")
    assert "cello." in words
    assert min(map(len, words)) == 5
    assert read_json(results / "summaries/lexicon.json") == {"words": len(words)}
    again = mealign(*ME, "experiment=one_evening", "stage=lexicon", cwd=root)
    assert "up to date" in again
    changed = mealign(*ME, "experiment=one_evening", "stage=lexicon", "extra.lexicon.shortest=7", cwd=root)
    assert "extra.lexicon.shortest 5 -> 7" in changed
    mealign("experiment=one_evening", "stage=dvc", cwd=root)
    declared = yaml.safe_load((root / "dvc.yaml").read_text())["stages"]["lexicon"]
    assert declared["deps"] == ["data/${who}/memory/facts.jsonl"]


def test_an_experiment(root: Path) -> None:
    composed = mealign(*ME, "experiment=one_evening", "--cfg", "job", cwd=root)
    assert yaml.safe_load(composed)["training"]["dpo"]["loss"] == "squared"
    assert "one_evening" in mealign("--help", cwd=root)
