"""The dates of phones: any order, any clock, any marks around them."""

from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mealign.ingest.user import IngestResult, ingest_user
from tests.defaults import IngestConfig, UserConfig


def ingest(folder: Path, text: str) -> IngestResult:
    (folder / "_chat.txt").write_text(text)
    user = UserConfig(name="mira", person="Mira", path=str(folder))
    return ingest_user(user, IngestConfig(), root=folder)


@pytest.mark.parametrize(
    ("stamp", "moment"),
    [
        ("25/01/2024, 18:03 -", datetime(2024, 1, 25, 18, 3)),
        ("1/25/24, 6:03 PM -", datetime(2024, 1, 25, 18, 3)),
        ("25.01.24, 18:03 -", datetime(2024, 1, 25, 18, 3)),
        ("2024-01-25, 18:03 -", datetime(2024, 1, 25, 18, 3)),
        ("2024/01/25, 12:03 am -", datetime(2024, 1, 25, 0, 3)),
        ("25/1/2024, 12:03 p. m. -", datetime(2024, 1, 25, 12, 3)),
        ("25/1/2024 6.03\u202fp.m. -", datetime(2024, 1, 25, 18, 3)),
        ("٢٥/٠١/٢٠٢٤، 18:03 -", datetime(2024, 1, 25, 18, 3)),
        ("[25/01/2024, 18:03:11]", datetime(2024, 1, 25, 18, 3, 11)),
        ("\u200e[25.01.24, 18:03:11]", datetime(2024, 1, 25, 18, 3, 11)),
        ("[2024-01-25, 6:03:11\u202fPM]", datetime(2024, 1, 25, 18, 3, 11)),
    ],
)
def test_a_date_of_any_phone(tmp_path: Path, stamp: str, moment: datetime) -> None:
    result = ingest(tmp_path, f"{stamp} Mira: I row.\n")
    assert [(document.created_at, document.text) for document in result.documents] == [(moment, "I row.")]
    assert result.report.problems == ()


def test_one_day_above_twelve_decides_for_the_whole_file(tmp_path: Path) -> None:
    result = ingest(tmp_path, "1/5/24, 18:03 - Mira: one\n1/25/24, 18:03 - Mira: two\n")
    assert [document.created_at.month for document in result.documents] == [1, 1]


def test_without_one_the_day_comes_first_and_the_report_says_so(tmp_path: Path) -> None:
    result = ingest(tmp_path, "1/5/24, 18:03 - Mira: one\n2/5/24, 18:03 - Mira: two\n")
    assert [document.created_at.month for document in result.documents] == [5, 5]
    assert [problem.code for problem in result.report.problems] == ["day_order"]


@pytest.mark.parametrize(
    "line",
    [
        "Mira created group",
        'Tomas changed the subject to "Boats: the sequel"',
        "Tomas: <Media omitted>",
        "Tomas: <Medien ausgeschlossen>",
        "Tomas: VID-20240105-WA0007.mp4 (Datei angehängt)",
        "Tomas: My long score.pdf (file attached)",
        "Tomas: This message was deleted",
        "Tomas: null",
        "Tomas: \u200eimage omitted",
        "Tomas:",
    ],
)
def test_what_the_program_says_is_no_message(tmp_path: Path, line: str) -> None:
    result = ingest(tmp_path, f"25/01/2024, 18:02 - Mira: I row.\n25/01/2024, 18:03 - {line}\n")
    assert [document.text for document in result.documents] == ["I row."]


@given(
    st.lists(
        st.tuples(st.datetimes(datetime(2001, 1, 1), datetime(2099, 12, 31)), st.sampled_from(["Mira", "Tomas H."]),
                  st.text(st.sampled_from("ab:é中🛶\n")).filter(lambda text: text.strip())),
        min_size=1, max_size=20,
    )
)  # fmt: skip
@hypothesis_settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_what_was_written_is_read_back(tmp_path: Path, chat: list[tuple[datetime, str, str]]) -> None:
    lines = [f"{at:%Y-%m-%d, %H:%M} - {author}: {text}" for at, author, text in chat]
    result = ingest(tmp_path, "\n".join(lines))
    found = sorted((d.created_at.replace(microsecond=0), d.author, d.text) for d in result.documents)
    assert found == sorted((at.replace(second=0, microsecond=0), author, text.strip()) for at, author, text in chat)
