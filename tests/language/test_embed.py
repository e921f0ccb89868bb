from pathlib import Path

import numpy as np
import pytest

from mealign.language.embed import Embedder


@pytest.fixture(scope="module")
def embedder(embedder_path: Path) -> Embedder:
    return Embedder(embedder_path)


def test_rows_are_unit_vectors_and_like_sentences_are_near(embedder: Embedder) -> None:
    rows = embedder.encode(["She moved to Ghent.", "She now lives in Ghent.", "The bread was too salty."])
    assert rows.shape == (3, 384)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, rtol=1e-5)
    assert rows[0] @ rows[1] > 0.7 > 0.3 > rows[0] @ rows[2]


def test_no_texts_give_no_rows_of_the_same_width(embedder: Embedder) -> None:
    assert embedder.encode([]).shape == (0, 384)


def test_a_row_does_not_depend_on_its_neighbours(embedder: Embedder) -> None:
    texts = [f"Note number {number} about the garden{' and the bees' * (number % 7)}." for number in range(70)]
    together = embedder.encode(texts)
    np.testing.assert_allclose(together[3], embedder.encode([texts[3]])[0], atol=1e-5)
    np.testing.assert_allclose(together[69], embedder.encode([texts[69]])[0], atol=1e-5)
