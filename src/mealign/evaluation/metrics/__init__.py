"""Metrics: how good one answer is; one module per metric, named like it.

A module defines one function, ``measure``, as :class:`Measure` describes it; its docstring says what is measured, and
the source of the definition. A plug-in folder adds ``metrics/mine.py``, which then measures every answer too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Protocol

from mealign import plugins
from mealign.records import Question

__path__ = plugins.extended(__path__, "metrics")

OWN_FIELDS = ("abstained", "score")
"""Metrics with their own fields in :class:`~mealign.records.Answer`: the objective and the tables rest on them."""


class Measure(Protocol):
    """What a metric's module defines as ``measure``."""

    def __call__(self, question: Question, answer: str) -> float | None:
        """Measure one answer.

        Args:
            question: what was asked, with its accepted answers.
            answer: the arm's answer, without surrounding white space.

        Returns:
            A finite number; None where the metric does not apply to the question.
        """
        ...


def further_metrics() -> dict[str, Measure]:
    """Return the metrics besides :data:`OWN_FIELDS`, by name.

    Raises:
        ConfigError: a module of the package defines no ``measure``.
    """
    found: dict[str, Measure] = plugins.members("mealign.evaluation.metrics", "measure")
    return {name: measure for name, measure in found.items() if name not in OWN_FIELDS}


def measured(
    metrics: Mapping[str, Measure], question: Question, answer: str
) -> tuple[dict[str, float], dict[str, str]]:
    """Measure an answer by several metrics.

    Returns:
        Values of the metrics that apply, and the errors of those that failed on this answer, by metric. A failure never
        counts as a value.
    """
    values: dict[str, float] = {}
    failed: dict[str, str] = {}
    for name, measure in metrics.items():
        try:
            value = measure(question, answer)
            if value is not None:
                values[name] = _finite(value)
        except Exception as error:  # noqa: BLE001 - whatever a plug-in raises, the other numbers stand
            failed[name] = f"{type(error).__name__}: {error}"
    return values, failed


def _finite(value: float) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{number} is no finite number")
    return number
