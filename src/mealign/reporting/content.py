"""The content of the report, before it is rendered as HTML or Markdown: plain rows of text and numbers.

It uses only aggregates: counts, scores, settings. No text of the user is read here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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


@dataclass(frozen=True)
class Step:
    """One step of the data funnel."""

    stage: str
    what: str
    count: int
    details: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Grid:
    """A titled table of text."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class ReportContent:
    """Everything the two templates show."""

    title: str
    headline: str
    arms: tuple[Grid, ...]
    metrics: tuple[Grid, ...]
    families: tuple[Grid, ...]
    differences: tuple[Grid, ...]
    funnel: tuple[Step, ...]
    certificate: tuple[tuple[str, str], ...]
    known_pairs: tuple[Grid, ...]
    choices: tuple[tuple[str, str], ...]
    limits: tuple[str, ...]


def build_content(
    summary: Mapping[str, Any], stages: Mapping[str, Mapping[str, Any]], *, title: str, config: Mapping[str, Any]
) -> ReportContent:
    """Arrange the numbers; absent stages and counts are left out.

    Args:
        summary: what :func:`mealign.evaluation.summary.summarise` returned.
        stages: stage name to the summary it reported.
        title: heading of the report.
        config: the settings to show, one dotted key per value.
    """
    sets = {title_: summary[key] for key, title_ in SET_TITLES.items() if key in summary}
    certificate = certificate_of(stages)
    return ReportContent(
        title=title,
        headline=_headline(summary),
        arms=tuple(_arms(name, part, summary["confidence"]) for name, part in sets.items()),
        metrics=tuple(_metrics(name, part) for name, part in sets.items() if metric_names(part)),
        families=tuple(grid for name, part in sets.items() for grid in _groups(name, part)),
        differences=tuple(_differences(name, part) for name, part in sets.items() if part["differences"]),
        funnel=tuple(_funnel(stages)),
        certificate=tuple(_certificate(certificate)),
        known_pairs=tuple(_known_pairs(certificate)),
        choices=tuple((key, str(value)) for key, value in config.items()),
        limits=tuple(_limits(summary)),
    )


def certificate_of(stages: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the judge's certificate from the stage that reported it; empty if none did."""
    return next((summary["certificate"] for summary in stages.values() if "certificate" in summary), {})


def _headline(summary: Mapping[str, Any]) -> str:
    if summary["objective"] is None:
        return "None of the objective's arms was measured."
    arm = summary["objective_arm"]
    question_set = next(key for key in SET_TITLES if arm in summary.get(key, {}).get("arms", {}))
    part = summary[question_set]
    text = f"{arm} scores {with_interval(part['arms'][arm])} on {part['n']} {SET_TITLES[question_set]}"
    against = _against_untrained(arm, summary["arms"], part["differences"])
    if against is None:
        return f"{text}."
    meaning = {
        "higher": "training made it better",
        "lower": "training made it worse",
        "not shown": "a difference is not shown",
    }
    return (
        f"{text}; against the untrained model with the same memory {difference(against)}: {meaning[verdict(against)]}."
    )


def _against_untrained(
    arm: str, arms: Sequence[Mapping[str, Any]], differences: Mapping[str, Any]
) -> Mapping[str, Any] | None:
    """Return the difference between an arm and the base model in the same context, if the two are compared."""
    context = next(each["context"] for each in arms if each["name"] == arm)
    untrained = [each["name"] for each in arms if each["adapter"] is None and each["context"] == context]
    pairs = [f"{arm} - {name}" for name in untrained]
    return next((differences[pair] for pair in pairs if pair in differences), None)


def _arms(name: str, part: Mapping[str, Any], confidence: float) -> Grid:
    rows = tuple(
        (
            arm,
            with_interval(values),
            str(values["n"]),
            share(values["abstention"].get("right")),
            share(values["abstention"].get("wrong")),
        )
        for arm, values in part["arms"].items()
    )
    header = ("arm", f"score [{confidence:.0%} interval]", "n", "declined rightly", "declined wrongly")
    return Grid(title=name, header=header, rows=rows)


def _metrics(name: str, part: Mapping[str, Any]) -> Grid:
    """Metrics besides the score: one row per arm."""
    names = metric_names(part)
    rows = tuple(
        (arm, *(with_failures(values.get("metrics", {}).get(metric)) for metric in names))
        for arm, values in part["arms"].items()
    )
    return Grid(title=name, header=("arm", *map(words, names)), rows=rows)


def _groups(name: str, part: Mapping[str, Any]) -> Iterator[Grid]:
    """Families, and LoCoMo's categories if there are any: one row per arm."""
    titles = {"families": {}, "categories": CATEGORY_TITLES}
    for kind, known in titles.items():
        groups = [values.get(kind, {}) for values in part["arms"].values()]
        sizes = {key: group[key]["n"] for group in groups for key in group}
        if sizes:
            rows = (
                (arm, *(with_interval(group[key]) if key in group else "–" for key in sizes))
                for arm, group in zip(part["arms"], groups, strict=True)
            )
            header = ("arm", *(f"{words(known.get(key, key))} (n = {size})" for key, size in sizes.items()))
            suffix = " by LoCoMo category" if kind == "categories" else " by family"
            yield Grid(title=name + suffix, header=header, rows=tuple(rows))


def _differences(name: str, part: Mapping[str, Any]) -> Grid:
    rows = tuple(
        (pair, difference(values), str(values["n"]), verdict(values)) for pair, values in part["differences"].items()
    )
    return Grid(title=name, header=("first − second", "difference [interval]", "n", "first is"), rows=rows)


def _funnel(stages: Mapping[str, Mapping[str, Any]]) -> Iterator[Step]:
    for stage, summary in stages.items():
        if made := summary.get("funnel"):
            details = tuple(_flat(made.get("rest", {})))
            yield Step(stage=stage, what=made["what"], count=made["count"], details=details)


def _certificate(certificate: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Format the certificate's numbers, except the kinds of known pairs, which have their own table."""
    for label, value in _flat({key: value for key, value in certificate.items() if key != "per_kind"}):
        if not label.endswith((" low", " high")):
            low, high = (certificate.get(f"{label}_{end}") for end in ("low", "high"))
            yield label, value if low is None or high is None else f"{value} [{low:.3f}, {high:.3f}]"


def _known_pairs(certificate: Mapping[str, Any]) -> Iterator[Grid]:
    kinds = certificate.get("per_kind")
    if kinds:
        rows = tuple(
            (
                words(kind),
                f"{values['accuracy']:.3f} [{values['accuracy_low']:.3f}, {values['accuracy_high']:.3f}]",
                f"{values['longer']:.3f}",
                str(values["n"]),
            )
            for kind, values in kinds.items()
        )
        yield Grid("known pairs", ("what is wrong", "accuracy [95% interval]", "picking the longer", "n"), rows)


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Name every number in nested mappings; the generic names ``counts`` and ``report`` are left out of the labels."""
    for key, value in values.items():
        label = prefix if key in ("counts", "report") else f"{prefix}, {words(str(key))}".removeprefix(", ")
        if isinstance(value, Mapping):
            yield from _flat(value, label)
        elif isinstance(value, bool):
            yield label, "yes" if value else "no"
        elif isinstance(value, int | float):
            yield label, f"{value:.3f}" if isinstance(value, float) else str(value)


def _limits(summary: Mapping[str, Any]) -> Iterator[str]:
    asked = {key: summary[key]["n"] for key in SET_TITLES if key in summary}
    sizes = " and ".join(f"{n} {SET_TITLES[key]}" for key, n in asked.items())
    yield (
        f"One person and {sizes}: the intervals say how much the score would move with other questions about the same "
        "person, not with another person, another training seed or another base model."
    )
    yield (
        "Token F1 counts shared words. A right answer in other words scores low, and a wrong date in the right frame "
        "scores more than nothing."
    )
    yield "The paired intervals are not corrected for the number of comparisons: of many, some mislead by chance."
    if "held_out" in asked:
        yield (
            "What is held out is held out by fact, not by wording: those questions come from the same templates as the "
            "training tasks, so they measure whether facts transfer, not whether the manner of asking does."
        )
    if any(values.get("categories") for key in asked for values in summary[key]["arms"].values()):
        yield "An audit of LoCoMo's answer key found 6.4 % of it wrong, so no arm can be expected to reach 1."
