"""An index over facts that stand alone."""

from collections.abc import Callable, Sequence
from datetime import date

import numpy as np
from numpy.typing import NDArray

from mealign.memory.passages import Passage
from mealign.memory.search import FactIndex, embed
from mealign.records import Fact

WRITTEN = date(2024, 12, 31)


def index_of(facts: Sequence[Fact], encode: Callable[[Sequence[str]], NDArray[np.float32]]) -> FactIndex:
    """Index facts whose passage is the statement itself, told on the day on which they begin."""
    passages = [Passage(text=fact.statement, written=fact.valid_from or WRITTEN) for fact in facts]
    return FactIndex(facts, passages, embed(facts, passages, encode), encode)
