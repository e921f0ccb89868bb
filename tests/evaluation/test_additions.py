"""An arm, a metric and a context that lie outside the package, through a run as a person starts it."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mealign.jsonl import read_json, read_records
from mealign.records import Answer, Fact, Question, Task
from tests.notes import NOTES

METRIC = '''
"""How many words an answer has, of questions that have an answer."""


def measure(question, answer):
    if question.id == "q2":
        raise ValueError("this one is not counted")
    return None if question.family == "unanswerable" else len(answer.split())
'''
CONTEXT = '''
"""The facts that began last."""

from mealign.memory.subject_mismatch import Recalled


def show(asked, index, *, person, settings):
    return [Recalled(newest(index, question)[: settings.top_k], None) for question in asked]


def newest(index, question):
    is_open = index.open_facts(as_of=question.as_of, exclude=question.exclude)
    facts = [fact for fact, chosen in zip(index.facts, is_open) if chosen]
    return sorted(facts, key=lambda fact: (str(fact.valid_from), fact.id), reverse=True)
'''
ARMS = """
defaults: [default, _self_]
arms:
  - {name: base, context: none}
  - {name: base+memory, context: memory, against: [base]}
  - {name: base+retrieval, context: retrieval, against: [base+memory]}
objective: [base+memory]
"""
ADDED = {
    "metrics/words.py": METRIC,
    "contexts/newest.py": CONTEXT,
    "conf/context/newest.yaml": "name: newest\ntop_k: 2\n",
    "conf/evaluation/three.yaml": ARMS,
}
QUESTIONS = [
    Question(id="q1", family="recall", kind="memory_qa_self", question="What did Tom give me?", answer="a fern"),
    Question(id="q2", family="recall", kind="memory_qa_self", question="Where do I live?", answer="Ghent"),
    Question(
        id="q3", family="unanswerable", kind="memory_qa_self", question="Who is Ulf?", answer="Not mentioned",
    ),
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the results of a run with what is added from a plug-in folder."""
    root = tmp_path_factory.mktemp("additions")
    files = {f"plugin/{name}": text for name, text in ADDED.items()}
    files |= {f"notes/{day}.md": text for day, text in NOTES.items()}
    files["notes/questions.jsonl"] = "\n".join(question.model_dump_json() for question in QUESTIONS)
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    command = [
        sys.executable, "-m", "mealign", "user=folder", "user.name=me", "user.person=Nadia Roy", "user.path=notes",
        "model=tiny", "tracking=none", "context=newest", "evaluation=three", "stage=[ingest,memory,tasks,evaluate]",
    ]  # fmt: skip
    environment = {**os.environ, "MEALIGN_PLUGINS": str(root / "plugin")}
    result = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return root / "data/me"


@pytest.fixture(scope="module")
def metrics(folder: Path) -> dict[str, Any]:
    return dict(read_json(folder / "metrics.json"))


def test_an_arm_is_an_entry_of_a_list(metrics: dict[str, Any]) -> None:
    assert metrics["arms"] == [
        {"name": "base", "adapter": None, "context": "none"},
        {"name": "base+memory", "adapter": None, "context": "newest"},
        {"name": "base+retrieval", "adapter": None, "context": "retrieval"},
    ]
    assert set(metrics["gold"]["arms"]) == {"base", "base+memory", "base+retrieval"}
    assert set(metrics["gold"]["differences"]) == {"base+memory - base", "base+retrieval - base+memory"}
    assert metrics["objective_arm"] == "base+memory"


def test_a_metric_is_one_function_in_one_file(folder: Path, metrics: dict[str, Any]) -> None:
    gold = [answer for answer in read_records(folder / "evaluation.jsonl", Answer) if answer.question_set == "gold"]
    for arm, values in metrics["gold"]["arms"].items():
        (counted,) = (answer for answer in gold if answer.arm == arm and answer.question_id == "q1")
        words = float(len(counted.answer.split()))
        assert values["metrics"] == {"words": {"mean": words, "low": words, "high": words, "n": 1, "failed": 1}}
    assert {answer.question_id for answer in gold if answer.failed} == {"q2"}
    assert gold[1].failed == {"words": "ValueError: this one is not counted"}
    assert read_json(folder / "summaries/evaluate.json")["failed"] == {"words": 3}


def test_a_context_is_one_module_and_its_settings(folder: Path) -> None:
    begun = {fact.id: str(fact.valid_from) for fact in read_records(folder / "memory/facts.jsonl", Fact)}
    shown: dict[str, set[tuple[str, ...]]] = {}
    for answer in read_records(folder / "evaluation.jsonl", Answer):
        shown.setdefault(answer.arm, set()).add(tuple(begun[fact] for fact in answer.context_fact_ids))
    assert shown["base"] == {()}
    assert shown["base+memory"] == {("2024-05-06", "2024-05-06")}
    assert {len(days) for days in shown["base+retrieval"]} == {2}


def test_what_is_added_counts_as_code_of_the_stages_that_use_it(folder: Path) -> None:
    metric, context = "mealign.evaluation.metrics.words", "mealign.memory.contexts.newest"
    for stage, expected in {"memory": set(), "tasks": {context}, "evaluate": {metric, context}}.items():
        assert {metric, context} & read_json(folder / f"keys/{stage}.json")["code"].keys() == expected


def test_training_prompts_show_the_context_without_what_is_held_out(folder: Path) -> None:
    tasks = read_records(folder / "tasks.jsonl", Task)
    held_out = {fact for task in tasks if task.split == "eval" for fact in task.fact_ids}
    shown = [task for task in tasks if task.context_fact_ids]
    assert held_out
    assert shown
    for task in shown:
        assert set(task.fact_ids) <= set(task.context_fact_ids)
        assert task.split == "eval" or not held_out & set(task.context_fact_ids)
