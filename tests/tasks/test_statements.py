import pytest

from mealign.tasks.statements import tidy
from tests.tasks.conftest import PERSON, make_fact


@pytest.mark.parametrize(
    ("line", "tidied"),
    [
        ("Nadia Verhoeven|sell|a van|Nadia Verhoeven sold a van.", "Nadia sold a van."),
        ("Nadia Verhoeven|sell|a van|Actually, Nadia sold a van.", "Nadia sold a van."),
        ("Nadia Verhoeven|visit|Ghent|Nadia and others were in Ghent.", "Nadia was in Ghent."),
        ("Tom|apply to|agencies|Tom took a step - Tom applied to agencies.", "Tom applied to agencies."),
        ("Tom|win|a medal|Nadia, Tom won a medal.", "Tom won a medal."),
        ("Tom|win|a medal|Tom won a medal, Nadia.", "Tom won a medal."),
        ("Tom|share|a photo|Tom is sharing a photo: a photo of a lake.", None),
        ("Tom|call|Nadia|Tom called Nadia \"Nadja from below.", None),
        ("Tom|win|it|Tom won.", None),
    ],
)  # fmt: skip
def test_asides_are_dropped(line: str, tidied: str | None) -> None:
    assert tidy(make_fact(line), person=PERSON) == tidied
