"""labels.yaml with everything that can be wrong with it: each problem has its line, everything else is kept."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mealign.ingest.labels import NAME, read_labels
from mealign.ingest.report import Problem, Problems
from mealign.ingest.user import ingest_user
from mealign.records import Label
from tests.defaults import IngestConfig, UserConfig

GOOD = "- {question: 'Where do I live?', better: Ghent, worse: Utrecht}\n"


def read(folder: Path, text: str | bytes) -> tuple[list[Label], list[Problem]]:
    (folder / NAME).write_bytes(text if isinstance(text, bytes) else text.encode())
    problems = Problems()
    return read_labels(folder, settings=IngestConfig(max_bytes=2000), problems=problems), problems.items


def test_labels_are_read_in_their_order_and_every_value_is_text(tmp_path: Path) -> None:
    labels, problems = read(
        tmp_path,
        """\
# what I like better
- question: "Where do I live? "
  better: Ghent
  worse: Utrecht
- {question: 'Do I smoke?', better: No, worse: Yes}
- {question: 'How many eggs?', better: 3, worse: 1_000}
""",
    )
    assert problems == []
    assert [(label.question, label.better, label.worse) for label in labels] == [
        ("Where do I live?", "Ghent", "Utrecht"),
        ("Do I smoke?", "No", "Yes"),
        ("How many eggs?", "3", "1_000"),
    ]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("- Ghent\n", "three keys"),
        ("- {question: 'Who?', better: Bart}\n", "three keys"),
        ("- {question: 'Who?', better: Bart, worse: Ilse, why: kin}\n", "three keys"),
        ("- {question: 'Who?', better: '?!', worse: Ilse}\n", "holds no word"),
        ("- {question: 'Who?', better: [Bart], worse: Ilse}\n", "holds no word"),
        ("- {question: '', better: Bart, worse: Ilse}\n", "holds no word"),
        ("- {question: 'Who?', better: Bart., worse: bart}\n", "say the same"),
        ("- {question: 'Who?', better: {[a]: b}, worse: bart}\n", "not valid YAML"),
    ],
)
def test_what_is_no_label_is_refused_with_its_line(tmp_path: Path, entry: str, message: str) -> None:
    labels, (problem,) = read(tmp_path, GOOD + entry)
    assert len(labels) == 1
    assert (problem.file, problem.line, problem.code) == (NAME, 2, "label")
    assert message in problem.message
    assert problem.mend


@pytest.mark.parametrize(
    ("text", "line"), [("question: Who?\n", 1), ('- {question: "Who?\n', 2), ("just words", 1), ("\n\n- [a\n", 4)]
)
def test_a_file_that_is_no_list_is_refused(tmp_path: Path, text: str, line: int) -> None:
    labels, (problem,) = read(tmp_path, text)
    assert labels == []
    assert problem.line == line


def test_two_labels_about_the_same_answers_cannot_both_be_meant(tmp_path: Path) -> None:
    labels, problems = read(tmp_path, GOOD + "- {question: where do I live, better: utrecht, worse: Ghent.}\n")
    assert labels == []
    assert [problem.line for problem in problems] == [1, 2]


@pytest.mark.parametrize(("data", "code"), [(b"caf\xe9", "not_utf8"), (b"#" * 3000, "too_large")])
def test_a_file_that_cannot_be_read_is_reported(tmp_path: Path, data: bytes, code: str) -> None:
    labels, (problem,) = read(tmp_path, data)
    assert (labels, problem.code) == ([], code)


def test_no_file_and_an_empty_one_hold_no_label(tmp_path: Path) -> None:
    assert read_labels(tmp_path, settings=IngestConfig(), problems=Problems()) == []
    assert read(tmp_path, "# nothing yet\n") == ([], [])


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=60))
def test_whatever_stands_there_is_read_or_refused(tmp_path: Path, text: str) -> None:
    labels, problems = read(tmp_path, text.encode("utf-8", "replace"))
    assert labels == [] or not problems


def test_the_file_lies_beside_the_notes_and_is_none(tmp_path: Path) -> None:
    (tmp_path / "note.md").write_text("---\ndate: 2024-01-01\n---\nI moved to Ghent.\n")
    (tmp_path / NAME).write_text(GOOD)
    result = ingest_user(UserConfig(name="n", person="Nadia", path=str(tmp_path)), IngestConfig(), root=tmp_path)
    assert (len(result.documents), len(result.labels), result.report.problems) == (1, 1, ())
    assert not result.report.ignored
