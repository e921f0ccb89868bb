"""Probabilities as a server gives them, and whether they are any."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from mealign.language.decisions import Choice

TOLERANCE = 0.02
"""By which the sum of rounded probabilities may miss 1."""


def distribution(said: Mapping[Any, Any], choice: Choice) -> dict[str, float]:
    """Return a probability for every option, in the order of the options and with sum 1.

    Raises:
        ValueError: an option is missing or unknown, a value is no probability, or their sum is not about 1.
    """
    if set(said) != set(choice.options):
        raise ValueError("these are other options")
    values = [said[option] for option in choice.options]
    if any(isinstance(p, bool) or not isinstance(p, int | float) or not 0 <= p <= 1 + TOLERANCE for p in values):
        raise ValueError("this is no probability")
    total = math.fsum(values)
    if abs(total - 1) > TOLERANCE:
        raise ValueError("the probabilities have another sum than 1")
    return {option: p / total for option, p in zip(choice.options, values, strict=True)}
