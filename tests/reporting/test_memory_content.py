"""What is shown of a memory, in a terminal and for one fact; what does not belong together is refused."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console, RenderableType

from mealign.commands.memory_show import find_fact
from mealign.errors import ConfigError, MealignError
from mealign.records import Evidence
from mealign.reporting.memory_source import find_passage
from mealign.reporting.memory_tree import fact_story, memory_tree
from tests.reporting.memories import BIKE, BREAKING, FACTS, HOSTILE, PERSON, TRAIN, document, memory


def printed(item: RenderableType) -> str:
    console = Console(file=io.StringIO(), width=200, highlight=False)
    console.print(item)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_months_say_what_happened_and_what_changed() -> None:
    (month,) = memory().months()
    assert (month.key, month.title, month.count, month.year) == ("2024-03", "March 2024", 4, 2024)
    assert [fact.id for fact in month.happened] == ["fact_aa01", "fact_ab02"]
    assert [(change.old.id, change.new.id) for change in month.changed] == [("fact_aa01", "fact_ab02")]


def test_the_tree_has_the_person_the_topics_the_people_and_the_changes() -> None:
    text = printed(memory_tree(memory()))
    assert "4 facts from 3 documents, 1 March 2024 to 20 March 2024" in text
    assert "Nadia goes to work by train." in text
    assert "Bart Molenaar  3" in text
    assert "Nadia rides a blue Koga to work. → Nadia goes to work by train with Bart." in text
    assert HOSTILE.split("<!--")[0] in text, "a user's brackets are text, not markup"


def test_a_fact_is_told_with_its_history_and_its_line(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/bike.md").write_text(f"---\ntitle: x\n---\n\n{BIKE.text}\n", encoding="utf-8")
    shown = memory()
    text = printed(fact_story(shown, FACTS[0], find_passage(BIKE, FACTS[0].evidence, sources=tmp_path)))
    assert "holds: from 1 March 2024 until 20 March 2024" in text
    assert "replaced by: Nadia goes to work by train with Bart. (fact_ab02" in text
    assert "source: notes/bike.md:6, Nadia Verhoeven, 1 March 2024" in text
    assert "  6 │ I ride a blue Koga to work." in text
    later = printed(fact_story(shown, FACTS[1], find_passage(TRAIN, FACTS[1].evidence, sources=tmp_path)))
    assert "replaced: Nadia rides a blue Koga to work. (fact_aa01" in later
    assert "source: notes/train.md, line 1 of its text" in later


def test_a_span_over_two_lines_is_marked_on_both(tmp_path: Path) -> None:
    start, end = BIKE.text.index("blue"), BIKE.text.index(" came")
    passage = find_passage(BIKE, Evidence(document_id=BIKE.id, start=start, end=end), sources=tmp_path)
    assert [(line.before, line.span, line.after) for line in passage.lines] == [
        ("I ride a ", "blue Koga to work.", ""),
        ("", "Bart", " came along."),
    ]
    assert passage.number == 2


@pytest.mark.parametrize("ascii_only", [True, False])
def test_a_message_is_found_on_its_line_and_not_on_its_twins(ascii_only: bool, tmp_path: Path) -> None:
    messages = [{"id": f"m{number}", "text": 'Yes, "Tomás"\nsays so.'} for number in range(3)]
    (tmp_path / "chat.json").write_text(json.dumps(messages, indent=1, ensure_ascii=ascii_only), encoding="utf-8")
    said = document("chat.json#m1", messages[1]["text"])
    span = Evidence(document_id=said.id, start=said.text.index("says"), end=len(said.text))
    assert find_passage(said, span, sources=tmp_path).place == "chat.json:8 (m1)"
    assert find_passage(said, span, sources=tmp_path / "chat.json").place == "chat.json:8 (m1)"


def test_a_file_that_says_something_else_by_now_is_not_quoted(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/bike.md").write_text("I sold it.", encoding="utf-8")
    assert find_passage(BIKE, FACTS[0].evidence, sources=tmp_path).place == "notes/bike.md, line 2 of its text"


@pytest.mark.parametrize("asked", ["fact_aa01", "aa01", "aa", "fact_aa"])
def test_the_beginning_of_an_id_is_enough(asked: str) -> None:
    assert find_fact(FACTS, asked, listed=Path("facts.jsonl")) is FACTS[0]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("a", r"2 facts begin so \(fact_aa01, fact_ab02, ...\); give more of the id"),
        ("fact_aa02", r"there is no such fact; the nearest is fact_a\w\d\d; ids stand in facts.jsonl"),
        ("zzzzzzzzzzzzz", "there is no such fact; ids stand in facts.jsonl"),
    ],
)
def test_an_id_of_no_fact_or_of_several_is_refused(asked: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        find_fact(FACTS, asked, listed=Path("facts.jsonl"))


def test_facts_and_documents_of_different_runs_are_refused() -> None:
    with pytest.raises(MealignError, match=r"fact_ab02: its evidence is not in documents.jsonl.*ingest,memory"):
        memory(documents=(BIKE, BREAKING))
    with pytest.raises(MealignError, match=r"fact_ab02: profile.json names it"):
        memory(facts=(FACTS[0], *FACTS[2:]))


def test_the_person_is_no_acquaintance_of_their_own() -> None:
    assert PERSON in memory().people
    assert "Bart Molenaar" in memory().people
