"""Forms of words: what our statements and questions are written with."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mealign.memory.inflection import inflect, singular, verb_lemma

VERBS = ["be", "have", "do", "go", "watch", "try", "play", "fix", "quiz", "lie", "die", "agree", "get", "run", "forget"]
"""Regular and irregular, with every rule of spelling."""


@pytest.mark.parametrize(
    ("lemma", "third", "gerund"),
    [
        ("be", "is", "being"), ("have", "has", "having"), ("go", "goes", "going"), ("fix", "fixes", "fixing"),
        ("cry", "cries", "crying"), ("say", "says", "saying"), ("move", "moves", "moving"), ("lie", "lies", "lying"),
        ("get", "gets", "getting"), ("agree", "agrees", "agreeing"), ("forget", "forgets", "forgetting"),
        ("quiz", "quizzes", "quizzing"), ("podcast", "podcasts", "podcasting"),
    ],
)  # fmt: skip
def test_a_verb_is_inflected(lemma: str, third: str, gerund: str) -> None:
    assert (inflect(lemma, "VBZ"), inflect(lemma, "VBG")) == (third, gerund)


@pytest.mark.parametrize(
    ("form", "tag", "lemma"),
    [
        ("hates", "VBZ", "hate"), ("taped", "VBD", "tape"), ("hopping", "VBG", "hop"), ("found", "VBN", "find"),
        ("bit", "VBD", "bite"), ("swam", "VB", "swim"), ("lay", "VBD", "lie"), ("lay", "VBP", "lay"),
    ],
)  # fmt: skip
def test_a_lemma_is_that_of_the_verb(form: str, tag: str, lemma: str) -> None:
    assert verb_lemma(form, tag) == lemma


@given(st.sampled_from(VERBS), st.sampled_from(["VBZ", "VBG", "VBD", "VBP", "VB"]))
def test_a_form_leads_back_to_its_lemma(verb: str, tag: str) -> None:
    assert verb_lemma(inflect(verb, tag), tag) == verb


@given(st.text(min_size=1), st.sampled_from(["VBZ", "VBG", "VBP"]))
def test_whatever_the_word_is_it_has_a_form_and_a_lemma(word: str, tag: str) -> None:
    assert inflect(word, tag)
    assert verb_lemma(word, tag)
    assert singular(word)


@pytest.mark.parametrize(
    ("noun", "one"),
    [("bikes", "bike"), ("bus", "bus"), ("buses", "bus"), ("mice", "mouse"), ("cafés", "café"), ("café", "café")],
)
def test_a_noun_is_counted_once(noun: str, one: str) -> None:
    assert singular(noun) == one
