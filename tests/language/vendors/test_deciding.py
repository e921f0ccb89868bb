"""Every API that decides, against a real server: what is sent, and what an answer means."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mealign.errors import ConfigError
from mealign.language.decisions import Choice, Decided, Inquiry, Undecided
from tests.language.asking import INQUIRY, KINDS, VERDICT, WORDY, connect, inquiries, said, stored, typed
from tests.language.server import Response, in_turn, serving
from tests.language.vendor import Manners, running


@pytest.mark.parametrize("kind", WORDY)
def test_the_state_is_data_and_the_questions_are_instructions(kind: str, tmp_path: Path) -> None:
    with serving(in_turn(Response(said()))) as server:
        (decided,) = connect(kind, server.port, tmp_path).decide([INQUIRY])
    (request,) = server.requests
    assert request.body["messages"][-1] == {"role": "user", "content": INQUIRY.state}
    system = request.body.get("system") or request.body["messages"][0]["content"]
    assert "Which answer is better?" in system
    assert INQUIRY.state not in system
    assert isinstance(decided, Decided)
    assert decided.probabilities == {"verdict": {"first": 0.8, "second": pytest.approx(0.2)}}
    schema = (
        request.body["tools"][0]["input_schema"]
        if kind == "anthropic"
        else request.body["response_format"]["json_schema"]["schema"]
    )
    assert schema["properties"]["verdict"]["properties"]["choice"]["enum"] == ["first", "second"]
    assert schema["additionalProperties"] is False
    assert request.body["temperature"] == 0


@pytest.mark.parametrize("kind", ["decisions", "systemone"])
def test_typed_decisions_come_with_their_probabilities(kind: str, tmp_path: Path) -> None:
    with serving(in_turn(typed(kind, 0.75, input_tokens=20, output_tokens=0))) as server:
        (decided,) = connect(kind, server.port, tmp_path).decide([INQUIRY])
    (request,) = server.requests
    assert request.path == ("/v1/decisions" if kind == "decisions" else "/v1/systemone")
    assert request.body["input" if kind == "decisions" else "state"] == INQUIRY.state
    assert isinstance(decided, Decided)
    assert decided.probabilities == {"verdict": {"first": 0.75, "second": 0.25}}
    assert (decided.usage.prompt_tokens, decided.usage.completion_tokens) == (20, 0)
    assert decided.usage.cost_usd == pytest.approx(0.02)


@pytest.mark.parametrize("kind", KINDS)
def test_the_other_options_share_what_is_left(kind: str, tmp_path: Path) -> None:
    """Two questions, one of them with three options, against the server that speaks every API."""
    grade = Choice("How good?", {"1": "bad", "2": "fair", "3": "good"})
    with running(Manners()) as server:
        model = connect(kind, server.port, tmp_path)
        (decided,) = model.decide([Inquiry("State.", {"verdict": VERDICT, "grade": grade})])
        assert list(server.counts()["answered"].values()) == [1]
    assert isinstance(decided, Decided)
    assert {name: list(options) for name, options in decided.probabilities.items()} == {
        "verdict": ["first", "second"],
        "grade": ["1", "2", "3"],
    }
    for options in decided.probabilities.values():
        assert sum(options.values()) == pytest.approx(1)
    if kind in WORDY:
        assert len(set(decided.probabilities["grade"].values())) == 2


@pytest.mark.parametrize("kind", WORDY)
def test_a_model_thinks_before_it_decides(kind: str, tmp_path: Path) -> None:
    inquiry = Inquiry("State.", {"verdict": VERDICT}, reasoning="Compare both with the facts.")
    with serving(in_turn(Response(said(reasoning="Ghent it was. \ud83d")))) as server:
        (decided,) = connect(kind, server.port, tmp_path).decide([inquiry])
    assert "Compare both with the facts." in server.requests[0].prompt
    assert isinstance(decided, Decided)
    assert decided.reasoning == "Ghent it was. ?", "a lone surrogate cannot be written to a file"
    schema = json.dumps(server.requests[0].body)
    assert schema.index('"reasoning": {"type": "string"}') < schema.index('"choice": {"type"')


@pytest.mark.parametrize("kind", ["decisions", "systemone"])
def test_typed_decisions_have_no_words(kind: str, tmp_path: Path) -> None:
    inquiry = Inquiry("State.", {"verdict": VERDICT}, reasoning="Think.")
    with pytest.raises(ConfigError, match=r"answers without words.*judge\.server\.api=chat"):
        connect(kind, 1, tmp_path).decide([inquiry])


def test_a_question_with_the_name_of_the_reasoning_is_an_error(tmp_path: Path) -> None:
    inquiry = Inquiry("State.", {"reasoning": VERDICT}, reasoning="Think.")
    with pytest.raises(ConfigError, match="no question can be called `reasoning`"):
        connect("chat", 1, tmp_path).decide([inquiry])


MALFORMED = [
    "",
    "I choose the first.",
    "[]",
    "null",
    '"first"',
    "{}",
    '{"verdict": "first"}',
    '{"verdict": {"choice": "first"}}',
    said("third"),
    said(["first"]),
    said(confidence=101),
    said(confidence=-1),
    said(confidence="80"),
    said(confidence=True),
    '{"verdict": {"choice": "first", "confidence": NaN}}',
    '{"verdict": {"choice": "first", "choice": "second", "confidence": 90}}',
    said() + said("second"),
    f"```json\n{said()}\n```",
    "[" * 100_000,
]


@pytest.mark.parametrize("kind", WORDY)
@pytest.mark.parametrize("text", MALFORMED, ids=range(len(MALFORMED)))
def test_what_is_no_answer_is_recorded_with_its_text_and_never_scored(kind: str, text: str, tmp_path: Path) -> None:
    if kind == "anthropic" and (text.startswith(("[", '"', "null")) or text.count("choice") == 2):
        pytest.skip("a tool is called with an object")
    with serving(in_turn(Response(text))) as server:
        (outcome,) = connect(kind, server.port, tmp_path).decide([INQUIRY])
    assert isinstance(outcome, Undecided)
    assert outcome.kind == "malformed"
    # 64 tokens are at most 1,024 characters.
    said = text[:1024]
    assert json.loads(outcome.raw) == json.loads(text) if text == "{}" else outcome.raw == said or kind == "anthropic"
    assert outcome.usage.prompt_tokens > 0
    assert stored(tmp_path) == 1, "it was paid for, so it is not asked again"


@pytest.mark.parametrize("kind", WORDY)
@pytest.mark.parametrize(
    ("response", "outcome"),
    [
        (Response(None), "refused"),
        (Response(said(), stop="content_filter"), "refused"),
        (Response(said(), stop="refusal"), "refused"),
        (Response(said()[:20], stop="length"), "malformed"),
        (Response(said(), stop="length"), "malformed"),
        (Response(said(), stop="max_tokens"), "malformed"),
        (Response(said(), stop="model_context_window_exceeded"), "too_long"),
    ],
)
def test_a_refusal_and_a_cut_off_answer_are_outcomes(
    kind: str, response: Response, outcome: str, tmp_path: Path
) -> None:
    if response.stop in ("content_filter", "length") and kind == "anthropic":
        pytest.skip("another API's word")
    if response.stop in ("refusal", "max_tokens", "model_context_window_exceeded") and kind == "chat":
        pytest.skip("another API's word")
    with serving(in_turn(response)) as server:
        model = connect(kind, server.port, tmp_path)
        (first,) = model.decide([INQUIRY])
        assert model.decide([INQUIRY]) == [first]
    assert isinstance(first, Undecided)
    assert first.kind == outcome


@pytest.mark.parametrize("kind", ["decisions", "systemone"])
@pytest.mark.parametrize("first", [None, "0.75", True, -0.2, 0.5, 1.5, float("nan")])
def test_what_is_no_distribution_is_malformed(kind: str, first: object, tmp_path: Path) -> None:
    with serving(in_turn(typed(kind, first))) as server:
        (outcome,) = connect(kind, server.port, tmp_path).decide([INQUIRY])
    assert isinstance(outcome, Undecided)
    assert outcome.kind == "malformed"


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ([{"type": "refusal", "name": "verdict"}], "refused"),
        ([], "malformed"),
        ([{"type": "predicate", "probability": 0.3}], "malformed"),
        ([{"type": "choice", "name": "other", "probabilities": []}], "malformed"),
    ],
)
def test_a_typed_decision_may_be_refused(answers: Any, kind: str, tmp_path: Path) -> None:
    with serving(in_turn(Response(body=json.dumps({"answers": answers}).encode()))) as server:
        (outcome,) = connect("decisions", server.port, tmp_path).decide([INQUIRY])
    assert isinstance(outcome, Undecided)
    assert outcome.kind == kind


def test_a_server_that_refuses_schemas_is_asked_in_words(tmp_path: Path) -> None:
    refused = Response(status=400)
    with serving(lambda request: refused if "response_format" in request.body else Response(said())) as server:
        model = connect("chat", server.port, tmp_path, concurrency=1)
        outcomes = model.decide(inquiries(3))
        assert connect("chat", server.port, tmp_path).decide(inquiries(3)) == outcomes
    assert all(isinstance(outcome, Decided) for outcome in outcomes)
    assert ["response_format" in request.body for request in server.requests] == [True, False, False, False]
    assert '"enum": ["first", "second"]' in server.requests[-1].prompt
