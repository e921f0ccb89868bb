"""Whatever a file holds, reading it takes time in proportion to it, and ends in documents or lines of the report."""

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mealign.ingest.user import ingest_user
from tests.defaults import IngestConfig, UserConfig
from tests.ingest.hostile import BESIDE, FILES, MARKS, written

pytestmark = pytest.mark.slow
LENGTH = 100_000
ENDS = hypothesis_settings(
    max_examples=60,
    deadline=timedelta(seconds=30),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
"""Generous: what is not in proportion to the text takes hours."""
marks = st.sampled_from(MARKS) | st.lists(st.sampled_from(MARKS), min_size=1, max_size=3).map("".join)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "2024-01-01 good.md").write_text("I am well.")
    return tmp_path


@given(kind=st.sampled_from([*FILES, *BESIDE]), mark=marks)
@ENDS
def test_a_mark_over_and_over_ends(folder: Path, kind: str, mark: str) -> None:
    name, content = (FILES | BESIDE)[kind]
    path = folder / name
    path.write_bytes(written(content, mark, LENGTH))
    try:
        result = ingest_user(UserConfig(name="me", person="Mira", path=str(folder)), IngestConfig(), root=folder)
    finally:
        path.unlink()
    sources = {document.source.partition("#")[0] for document in result.documents}
    assert "2024-01-01 good.md" in sources
    named = {problem.file for problem in result.report.problems}
    assert kind in BESIDE or name in sources | named
    assert not any("cannot be read as" in problem.message for problem in result.report.problems)
