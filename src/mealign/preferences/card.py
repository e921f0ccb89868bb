"""The data card of a preference set: numbers only, never the user's text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from statistics import mean, median
from typing import Any

from mealign.markdown import in_markdown
from mealign.preferences.pairs import PreferenceSet


def render_card(built: PreferenceSet, *, judge: str, certificate: Mapping[str, Any], missing: str | None = None) -> str:
    """Write the card as Markdown; ``missing`` is what the judge's certificate lacks."""
    pairs = (*built.train, *built.eval)
    lines = [f"# Preferences by the judge `{in_markdown(judge)}`", ""]
    lines += [f"{len(built.train)} pairs to train on, {len(built.eval)} held out, split by the facts behind them.", ""]
    lines += _table("Judged pairs", "became", built.counts)
    lines += _table("Families", "family", Counter(pair.family for pair in pairs))
    lines += _table("Chosen over rejected, by origin", "origins", built.origins)
    if pairs:
        margins = [pair.margin for pair in pairs]
        lengths = [(len(pair.chosen), len(pair.rejected)) for pair in pairs]
        longer = mean(chosen > rejected for chosen, rejected in lengths)
        lines += ["## Shape", ""]
        lines += [f"Margin: mean {mean(margins):.3f}, median {median(margins):.3f}.", ""]
        lines += [
            f"Characters, median: {median(chosen for chosen, _ in lengths):g} chosen, "
            f"{median(rejected for _, rejected in lengths):g} rejected. "
            f"The chosen answer is the longer one in {longer:.0%} of the pairs.",
            "",
        ]
    lines += ["## The judge on pairs whose answer is known", ""]
    lines += [_certificate(certificate, missing), ""]
    return "\n".join(lines)


def _table(title: str, name: str, counts: Mapping[str, int]) -> list[str]:
    rows = [f"| {in_markdown(key)} | {count} |" for key, count in sorted(counts.items())]
    return [f"## {title}", "", f"| {name} | pairs |", "| --- | ---: |", *rows, ""]


def _certificate(certificate: Mapping[str, Any], missing: str | None) -> str:
    if not certificate["n"]:
        return "There was no pair whose answer is known: nothing says how far this judge can be trusted."
    uncertified = "**Not certified, and used all the same** (preferences.allow_uncertified)"
    lines = [f"{uncertified}: {in_markdown(missing)}.", ""] if missing else []
    lines += [
        f"Accuracy {_share(certificate['accuracy'])} (95 % interval {_share(certificate['accuracy_low'])} to "
        f"{_share(certificate['accuracy_high'])}, n = {certificate['n']}), "
        f"same winner in both orders {_share(certificate['consistency'])}, "
        f"calibration error {_share(certificate['ece'])}; "
        f"picking the longer answer {_share(certificate['longer'])}, a coin {_share(certificate['coin'])}.",
        "",
    ]
    user = certificate["user"]
    if user["n"]:
        lines += [
            f"On the {user['n']} pairs that the user labelled it agrees in {_share(user['agreement'])} "
            f"(95 % interval {_share(user['agreement_low'])} to {_share(user['agreement_high'])}; "
            f"Cohen's kappa {_share(user['kappa'])}).",
            "",
        ]
    lines += [
        "Where a judge holds the reference of a task, this checks its rules and not its knowledge.",
        "",
        "| known pairs | accuracy | picking the longer | pairs |",
        "| --- | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {in_markdown(kind)} | {_share(row['accuracy'])} | {_share(row['longer'])} | {row['n']} |"
        for kind, row in certificate["per_kind"].items()
    ]
    return "\n".join(lines)


def _share(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3f}"
