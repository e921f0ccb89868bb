"""The data card of a preference set: numbers alone, never a text of the user."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from statistics import mean, median
from typing import Any

from mealign.preferences.pairs import PreferenceSet


def render_card(built: PreferenceSet, *, judge: str, certificate: Mapping[str, Any]) -> str:
    """Write the card as Markdown."""
    pairs = (*built.train, *built.eval)
    lines = [f"# Preferences by the judge `{judge}`", ""]
    lines += [f"{len(built.train)} pairs to train on, {len(built.eval)} held out, split by task.", ""]
    lines += _table("Judged pairs", "became", built.counts)
    lines += _table("Families", "family", Counter(pair.family for pair in pairs))
    lines += _table("Chosen over rejected, by origin", "origins", built.origins)
    if pairs:
        margins = [pair.margin for pair in pairs]
        longer = mean(len(pair.chosen) > len(pair.rejected) for pair in pairs)
        lines += ["## Shape", ""]
        lines += [f"Margin: mean {mean(margins):.3f}, median {median(margins):.3f}.", ""]
        lines += [f"The chosen answer is the longer one in {longer:.0%} of the pairs.", ""]
    lines += ["## The judge on pairs whose answer is known", ""]
    lines += [_certificate(certificate), ""]
    return "\n".join(lines)


def _table(title: str, name: str, counts: Mapping[str, int]) -> list[str]:
    rows = [f"| {key} | {count} |" for key, count in sorted(counts.items())]
    return [f"## {title}", "", f"| {name} | pairs |", "| --- | ---: |", *rows, ""]


def _certificate(certificate: Mapping[str, Any]) -> str:
    if not certificate["n"]:
        return "None of the judged pairs had a known answer."
    return (
        f"Accuracy {certificate['accuracy']:.3f} (95 % interval {certificate['accuracy_low']:.3f} to "
        f"{certificate['accuracy_high']:.3f}, n = {certificate['n']}), "
        f"same winner in both orders {certificate['consistency']:.3f}; "
        f"picking the longer answer {certificate['longer']:.3f}, a coin {certificate['coin']:.3f}."
    )
