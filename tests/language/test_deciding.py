"""Models on servers that decide: what is sent again, what is kept, what leaves the machine, what it may cost."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mealign.errors import ConfigError, MealignError
from mealign.language.build import build_decision_model
from mealign.language.decisions import Decided, Estimate, Inquiry, Undecided
from tests.defaults import PricesConfig, ServerConfig
from tests.language.asking import (
    INQUIRY,
    KINDS,
    PRICES,
    VERDICT,
    WORDY,
    connect,
    inquiries,
    said,
    stored,
    typed,
)  # fmt: skip
from tests.language.server import Request, Response, Script, in_turn, serving
from tests.language.vendor import Manners, running


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_answered_is_not_asked_again(kind: str, tmp_path: Path) -> None:
    with running(Manners()) as server:
        asked = inquiries(5)
        first = connect(kind, server.port, tmp_path).decide([*asked, *asked])
        assert first[:5] == first[5:]
        assert connect(kind, server.port, tmp_path).decide(asked) == first[:5]
        more = connect(kind, server.port, tmp_path, max_new_tokens=65).decide(asked)
        counts = server.counts()
    assert len({str(outcome) for outcome in first}) > 1
    assert more == first[:5]
    changed = kind in WORDY
    assert sorted(counts["arrived"].values()) == [1] * (10 if changed else 5), "another request is another reply"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("status", [408, 409, 429, 500, 503, 529])
def test_what_passes_is_sent_again(kind: str, status: int, tmp_path: Path) -> None:
    failure = Response(status=status, headers={"Retry-After": "0"})
    answer = Response(said()) if kind in WORDY else typed(kind, 0.75)
    with serving(in_turn(answer, failure, failure, answer)) as server:
        model = connect(kind, server.port, tmp_path)
        model.decide(inquiries(1))
        (outcome,) = model.decide([INQUIRY])
    assert isinstance(outcome, Decided)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("response", "message"),
    [
        (Response(status=401), "answers 401; check the key in the environment variable of api_key_env"),
        (Response(status=403), "answers 403"),
        (Response(status=404), "answers 404; check the model's name and base_url"),
        (Response(status=422), "answers 422"),
        (Response(status=307, headers={"Location": "http://127.0.0.1:1/v1"}), "answers 307"),
        (Response(status=429, body=b'{"error": {"code": "insufficient_quota"}}'), "answers 429"),
        (Response(status=503, headers={"Retry-After": "86400"}), "answers 503"),
        (Response(body=b"not JSON"), "no server with .* correct base_url"),
        (Response(body=b"<html>", headers={"Content-Type": "text/html"}), "no server with .* correct base_url"),
        (Response(body=b"{}"), "no server with .* correct base_url"),
    ],
)
def test_what_would_fail_for_all_ends_the_run_in_one_line(
    kind: str, response: Response, message: str, tmp_path: Path
) -> None:
    """The scripted server quotes the prompt in its errors, as servers do."""
    with serving(lambda _: response) as server, pytest.raises(MealignError, match=message) as caught:
        connect(kind, server.port, tmp_path).decide(inquiries(80))
    assert str(caught.value).startswith(f"http://127.0.0.1:{server.port}")
    assert "State" not in str(caught.value)
    assert len(server.requests) < 80
    assert stored(tmp_path) == 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_is_not_there_ends_the_run(kind: str, tmp_path: Path) -> None:
    with serving(lambda _: Response()) as server:
        pass
    with pytest.raises(MealignError, match=r"gives no answer .*start the server, or correct base_url"):
        connect(kind, server.port, tmp_path).decide(inquiries(3))


def poisoned(failure: Response) -> Script:
    return lambda request: failure if "State 1." in request.prompt else Response(said())


@pytest.mark.parametrize("kind", WORDY)
@pytest.mark.parametrize(
    ("failure", "outcome"),
    [
        (Response(status=500), "unreachable"),
        (Response(status=400), "refused"),
        (Response(status=413), "too_long"),
        (Response(status=400, body=b'{"error": {"code": "context_length_exceeded"}}'), "too_long"),
        (Response(body=b"half a pro"), "malformed"),
    ],
)
def test_one_request_that_fails_is_one_outcome_and_is_not_kept(
    kind: str, failure: Response, outcome: str, tmp_path: Path
) -> None:
    with serving(poisoned(failure)) as server:
        for _ in range(2):
            model = connect(kind, server.port, tmp_path, max_retries=1, concurrency=1)
            outcomes = model.decide(inquiries(3))
            assert [isinstance(each, Decided) for each in outcomes] == [True, False, True]
            assert isinstance(outcomes[1], Undecided)
            assert outcomes[1].kind == outcome
            assert stored(tmp_path) == 2


def test_a_server_that_goes_away_ends_the_run_and_what_it_answered_is_kept(tmp_path: Path) -> None:
    down = threading.Event()
    answered = []

    def script(request: Request) -> Response:
        if "State 3." in request.prompt:
            down.set()
        if down.is_set():
            return Response(status=503)
        answered.append(request)
        return Response(said())

    with serving(script) as server:
        with pytest.raises(MealignError, match=r"answers 503.*then run the same command again"):
            connect("chat", server.port, tmp_path, max_retries=0, concurrency=1).decide(inquiries(30))
        assert stored(tmp_path) == len(answered) > 0
    assert len(server.requests) < 30


def test_a_proxy_of_the_environment_is_not_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(lambda _: Response("by proxy")) as proxy, serving(lambda _: Response(said())) as server:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.anthropic)
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        connect("chat", server.port, tmp_path).decide(inquiries(2))
    assert proxy.requests == []
    assert len(server.requests) == 2
    assert not (tmp_path / "egress.jsonl").exists(), "nothing has left this machine"


@pytest.mark.parametrize("kind", KINDS)
def test_what_leaves_the_machine_is_written_down_without_a_word_of_it(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another machine's address, reached through a proxy on this one; a proxy of the environment is not asked."""
    with running(Manners()) as proxy, running(Manners()) as other:
        for name in ("http_proxy", "HTTP_PROXY"):
            monkeypatch.setenv(name, other.anthropic)
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        away = "http://models.example.org" + ("" if kind == "anthropic" else "/v1")
        model = connect(kind, 1, tmp_path, base_url=away, proxy=proxy.anthropic)
        model.decide(inquiries(2), description="certify graph")
        monkeypatch.delenv("http_proxy")
        monkeypatch.delenv("HTTP_PROXY")
        assert not other.counts()["arrived"]
        assert sum(proxy.counts()["answered"].values()) == 2
    lines = [json.loads(line) for line in (tmp_path / "egress.jsonl").read_text().splitlines()]
    assert len(lines) == 2
    for line in lines:
        assert set(line) == {
            "time", "address", "model", "purpose", "facts", "documents", "personal_tokens", "characters", "tokens",
            "request",
        }  # fmt: skip
        assert (line["address"], line["model"], line["purpose"]) == (away, "m", "certify graph")
        assert line["characters"] > line["tokens"] > 10
        assert (tmp_path / "cache" / f"{line['request']}.json").exists()
    assert "State" not in json.dumps(lines)


LIES: list[Any] = [
    None,
    {},
    {"prompt_tokens": -5, "completion_tokens": -1},
    {"prompt_tokens": 10**15, "completion_tokens": 10**15},
    {"prompt_tokens": "many", "completion_tokens": [1]},
    {"prompt_tokens": True, "completion_tokens": None},
    {"prompt_tokens": 1, "completion_tokens": 0},
    {"prompt_tokens": 1e6, "completion_tokens": 2.5},
]


@pytest.mark.parametrize("lie", LIES, ids=range(len(LIES)))
def test_a_server_that_lies_about_tokens_is_counted_for(lie: Any, tmp_path: Path) -> None:
    with serving(lambda _: Response(said(), usage=lie)) as server:
        (outcome,) = connect("chat", server.port, tmp_path).decide([INQUIRY])
    (request,) = server.requests
    size = len(json.dumps(request.body, ensure_ascii=False))
    assert outcome.usage.prompt_tokens == pytest.approx(size / 4, abs=1)
    assert outcome.usage.completion_tokens == pytest.approx(len(said()) / 4, abs=1)
    assert outcome.usage.cost_usd > 0


def counting(tokens: int) -> Callable[[Request], Response]:
    usage = {"prompt_tokens": tokens, "completion_tokens": 10}
    return lambda _: Response(said(), usage=usage)


def test_a_budget_of_calls_stops_cleanly_and_the_same_command_goes_on(tmp_path: Path) -> None:
    with serving(counting(300)) as server:
        message = r"judge\.max_calls=4: .*spent: 4 calls and \$1\.4000, and 4 of 10 requests .*raise judge\.max_calls"
        with pytest.raises(MealignError, match=message):
            connect("chat", server.port, tmp_path, max_calls=4).decide(inquiries(10))
        assert len(server.requests) == stored(tmp_path) == 4
        with pytest.raises(MealignError, match="4 of 10 requests"):
            connect("chat", server.port, tmp_path, max_calls=4).decide(inquiries(10))
        assert len(server.requests) == 4, "known answers count"
        outcomes = connect("chat", server.port, tmp_path, max_calls=10).decide(inquiries(10))
    assert all(isinstance(outcome, Decided) for outcome in outcomes)
    assert len(server.requests) == 10


@pytest.mark.parametrize("concurrency", [1, 16])
def test_a_budget_of_dollars_is_never_overspent_however_many_are_under_way(concurrency: int, tmp_path: Path) -> None:
    """A request costs $0.35; before its answer comes it may cost at most some $2.40, and that much is reserved."""
    with serving(counting(300)) as server:
        model = connect("chat", server.port, tmp_path, max_usd=5.0, concurrency=concurrency)
        with pytest.raises(MealignError, match=r"judge\.max_usd=5\.0: the budget is spent: \d+ calls"):
            model.decide(inquiries(40))
        spent = sum(
            outcome.usage.cost_usd for outcome in connect("chat", server.port, tmp_path).decide(inquiries(40)[:1])
        )
    assert spent == pytest.approx(0.35)
    assert 5.0 - 2.6 <= stored(tmp_path) * 0.35 <= 5.0


def test_a_budget_of_nothing_sends_nothing_and_known_answers_are_free_to_use(tmp_path: Path) -> None:
    with serving(counting(300)) as server:
        outcomes = connect("chat", server.port, tmp_path).decide(inquiries(3))
        sent = len(server.requests)
        assert connect("chat", server.port, tmp_path, max_usd=0.0).decide(inquiries(3)) == outcomes
        with pytest.raises(MealignError, match="3 of 4 requests"):
            connect("chat", server.port, tmp_path, max_usd=0.0).decide(inquiries(4))
        assert len(server.requests) == sent


def test_dollars_need_a_price(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"its price is unknown.*conf/prices\.yaml"):
        connect("chat", 1, tmp_path, max_usd=1.0, prices=PricesConfig())
    with serving(counting(300)) as server:
        (outcome,) = connect("chat", server.port, tmp_path, prices=PricesConfig()).decide(inquiries(1))
        assert outcome.usage.cost_usd == 0
        estimate = connect("chat", server.port, tmp_path, prices=PricesConfig()).estimate(inquiries(2))
    assert estimate.cost_usd is None


def test_an_estimate_asks_nothing_and_learns_from_what_is_known(tmp_path: Path) -> None:
    asked = [*inquiries(8), *inquiries(8)]
    with serving(counting(300)) as server:
        model = connect("chat", server.port, tmp_path, concurrency=2, requests_per_minute=None)
        before = model.estimate(asked)
        assert server.requests == []
        model.decide(asked[:2])
        after = connect("chat", server.port, tmp_path, requests_per_minute=3).estimate(asked)
        model.decide(asked)
        assert model.estimate(asked) == Estimate(0, 8, 0, 0, 0.0, 0.0)
    size = len(json.dumps(server.requests[0].body, ensure_ascii=False))
    assert (before.requests, before.known, before.minutes) == (8, 0, None)
    assert before.prompt_tokens == pytest.approx(8 * size / 4, abs=8)
    assert before.completion_tokens == 8 * 16
    assert before.cost_usd == pytest.approx(before.prompt_tokens / 1000 + before.completion_tokens / 200)
    assert (after.requests, after.known, after.completion_tokens) == (6, 2, 60)
    assert after.minutes == pytest.approx(2.0)


@pytest.mark.parametrize("kind", KINDS)
def test_the_key_comes_from_the_variable_that_is_named(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"):
        monkeypatch.setenv(name, "not-this-one")
    monkeypatch.setenv("MY_KEY", "mine")
    answer = Response(said()) if kind in WORDY else typed(kind, 0.75)
    with serving(lambda _: answer) as server:
        connect(kind, server.port, tmp_path, api_key_env="MY_KEY").decide(inquiries(1))
        connect(kind, server.port, tmp_path).decide(inquiries(2))
    first, second = server.requests
    assert first.headers["authorization"] == "Bearer mine"
    assert "not-this-one" not in str([first.headers, second.headers])


def test_the_digest_names_server_model_and_options() -> None:
    def digest(kind: str, port: int, **options: Any) -> str:
        return connect(kind, port, Path("unused"), **options).digest

    assert digest("chat", 1) == digest("chat", 1, concurrency=3)
    changed = [digest("chat", 1), digest("chat", 2), digest("chat", 1, model="n"), digest("chat", 1, temperature=None)]
    changed += [digest(kind, 1) for kind in ("anthropic", "decisions", "systemone")]
    assert len(set(changed)) == len(changed)


def test_lone_surrogates_can_be_asked_about(tmp_path: Path) -> None:
    with serving(lambda _: Response(said())) as server:
        (outcome,) = connect("chat", server.port, tmp_path).decide(
            [Inquiry("\ud800 and \U0001f600", {"verdict": VERDICT})]
        )
    assert isinstance(outcome, Decided)
    assert server.requests[0].body["messages"][-1]["content"] == "? and \U0001f600"


def test_nothing_asked_is_nothing_sent(tmp_path: Path) -> None:
    assert connect("chat", 1, tmp_path).decide([]) == []


def test_a_server_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"needs judge\.server\.model, and judge\.server\.base_url"):
        build_decision_model("systemone", ServerConfig(model="m"), cache=tmp_path, ledger=tmp_path, prices=PRICES)
