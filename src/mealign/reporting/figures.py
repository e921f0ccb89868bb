"""Figures as SVG, the same bytes for the same numbers.

The base model is grey, every adapter has its own colour; an arm whose prompts show memory is filled, one whose prompts
show none is hollow.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

from mealign.memory.settings import NO_MEMORY
from mealign.reporting.content import certificate_of
from mealign.reporting.wording import SET_TITLES, words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, LINE, PAPER = "#1b1f24", "#d5d9df", "#ffffff"
GREY, BLUE = "#7d8590", "#2f7ed8"
COLOURS = (BLUE, "#e07b2a", "#2e9e6b", "#9b5fc0", "#c0436b", "#8a6d1f")
"""Colours of adapters, in the order in which the arms name them, repeated as needed."""
CURVES = ("loss", "rewards/accuracies", "rewards/margins")
"""The curves of a training history that are drawn, where a stage has them."""

_SETTINGS = {
    "svg.hashsalt": "mealign",
    "svg.fonttype": "none",
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": LINE,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": LINE,
    "figure.facecolor": PAPER,
    "axes.facecolor": PAPER,
}


def draw_figures(summary: Mapping[str, Any], stages: Mapping[str, Mapping[str, Any]]) -> dict[str, bytes]:
    """Draw every figure that has numbers: ``arms.svg``, ``families.svg``, ``training.svg``, ``judge.svg``."""
    import matplotlib

    with matplotlib.rc_context(_SETTINGS):
        drawn = {
            "arms.svg": _arms(summary),
            "families.svg": _families(summary),
            "training.svg": _training(stages, _colours(summary)),
        }
        figures = {name: _svg(figure) for name, figure in drawn.items() if figure is not None}
    return figures | draw_certificate(certificate_of(stages))


def draw_certificate(certificate: Mapping[str, Any]) -> dict[str, bytes]:
    """Draw ``judge.svg``, reliability diagram and accuracy by kind of known pair; nothing without known pairs."""
    import matplotlib

    if not certificate.get("n"):
        return {}
    with matplotlib.rc_context(_SETTINGS):
        return {"judge.svg": _svg(_certificate(certificate))}


def inline(name: str, image: bytes) -> str:
    """Convert a figure to an element of an HTML page that follows the page's colours.

    The page must define the CSS variables ``--ink``, ``--line`` and ``--paper``. Ids are prefixed with the figure's
    name, since several figures share one page.
    """
    text = image.decode()
    text = text[text.index("<svg") :]
    prefix = name.removesuffix(".svg")
    text = re.sub(r'\bid="', f'id="{prefix}-', text)
    text = re.sub(r'(url\(#|href="#)', rf"\g<1>{prefix}-", text)
    for colour, variable in ((INK, "ink"), (LINE, "line"), (PAPER, "paper")):
        text = text.replace(colour, f"var(--{variable})")
    return text


def _arms(summary: Mapping[str, Any]) -> Figure | None:
    sets = _asked(summary)
    if not sets:
        return None
    rows = max(len(summary[question_set]["arms"]) for question_set in sets)
    colours, asked = _colours(summary), {arm["name"]: arm for arm in summary["arms"]}
    figure, panels = _panels(len(sets), width=4.6, height=1.1 + 0.36 * rows)
    for axes, question_set in zip(panels, sets, strict=True):
        part = summary[question_set]
        for row, (arm, values) in enumerate(part["arms"].items()):
            colour = colours.get(asked[arm]["adapter"], GREY)
            error = [[values["score"] - values["low"]], [values["high"] - values["score"]]]
            axes.errorbar(
                values["score"], row, xerr=error, fmt="o", color=colour, capsize=3, markersize=7,
                markerfacecolor=PAPER if asked[arm]["context"] == NO_MEMORY else colour,
            )  # fmt: skip
        axes.set_yticks(range(len(part["arms"])), list(part["arms"]))
        axes.set_ylim(len(part["arms"]) - 0.5, -0.5)
        axes.set_xlim(left=0)
        axes.grid(axis="x", linewidth=0.7)
        axes.tick_params(length=0)
        axes.set_xlabel(f"score, {summary['confidence']:.0%} interval")
        axes.set_title(f"{SET_TITLES[question_set]} (n = {part['n']})")
    return figure


def _families(summary: Mapping[str, Any]) -> Figure | None:
    sets = _asked(summary)
    if not sets:
        return None
    part = summary[sets[0]]
    arms = list(part["arms"])
    families = list(dict.fromkeys(family for values in part["arms"].values() for family in values["families"]))
    cells = [[part["arms"][arm]["families"][family]["score"] for family in families] for arm in arms]
    figure, (axes,) = _panels(1, width=2.0 + 1.15 * len(families), height=0.9 + 0.42 * len(arms))
    axes.pcolormesh(cells, cmap="Blues", vmin=0.0, vmax=1.0, edgecolors=PAPER, linewidth=2)
    for row, line in enumerate(cells):
        for column, value in enumerate(line):
            # The background is the figure's own colour scale, so the text does not use the page's ink.
            axes.text(
                column + 0.5, row + 0.5, f"{value:.2f}", ha="center", va="center",
                color="#f4f8fd" if value > 0.55 else "#10263f",
            )  # fmt: skip
    axes.set_yticks([row + 0.5 for row in range(len(arms))], arms)
    axes.set_xticks([column + 0.5 for column in range(len(families))], [words(family) for family in families])
    axes.xaxis.tick_top()
    axes.invert_yaxis()
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return figure


def _certificate(certificate: Mapping[str, Any]) -> Figure:
    kinds = certificate["per_kind"]
    figure, (diagram, shares) = _panels(2, width=4.4, height=1.6 + 0.3 * max(5, len(kinds)))
    diagram.plot((0.5, 1.0), (0.5, 1.0), color=LINE, linewidth=1.2)
    bins = certificate["reliability"]
    if bins:
        largest = max(each["count"] for each in bins)
        diagram.scatter(
            [each["confidence"] for each in bins], [each["accuracy"] for each in bins],
            s=[30 + 170 * each["count"] / largest for each in bins], color=BLUE,
        )  # fmt: skip
    diagram.set_xlim(0.48, 1.02)
    diagram.set_ylim(-0.07, 1.07)
    diagram.set_xlabel("confidence: the winner's probability")
    diagram.set_ylabel("share that is right")
    title = "reliability" if certificate["ece"] is None else f"reliability (ECE {certificate['ece']:.3f})"
    diagram.set_title(title)
    for row, values in enumerate(kinds.values()):
        accuracy = values["accuracy"]
        error = [[accuracy - values["accuracy_low"]], [values["accuracy_high"] - accuracy]]
        shares.errorbar(accuracy, row, xerr=error, fmt="o", color=BLUE, capsize=3, markersize=7)
        shares.plot(values["longer"], row, marker="|", markersize=11, color=GREY)
    shares.axvline(certificate["coin"], color=LINE, linewidth=1.2)
    shares.set_yticks(range(len(kinds)), [f"{words(kind)} ({values['n']})" for kind, values in kinds.items()])
    shares.set_ylim(len(kinds) - 0.5, -0.5)
    shares.set_xlim(-0.02, 1.02)
    shares.tick_params(length=0)
    shares.set_xlabel("accuracy, 95 % interval; bar: picking the longer")
    shares.set_title(f"known pairs (n = {certificate['n']})")
    for axes in (diagram, shares):
        axes.grid(linewidth=0.7, alpha=0.6)
        axes.set_axisbelow(True)
    return figure


def _colours(summary: Mapping[str, Any]) -> dict[str, str]:
    """Return the colour of every adapter of the arms."""
    adapters = dict.fromkeys(arm["adapter"] for arm in summary.get("arms", ()) if arm["adapter"] is not None)
    return dict(zip(adapters, cycle(COLOURS), strict=False))


def _training(stages: Mapping[str, Mapping[str, Any]], colours: Mapping[str, str]) -> Figure | None:
    """Draw the curves of every stage that trains, in the colour of the adapter with the same name."""
    curves = [
        (stage, key, points)
        for stage, reported in stages.items()
        for key in CURVES
        if len(points := _curve(reported.get("history", ()), key)) > 1
    ]
    if not curves:
        return None
    figure, panels = _panels(len(curves), width=3.1, height=2.5)
    for axes, (stage, key, points) in zip(panels, curves, strict=True):
        axes.plot(*zip(*points, strict=True), color=colours.get(stage, GREY), linewidth=1.6)
        axes.set_title(f"{stage}: {key}")
        axes.set_xlabel("step")
        axes.grid(axis="y", linewidth=0.7)
        axes.tick_params(length=0)
    return figure


def _curve(history: Sequence[Mapping[str, Any]], key: str) -> list[tuple[float, float]]:
    return [(point["step"], point[key]) for point in history if isinstance(point.get(key), int | float)]


def _asked(summary: Mapping[str, Any]) -> list[str]:
    return [question_set for question_set in SET_TITLES if question_set in summary]


def _panels(count: int, *, width: float, height: float) -> tuple[Figure, list[Axes]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width * count, height), layout="constrained")
    return figure, list(figure.subplots(1, count, squeeze=False)[0])


def _svg(figure: Figure) -> bytes:
    image = io.BytesIO()
    figure.savefig(image, format="svg", metadata={"Date": None, "Creator": None})
    return image.getvalue()
