"""The memory as a search index."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mealign.jsonl import read_records
from mealign.pipeline.models import embedder_folder

if TYPE_CHECKING:
    from mealign.language.embed import Embedder
    from mealign.memory.search import FactIndex
    from mealign.pipeline.stage import StageContext

MEMORY_INDEX = ("documents.jsonl", "memory/facts.jsonl", "memory/embeddings.npy")
"""What :func:`memory_index` reads."""
EMBEDDER = ("memory.embedder", "memory.embedder_hub_id", "memory.embedder_sha256")
"""Keys of the settings that :func:`embedder` reads."""


def embedder(context: StageContext) -> Embedder:
    """Return the model that embeds texts."""
    from mealign.language.embed import Embedder

    return Embedder(embedder_folder(context))


def memory_index(context: StageContext) -> FactIndex:
    """Return the index over all facts and their passages."""
    import numpy as np

    from mealign.memory.passages import passages_of
    from mealign.memory.search import FactIndex
    from mealign.records import Document, Fact

    documents, facts, embeddings = (context.inputs / path for path in MEMORY_INDEX)
    known = read_records(facts, Fact)
    passages = passages_of(known, read_records(documents, Document))
    return FactIndex(known, passages, np.load(embeddings), embedder(context).encode)
