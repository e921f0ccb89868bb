"""The bio: what is chosen for it, in both persons, and the people beside it."""

from datetime import date
from pathlib import Path

import pytest

from mealign.memory.profile import build_profile, choose_facts, extractive_bio
from mealign.memory.topics import Topic
from mealign.records import Fact
from tests.memory.handmade import PERSON, fact

FACTS = [
    fact("utrecht", "Nadia lives in Utrecht.", relation="live in", value="Utrecht", superseded_by="groningen"),
    fact("groningen", "Nadia lives in Groningen.", relation="live in", value="Groningen"),
    fact("job", "Nadia is a curator.", relation="be", value="a curator"),
    fact("fool", "Nadia was a fool.", relation="be", value="a fool"),
    fact("awake", "Nadia is awake.", relation="be", value="awake"),
    fact("maps", "Nadia loves maps.", relation="love", value="maps"),
    fact("sister", "Ilse is Nadia's sister.", "Ilse", PERSON, relation="be", value="Nadia's sister"),
    fact("nurse", "Ilse works as a nurse.", "Ilse", relation="work as", value="a nurse"),
    fact("him", "Nadia loves him.", relation="love", value="him"),
    fact("aside", "It is official: Nadia loves herring.", relation="love", value="herring"),
    fact("long", "Nadia sees " + "a very " * 20 + "long thing.", value="a very long thing"),
    fact("run", "Nadia runs along the canal.", relation="run along", value="the canal"),
    fact("ran", "Nadia ran with Bart.", PERSON, "Bart", relation="run with", value="Bart"),
]
TOPICS = [Topic(name="canal, runs", fact_ids=("nurse", "long", "ran", "run"))]


def chosen(count: int) -> list[str]:
    return [each.id for each in choose_facts(FACTS, TOPICS, person=PERSON, count=count)]


def test_the_bio_is_current_short_clear_and_about_the_person() -> None:
    assert chosen(12) == ["job", "groningen", "sister", "maps", "ran"]


def test_a_short_bio_has_something_of_everything() -> None:
    assert chosen(4) == ["job", "sister", "maps", "ran"]
    assert chosen(1) == ["job"]


def test_every_sentence_is_there_in_both_persons_with_its_facts(parser_path: Path) -> None:
    bio = extractive_bio(FACTS, TOPICS, person=PERSON, sentences=12, parser=parser_path)
    profile = build_profile(FACTS, person=PERSON, bio=bio, topics=TOPICS)
    assert profile.text.startswith("Nadia is a curator. Nadia lives in Groningen. Ilse is Nadia's sister.")
    assert [sentence.first_person for sentence in profile.bio][:4] == [
        "I am a curator.", "I live in Groningen.", "Ilse is my sister.", "I love maps.",
    ]  # fmt: skip
    assert [sentence.fact_ids for sentence in profile.bio][2] == ("sister",)
    assert profile.people == (("Ilse", 2),)
    assert profile.topics == tuple(TOPICS)


@pytest.mark.parametrize("facts", [[], [fact("f1", "It rained.", "it", day=date(2024, 1, 1))]])
def test_nothing_to_say_is_an_empty_bio(facts: list[Fact], parser_path: Path) -> None:
    assert extractive_bio(facts, [], person=PERSON, sentences=12, parser=parser_path) == []
