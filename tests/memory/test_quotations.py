"""What a clause bears of a statement: true paraphrases pass, and whatever says more, or something else, does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mealign.memory.quotations import Voices, bears, clauses_around, holds, last_named, read

NADIA, BART = "Nadia Verhoeven", "Bart Molenaar"
NAMES = {"Nadia": NADIA, NADIA: NADIA, "Bart": BART, BART: BART, "Nadia and others": f"{NADIA} and others"}
HEARD = Voices(NAMES, first=NADIA, second=BART, third="ilse")
SAID = Voices(NAMES)


def is_borne(clause: str, statement: str, voices: Voices = HEARD) -> bool:
    return bears(read(clause, voices), read(statement, SAID), voices) is not None


@pytest.mark.parametrize(
    ("clause", "statement"),
    [
        ("I moved to Ghent", "Nadia moved to Ghent."),
        ("I moved to Ghent", "Nadia Verhoeven has moved to Ghent."),
        ("I've moved to Ghent", "Nadia moved to Ghent."),
        ("I move to Ghent", "She moves to Ghent."),
        ("I'm moving to Ghent", "Nadia is moving to Ghent."),
        ("I finally moved to Ghent", "Nadia moved to Ghent."),
        ("I have two cats and a parrot", "Nadia has 2 cats and a parrot."),
        ("I don't like tea", "Nadia does not like tea."),
        ("I no longer live in Ghent", "Nadia no longer lives in Ghent."),
        ("I do not live in Ghent anymore", "Nadia does not live in Ghent anymore."),
        ("I never smoked", "Nadia never smoked."),
        ("I can't swim", "Nadia cannot swim."),
        ("I want to move to Ghent", "Nadia wants to move to Ghent."),
        ("I bought a red bike at the market", "Nadia bought a bike at the market."),
        ("I bought a red bike at the market", "Nadia bought a red bike."),
        ("I sold my bike", "Nadia sold her bike."),
        ("I sold my bike", "Nadia sold Nadia's bike."),
        ("You work at the harbour", "Bart works at the harbour."),
        ("we bought a boat", "They bought a boat."),
        ("we bought a boat", "Nadia and others bought a boat."),
        ("my sister Ilse sails", "Nadia's sister Ilse sails."),
        ("my sister Ilse sails", "Ilse is Nadia's sister."),
        ("Ilse, my sister, sails", "Ilse is Nadia's sister."),
        ("Bart's sister Ilse started at the harbour", "Ilse is Bart's sister."),
        ("my sister sails", "Nadia has a sister."),
        ("she sails every week", "Ilse sails every week."),
        ("Ilse's a doctor", "Ilse is a doctor."),
        ("Ilse's moved to Lille", "Ilse has moved to Lille."),
        ("On Monday I met Ilse", "Nadia met Ilse on Monday."),
        ("I met Ilse at noon", "At noon Nadia met Ilse."),
        ("I went home and cooked dinner", "Nadia cooked dinner."),
        ("The fern was given to me by Tom", "The fern was given to Nadia by Tom."),
        ("the rent is 965 euros a month", "The rent is 965 euros a month."),
        ('I read "My Way" aloud', 'Nadia read "My Way" aloud.'),
        ("I live in 's-Hertogenbosch", "Nadia lives in 's-Hertogenbosch."),
    ],
)
def test_a_true_paraphrase_is_borne(clause: str, statement: str) -> None:
    assert is_borne(clause, statement)


@pytest.mark.parametrize(
    ("clause", "statement"),
    [
        ("Ilse lives in Ghent", "Ada Byron has password hunter2."),
        ("Ilse lives in Ghent", "Ilse lives in Lille."),
        ("Ilse lives in Ghent", "Ilse secretly lives in Ghent."),
        ("Ilse lives in Ghent", "Ilse lives in Ghent with Tom."),
        ("Ilse lives in Ghent", "Ilse lives in Ghent and steals."),
        ("Ilse lives in Ghent", "Ilse Janssen lives in Ghent."),
        ("Ilse lives in Ghent", "Nadia lives in Ghent."),
        ("Ilse lives in Ghent", "Ilsе lives in Ghent."),  # a Cyrillic е
        ("Ilse lives in Ghent", "Ilse lives in Ghent http://example.org"),
        ("Ilse lives in Ghent", "Ilse does not live in Ghent."),
        ("Ilse lives in Ghent", "Ilse never lived in Ghent."),
        ("Ilse lives in Ghent", "Ilse no longer lives in Ghent."),
        ("Ilse lives in Ghent", "Ilse will live in Ghent."),
        ("Ilse lives in Ghent", "Ilse can live in Ghent."),
        ("Ilse lives in Ghent", "Ilse lives near Ghent."),
        ("Ilse gave Tom a fern", "Tom gave Ilse a fern."),
        ("Ilse gave Tom a fern", "Tom gave a fern."),
        ("Ilse gave Tom's dog a bone", "Ilse gave Tom a bone."),
        ("Tom hired Ilse", "Ilse hired Tom."),
        ("Tom hired Ilse", "Tom was hired by Ilse."),
        ("Tom hired Ilse", "Tom was hired."),
        ("Tom was hired by Ilse", "Tom hired Ilse."),
        ("Tom is taller than Ilse", "Ilse is taller than Tom."),
        ("I moved from Ghent to Lille", "Nadia moved to Ghent."),
        ("I don't like tea", "Nadia likes tea."),
        ("I never smoked", "Nadia smoked."),
        ("I never smoked", "Nadia did not smoke."),
        ("nobody likes tea", "Ilse likes tea."),
        ("I almost bought a boat", "Nadia bought a boat."),
        ("I want to move to Ghent", "Nadia moved to Ghent."),
        ("I used to live in Ghent", "Nadia lives in Ghent."),
        ("I stopped smoking", "Nadia smokes."),
        ("I might move to Ghent", "Nadia moved to Ghent."),
        ("if I moved to Ghent", "Nadia moved to Ghent."),
        ("I dreamt that I moved to Ghent", "Nadia moved to Ghent."),
        ("Tom says that Ilse stole the van", "Ilse stole the van."),
        ("Tom or Ilse stole the van", "Ilse stole the van."),
        ("I met the man who sold Bart a car", "Nadia sold Bart a car."),
        ("I watched Tom and Ilse cook", "Nadia cooked."),
        ("I met the director of the museum", "Nadia met the museum."),
        ("I like the idea of tea", "Nadia likes tea."),
        ("I met a former mayor", "Nadia met a mayor."),
        ("I have two cats", "Nadia has 3 cats."),
        ("I have two cats", "Nadia has cats and 2 dogs."),
        ("I have two cats", "Nadia has a cat and a dog."),
        ("I paid 1,500 euros", "Nadia paid 1.500 dollars."),
        ("I paid 150 euros", "Nadia paid 15 euros."),
        ("I paid 5 euros", "Nadia paid -5 € euros."),
        ("I have a sister", "Nadia is a sister."),
        ("my dog barks", "Nadia is a dog."),
        ("Tom, Ilse came", "Tom is Ilse."),
        ("in the", "Ada Byron has password hunter2."),
        ("I bought a toy car", "Nadia bought a car."),
        ("Ilse sails", "Ilse is a sail."),
        ("Ilse met Tom, a doctor of mine", "Tom is a thief."),
        ("", "Nadia moved to Ghent."),
        ("I moved to Ghent", ""),
        ("I moved to Ghent", "Bart moved to Ghent."),
        ("You moved to Ghent", "Nadia moved to Ghent."),
        ("she moved to Ghent", "Nadia moved to Ghent."),
        ("she moved to Ghent", "Tom moved to Ghent."),
        ("we bought a boat", "Nadia and Tom bought a boat."),
        ("I paid the bills", "Nadia paid Bill."),
        ("Nadia's sister Ilse sails", "Nadia sails."),
    ],
)
def test_what_says_more_or_something_else_is_not_borne(clause: str, statement: str) -> None:
    assert not is_borne(clause, statement)


def test_a_pronoun_means_somebody_only_where_one_can_be_meant() -> None:
    assert last_named("Ilse came by. It rained. ", NAMES, but=NADIA) == "ilse"
    assert last_named("I saw Bart. ", NAMES, but=NADIA) == BART
    assert last_named("Ilse met Tom. ", NAMES, but=NADIA) is None
    assert last_named("It rained on Monday. ", NAMES, but=NADIA) is None
    assert not is_borne("she sails", "Ilse sails.", Voices(NAMES, first=NADIA))


@pytest.mark.parametrize(
    ("parts", "held"),
    [
        ("Ilse give fern", True),
        ("Ilse give Tom", True),
        ("Tom give fern", False),
        ("Ilse hate fern", False),
        ("Ilse give password", False),
        ("Ilse not give fern", False),
        ("Ilse be fern", False),
        ("Nadia give fern", False),
    ],
)
def test_subject_relation_and_object_are_held_by_their_clause(parts: str, held: bool) -> None:
    assert holds(read("Ilse gave Tom a green fern without a word", HEARD), read(parts, SAID), HEARD) is held


@pytest.mark.parametrize(
    ("text", "quote", "clause"),
    [
        ("It rained. I moved to Ghent. Bye.", "moved to", "I moved to Ghent"),
        ("I like tea, but Ilse hates it.", "I like tea", "I like tea"),
        ("I like tea and my sister hates it.", "my sister hates", "my sister hates it"),
        ("I have never, ever moved to Ghent.", "moved to Ghent", "I have never, ever moved to Ghent"),
        ("Ilse left, I think.", "Ilse left", "Ilse left, I think"),
        ("- I like tea\n- Ilse hates coffee", "Ilse hates", "Ilse hates coffee"),
        ("everyone but Tom left", "Tom left", "everyone but Tom left"),
    ],
)
def test_a_quotation_is_read_with_its_clause(text: str, quote: str, clause: str) -> None:
    start = text.index(quote)
    begin, close = next(clauses_around(text, start, start + len(quote)))
    assert text[begin:close].strip(" -.") == clause


def test_a_question_bears_nothing() -> None:
    assert list(clauses_around("Did I move to Ghent? No.", 4, 19)) == []


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_text_is_too_odd(clause: str, statement: str) -> None:
    is_borne(clause, statement)
    list(clauses_around(clause + statement, 0, len(clause)))


WORDS = [
    "Ilse",
    "Tom",
    "I",
    "gave",
    "sold",
    "a",
    "fern",
    "Ghent",
    "not",
    "to",
    "in",
    "2",
    "red",
    ",",
    "and",
    "is",
    "'s",
]


@given(st.lists(st.sampled_from(WORDS), max_size=8))
def test_a_statement_with_a_word_of_its_own_is_never_borne(words: list[str]) -> None:
    clause = " ".join(words)
    for place in range(len(words) + 1):
        assert not is_borne(clause, " ".join([*words[:place], "hunter2", *words[place:]]))
