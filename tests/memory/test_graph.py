"""The graph by hand: who is named, what joins two names, what replaced what, and no end of circles."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mealign.memory.entities import find_people, named_entities
from mealign.memory.graph import FactGraph
from mealign.memory.supersede import supersede
from mealign.memory.validity import as_of, holds
from mealign.records import Evidence, Fact
from tests.memory.handmade import PERSON, fact

BART, ILSE, KOEN = "Bart Molenaar", "Ilse Verhoeven", "Koen"
FACTS = [
    fact("f3", "Bart gave Nadia a rope.", BART, PERSON, day=date(2024, 3, 1)),
    fact("f1", "Nadia climbs with Bart.", PERSON, BART, day=date(2024, 1, 1)),
    fact("f2", "Ilse called Nadia.", ILSE, PERSON, relation="call", day=date(2024, 2, 1)),
    fact("f4", "Ilse and Koen bought a house.", "Ilse and Koen", ILSE, KOEN, day=None),
    fact("f5", "It rained.", "it", day=date(2024, 2, 3)),
]


def ids(facts: list[Fact]) -> list[str]:
    return [each.id for each in facts]


def test_the_facts_about_a_name_come_in_time_order() -> None:
    graph = FactGraph(FACTS)
    assert ids(graph.about(PERSON)) == ["f1", "f2", "f3"]
    assert ids(graph.about(KOEN)) == ["f4"]
    assert graph.neighbourhood(BART) == {"f1", "f3"}
    assert graph.about("Nobody Known") == []
    assert graph.neighbourhood("Nobody Known") == frozenset()


def test_others_are_counted_by_the_facts_they_share() -> None:
    graph = FactGraph(FACTS)
    assert graph.co_participants(PERSON) == {BART: 2, ILSE: 1}
    assert graph.co_participants("Nobody Known") == {}
    assert graph.names() == {PERSON: 3, BART: 2, ILSE: 2, KOEN: 1}


def test_chains_of_one_fact_come_before_chains_of_two() -> None:
    graph = FactGraph(FACTS)
    assert [ids(list(chain.facts)) for chain in graph.paths(PERSON, BART)] == [["f1"], ["f3"]]
    (chain,) = graph.paths(PERSON, KOEN)
    assert (ids(list(chain.facts)), chain.names) == (["f2", "f4"], (PERSON, ILSE, KOEN))
    assert list(graph.paths(PERSON, KOEN, max_hops=1)) == []
    assert list(graph.paths(PERSON, PERSON)) == []
    with pytest.raises(ValueError, match="max_hops=3"):
        list(graph.paths(PERSON, KOEN, max_hops=3))


def test_the_timeline_leaves_out_what_has_no_day() -> None:
    graph = FactGraph(FACTS)
    assert ids(graph.timeline()) == ["f1", "f2", "f5", "f3"]
    assert ids(graph.timeline(ILSE)) == ["f2"]


def test_circles_duplicates_and_facts_about_themselves_end() -> None:
    circle = [
        fact("a", "Nadia likes tea.", value="tea", superseded_by="b"),
        fact("b", "Nadia hates tea.", value="tea", superseded_by="a", day=date(2024, 2, 1)),
        fact("c", "Nadia is Nadia Verhoeven.", PERSON, PERSON, value=PERSON, superseded_by="c"),
        fact("d", "Nadia ran.", superseded_by="gone"),
    ]
    graph = FactGraph([*circle, circle[0]])
    assert ids(graph.history("a")) == ids(graph.history("b")) == ["a", "b"]
    assert ids(graph.history("c")) == ["c"]
    assert graph.successor("c") is None
    assert graph.successor("d") is None
    assert ids(graph.replaced("a")) == ["b"]
    assert ids(graph.about(PERSON)) == ["a", "c", "d", "b"]
    assert graph.co_participants(PERSON) == {}
    with pytest.raises(KeyError):
        graph.history("no such id")


def test_a_history_has_everything_that_a_fact_replaced_and_was_replaced_by() -> None:
    versions = [
        fact("v1", "Nadia lives in Utrecht.", superseded_by="v3"),
        fact("v2", "Nadia lives in Zeist.", superseded_by="v3", day=date(2024, 2, 1)),
        fact("v3", "Nadia lives in Ghent.", day=date(2024, 3, 1)),
    ]
    graph = FactGraph(versions)
    assert ids(graph.history("v1")) == ids(graph.history("v3")) == ["v1", "v2", "v3"]
    assert ids(graph.replaced("v3")) == ["v1", "v2"]


def test_names_are_told_from_pronouns_phrases_and_ordinary_words() -> None:
    facts = [
        fact("f1", "Books are heavy.", "Books"),
        fact("f2", "Nadia sold the books.", PERSON),
        fact("f3", "Nadia and others like Ilse's house.", "Nadia and others", PERSON, "Ilse's house", relation="like"),
        fact("f4", "He slept.", "He"),
        fact("f5", "The Wadden Archive is closed.", "The Wadden Archive", "the Wadden Archive"),
        fact("f6", "Thijs and Nadia said no.", "Thijs and Nadia", relation="say"),
        fact("f7", "The dullness is blue.", "the dullness"),
    ]
    assert named_entities(facts) == {
        "f1": (), "f2": (PERSON,), "f3": (PERSON,), "f4": (), "f5": ("the Wadden Archive",), "f6": ("Thijs", PERSON),
        "f7": (),
    }  # fmt: skip


def test_people_are_told_from_places() -> None:
    facts = [
        fact("f1", "Bart says yes.", "Bart", relation="say"),
        fact("f2", "Bart laughs.", "Bart", relation="laugh"),
        fact("f3", "Groningen likes cyclists.", "Groningen", relation="like"),
        fact("f4", "Bart lives in Groningen.", "Bart", "Groningen", relation="live in"),
        fact("f5", "Mum keeps bees.", "Mum", relation="keep"),
    ]
    assert find_people(facts) == {"Bart": 3}


days = st.dates(min_value=date(2000, 1, 1), max_value=date(2030, 1, 1))


@settings(deadline=None)
@given(st.lists(st.tuples(st.none() | days, st.none() | days), max_size=8), days)
def test_nothing_holds_outside_its_time(times: list[tuple[date | None, date | None]], day: date) -> None:
    facts = [fact(f"f{number}", "Nadia ran.", day=start, valid_to=end) for number, (start, end) in enumerate(times)]
    held = as_of(facts, day)
    assert held == [each for each in facts if holds(each, day)]
    for each in facts:
        inside = (each.valid_from or date.min) <= day < (each.valid_to or date.max)
        assert (each in held) == inside


@settings(deadline=None)
@given(st.lists(st.integers(0, 900), min_size=1, max_size=8), st.integers(0, 1000))
def test_of_homes_that_follow_one_another_exactly_one_holds(offsets: list[int], later: int) -> None:
    start = date(2020, 1, 1)
    homes = [
        fact(
            f"f{number}",
            f"Nadia lives in town {number}.",
            relation="live in",
            value=f"town {number}",
            day=start + timedelta(days=offset),
            evidence=Evidence(document_id=f"d{number}", start=0, end=5),
        )
        for number, offset in enumerate(sorted(offsets))
    ]
    closed = supersede(homes, order={f"d{number}": number for number in range(len(homes))})
    assert [earlier.superseded_by for earlier, _ in pairwise(closed)] == [each.id for each in homes[1:]]
    first = homes[0].valid_from
    assert first is not None
    assert len(as_of(closed, first + timedelta(days=later))) == 1
    assert as_of(closed, first - timedelta(days=1)) == []
