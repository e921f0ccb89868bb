"""Which judges may make training data: those that are accurate and consistent enough on certification pairs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mealign.errors import MealignError
from mealign.preferences.settings import PreferencesConfig


def require_certified(certificate: Mapping[str, Any], *, judge: str, settings: PreferencesConfig) -> None:
    """Refuse a judge whose certificate is too poor, unless ``settings.allow_uncertified``.

    Args:
        certificate: what :func:`mealign.judging.certificate.certify_judge` returned.
        judge: its name.
        settings: the minimum accuracy and consistency.

    Raises:
        MealignError: the judge falls short. The message gives both numbers, the number of pairs, and how to override.
    """
    missing = shortfall(certificate, settings)
    if missing and not settings.allow_uncertified:
        raise MealignError(
            f"judge={judge} is not certified: {missing}; "
            "choose another judge, or use this one all the same with preferences.allow_uncertified=true"
        )


def shortfall(certificate: Mapping[str, Any], settings: PreferencesConfig) -> str | None:
    """Return what a certificate lacks, with its numbers: accuracy, consistency, or any pairs; None if nothing."""
    n = certificate["n"]
    if not n:
        return "there was no known pair to ask it about (judge.known_pairs, and labels.yaml, say which there are)"
    wanted = (
        ("accuracy", certificate["accuracy"], "min_accuracy", settings.min_accuracy),
        ("consistency", certificate["consistency"], "min_consistency", settings.min_consistency),
    )
    if all(value is not None and value >= least for _, value, _, least in wanted):
        return None
    shown = " and ".join(
        f"{name} {'unknown' if value is None else f'{value:.3f}'} (preferences.{key}={least:g})"
        for name, value, key, least in wanted
    )
    return (
        f"{shown} on n={n} known pairs, where picking the longer answer has accuracy {certificate['longer']:.3f} "
        f"and a coin {certificate['coin']:.3f}"
    )
