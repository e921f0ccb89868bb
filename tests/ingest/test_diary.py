"""A diary with many days in one file becomes a document a day, in whatever form people write them."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mealign.ingest.diary import Dates, split
from mealign.ingest.files import SourceFile
from mealign.ingest.importers import markdown, plain_text
from mealign.ingest.importing import ImportContext
from mealign.ingest.report import Problems
from mealign.ingest.user import IngestResult, ingest_user
from mealign.records import Document
from tests.defaults import IngestConfig, UserConfig


def ingest(folder: Path, files: Mapping[str, str], **changes: object) -> IngestResult:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    user = UserConfig(name="mira", person="Mira", path=str(folder))
    return ingest_user(user, IngestConfig(**changes), root=folder)


def read(folder: Path, name: str, text: str) -> tuple[list[Document], Problems]:
    (folder / name).write_text(text, encoding="utf-8")
    context = ImportContext.of(UserConfig(name="mira", person="Mira"), IngestConfig())
    importer = markdown if name.endswith(".md") else plain_text
    return importer.read(SourceFile(folder / name, name), context), context.problems


def entries(result: IngestResult) -> list[tuple[str, str]]:
    return [(f"{document.created_at:%Y-%m-%d}", document.text) for document in result.documents]


def codes(result: IngestResult) -> list[str]:
    return [problem.code for problem in result.report.problems]


RAN, SAT = ("2024-05-05", "I ran."), ("2024-05-06", "I sat.")
DIARIES = {
    "headings": ("a.md", "## 2024-05-05\nI ran.\n\n## 2024-05-06\nI sat.\n"),
    "links": ("a.md", "# [[2024-05-05]] Sunday\nI ran.\n# [[2024-05-06]] Monday\nI sat.\n"),
    "linked by page": ("a.md", "## [[May 5th, 2024]]\nI ran.\n## [[May 6th, 2024]]\nI sat.\n"),
    "alone on a line": ("a.txt", "5 May 2024\nI ran.\n\n6 May 2024\nI sat."),
    "without gaps": ("a.txt", "5 May 2024\nI ran.\n6 May 2024\nI sat."),
    "weekday before": ("a.txt", "Sunday, 5 May 2024\n\nI ran.\n\nMonday, 6 May 2024\n\nI sat."),
    "weekday after": ("a.txt", "2024-05-05 (Sun)\nI ran.\n\n2024-05-06 (Mon)\nI sat."),
    "German": ("a.txt", "Sonntag, den 5. Mai 2024\nI ran.\n\nMontag, den 6. Mai 2024\nI sat."),
    "French": ("a.md", "## Dimanche 5 mai 2024\nI ran.\n## Lundi 6 mai 2024\nI sat."),
    "Spanish": ("a.md", "**5 de mayo de 2024**\nI ran.\n\n**6 de mayo de 2024**\nI sat."),
    "Russian": ("a.txt", "5 мая 2024\nI ran.\n\n6 мая 2024\nI sat."),
    "Japanese": ("a.txt", "2024年5月5日（日）\nI ran.\n\n2024年5月6日（月）\nI sat."),
    "with a time": ("a.txt", "May 5, 2024 at 10:30 PM\nI ran.\n\nMay 6, 2024 at 9:00 AM\nI sat."),
    "ruled": ("a.txt", "--- 5.5.2024 ---\nI ran.\n\n--- 6.5.2024 ---\nI sat."),
    "underlined": ("a.md", "5 May 2024\n==========\nI ran.\n\n6 May 2024\n==========\nI sat."),
    "Org": ("a.txt", "* 2024-05-05 Sunday\nI ran.\n* 2024-05-06 Monday\nI sat."),
    "jrnl": ("a.txt", "[2024-05-05 11:11] I ran.\n\n[2024-05-06 09:14 PM] I sat.\n"),
    "older jrnl": ("a.txt", "2024-05-05 11:11 I ran.\n\n2024-05-06 09:14 I sat.\n"),
    "log": ("a.txt", "2024-05-05: I ran.\n2024-05-06: I sat.\n"),
    "log with dashes": ("a.txt", "05.05.2024 10:00 - I ran.\n06.05.2024 10:00 - I sat.\n"),
    "bullets": ("a.md", "- [[May 5th, 2024]]\n  I ran.\n- [[May 6th, 2024]]\n  I sat.\n"),
    "Day One": (
        "a.txt",
        "\tDate:\tMay 5, 2024 at 10:00:00 PM GMT+1\n\tWeather:\t12°C\n\nI ran.\n\n"
        "\tDate:\tMay 6, 2024 at 9:00:00 AM GMT+1\n\nI sat.\n",
    ),
    "month file": ("2024-05.md", "## 5\nI ran.\n## 6\nI sat.\n"),
    "month file with weekdays": ("May 2024.md", "## Sunday 5th\nI ran.\n## Monday 6th\nI sat.\n"),
    "year file": ("2024.md", "# May\n## 5\nI ran.\n## 6\nI sat.\n"),
    "year file with days": ("Diary 2024.md", "# 2024\n## 5 May\nI ran.\n## May 6\nI sat.\n"),
    "week file": ("2024-W18.md", "## Sunday\nI ran.\n"),
    "two digits for the year": ("a.txt", "05.05.24\nI ran.\n\n06.05.24\nI sat."),
    "two digits, month first": ("a.txt", "05/05/24\nI ran.\n\n05/06/24\nI sat.\n\n05/25/24\n\n"),
    "Portuguese": ("a.md", "## domingo, 5 de maio de 2024\nI ran.\n## segunda-feira, 6 de maio de 2024\nI sat."),
    "ISO with a zone": ("a.txt", "2024-05-05T10:00:00Z I ran.\n2024-05-06T10:00:00Z I sat.\n"),
    "hours alone": ("a.txt", "Sunday May 5th 2024, 9:30pm\nI ran.\n\nMonday May 6th 2024, 8am\nI sat."),
    "starred": ("a.md", "* 2024-05-05 - I ran.\n* 2024-05-06 - I sat.\n"),
    "property": ("a.md", "date:: [[2024-05-05]]\nI ran.\n\ndate:: 2024-05-06\nI sat."),
    "numbered": ("a.txt", "Entry 1 - May 5, 2024\nI ran.\n\nEntry 2 - May 6, 2024\nI sat."),
    "month first by another day": ("a.txt", "05/05/2024\nI ran.\n\n05/06/2024\nI sat.\n\n05/25/2024\n\n"),
}  # fmt: skip


@pytest.mark.parametrize("kind", DIARIES)
def test_a_day_is_a_document(tmp_path: Path, kind: str) -> None:
    name, text = DIARIES[kind]
    # Not through all importers: a log may look like a chat.
    documents, problems = read(tmp_path, name, text)
    found = [(f"{document.created_at:%Y-%m-%d}", document.text) for document in documents]
    assert found == ([RAN] if kind == "week file" else [RAN, SAT])
    assert {problem.code for problem in problems.items} <= ({"time_zone"} if "zone" in kind else set())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("2024-02-01.txt", "Wedding\n5 May 2024\nat the church."),
        ("2024-02-01.md", "5 May 2024 was a fine day.\n6 May 2024 was not."),
        ("2024-02-01.md", "I ran.\n\n```\n## 2024-05-05\n```"),
        ("2024-02-01.md", "# Plans\n- 2024-05-05: dentist\n- 2024-05-06: bank"),
        ("2024-02-01.md", "## 2019\nI lived in Leeds.\n## 2020\nI lived in York."),
        ("2024-02-01.md", "## 1. Rooms\n## 2. Costs\nHigh."),
        ("2024-02-01.md", "> 5 May 2024\n> I ran.\n\nHe wrote that."),
        ("2024-02-01.md", "## 1.2.13 Fixes\nFaster.\n## 1.2.14 Fixes\nSmaller."),
        ("2024-02-01.md", "## {{date}}\nI ran.\n## YYYY-MM-DD\nI sat."),
    ],
)
def test_a_date_in_a_text_divides_nothing(tmp_path: Path, name: str, text: str) -> None:
    assert entries(ingest(tmp_path, {name: text})) == [("2024-02-01", text)]


def test_each_day_has_a_source_of_its_own_and_a_title_stays(tmp_path: Path) -> None:
    text = (
        "# My year\n\n## 2024-05-05: Moving\nI ran.\n### Evening\nI ate.\n## 2024-05-06\nI sat.\n\n"
        "# Thoughts\nIn general."
    )
    result = ingest(tmp_path, {"a.md": text})
    assert {document.source: document.text for document in result.documents} == {
        "a.md#2024-05-05": "# My year\n## Moving\nI ran.\n### Evening\nI ate.",
        "a.md#2024-05-06": "I sat.",
        "a.md": "# Thoughts\nIn general.",
    }
    assert codes(result) == ["guessed_date"]


def test_a_diary_that_is_no_chat_is_read_by_its_stamps(tmp_path: Path) -> None:
    text = "[2020-08-29 11:11] Moved house.\nI moved to Leeds.\n[2020-09-24 09:14] The third entry.\nI met Bart.\n"
    documents, _ = read(tmp_path, "journal.txt", text)
    assert [(document.source, document.text) for document in documents] == [
        ("journal.txt#2020-08-29T11:11", "Moved house.\nI moved to Leeds."),
        ("journal.txt#2020-09-24T09:14", "The third entry.\nI met Bart."),
    ]


def test_the_weather_behind_a_date_stays(tmp_path: Path) -> None:
    result = ingest(tmp_path, {"a.txt": "2024年5月5日 星期日 晴\n跑步。\n\n2024年5月6日 星期一 雨\n睡觉。"})
    assert entries(result) == [("2024-05-05", "晴\n跑步。"), ("2024-05-06", "雨\n睡觉。")]


def test_day_and_month_that_could_be_either(tmp_path: Path) -> None:
    text = "03/04/2024\nI ran.\n\n05/04/2024\nI sat."
    result = ingest(tmp_path, {"a.txt": text})
    assert [day for day, _ in entries(result)] == ["2024-04-03", "2024-04-05"]
    assert [(problem.code, problem.line) for problem in result.report.problems] == [("day_order", 1)]
    assert [day for day, _ in entries(ingest(tmp_path, {"a.txt": text}, day_first=False))] == [
        "2024-03-04",
        "2024-05-04",
    ]
    by_folder = ingest(tmp_path, {"a.txt": text, "03-25-2024.md": "I row."})
    assert [day for day, _ in entries(by_folder)] == ["2024-03-04", "2024-03-25", "2024-05-04"]
    assert codes(by_folder) == []


def test_a_day_that_does_not_exist_is_named_with_its_line(tmp_path: Path) -> None:
    result = ingest(tmp_path, {"a.md": "---\ntags: [a]\n---\n## 2024-02-29\nI ran.\n## 2024-02-30\nI sat."})
    assert [(problem.code, problem.line) for problem in result.report.problems] == [("bad_date", 6)]
    assert entries(result) == [("2024-02-29", "I ran.\n## 2024-02-30\nI sat.")]


def test_one_heading_with_another_day_than_the_file_is_taken_and_named(tmp_path: Path) -> None:
    result = ingest(tmp_path, {"2024-01-01 log.md": "## 2024-05-05\nI ran."})
    assert (entries(result), codes(result)) == ([RAN], ["several_dates"])


FORMS = (
    lambda day: f"## {day.isoformat()}",
    lambda day: f"# {day.day} {day:%B %Y}",
    lambda day: f"{day:%A}, {day:%B} {day.day}, {day.year}",
    lambda day: f"**{day:%d.%m.%Y}**",
    lambda day: f"[{day.isoformat()} 10:00]",
    lambda day: f"Date: {day:%d %b %Y}",
)


@given(
    form=st.sampled_from(FORMS),
    first=st.dates(date(1990, 1, 1), date(2030, 1, 1)),
    texts=st.lists(st.text("abc \n.,", min_size=1).filter(str.strip), min_size=2, max_size=6),
)
@hypothesis_settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_word_of_a_diary_is_lost_and_none_changes_its_day(form, first: date, texts: list[str]) -> None:  # type: ignore[no-untyped-def]
    days = [first + timedelta(days=number) for number in range(len(texts))]
    text = "\n\n".join(f"{form(day)}\n{each}" for day, each in zip(days, texts, strict=True))
    found = split(text, Dates(False, None, None, lambda: None, lambda moment: True))
    assert [entry.moment and entry.moment.date() for entry in found.entries] == days
    assert [entry.text.split() for entry in found.entries] == [each.split() for each in texts]


@given(st.text(st.sampled_from("#-*[]() 0123456789./:\tMay\nJun,"), max_size=200))
@hypothesis_settings(max_examples=300, deadline=None)
def test_any_mixture_of_dates_and_marks_is_taken(text: str) -> None:
    found = split(text, Dates(False, None, True, lambda: None, lambda moment: True))
    assert all(entry.text.strip() for entry in found.entries)
    assert all(entry.moment is None or isinstance(entry.moment, datetime) for entry in found.entries)
