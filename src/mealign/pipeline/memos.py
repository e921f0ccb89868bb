"""What earlier runs worked out piece by piece, kept beside the results."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mealign.pipeline.stage import StageContext


@contextmanager
def kept(context: StageContext, name: str) -> Iterator[Any]:
    """Open a mapping that outlives the run, and close it: an open database changes its files later."""
    from diskcache import Index

    index = Index(str(context.store / name))
    try:
        yield index
    finally:
        index.cache.close()
