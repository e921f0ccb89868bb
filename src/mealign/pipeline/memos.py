"""Memos: partial results of earlier runs, kept beside the results."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mealign.pipeline.stage import StageContext


@contextmanager
def kept(context: StageContext, name: str) -> Iterator[Any]:
    """Open a persistent mapping for the block; if left open, its database would change files later."""
    from diskcache import Index

    index = Index(str(context.store / name))
    try:
        yield index
    finally:
        index.cache.close()
