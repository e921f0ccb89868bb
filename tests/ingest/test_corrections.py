"""corrections.yaml with everything that can be wrong with it: each problem has its line, everything else is kept."""

from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mealign.ingest.corrections import NAME, read_corrections
from mealign.ingest.report import Problem, Problems
from mealign.records import Corrections, Document
from tests.defaults import IngestConfig

NOTE = Document.create(
    source="notes/x.md",
    author="Nadia",
    created_at=datetime(2024, 1, 1),
    kind="note",
    text="I like\nolives. He said: I like olives.",
)


def read(folder: Path, text: str) -> tuple[Corrections, list[Problem]]:
    (folder / NAME).write_text(text, encoding="utf-8")
    problems = Problems()
    made = read_corrections(folder, documents=[NOTE], settings=IngestConfig(), problems=problems)
    return made, problems.items


def test_every_form_is_read_with_its_line(tmp_path: Path) -> None:
    made, problems = read(
        tmp_path,
        """\
# what it got wrong
drop:
  - fact_0123456789abcdef
  - statement: "Nadia likes olives."
  - {source: notes/x.md, text: I like olives}
change:
  - {fact: fact_1, object: " No ", valid_from: 2024-03-01}
same:
  - names: [Ilse, Ilsje, 12]
    is: Ilse Verhoeven
""",
    )
    assert problems == []
    by_id, by_statement, by_text = made.drop
    assert (by_id.fact, by_id.line) == ("fact_0123456789abcdef", 3)
    assert (by_statement.statement, by_statement.line) == ("Nadia likes olives.", 4)
    assert [(span.document_id, span.start, span.end) for span in by_text.evidence] == [
        (NOTE.id, 0, 13), (NOTE.id, 24, 37),
    ]  # fmt: skip
    assert made.change[0].changes == {"object": "No", "valid_from": date(2024, 3, 1)}
    assert (made.same[0].names, made.same[0].person, made.same[0].line) == (
        ("Ilse", "Ilsje", "12"),
        "Ilse Verhoeven",
        9,
    )
    assert Corrections.model_validate(made.model_dump(mode="json", by_alias=True)) == made


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "drop:\nchange: []\n"])
def test_no_entries_are_no_corrections(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text) == (Corrections(), [])


def test_without_the_file_there_are_none(tmp_path: Path) -> None:
    problems = Problems()
    made = read_corrections(tmp_path, documents=[], settings=IngestConfig(), problems=problems)
    assert (made, problems.items) == (Corrections(), [])


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("drop: [a, b\nchange: x: y\n", 2, "not valid YAML"),
        ("- drop\n", 1, "no sections"),
        ("drop: [ok]\nforget: [a]\n", 2, "no such section"),
        ("drop: fact_1\n", 1, "no list"),
        ("drop:\n  - ok\n  - {fact: f}\n", 3, "name no fact"),
        ("drop:\n  - ok\n  - []\n", 3, "names no fact"),
        ("drop:\n  - ok\n  - ''\n", 3, "names no fact"),
        ("drop:\n  - {source: notes/y.md, text: olives}\n", 2, "no document that was kept"),
        ("drop:\n  - {source: notes/x.md, text: grapes}\n", 2, "does not say this text"),
        ("change:\n  - {fact: f, objct: Ghent}\n", 2, "a key that is not known"),
        ("change:\n  - {fact: f, line: 3, object: x}\n", 2, "a key that is not known"),
        ("change:\n  - {object: Ghent}\n", 2, "fact: Field required"),
        ("change:\n  - {fact: f}\n", 2, "nothing is changed"),
        ("change:\n  - {fact: f, statement: ' '}\n", 2, "statement:"),
        ("change:\n  - {fact: f, valid_from: 2024-02-30}\n", 2, "valid_from:"),
        ("change:\n  - fact_1\n", 2, "a key that is not known"),
        ("same:\n  - {names: Ilse, is: Ilse Verhoeven}\n", 2, "names:"),
        ("same:\n  - {names: [], is: Ilse Verhoeven}\n", 2, "names:"),
        ("same:\n  - &a {names: [*a], is: x}\n", 2, "not valid YAML"),
    ],
)
def test_what_cannot_be_used_is_named_with_its_line(tmp_path: Path, text: str, line: int, message: str) -> None:
    made, (problem,) = read(tmp_path, text)
    assert (problem.file, problem.line) == (NAME, line)
    assert message in problem.message
    assert problem.mend
    assert "Ghent" not in problem.message + problem.mend
    assert [drop.fact for drop in made.drop] == (["ok"] if "ok" in text else [])


def test_of_two_entries_that_disagree_neither_is_guessed(tmp_path: Path) -> None:
    made, problems = read(
        tmp_path,
        "change:\n- {fact: f, object: a}\n- {fact: g, object: c}\n- {fact: f, object: b}\n"
        "same:\n- {names: [a], is: b}\n- {names: [b], is: c}\n",
    )
    assert [change.fact for change in made.change] == ["g"]
    assert made.same == ()
    assert [problem.line for problem in problems] == [2, 4, 6, 7]


def test_two_sections_of_one_name_both_count(tmp_path: Path) -> None:
    made, problems = read(tmp_path, "drop: [a]\ndrop: [b]\n")
    assert ([drop.fact for drop in made.drop], problems) == (["a", "b"], [])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.sampled_from("drop:change same-[]{}&*!<'\"\n ,is names fact~|>%@`#?\t"), max_size=60))
def test_no_text_whatever_raises(tmp_path: Path, text: str) -> None:
    made, problems = read(tmp_path, text)
    assert isinstance(made, Corrections)
    assert all(problem.line for problem in problems)


def test_a_file_that_nests_without_end_is_refused(tmp_path: Path) -> None:
    made, problems = read(tmp_path, "drop: " + "[" * 20_000)
    assert (made, len(problems)) == (Corrections(), 1)
