"""The table of results on the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from mealign.reporting.wording import (
    CATEGORY_TITLES,
    SET_TITLES,
    difference,
    metric_names,
    share,
    verdict,
    with_failures,
    with_interval,
    words,
)

_HEADERS = {
    "multi_hop": "multi\nhop",
    "preference": "prefer-\nence",
    "unanswerable": "unans-\nwerable",
    "multi-hop": "multi-\nhop",
    "open-domain": "open-\ndomain",
    "single-hop": "single-\nhop",
    "adversarial": "adver-\nsarial",
}
"""Headers on two lines, so that all columns fit into 120 characters."""

_COLOURS = {"higher": "green", "lower": "red", "not shown": "dim"}


def arms_table(summary: Mapping[str, Any]) -> Table:
    """Return one table per question set (arms as rows, families or LoCoMo categories as columns), one below the other.

    Every table ends with its paired differences; metrics besides the score have their own table below it.
    """
    whole = Table.grid()
    for question_set, title in SET_TITLES.items():
        if question_set in summary:
            if whole.row_count:
                whole.add_row()
            whole.add_row(_set_table(summary[question_set], title=title, confidence=summary["confidence"]))
            if names := metric_names(summary[question_set]):
                whole.add_row()
                whole.add_row(_metrics_table(summary[question_set], names, title=title))
    return whole


def _set_table(part: Mapping[str, Any], *, title: str, confidence: float) -> Table:
    groups = _groups(part)
    table = Table(
        title=f"{part['n']} {title}", title_justify="left", title_style="bold",
        caption=_differences(part), caption_justify="left", caption_style="", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0),
    )  # fmt: skip
    table.add_column("arm", style="cyan", no_wrap=True)
    table.add_column(f"score [{confidence:.0%} interval]", no_wrap=True)
    for header in groups.values():
        table.add_column(_HEADERS.get(header, header), justify="right", no_wrap=True)
    table.add_column("declined\nrightly", justify="right", no_wrap=True)
    table.add_column("declined\nwrongly", justify="right", no_wrap=True)
    for arm, values in part["arms"].items():
        inner = values.get("categories", values["families"])
        cells = [f"{inner[key]['score']:.2f}" if key in inner else "–" for key in groups]
        abstention = [share(values["abstention"].get(kind)) for kind in ("right", "wrong")]
        table.add_row(arm, with_interval(values), *cells, *abstention)
    return table


def _metrics_table(part: Mapping[str, Any], names: Sequence[str], *, title: str) -> Table:
    table = Table(
        title=f"{title}: further metrics", title_justify="left", title_style="bold", box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )  # fmt: skip
    table.add_column("arm", style="cyan", no_wrap=True)
    for name in names:
        table.add_column(words(name))
    for arm, values in part["arms"].items():
        table.add_row(arm, *(with_failures(values.get("metrics", {}).get(name)) for name in names))
    return table


def _groups(part: Mapping[str, Any]) -> dict[str, str]:
    """Return keys and headers of the columns: LoCoMo's categories if there are any, else the families."""
    arms = part["arms"].values()
    for kind, titles in (("categories", CATEGORY_TITLES), ("families", {})):
        keys = list(dict.fromkeys(key for values in arms for key in values.get(kind, {})))
        if keys:
            return {key: titles.get(key, key) for key in keys}
    return {}


def _differences(part: Mapping[str, Any]) -> Text:
    lines = (
        Text.assemble(f"{name}: ", (difference(values), _COLOURS[verdict(values)]))
        for name, values in part["differences"].items()
    )
    return Text("\n").join(lines)
