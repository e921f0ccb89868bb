import xml.etree.ElementTree as ElementTree
from typing import Any

from mealign.reporting.figures import COLOURS, GREY, PAPER, draw_certificate, draw_figures, inline


def test_figures_are_well_formed_and_the_same_twice(summary: dict[str, Any], stages: dict[str, dict[str, Any]]) -> None:
    figures = draw_figures(summary, stages)
    assert set(figures) == {"arms.svg", "families.svg", "training.svg", "judge.svg"}
    assert figures == draw_figures(summary, stages)
    for image in figures.values():
        ElementTree.fromstring(image)  # noqa: S314
        assert b"<dc:date>" not in image


def test_a_figure_without_numbers_is_left_out(summary: dict[str, Any]) -> None:
    one_point = {"sft": {"history": [{"step": 1, "loss": 2.0}]}}
    assert set(draw_figures(summary, one_point)) == {"arms.svg", "families.svg"}
    assert draw_figures({"confidence": 0.95}, {}) == {}


def test_every_adapter_has_its_colour_and_an_arm_without_memory_is_hollow(summary: dict[str, Any]) -> None:
    """In both question sets each colour has a hollow point and a filled one; the ends of intervals are filled too."""
    bare = {**summary, "arms": [{**arm, "context": "none"} for arm in summary["arms"]]}
    text, hollow = (draw_figures(given, {})["arms.svg"].decode() for given in (summary, bare))
    for colour in (GREY, *COLOURS[:2]):
        empty, full = (f"fill: {inside}; stroke: {colour}" for inside in (PAPER, colour))
        assert (text.count(empty), hollow.count(empty)) == (2, 4)
        assert text.count(full) == hollow.count(full) + 2
    assert COLOURS[2] not in text


def test_every_stage_that_trains_is_drawn(summary: dict[str, Any], stages: dict[str, dict[str, Any]]) -> None:
    text = draw_figures(summary, {**stages, "kto": stages["sft"]})["training.svg"].decode()
    for title in ("sft: loss", "dpo: loss", "dpo: rewards/accuracies", "kto: loss"):
        assert title in text
    assert all(colour in text for colour in (GREY, *COLOURS[:2]))


def test_inline_figures_follow_the_page_and_share_no_id(summary: dict[str, Any]) -> None:
    figures = draw_figures(summary, {})
    parts = [inline(name, image) for name, image in figures.items()]
    trees = [ElementTree.fromstring(part) for part in parts]  # noqa: S314
    ids = [{element.get("id") for element in tree.iter()} - {None} for tree in trees]
    assert not ids[0] & ids[1]
    for part in parts:
        assert part.startswith("<svg")
        assert "var(--ink)" in part
        assert "#1b1f24" not in part


def test_the_certificate_is_drawn_with_its_kinds_and_its_error(stages: dict[str, dict[str, Any]]) -> None:
    certificate = stages["judge"]["certificate"]
    text = draw_certificate(certificate)["judge.svg"].decode()
    for part in (
        "superseded (1)",
        "wrong date (1)",
        "user (1)",
        f"reliability (ECE {certificate['ece']:.3f})",
        "n = 3",
    ):
        assert part in text
    assert draw_certificate({**certificate, "n": 0}) == draw_certificate({}) == {}


def test_a_judge_that_decided_nothing_is_drawn_without_a_curve(stages: dict[str, dict[str, Any]]) -> None:
    certificate = {**stages["judge"]["certificate"], "ece": None, "reliability": []}
    ElementTree.fromstring(draw_certificate(certificate)["judge.svg"])  # noqa: S314
