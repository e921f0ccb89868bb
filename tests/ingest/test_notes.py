"""Odd front matter, missing dates, the writer's clock: the note is kept, and what is doubtful is told."""

import os
from datetime import datetime
from pathlib import Path

import pytest

from mealign.ingest.dates import parse_date
from mealign.ingest.report import Problems
from mealign.ingest.text import read_whole
from tests.defaults import IngestConfig
from tests.ingest.test_diary import codes, entries, ingest

NAME, DAY = "2024-03-01.md", "2024-03-01"


@pytest.mark.parametrize(
    ("head", "code"),
    [
        ("title: Work: plan", "front_matter"),
        ("people: [[Ida]], [[Bart]]", "front_matter"),
        ("author: @ida", "front_matter"),
        ("mood: *good*", "front_matter"),
        ("tags: [a, b", "front_matter"),
        ("a: &a [*a]", "front_matter"),
        ("\ttitle: x\nmood: good", "front_matter"),
        ("due: 2024-02-30", None),
        ("updated: soon", None),
        ("date: {{date}}", None),
        ("date: <% tp.date.now() %>", None),
        ("created: YYYY-MM-DD", None),
        ("date:", None),
        ("date: TBD", "bad_date"),
        ("date: 2024-02-30", "bad_date"),
        ("date: [2024-01-01, 2024-01-02]", "bad_date"),
        ("created: 2024-02-05", "several_dates"),
    ],
)  # fmt: skip
def test_odd_front_matter_never_costs_the_note(tmp_path: Path, head: str, code: str | None) -> None:
    result = ingest(tmp_path, {NAME: f"---\n{head}\n---\nI row."})
    day = "2024-02-05" if code == "several_dates" else DAY
    assert entries(result) == [(day, "I row.")]
    assert codes(result) == ([code] if code else [])
    assert result.report.left_out == {NAME: {"front_matter": len(f"---\n{head}\n---")}}


@pytest.mark.parametrize(
    "text",
    [
        "---\n\nI moved to Leeds. I bought a boat.\n\n---\nThe harbour is near.",
        "---\nI met Ida.\n\nThe end.",
        "---\n- tea\n- bread\n---\nFor tomorrow.",
        "---\nI thought about it for long: no.\n---\nI stay.",
        "{\nnot JSON\n}\nText.",
        "+++ a line +++\nText.",
    ],
)
def test_text_between_rules_is_text(tmp_path: Path, text: str) -> None:
    assert entries(ingest(tmp_path, {NAME: text})) == [(DAY, text)]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("---\ndate: 2024-03-06\n...\nI row.", "2024-03-06"),
        ("---\ndate: 2024-03-06\n\nI row.", "2024-03-06"),
        ("---\ntitle: a: b\ncreated: 2024-03-06 # when\n---\nI row.", "2024-03-06"),
        ("---\ncreated: '[[2024-03-06]]'\n---\nI row.", "2024-03-06"),
        ("---\nCreated At: March 6, 2024\n---\nI row.", "2024-03-06"),
        ("---\ncreated: 1709726400\n---\nI row.", "2024-03-06"),
        ("---\ndate: 2024-03-06\ndue: 2024-04-09\n---\nI row.", "2024-03-06"),
        ("+++\ndate = 2024-03-06T10:00:00Z\n+++\nI row.", "2024-03-06"),
        ('{\n"date": "2024-03-06"\n}\nI row.', "2024-03-06"),
    ],
)
def test_the_date_of_the_front_matter(tmp_path: Path, text: str, day: str) -> None:
    assert entries(ingest(tmp_path, {"a.md": text}, time_zone="Etc/UTC")) == [(day, "I row.")]


def test_front_matter_whose_day_and_month_could_be_either(tmp_path: Path) -> None:
    note = "---\ndate: 03/04/2024\n---\nI row."
    files = {"a.md": note, "2024-01-01.md": "I ran."}
    assert codes(ingest(tmp_path, files)) == ["bad_date"]
    assert entries(ingest(tmp_path, files, day_first=True))[1] == ("2024-04-03", "I row.")
    assert entries(ingest(tmp_path, files, day_first=False))[1] == ("2024-03-04", "I row.")
    other = ingest(tmp_path, files | {"b.md": "---\ndate: 04/25/2024\n---\nI sat."})
    assert (entries(other)[1], codes(other)) == (("2024-03-04", "I row."), [])


def test_a_note_without_a_date(tmp_path: Path) -> None:
    files = {"People/Bart.md": "Bart is my brother.", "2024-03-02.md": "I ran.", "2024-03-05.md": "I sat."}
    first = ingest(tmp_path, files)
    assert ("2024-03-02", "Bart is my brother.") in entries(first)
    assert codes(first) == codes(ingest(tmp_path, files, undated="refuse")) == ["no_date"]
    assert len(ingest(tmp_path, files, undated="refuse").documents) == 2
    assert entries(ingest(tmp_path, files, undated="2020-01-01"))[0] == ("2020-01-01", "Bart is my brother.")


def test_a_week_or_month_in_the_name_is_a_guess(tmp_path: Path) -> None:
    result = ingest(tmp_path, {"2024-W13.md": "I moved.", "2024-05.md": "I ran."})
    assert [day for day, _ in entries(result)] == ["2024-03-25", "2024-05-01"]
    assert codes(result) == ["guessed_date", "guessed_date"]


@pytest.mark.parametrize("setting", ["first", "refuse", "2024-02-30", "soon"])
def test_the_setting_for_undated_notes_is_checked(setting: str) -> None:
    assert bool(list(IngestConfig(undated=setting).problems("ingest"))) == (setting in ("2024-02-30", "soon"))


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("2024-03-04T23:30:00-08:00", datetime(2024, 3, 4, 23, 30)),
        ("2024-03-05T01:30:00+05:30", datetime(2024, 3, 5, 1, 30)),
        ("2024-03-05T07:30:00Z", datetime(2024, 3, 4, 23, 30)),
        ("2024-03-05T07:30:00+00:00", datetime(2024, 3, 4, 23, 30)),
        ("1709623800", datetime(2024, 3, 4, 23, 30)),
        ("2024-07-05T06:30:00Z", datetime(2024, 7, 4, 23, 30)),
        ("2024-03-04T23:30:00", datetime(2024, 3, 4, 23, 30)),
    ],
)
def test_a_moment_is_told_on_the_writers_clock(written: str, told: datetime) -> None:
    assert parse_date(written, IngestConfig(time_zone="America/Los_Angeles")) == told


def test_moments_in_utc_are_named_once_a_kind_of_file_until_the_zone_is_set(tmp_path: Path) -> None:
    files = {f"{name}.md": "---\ndate: 2024-03-05T07:30:00Z\n---\nI row." for name in "abc"}
    assert codes(ingest(tmp_path, files)) == ["time_zone"]
    assert codes(ingest(tmp_path, files, time_zone="Europe/Brussels")) == []


def test_problems_of_another_process_are_named_once_too() -> None:
    problems = Problems()
    for name in ("a.pdf", "b.pdf", "c.docx"):
        other = Problems()
        other.add(name, None, "time_zone", "in UTC", "set the zone")
        other.add(name, None, "no_date", "none", "add it")
        problems.include(other)
    assert [problem.file for problem in problems.items if problem.code == "time_zone"] == ["a.pdf", "c.docx"]
    assert [problem.file for problem in problems.items if problem.code == "no_date"] == ["a.pdf", "b.pdf", "c.docx"]


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.md"
    path.write_text("I ran.")
    assert read_whole(path) == b"I ran."
    status = path.stat()
    os.utime(path, ns=(5, 5))
    statuses = iter([status, path.stat()])
    monkeypatch.setattr("mealign.ingest.text.os.fstat", lambda _: next(statuses, status))
    with pytest.raises(OSError, match="changes while it is read"):
        read_whole(path)
