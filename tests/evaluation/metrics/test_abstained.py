import pytest

from mealign.evaluation.metrics.abstained import measure
from mealign.records import ABSTENTION, Family
from tests.evaluation.metrics.test_score import ask


@pytest.mark.parametrize("family", ["recall", "unanswerable"])
@pytest.mark.parametrize(("answer", "value"), [(ABSTENTION, 1.0), ("I don't know.", 1.0), ("Ghent", 0.0), ("", 0.0)])
def test_what_is_asked_does_not_matter(family: Family, answer: str, value: float) -> None:
    assert measure(ask("Ghent", family=family), answer) == value
