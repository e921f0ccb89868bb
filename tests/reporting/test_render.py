from html.parser import HTMLParser
from typing import Any

import pytest

from mealign.reporting.render import Report, render_report
from mealign.settings import flat
from mealign.stages.report import CHOICES
from tests.defaults import composed
from tests.evaluation.builders import ARMS

Stages = dict[str, dict[str, Any]]
CONFIG = {key: flat(composed())[key] for key in CHOICES}


@pytest.fixture(scope="module")
def report(summary: dict[str, Any], stages: Stages) -> Report:
    return render_report(summary, stages, title="mealign: <demo>", config=CONFIG)


def test_both_forms_hold_the_evidence(report: Report, summary: dict[str, Any]) -> None:
    for text in (report.markdown, report.html.replace("\u00a0", " ")):
        for arm in ARMS:
            values = summary["gold"]["arms"][arm]
            assert arm in text
            assert f"{values['score']:.3f} [{values['low']:.3f}, {values['high']:.3f}]" in text
        for piece in (
            "sft+memory - base+memory",
            "too large",
            "skipped, pronoun",
            "flip",
            "0.333 [",
            "picking the longer",
            "wrong date",
            "One person",
        ):
            assert piece in text


def test_the_funnel_counts_what_was_made_and_why_the_rest_was_not(report: Report) -> None:
    assert "- **330 preference pairs** (preferences): flip 3; tie 80\n" in report.markdown
    assert "- **160 documents** (ingest): broken date 2; too large 1\n" in report.markdown
    assert "- **120 pairs trained on** (dpo)\n" in report.markdown


def test_the_settings_that_are_given_are_shown(report: Report) -> None:
    for key, value in CONFIG.items():
        assert f"| `{key}` | {value} |" in report.markdown


def test_no_text_of_the_user_is_shown(report: Report) -> None:
    for text in (report.markdown, report.html):
        assert "a text of the user" not in text
        assert "Nadia" not in text


def test_the_page_needs_nothing_beside_it(report: Report) -> None:
    class References(HTMLParser):
        found: list[str] = []  # noqa: RUF012

        def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
            self.found += [value for key, value in attributes if key in ("src", "href", "xlink:href") and value]

    parser = References()
    parser.feed(report.html)
    assert all(reference.startswith("#") for reference in parser.found)
    assert report.html.count("<svg") == 4
    assert "<title>mealign: &lt;demo&gt;</title>" in report.html
    assert "prefers-color-scheme: dark" in report.html


def test_the_markdown_names_its_figures(report: Report) -> None:
    for name in report.figures:
        assert f"]({name})" in report.markdown


def test_the_same_numbers_give_the_same_bytes(report: Report, summary: dict[str, Any], stages: Stages) -> None:
    assert render_report(summary, stages, title="mealign: <demo>", config=CONFIG) == report


def test_absent_stages_are_left_out(locomo_summary: dict[str, Any]) -> None:
    report = render_report(locomo_summary, {}, title="t", config={})
    assert "## Training" not in report.markdown
    assert "How far the judge" not in report.markdown
    assert "by LoCoMo category" in report.markdown
    assert "6.4 %" in report.markdown


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [(0.1, 0.3, "made it better"), (-0.3, -0.1, "made it worse"), (-0.1, 0.1, "a difference is not shown")],
)
def test_the_headline_says_what_the_interval_shows(
    summary: dict[str, Any], low: float, high: float, words: str
) -> None:
    pair = {"dpo+memory - base+memory": {"difference": (low + high) / 2, "low": low, "high": high, "n": 30}}
    changed = {**summary, "gold": {**summary["gold"], "differences": pair}}
    assert words in render_report(changed, {}, title="t", config={}).markdown


def test_the_headline_compares_with_the_base_model_in_the_same_context(summary: dict[str, Any]) -> None:
    def headline(**contexts: str) -> str:
        arms = [{**arm, "context": contexts.get(arm["name"], arm["context"])} for arm in summary["arms"]]
        return render_report({**summary, "arms": arms}, {}, title="t", config={}).markdown.splitlines()[2]

    assert "against the untrained model" in headline()
    assert "against the untrained model" not in headline(**{"dpo+memory": "newest"})


def test_further_metrics_have_a_section_where_there_are_any(report: Report, summary: dict[str, Any]) -> None:
    base = {**summary["gold"]["arms"]["base"], "metrics": {"n_words": {"mean": 3.25, "low": 3, "high": 3.5, "n": 30}}}
    gold = {**summary["gold"], "arms": {**summary["gold"]["arms"], "base": base}}
    shown = render_report({**summary, "gold": gold}, {}, title="t", config={})
    assert "| arm | n words |" in shown.markdown
    assert "| base | 3.250 [3.000, 3.500] |" in shown.markdown
    assert "| sft | – |" in shown.markdown
    assert 'id="metrics"' in shown.html
    assert "Further metrics" not in report.markdown + report.html


def test_nothing_measured_is_said(summary: dict[str, Any]) -> None:
    empty = {"confidence": 0.95, "objective": None, "objective_arm": None}
    assert "None of the objective's arms was measured." in render_report(empty, {}, title="t", config={}).markdown
