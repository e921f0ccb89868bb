"""Third person into first, by a table of sentences."""

from pathlib import Path

import pytest

from mealign.memory.first_person import first_person

TABLE = {
    "Nadia works as a curator.": "I work as a curator.",
    "Nadia Verhoeven lives in Groningen.": "I live in Groningen.",
    "Nadia is an aunt.": "I am an aunt.",
    "Nadia was an idiot.": "I was an idiot.",
    "Nadia has a cat.": "I have a cat.",
    "Nadia has worked at Terravista since March 2018.": "I have worked at Terravista since March 2018.",
    "Nadia does not like olives.": "I do not like olives.",
    "Nadia doesn't like olives.": "I don't like olives.",
    "Nadia isn't afraid of heights.": "I am not afraid of heights.",
    "Nadia has never been to Iceland.": "I have never been to Iceland.",
    "Nadia will not run a half marathon.": "I will not run a half marathon.",
    "Nadia can see the sea.": "I can see the sea.",
    "Nadia bought a bike on 2 March 2024.": "I bought a bike on 2 March 2024.",
    "Nadia goes for a run and carries a map.": "I go for a run and carry a map.",
    "So far Nadia has lagom, grus and mellanrum.": "So far I have lagom, grus and mellanrum.",
    "In Utrecht Nadia worked at home.": "In Utrecht I worked at home.",
    "Nadia watches birds and tries to draw them.": "I watch birds and try to draw them.",
    "Nadia's sister lives in Nijmegen.": "My sister lives in Nijmegen.",
    "Ilse is Nadia's sister.": "Ilse is my sister.",
    "Nadia loves Nadia's cat.": "I love my cat.",
    "Bart is a friend of Nadia's.": "Bart is a friend of mine.",
    "The blue bike is Nadia's.": "The blue bike is mine.",
    "Nadia Verhoeven's father keeps bees.": "My father keeps bees.",
    "Bart gave Nadia a carabiner.": "Bart gave me a carabiner.",
    "Farah lives next to Nadia.": "Farah lives next to me.",
    "Bart is older than Nadia.": "Bart is older than me.",
    "Bart makes Nadia laugh.": "Bart makes me laugh.",
    "Ilse wants Nadia to come.": "Ilse wants me to come.",
    "Nadia and others bought a tent.": "We bought a tent.",
    "Nadia and others are reading Frankenstein.": "We are reading Frankenstein.",
    "Lotte invited Nadia and others.": "Lotte invited us.",
    "Nadia and others painted their kitchen.": "We painted our kitchen.",
    "Nadia and Ilse sold the piano.": "Ilse and I sold the piano.",
    "Bart and Nadia went to Porto.": "Bart and I went to Porto.",
    "Nadia and Nadia's sister are close.": "My sister and I are close.",
    "On 14 May 2024 Nadia had an interview.": "On 14 May 2024 I had an interview.",
    "Bart says that Nadia is right.": "Bart says that I am right.",
    "Nadia thinks that Bart is right.": "I think that Bart is right.",
    "Nadia wrote a letter to Nadia.": "I wrote a letter to myself.",
    "Nadia taught herself to swim.": "I taught myself to swim.",
    "Nadia hates running because it hurts Nadia.": "I hate running because it hurts me.",
    'Bart promised not to say "Nadia told you so" to Nadia.': 'Bart promised not to say "Nadia told you so" to me.',
    "Lotte shouted “Nadia is late” at Nadia's door.": "Lotte shouted “Nadia is late” at my door.",
    "Nadia Kramer lives in Leeds.": "Nadia Kramer lives in Leeds.",
    "Ilse works as a physiotherapist.": "Ilse works as a physiotherapist.",
    "Nadia always takes the stairs.": "I always take the stairs.",
    "Nadia was born in 1989 and grew up in Nijmegen.": "I was born in 1989 and grew up in Nijmegen.",
    "When Nadia is tired, Nadia drinks tea.": "When I am tired, I drink tea.",
}


@pytest.fixture(scope="module")
def rewritten(parser_path: Path) -> dict[str, str]:
    return dict(zip(TABLE, first_person(list(TABLE), person="Nadia Verhoeven", parser=parser_path), strict=True))


@pytest.mark.parametrize("statement", TABLE)
def test_a_statement_is_said_in_the_first_person(statement: str, rewritten: dict[str, str]) -> None:
    assert rewritten[statement] == TABLE[statement]


def test_a_person_with_one_name_and_an_empty_list(parser_path: Path) -> None:
    assert first_person(["Caroline's dog barks."], person="Caroline", parser=parser_path) == ["My dog barks."]
    assert first_person([], person="Caroline", parser=parser_path) == []
