from pathlib import Path

import numpy as np
import pytest

from mealign.language.embed import Embedder
from tests.rounding import rounding

pytestmark = pytest.mark.numerical


@pytest.fixture(scope="module")
def embedder(embedder_path: Path) -> Embedder:
    return Embedder(embedder_path)


def test_rows_are_unit_vectors_and_like_sentences_are_near(embedder: Embedder) -> None:
    rows = embedder.encode(["She moved to Ghent.", "She now lives in Ghent.", "The bread was too salty."])
    assert rows.shape == (3, 384)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, rtol=rounding(384))
    assert rows[0] @ rows[1] > 0.7 > 0.3 > rows[0] @ rows[2]


def test_no_texts_give_no_rows_of_the_same_width(embedder: Embedder) -> None:
    assert embedder.encode([]).shape == (0, 384)


def test_a_row_does_not_depend_on_its_neighbours(embedder: Embedder) -> None:
    texts = [f"Note number {number} about the garden{' and the bees' * (number % 7)}." for number in range(70)]
    together = embedder.encode(texts)
    # Six layers, each with six sums over the width of 384, three over a head or the tokens, and one over the MLP's.
    bound = 2 * rounding(6 * 384 + 3 * 32 + 1536, stages=6)
    for number in (3, 69):
        alone = embedder.encode([texts[number]])[0]
        assert np.linalg.norm(together[number] - alone) <= bound
        assert np.linalg.norm(together[number] - together[number - 1]) > 10 * bound
