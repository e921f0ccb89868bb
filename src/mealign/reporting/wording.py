"""How numbers are written, both in the terminal and in the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SET_TITLES = {"gold": "gold questions", "held_out": "held-out facts"}
CATEGORY_TITLES = {"1": "multi-hop", "2": "temporal", "3": "open-domain", "4": "single-hop", "5": "adversarial"}
"""LoCoMo's categories."""


def with_interval(values: Mapping[str, Any]) -> str:
    """Format a score with its interval: ``0.262 [0.221, 0.305]``."""
    return f"{values['score']:.3f} [{values['low']:.3f}, {values['high']:.3f}]"


def with_failures(values: Mapping[str, Any] | None) -> str:
    """Format a further metric's mean with its interval, and on how many answers it failed; a dash without a mean."""
    values = values or {}
    mean = f"{values['mean']:.3f} [{values['low']:.3f}, {values['high']:.3f}]" if "mean" in values else "–"
    return f"{mean}, {values['failed']} failed" if values.get("failed") else mean


def metric_names(part: Mapping[str, Any]) -> list[str]:
    """Return the further metrics of a question set."""
    return list(dict.fromkeys(name for values in part["arms"].values() for name in values.get("metrics", {})))


def difference(values: Mapping[str, Any]) -> str:
    """Format a paired difference with its interval: ``+0.117 [+0.061, +0.172]``."""
    return f"{values['difference']:+.3f} [{values['low']:+.3f}, {values['high']:+.3f}]"


def verdict(values: Mapping[str, Any]) -> str:
    """Return what the interval of a difference shows: ``higher``, ``lower``, or ``not shown`` if it contains zero."""
    if values["low"] > 0:
        return "higher"
    return "lower" if values["high"] < 0 else "not shown"


def share(values: Mapping[str, Any] | None) -> str:
    """Format a rate as a percentage, a dash if nothing was asked."""
    return "–" if values is None else f"{values['rate']:.0%}"


def words(name: str) -> str:
    """Convert an identifier to words: ``multi_hop`` becomes ``multi hop``."""
    return name.replace("_", " ")
