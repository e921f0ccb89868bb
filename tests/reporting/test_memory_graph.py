"""The drawing: everything inside, nothing twice, counted honestly, and bounded for any number of facts."""

import math
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from mealign.memory.graph import FactGraph
from mealign.records import Fact
from mealign.reporting.memory_graph import HEIGHT, MAX_BEADS, RINGS, WIDTH, Drawing, draw
from tests.memory.handmade import PERSON, fact

NAMES = [f"Name{letter}{other}" for letter in "abcdefgh" for other in "abcdefgh"]


def drawn(facts: list[Fact]) -> Drawing:
    return draw(FactGraph(facts), [each.id for each in facts], person=PERSON)


def test_the_person_is_the_centre_and_a_fact_lies_between_the_names_it_joins() -> None:
    drawing = drawn([fact("f1", "Nadia saw Bart.", PERSON, "Bart"), fact("f2", "Nadia ran.", PERSON)])
    centre, bart = drawing.places
    assert (centre.name, centre.x, centre.y) == (PERSON, WIDTH / 2, HEIGHT / 2)
    (bead,) = drawing.beads
    assert bead.fact_id == "f1"
    assert math.dist((centre.x, centre.y), (bead.x, bead.y)) < math.dist((centre.x, centre.y), (bart.x, bart.y))
    assert (drawing.names_left_out, drawing.facts_left_out) == (0, 1)


def test_no_facts_make_a_picture_of_the_person_alone() -> None:
    drawing = drawn([])
    assert [place.name for place in drawing.places] == [PERSON]
    assert drawing.beads == drawing.lines == ()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.sampled_from(NAMES), max_size=7, unique=True), max_size=120))
def test_whatever_the_facts_all_is_inside_apart_and_accounted_for(named: list[list[str]]) -> None:
    facts = [fact(f"f{number:04d}", "Nadia went there.", PERSON, *names) for number, names in enumerate(named)]
    drawing = drawn(facts)
    assert drawing == drawn(facts)
    for spot in (*drawing.places, *drawing.beads):
        assert 0 < spot.x < WIDTH
        assert 0 < spot.y < HEIGHT
    for one, other in combinations(drawing.places, 2):
        assert math.dist((one.x, one.y), (other.x, other.y)) > one.radius + other.radius
    assert len(drawing.places) <= 1 + sum(places for places, _, _ in RINGS)
    assert len({bead.fact_id for bead in drawing.beads}) == len(drawing.beads)
    assert len(drawing.beads) + drawing.facts_left_out == len(facts)
    everybody = {name for names in named for name in names}
    assert len(drawing.places) - 1 + drawing.names_left_out == len(everybody)


def test_many_facts_do_not_make_a_larger_picture() -> None:
    facts = [fact(f"f{n:05d}", "Nadia went there.", PERSON, NAMES[n % 64], NAMES[n * 7 % 64]) for n in range(5000)]
    drawing = drawn(facts)
    assert len(drawing.beads) == MAX_BEADS
    assert drawing.names_left_out == 64 - 36
