"""What real people's files hold, reduced to small inputs, each with its right value: documents, facts, and days."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from mealign.ingest.settings import SourceFormat
from mealign.ingest.user import IngestResult, ingest_user
from mealign.memory.extract import Extraction, extract_facts
from mealign.records import Fact
from tests.defaults import IngestConfig, UserConfig
from tests.promises.command import run, user

INPUTS = Path(__file__).parent / "inputs"


@dataclass(frozen=True)
class Case:
    """What came of one input."""

    read: IngestResult
    found: Extraction

    @property
    def facts(self) -> list[Fact]:
        return [fact for fact in self.found.facts if not fact.quote]

    @property
    def said(self) -> dict[tuple[str, str], str]:
        """The texts by author and day."""
        return {(document.author, str(document.created_at.date())): document.text for document in self.read.documents}

    @property
    def statements(self) -> set[str]:
        return {fact.statement for fact in self.facts}

    @property
    def days(self) -> dict[str, str]:
        """The first day of every statement."""
        return {fact.statement: str(fact.valid_from) for fact in self.facts}


@pytest.fixture
def case(request: pytest.FixtureRequest, parser_path: Path) -> Case:
    """Read the input whose name stands first in the test's."""
    number = request.node.name.removeprefix("test_").split("_")[0]
    return _case(number, getattr(request, "param", "Mira"), parser_path)


@cache
def _case(number: str, person: str, parser: Path) -> Case:
    (folder,) = INPUTS.glob(f"{number}-*")
    whose = UserConfig(name="c", person=person, format=SourceFormat.folder, path=str(folder), aliases=[])
    read = ingest_user(whose, IngestConfig(), root=folder)
    return Case(read, extract_facts(read.documents, person=person, parser=parser))


def texts(case: Case) -> list[tuple[str, str]]:
    return [(document.author, document.text) for document in case.read.documents]


def codes(case: Case) -> set[str]:
    return {problem.code for problem in case.read.report.problems}


def test_00_text_below_a_heading_is_read(case: Case) -> None:
    assert case.statements == {
        "Mira moved to Leeds.", "Ida is Mira's sister.", "Mira's sister Ida lives in Hull.",
        "Mira works at the harbour.", "Mira likes Mira's boss.", "Mira bought a boat.", "Mira sold the car.",
    }  # fmt: skip


def test_01_a_curly_apostrophe_is_an_apostrophe(case: Case) -> None:
    assert {(fact.statement, fact.relation, fact.object) for fact in case.facts} == {
        ("Mira is a baker.", "be", "a baker"), ("Mira has moved to Leeds.", "move to", "Leeds"),
        ("Mira does not like tea.", "not like", "tea"), ("Tom is a good cook.", "be", "a good cook"),
        ("Tom has got two sons.", "get", "two sons"), ("Tom does not like tea.", "not like", "tea"),
        ("Tom has sold the boat.", "sell", "the boat"),
    }  # fmt: skip


def test_02_jan_may_and_april_are_people(case: Case) -> None:
    assert case.days == dict.fromkeys(
        (
            "Mira's friend Jan lives in Oslo.", "Jan is Mira's friend.", "Mira had lunch with Jan.",
            "Jan gave Mira a book.", "Mira met May at the station.", "April bought a dog.",
        ),
        "2024-03-04",
    )  # fmt: skip


def test_03_who_is_quoted_is_not_the_author(case: Case) -> None:
    assert case.statements == {
        'Mum said, "I am selling the house and moving to Spain."',
        'Tom told Mira: "I hate my job."',
    }
    assert {fact.subject for fact in case.facts} == {"Mum", "Tom"}


def test_04_a_pronoun_may_mean_somebody_without_a_name(case: Case) -> None:
    assert {fact.subject for fact in case.facts} == {"Mira", "Mira's sister", "Mira's boss"}
    assert "Mira's sister is moving to York." in case.statements


@pytest.mark.parametrize("case", ["Mira Hale"], indirect=True)
def test_05_what_a_program_is_given_to_work_on_is_not_said(case: Case) -> None:
    assert case.statements == {"Ella is Mira's daughter.", "Mira's daughter Ella is allergic to nuts."}


def test_06_nothing_is_parsed_as_a_language_that_it_is_not_in(case: Case) -> None:
    assert case.facts == []
    assert sum(case.found.languages.values()) == len(case.read.documents)
    # They are found all the same, as they were written.
    assert {fact.evidence.document_id for fact in case.found.facts} == {item.id for item in case.read.documents}
    assert {"nl", "es", "de", "zh"} - set(case.found.languages) <= {"es"}, case.found.languages


def test_07_a_name_is_taken_as_the_shell_passes_it(tmp_path: Path) -> None:
    (folder,) = INPUTS.glob("07-*")
    result = run("stage=ingest", "tracking=none", *user(folder), "user.person=José Pérez", cwd=tmp_path)
    assert result.code == 0, result.output


def test_08_two_numbers_are_two_people(case: Case) -> None:
    living = {fact.subject: fact for fact in case.facts if fact.relation == "live in" and fact.object != "Hull"}
    assert set(living) == {"+44 7700 900123", "+44 7700 900456"}
    assert not any(fact.superseded_by for fact in living.values())
    assert {"Dr. Hale works at the harbour.", "The Boss likes order.", "Jan de Vries has two sons."} <= case.statements


def test_10_each_entry_of_a_diary_has_its_day(case: Case) -> None:
    assert case.days == {
        "Mira moved to Leeds.": "2024-03-01",
        "Mira bought a boat on 5 April 2024.": "2024-04-05",
        "Mira met Ida on 4 May 2024.": "2024-05-04",
        "On 19 December 2024 Mira sold the boat.": "2024-12-19",
    }


@pytest.mark.parametrize("case", ["Mira Hale"], indirect=True)
def test_11_a_day_is_the_writers(case: Case) -> None:
    days = set(case.days.values())
    assert {"2024-03-03", "2024-03-04"} <= days
    assert "time_zone" in codes(case)


def test_13_every_stamp_is_read(case: Case) -> None:
    by_file: dict[str, list[str]] = {}
    for document in case.read.documents:
        by_file.setdefault(document.source.split("/")[0], []).append(document.author)
    assert by_file.pop("ok") == ["Mira"]
    assert len(by_file) == 12
    assert all(authors == ["Mira", "Tom"] for authors in by_file.values())


def test_15_what_the_program_writes_is_not_said(case: Case) -> None:
    assert {text for _, text in texts(case)} == {"Hallo", "Bis morgen", "dale", "fertig"}
    assert all(case.read.report.left_out.values())


def test_16_a_contacts_name_may_have_quotation_marks(case: Case) -> None:
    assert [author for author, _ in texts(case)] == ["Mira", 'Jim "Jimbo" Hale', "“Auntie” Jo"]


def test_17_a_dated_diary_is_no_chat(case: Case) -> None:
    assert {document.kind for document in case.read.documents} == {"note"}
    assert {author for author, _ in texts(case)} == {"Mira"}
    assert {str(document.created_at.date()) for document in case.read.documents} == {
        "2020-08-29", "2020-09-24", "2024-01-05", "2024-01-06", "2024-01-07", "2024-01-08",
    }  # fmt: skip


def test_19_front_matter_never_costs_the_note(case: Case) -> None:
    assert [str(document.created_at.date()) for document in case.read.documents] == [
        f"2024-03-0{day}" for day in range(1, 9)
    ]


def test_20_a_rule_at_the_top_is_a_rule(case: Case) -> None:
    assert case.statements == {
        "Mira moved to Leeds.", "Mira bought a boat.", "The harbour is near.", "Mira met Ida.",
    }  # fmt: skip


def test_21_a_name_of_a_file_or_folder_has_its_date(case: Case) -> None:
    days = {document.source: str(document.created_at.date()) for document in case.read.documents}
    days.pop("People/Bart.md")
    assert days.pop("Day_01_2025-01-01.txt") == "2025-01-01"
    assert sorted(day[-2:] for day in days.values()) == ["22", "23", "24", "25", "25", "27", "29", "30"]
    assert codes(case) == {"guessed_date", "no_date"}


@pytest.mark.parametrize("case", ["Mira Hale"], indirect=True)
def test_23_a_dashed_heading_does_not_end_a_mail(case: Case) -> None:
    assert case.statements == {
        "Mira moved to Leeds.", "Mira bought a boat.", "Mira likes tea.", "Mira bought a bike.",
    }  # fmt: skip


@pytest.mark.parametrize("case", ["Mira Hale"], indirect=True)
def test_25_the_mail_that_is_answered_is_anothers(case: Case) -> None:
    assert texts(case) == [("Mira Hale", "I moved to Leeds."), ("Mira Hale", "Ja.")]
    assert case.read.report.left_out["sent.mbox"]["quoted_mail"] > 0


def test_27_insertions_boxes_and_controls_are_read(case: Case) -> None:
    assert {"Mira did not sign the lease.", "Mira bought a boat."} <= case.statements
    assert any("moved to Leeds" in statement for statement in case.statements)


@pytest.mark.parametrize("case", ["Mira Hale"], indirect=True)
def test_29_every_part_of_a_programs_export_is_kept_or_counted(case: Case) -> None:
    assert case.statements == {"Mira lives in Leeds.", "Mira is allergic to nuts."}
    assert case.read.report.left_out["claude/conversations.json"]["attachment"] > 0


def test_32_chats_have_their_own_spelling_and_you_may_be_anybody(case: Case) -> None:
    assert case.statements == {
        "Mira is tired.", "Mira will pick Tom up at 7.", "Tom will text Mira the plan on 18 March 2025.",
        "The harbour is closed.",
    }  # fmt: skip


def test_33_marks_are_no_part_of_a_sentence(case: Case) -> None:
    assert case.statements == {
        "Mira feels cold.", "Mira won the race.", "Mira wrote this footnote.", "Mira reads Dune by the river.",
        "Bart is Mira's friend.",
    }  # fmt: skip


def test_35_a_diary_leaves_out_its_i(case: Case) -> None:
    begins = ("took", "woke", "met", "read", "drank", "did", "ordered", "bought a plant")
    assert all(any(statement.startswith(f"Mira {verb}") for statement in case.statements) for verb in begins)
    assert {"Mira went hiking on 28 December 2024.", "Tom bought a boat."} <= case.statements
    assert all(fact.confidence < 0.9 for fact in case.facts)


def test_38_the_number_that_never_changes_is_the_year(case: Case) -> None:
    assert list(case.said) == [("Mira", "2024-01-05"), ("Tom", "2024-01-25"), ("Mira", "2024-03-14")]


def known(names: Iterable[Path]) -> set[str]:
    return {path.name for path in names if path.is_dir()}


def test_no_case_is_left_out() -> None:
    shared = Path(__file__).parents[3] / "shared/cases"
    if not shared.is_dir():
        pytest.skip("the inputs that are shared are not here")
    assert known(shared.iterdir()) == known(INPUTS.iterdir())
    tested = {name.split("_")[1] for name in globals() if name.startswith("test_") and name[5:7].isdigit()}
    assert tested == {name.split("-")[0] for name in known(INPUTS.iterdir())}
