"""A judge makes training data only when it was right, and of one mind, often enough on what is known."""

from typing import Any

import pytest

from mealign.errors import MealignError
from mealign.preferences.certification_gate import require_certified, shortfall
from tests.defaults import PreferencesConfig

OPTIONS = PreferencesConfig(min_accuracy=0.7, min_consistency=0.8)


def certificate(accuracy: float | None = 0.9, consistency: float | None = 0.9, *, n: int = 120) -> dict[str, Any]:
    return {"n": n, "accuracy": accuracy, "consistency": consistency, "longer": 0.625, "coin": 0.5}


@pytest.mark.parametrize(("accuracy", "consistency"), [(0.9, 0.9), (0.7, 0.8), (1.0, 1.0)])
def test_a_certified_judge_passes(accuracy: float, consistency: float) -> None:
    require_certified(certificate(accuracy, consistency), judge="evidence", settings=OPTIONS)
    assert shortfall(certificate(accuracy, consistency), OPTIONS) is None


@pytest.mark.parametrize(
    ("accuracy", "consistency", "shown"),
    [
        (
            0.47,
            0.2,
            "accuracy 0.470 (preferences.min_accuracy=0.7) and consistency 0.200 (preferences.min_consistency=0.8)",
        ),
        (0.699, 0.9, "accuracy 0.699 "),
        (0.9, 0.79, "consistency 0.790 "),
        (0.0, None, "consistency unknown "),
    ],
)
def test_any_other_is_refused_with_the_numbers_and_the_override(
    accuracy: float, consistency: float | None, shown: str
) -> None:
    with pytest.raises(MealignError) as error:
        require_certified(certificate(accuracy, consistency), judge="bio", settings=OPTIONS)
    text = str(error.value)
    assert text.startswith("judge=bio is not certified: ")
    for part in (shown, "n=120", "0.625", "preferences.allow_uncertified=true"):
        assert part in text
    assert "\n" not in text
    require_certified(
        certificate(accuracy, consistency), judge="bio", settings=PreferencesConfig(allow_uncertified=True)
    )


def test_a_judge_that_was_asked_nothing_is_refused() -> None:
    with pytest.raises(MealignError, match=r"no known pair.*judge\.known_pairs.*labels\.yaml.*allow_uncertified=true"):
        require_certified(certificate(None, None, n=0), judge="bio", settings=OPTIONS)
