from __future__ import annotations

import json
import re
from datetime import date

import pytest

from mealign.compose import compose_settings
from mealign.errors import ConfigError
from mealign.judging.build import build_judge
from mealign.judging.judge import Comparison, Opinion
from mealign.judging.pairwise import PairwiseJudge
from mealign.judging.settings import TEMPLATES
from mealign.judging.templates import Template, load_template, parse_template
from mealign.records import TASK_KINDS, Fact, TaskKind
from tests.judging.builders import MEMORY, ScriptedModel, always, task

FILES = sorted(TEMPLATES.rglob("*.md"))
VARIANTS = ["blind", "bio", "reference", "retrieval", "graph", "graph_cot", "rubric", "second_me", "misstates"]
HEAD = "asks: better\noptions: {first: a, second: b}\nquestions: {all: {v: Which}}"
BODY = "{question} {first} {second}"
FARAH = MEMORY[0].model_copy(
    update={
        "id": "fact_farah",
        "subject": "Farah",
        "object": "the harp",
        "relation": "play",
        "statement": "Farah plays the harp.",
        "superseded_by": None,
        "entities": ("Farah",),
    }
)
FACTS = [
    MEMORY[0],
    MEMORY[1].model_copy(update={"entities": ("Nadia Verhoeven", "Ghent", "Farah")}),
    MEMORY[2],
    MEMORY[3].model_copy(update={"subject": "Bart", "entities": ("Bart", "Antwerp")}),
    FARAH,
]
NO_LENGTH = re.compile(r"[Ll]ength|[Ll]änge")


class Found:
    """Finds the same facts for every question, and keeps how many were asked for."""

    def search(self, queries: list[str], *, k: int) -> list[list[Fact]]:
        return [[fact for fact in FACTS if fact.id in ("fact_ghent", "fact_cake")][:k] for _ in queries]


def asked(variant: str, *overrides: str, kind: TaskKind = "memory_qa_self", option: int = 0, p: float = 0.75):  # type: ignore[no-untyped-def]
    model = ScriptedModel(always(option, p))
    judge = build_judge(
        compose_settings(f"judge={variant}", *overrides).judge,
        facts=FACTS,
        index=lambda: Found(),  # type: ignore[arg-type,return-value]
        bio="Lives in Ghent.",
        person="Nadia",
        model=lambda _: model,
    )
    assert isinstance(judge, PairwiseJudge)
    (opinion,) = judge.compare([Comparison(task("Where?", "Ghent", kind=kind), "Ghent", "Utrecht")])
    assert isinstance(opinion, Opinion)
    return model.asked[0], opinion


def template(head: str = HEAD, body: str = BODY) -> Template:
    return parse_template(f"---\n{head}\n---\n{body}\n", name="mine", source="mine.md")


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_template_loads_and_says_that_length_is_no_merit(path: object) -> None:
    loaded = load_template(path)  # type: ignore[arg-type]
    assert loaded.digest.startswith("template_")
    for kind in TASK_KINDS:
        questions = loaded._questions(kind)
        assert any(NO_LENGTH.search(text) for text in questions.values())


def test_every_template_exists_in_every_language_and_asks_the_same_dimensions() -> None:
    names = {folder.name: {path.stem for path in folder.glob("*.md")} for folder in TEMPLATES.iterdir()}
    assert names["English"] == names["German"]
    for name in names["English"]:
        one, other = (load_template(TEMPLATES / language / f"{name}.md") for language in ("English", "German"))
        assert (one.matter.asks, one.shows, bool(one.matter.reasoning)) == (
            other.matter.asks,
            other.shows,
            bool(other.matter.reasoning),
        )
        for kind in TASK_KINDS:
            assert one._questions(kind).keys() == other._questions(kind).keys()


@pytest.mark.parametrize("kind", TASK_KINDS)
@pytest.mark.parametrize("language", ["English", "German"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_asks_about_every_kind_of_task(variant: str, language: str, kind: TaskKind) -> None:
    inquiry, opinion = asked(variant, f"judge.language={language}", kind=kind)
    assert '"Ghent"' in inquiry.state
    assert '"Utrecht"' in inquiry.state
    assert not re.search(r"\{\w+\}", inquiry.state)
    assert 0 < opinion.p_first < 1


def test_what_each_view_shows() -> None:
    assert "Lives in Ghent." not in asked("blind")[0].state
    assert "Lives in Ghent." in asked("bio")[0].state
    assert 'Right answer: "Ghent"' in asked("reference")[0].state
    lines = asked("retrieval")[0].state.splitlines()
    assert lines[1:3] == [json.dumps(MEMORY[1].statement), json.dumps(MEMORY[2].statement)]
    assert "Lives in Ghent." in asked("second_me", kind="context_critic")[0].state
    assert "Lives in Ghent." not in asked("second_me", kind="context_enhance")[0].state


def test_the_graph_view_shows_times_replacements_and_neighbours() -> None:
    lines = [json.loads(line) for line in asked("graph")[0].state.splitlines() if line.startswith("{")]
    assert lines[0] == {
        "fact": "Nadia Verhoeven | live in | Ghent",
        "statement": MEMORY[1].statement,
        "from": date(2024, 3, 1).isoformat(),
    }
    # What Ghent replaced is shown though the search did not find it.
    (utrecht,) = [line for line in lines if "Utrecht" in line["fact"]]
    assert utrecht["replaced_by"] == MEMORY[1].statement
    assert len(lines) == 4
    # One hop: Farah's fact shares her name with the one about Ghent, Bart's shares none.
    statements = [line["statement"] for line in lines]
    assert FARAH.statement in statements
    assert MEMORY[3].statement not in statements


def test_only_what_reasons_is_asked_to() -> None:
    assert asked("graph_cot")[0].reasoning
    assert asked("graph")[0].reasoning is None


def test_who_misstates_loses() -> None:
    assert asked("misstates", option=0, p=0.9)[1].p_first == pytest.approx(0.1)
    assert asked("misstates", option=1, p=0.9)[1].p_first == pytest.approx(0.9)


def test_the_dimensions_of_second_me_are_averaged_and_reported() -> None:
    names = {
        "memory_qa_self": {"correct", "helpful", "comprehensive", "empathetic"},
        "context_enhance": {"accuracy", "personalisation", "relevance", "completeness", "clarity"},
        "context_critic": {"speaks_as_user", "feedback", "depth", "matches_person", "clarity"},
    }
    for kind, expected in names.items():
        inquiry, opinion = asked("second_me", kind=kind)  # type: ignore[arg-type]
        assert set(inquiry.questions) == set(opinion.dimensions) == expected
        assert opinion.p_first == pytest.approx(0.75)
    mixed = load_template(TEMPLATES / "English/second_me.md")
    p_first, parts = mixed.read({"correct": {"first": 1.0, "second": 0.0}, "helpful": {"first": 0.5, "second": 0.5}})
    assert (p_first, parts) == (0.75, {"correct": 1.0, "helpful": 0.5})


def test_grades_are_expected_values_and_their_difference_decides() -> None:
    rubric = load_template(TEMPLATES / "English/rubric.md")
    # 0.5 * 4 + 0.5 * 5 = 4.5 against 3.5: one grade, 1 / (1 + e^-1) = 0.7311.
    p_first, parts = rubric.read({"first_correct": {"4": 0.5, "5": 0.5}, "second_correct": {"3": 0.5, "4": 0.5}})
    assert p_first == pytest.approx(0.7310585786)
    assert parts == {"first_correct": 4.5, "second_correct": 3.5}
    inquiry, opinion = asked("rubric")
    assert len(inquiry.questions) == 6
    assert opinion.p_first == 0.5


def test_braces_in_what_is_shown_are_no_placeholders() -> None:
    model = ScriptedModel(always())
    judge = build_judge(
        compose_settings("judge=bio").judge,
        facts=MEMORY,
        index=lambda: Found(),  # type: ignore[arg-type,return-value]
        bio="{first} {0.__class__}",
        person="{second}",
        model=lambda _: model,
    )
    judge.compare([Comparison(task("Where?", "Ghent"), "{second}", "{bio}")])
    assert 'About {second}: "{first} {0.__class__}"' in model.asked[0].state
    assert 'First answer: "{second}"' in model.asked[0].state


@pytest.mark.parametrize(
    ("head", "body", "message"),
    [
        (HEAD, "{question} {first} {second} {mood}", r"\{mood\} is no placeholder"),
        (HEAD, "{question} {first}", r"lacks \{second\}"),
        (HEAD, BODY + " {bio.name}", "bare name"),
        (HEAD, BODY + " {bio!r}", "bare name"),
        (HEAD, BODY + " {", "mine.md"),
        (HEAD.replace("better", "best"), BODY, "asks"),
        (HEAD + "\nmood: good", BODY, "mood"),
        (HEAD.replace("second: b", "third: b"), BODY, "first and second"),
        (HEAD.replace("all:", "memory_qa_self:"), BODY, "context_critic has none"),
        (HEAD.replace("Which", '"Which {bio}"'), BODY, "no placeholder belongs here"),
        (HEAD.replace("better", "scores"), BODY, "grades are whole numbers"),
        ("a: [", BODY, "mine.md"),
    ],
)
def test_a_template_that_cannot_work_is_refused(head: str, body: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        template(head, body)


@pytest.mark.parametrize("text", ["", "no front matter", "---\nasks: better"])
def test_a_file_without_front_matter_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="front matter"):
        parse_template(text, name="mine", source="mine.md")


def test_the_digest_is_that_of_the_text() -> None:
    assert template().digest == template().digest
    assert template().digest != template(body=BODY + " ").digest
