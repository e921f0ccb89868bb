import pytest

from mealign.judging.claims import Day, lowercase_stems, read_claims


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("1 March 2024", Day(2024, 3, 1)),
        ("on 1st of march, 2024.", Day(2024, 3, 1)),
        ("March 1, 2024", Day(2024, 3, 1)),
        ("Mar. 1st 2024", Day(2024, 3, 1)),
        ("2024-03-01", Day(2024, 3, 1)),
        ("March 2024", Day(2024, 3)),
        ("on 12 March", Day(None, 3, 12)),
        ("September 5th", Day(None, 9, 5)),
        ("in 2023", Day(2023)),
        ("in May", Day(None, 5)),
        ("May", Day(None, 5)),
        ("since October", Day(None, 10)),
    ],
)
def test_a_date_is_read_however_it_is_written(text: str, day: Day) -> None:
    assert read_claims(text).dates == {day}


@pytest.mark.parametrize("text", ["She may come", "They march on", "3/4/2024x", "2024-13-01x", "12,000 euros", ""])
def test_what_is_no_date_is_not_read_as_one(text: str) -> None:
    assert not any(day.month for day in read_claims(text).dates)


@pytest.mark.parametrize(
    ("one", "other", "agree"),
    [
        (Day(2024, 3, 1), Day(2024, 3), True),
        (Day(2024, 3, 1), Day(2024, 4), False),
        (Day(None, 3, 1), Day(2024, 3, 1), True),
        (Day(2023), Day(2024, 3, 1), False),
        (Day(2024), Day(None, 3), True),
    ],
)
def test_dates_agree_unless_a_part_that_both_tell_differs(one: Day, other: Day, agree: bool) -> None:
    assert one.agrees(other) is agree
    assert other.agrees(one) is agree


def test_words_that_carry_no_claim_are_left_out_unless_nothing_else_is_said() -> None:
    assert read_claims("It was the lemon cake.").tokens == {"lemon", "cake"}
    assert read_claims("you").tokens == {"you"}
    assert read_claims("on 21 March 2024").tokens == {"year:2024", "month:3", "day:21"}


@pytest.mark.parametrize(("text", "number"), [("12,000", "12000"), ("Three", "3"), ("2.5", "2.5"), ("ninety", "90")])
def test_numbers_are_read_in_digits(text: str, number: str) -> None:
    assert read_claims(f"about {text} euros").numbers == {number}


def test_names_inside_a_sentence_are_told_from_words_that_open_one() -> None:
    claims = read_claims("Cycling to Farah's house. Then Ghent, I think.")
    assert claims.names == {"farah", "ghent"}
    assert "farah" in claims.tokens
    assert claims.openers == {"cycl"}


@pytest.mark.parametrize(
    ("text", "yes"),
    [
        ("Yes, she does", True),
        ("no", False),
        ("Nope.", False),
        ("No longer", None),
        ("Nobody", None),
        ("Not yet", None),
    ],
)
def test_yes_and_no_are_told_from_words_that_begin_like_them(text: str, yes: bool | None) -> None:
    assert read_claims(text).yes is yes


def test_lowercase_stems_hold_no_name() -> None:
    assert lowercase_stems("Farah was baking cakes") == {"wa", "bake", "cake"}
