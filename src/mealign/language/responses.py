"""Reading response bodies of any API: JSON, token counts, probabilities."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from mealign.language.decisions import Choice
from mealign.language.endpoints import NotThisApiError

TOLERANCE = 0.02
"""How far the sum of rounded probabilities may be from 1."""


def json_object(response: str) -> dict[str, Any]:
    """Return a response's body as JSON object.

    Raises:
        NotThisApiError: it is not a JSON object.
    """
    try:
        value = json.loads(response)
    except (ValueError, RecursionError) as error:
        raise NotThisApiError from error
    if not isinstance(value, dict):
        raise NotThisApiError
    return value


def claimed(body: Mapping[str, Any], *names: str) -> tuple[object, ...]:
    """Return what a response claims about its tokens, unchecked; None where it claims nothing."""
    usage = body.get("usage")
    return tuple(usage.get(name) if isinstance(usage, dict) else None for name in names)


def distribution(said: Mapping[Any, Any], choice: Choice) -> dict[str, float]:
    """Return the probabilities of all options, in their order and with sum 1.

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
