import pytest
from hypothesis import given
from hypothesis import strategies as st

from mealign.answers import abstained, normalise, token_f1
from mealign.records import ABSTENTION


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("The 2 cats, and a dog's bowls.", ["2", "cat", "dog", "bowl"]),
        ("1,000 km", ["1000", "km"]),
        ("sand and andes", ["sand", "and"]),  # "andes" stems to "and" after the words were dropped
        ("well-known", ["wellknown"]),
        ("A the AND an", []),
        ("", []),
    ],
)
def test_normalise(text: str, tokens: list[str]) -> None:
    assert normalise(text) == tokens


@pytest.mark.parametrize(
    ("prediction", "reference", "expected"),
    [
        ("Ghent", "Ghent", 1.0),
        ("the old harbour", "an old harbour", 1.0),
        # precision 2/4, recall 2/2: 2 * 0.5 * 1 / 1.5
        ("she moved to Ghent", "moved Ghent", 2 / 3),
        # the multiset counts "very" once in common: 2 * 1 / (2 + 1)
        ("very very", "very", 2 / 3),
        ("Bruges", "Ghent", 0.0),
        ("", "Ghent", 0.0),
        ("the", "a", 0.0),
    ],
)
def test_token_f1(prediction: str, reference: str, expected: float) -> None:
    assert token_f1(prediction, reference) == pytest.approx(expected)


@given(st.text(max_size=40), st.text(max_size=40))
def test_token_f1_is_symmetric_and_bounded(first: str, second: str) -> None:
    assert 0.0 <= token_f1(first, second) <= 1.0
    assert token_f1(first, second) == token_f1(second, first)
    assert token_f1(first, first) == (1.0 if normalise(first) else 0.0)


@pytest.mark.parametrize(
    "text",
    [
        ABSTENTION, "not mentioned in the notes", "No information available.", "I don't know.", "I don’t recall that.",
        "The notes do not say.", "Her notes don't mention it.", "There is no record of that.", "Unknown.",
        "I cannot answer that.", "It is not stated.", "I'm not sure",
    ],
)  # fmt: skip
def test_abstained(text: str) -> None:
    assert abstained(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Ghent",
        "Nonetheless she moved.",
        "the knot garden",
        "She knows Tom.",
        "An unknown singer",
        "None of the boats",
    ],
)
def test_answers_that_do_not_abstain(text: str) -> None:
    assert not abstained(text)
