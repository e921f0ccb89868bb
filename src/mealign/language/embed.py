"""Sentence embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mealign.language.weights import loading
from mealign.progress import bar

BATCH_SIZE = 64


class Embedder:
    """A sentence-transformers model, loaded from a folder.

    Raises:
        MealignError: it cannot be loaded.
    """

    def __init__(self, folder: Path) -> None:
        from sentence_transformers import SentenceTransformer

        with loading(folder):
            self._model = SentenceTransformer(str(folder), trust_remote_code=False)

    def encode(self, texts: Sequence[str], *, description: str | None = None) -> NDArray[np.float32]:
        """Embed texts: float32 of shape [n, d], every row of length 1; ``description`` labels a progress bar.

        Equal texts are embedded once, and texts of similar length share a batch, so that there is little padding.
        """
        if not texts:
            return np.zeros((0, self._model.get_embedding_dimension()), dtype=np.float32)
        distinct = sorted(set(texts), key=lambda text: (len(text), text))
        rows = []
        with bar(description, total=len(distinct)) if description else nullcontext() as shown:
            for start in range(0, len(distinct), BATCH_SIZE):
                batch = distinct[start : start + BATCH_SIZE]
                rows.append(self._model.encode(batch, normalize_embeddings=True, show_progress_bar=False))
                if shown:
                    shown.advance(len(batch))
        row_of = {text: row for row, text in enumerate(distinct)}
        vectors: NDArray[np.float32] = np.concatenate(rows).astype(np.float32)
        return vectors[[row_of[text] for text in texts]]
