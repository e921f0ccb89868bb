"""A bio sentence is believed when its facts are there and have its names and numbers."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from mealign.memory.bio_llm import Bio, abstractive_bio
from mealign.records import Fact
from tests.defaults import LlmConfig
from tests.language.asking import writer
from tests.language.server import Response, Script, serving
from tests.memory.test_memory import PERSON, fact

FACTS = [
    fact(1, "be", "a map editor", statement="Nadia is a map editor."),
    fact(2, "live in", "Utrecht", statement="Nadia lives in Utrecht.", superseded_by="f3", valid_to=date(2024, 3, 1)),
    fact(3, "live in", "Ghent", statement="Nadia lives in Ghent."),
    fact(4, "work at", "the harbour", subject="Bart Molenaar"),
]
Write = Callable[..., Bio]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def run(script: Script, facts: list[Fact] = FACTS, sentences: int = 3) -> Bio:
        with serving(script) as server:
            settings = LlmConfig(backend="openai", model="m", base_url=server.openai)
            model = writer(settings, tmp_path)
            return abstractive_bio(
                facts, person=PERSON, model=model, settings=settings, cache=tmp_path, sentences=sentences
            )

    return run


def saying(*sentences: object) -> Script:
    return lambda _: Response(json.dumps({"sentences": sentences}))


def test_sentences_carry_the_ids_of_their_facts(write: Write) -> None:
    shown = []

    def answer(request: object) -> Response:
        shown.append(request.body["messages"][-1]["content"])  # type: ignore[attr-defined]
        text = "Nadia Verhoeven is a map editor who lives in Ghent."
        return Response(json.dumps({"sentences": [{"text": text, "facts": [1, 2, 1]}]}))

    bio = write(answer)
    assert bio == Bio([("Nadia Verhoeven is a map editor who lives in Ghent.", ("f1", "f3"))], {})
    assert shown == ["[1] 1 January 2024: Nadia is a map editor.\n[2] 1 March 2024: Nadia lives in Ghent."]


@pytest.mark.parametrize(
    ("sentence", "reason"),
    [
        ({"text": "Nadia lives in Ghent.", "facts": []}, "no_fact"),
        ({"text": "Nadia lives in Ghent.", "facts": [2, 3]}, "no_fact"),
        ({"text": "Nadia lives in Ghent.", "facts": [0]}, "no_fact"),
        ({"text": "Nadia lives in Ghent.", "facts": [1]}, "unsupported"),
        ({"text": "Nadia lives in Ghent with 3 cats.", "facts": [2]}, "unsupported"),
        ({"text": "Nadia " + "really " * 30 + "lives.", "facts": [2]}, "too_long"),
        ({"text": " ", "facts": [2]}, "empty"),
        ({"text": "Nadia lives in Ghent."}, "malformed"),
        ("Nadia lives in Ghent.", "malformed"),
    ],
)
def test_a_sentence_without_its_facts_is_refused_and_counted(write: Write, sentence: object, reason: str) -> None:
    good = {"text": "She lives in Ghent.", "facts": [2]}
    assert write(saying(sentence, good)) == Bio([("She lives in Ghent.", ("f3",))], {reason: 1})


def test_repetitions_and_what_is_over_the_limit_are_refused(write: Write) -> None:
    first, second = {"text": "She lives in Ghent.", "facts": [2]}, {"text": "She is a map editor.", "facts": [1]}
    bio = write(saying(first, first, second), sentences=1)
    assert bio == Bio([("She lives in Ghent.", ("f3",))], {"duplicate": 1, "over_limit": 1})


def test_an_unreadable_reply_is_an_empty_bio(write: Write) -> None:
    assert write(lambda _: Response("Nadia is nice.")) == Bio([], {"malformed": 1})


def test_nothing_is_asked_where_nothing_is_known(write: Write) -> None:
    assert write(lambda _: pytest.fail("asked"), facts=FACTS[3:]) == Bio([], {})
