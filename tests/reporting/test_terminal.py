import io
from typing import Any

import pytest
from rich.console import Console

from mealign.reporting.terminal import arms_table
from tests.evaluation.builders import ARMS


def printed(summary: dict[str, Any], *, width: int = 120) -> str:
    console = Console(file=io.StringIO(), width=width, highlight=False)
    console.print(arms_table(summary))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_six_arms_with_score_and_interval(summary: dict[str, Any]) -> None:
    lines = printed(summary).splitlines()
    for arm in ARMS:
        values = summary["gold"]["arms"][arm]
        row = next(line.split() for line in lines if line.split()[:1] == [arm])
        assert row[1:4] == [f"{values['score']:.3f}", f"[{values['low']:.3f},", f"{values['high']:.3f}]"]
        assert row[4] == f"{values['families']['recall']['score']:.2f}"


def test_paired_differences_stand_below(summary: dict[str, Any]) -> None:
    values = summary["gold"]["differences"]["sft+memory - base+memory"]
    text = f"{values['difference']:+.3f} [{values['low']:+.3f}, {values['high']:+.3f}]"
    assert f"sft+memory - base+memory: {text}" in printed(summary)


def test_everything_fits_120_columns(summary: dict[str, Any], locomo_summary: dict[str, Any]) -> None:
    for given in (summary, locomo_summary):
        assert "…" not in printed(given)


def test_locomo_is_shown_by_category(locomo_summary: dict[str, Any]) -> None:
    gold = printed(locomo_summary).partition("12 held-out")[0]
    assert "adver-" in gold
    assert "prefer-" not in gold


@pytest.mark.parametrize("kept", ["gold", "held_out"])
def test_one_question_set_alone(summary: dict[str, Any], kept: str) -> None:
    alone = {key: value for key, value in summary.items() if key not in {"gold", "held_out"} - {kept}}
    assert printed(alone).count("base+memory  ") == 1


def test_a_family_that_an_arm_lacks_is_a_dash(summary: dict[str, Any]) -> None:
    base = {**summary["gold"]["arms"]["base"], "families": {}}
    gold = {**summary["gold"], "arms": {**summary["gold"]["arms"], "base": base}}
    row = next(line for line in printed({**summary, "gold": gold}).splitlines() if line.split()[:1] == ["base"])
    assert row.count("–") == 6


def test_further_metrics_have_a_table_of_their_own(summary: dict[str, Any]) -> None:
    assert "further metrics" not in printed(summary)
    mean = {"mean": 3.25, "low": 3.0, "high": 3.5, "n": 28, "failed": 2}
    base = {**summary["gold"]["arms"]["base"], "metrics": {"words": mean, "rare": {"n": 0, "failed": 30}}}
    gold = {**summary["gold"], "arms": {**summary["gold"]["arms"], "base": base}}
    table = printed({**summary, "gold": gold}).partition("gold questions: further metrics")[2].partition("held-out")[0]
    rows = [" ".join(line.split()) for line in table.splitlines()]
    assert "base 3.250 [3.000, 3.500], 2 failed –, 30 failed" in rows
    assert "dpo+memory – –" in rows


def test_nothing_measured() -> None:
    assert printed({"confidence": 0.95, "objective": None, "objective_arm": None}).strip() == ""
