"""The report: one Markdown file and one self-contained HTML page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from mealign.markdown import all_in_markdown
from mealign.reporting.content import build_content
from mealign.reporting.figures import draw_figures, inline

FIGURE_TEXTS = {
    "arms.svg": "Score of every arm with its interval; filled: with memory in the prompt.",
    "families.svg": "Score by arm and family of question.",
    "training.svg": "Training curves.",
    "judge.svg": "The judge on pairs whose answer is known: how often it is right when it is so sure, and by kind.",
}


@dataclass(frozen=True)
class Report:
    """A rendered report. ``figures`` maps file names to SVG; the Markdown refers to them, the HTML contains them."""

    markdown: str
    html: str
    figures: dict[str, bytes]


def render_report(
    summary: Mapping[str, Any], stages: Mapping[str, Mapping[str, Any]], *, title: str, config: Mapping[str, Any]
) -> Report:
    """Render the results of one run.

    Args:
        summary: what :func:`mealign.evaluation.summary.summarise` returned.
        stages: stage name to the summary it reported; training stages with their ``history``. Absent ones are left out.
        title: heading of the report.
        config: the settings to show, one dotted key per value.
    """
    figures = draw_figures(summary, stages)
    content = build_content(summary, stages, title=title, config=config)
    pictures = {name: Markup(inline(name, image)) for name, image in figures.items()}  # noqa: S704
    environment = Environment(
        loader=PackageLoader("mealign.reporting"), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        autoescape=select_autoescape(("html.j2",)), keep_trailing_newline=True,
    )  # fmt: skip
    render = partial(_render, environment, captions=FIGURE_TEXTS, pictures=pictures)
    return Report(
        markdown=render("report.md.j2", content=all_in_markdown(content)),
        html=render("report.html.j2", content=content),
        figures=figures,
    )


def _render(environment: Environment, template: str, **values: Any) -> str:
    return environment.get_template(template).render(**values)
