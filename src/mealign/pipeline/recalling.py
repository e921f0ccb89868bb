"""The memory as a search index."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mealign.errors import MealignError
from mealign.jsonl import AGAIN, read_records
from mealign.pipeline.models import embedder_folder

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

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
    """Return the index over all facts and their passages.

    Raises:
        MealignError: a file of the memory is damaged, or they do not belong together.
    """
    from mealign.memory.passages import passages_of
    from mealign.memory.search import FactIndex
    from mealign.records import Document, Fact

    documents, facts, embeddings = (context.inputs / path for path in MEMORY_INDEX)
    known, read = read_records(facts, Fact), read_records(documents, Document)
    if not {fact.evidence.document_id for fact in known} <= {document.id for document in read}:
        raise MealignError(f"{facts}: it quotes documents that {documents.name} does not have; {AGAIN}")
    vectors = _read_vectors(embeddings, count=len(known))
    return FactIndex(known, passages_of(known, read), vectors, embedder(context).encode)


def _read_vectors(path: Path, *, count: int) -> NDArray[np.float32]:
    """Read the embeddings of ``count`` facts, shape [facts, statement and passage, d]; a pickle is not read.

    Raises:
        MealignError: they are missing, or no such embeddings.
    """
    import numpy as np

    try:
        with path.open("rb") as file:
            vectors: NDArray[np.float32] = np.lib.format.read_array(file, allow_pickle=False)
    except (OSError, ValueError, SyntaxError, MemoryError) as error:
        raise MealignError(f"{path}: it cannot be read as an array ({type(error).__name__}); {AGAIN}") from None
    if vectors.dtype != np.float32 or vectors.ndim != 3 or vectors.shape[:2] != (count, 2):
        raise MealignError(f"{path}: it does not hold two embeddings for each of {count} facts; {AGAIN}")
    return vectors
