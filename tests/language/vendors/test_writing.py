"""Every vendor whose models write, against a real server: what is sent, what comes back, and every way to fail."""

import json
from pathlib import Path

import pytest

from mealign.errors import ConfigError, MealignError
from mealign.language.chat import Prompt, TextModel
from mealign.records import Message
from tests.defaults import LlmConfig
from tests.language.asking import writer
from tests.language.server import Request, Response, Server, in_turn, serving

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": False}
PROMPT: Prompt = (Message(role="system", content="Be brief."), Message(role="user", content="Secret of Nadia?"))
BACKENDS = ["openai", "anthropic"]


@pytest.fixture(autouse=True)
def _apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def connect(backend: str, server: Server, **changes: object) -> TextModel:
    address = server.openai if backend == "openai" else server.anthropic
    settings = {"backend": backend, "model": "m", "base_url": address, **changes}
    return writer(LlmConfig(**settings), Path())


def ask(model: TextModel, *prompts: Prompt) -> list[str]:
    return model.structured(prompts or [PROMPT], SCHEMA, max_new_tokens=32)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_structured_answer_comes_back_as_the_models_json(backend: str) -> None:
    with serving(in_turn(Response('{"a": 1}'))) as server:
        assert [json.loads(text) for text in ask(connect(backend, server))] == [{"a": 1}]
    (request,) = server.requests
    assert request.body["temperature"] == 0
    assert request.body["max_tokens"] == 32
    if backend == "openai":
        assert request.path == "/v1/chat/completions"
        assert request.body["response_format"]["json_schema"]["schema"] == SCHEMA
        assert json.dumps(SCHEMA) in request.prompt
    else:
        assert request.path == "/v1/messages"
        assert request.body["tools"][0]["input_schema"] == SCHEMA
        assert request.body["tool_choice"]["name"] == request.body["tools"][0]["name"]
        assert request.body["system"] == "Be brief."


@pytest.mark.parametrize("backend", BACKENDS)
def test_chat_gives_every_prompt_its_answers_in_order(backend: str) -> None:
    def echo(request: Request) -> Response:
        return Response(request.body["messages"][-1]["content"].upper())

    prompts = [(Message(role="user", content=text),) for text in "abcdefg"]
    with serving(echo) as server:
        model = connect(backend, server)
        assert model.chat(prompts, n=2, max_new_tokens=8, temperature=0.7) == [[text] * 2 for text in "ABCDEFG"]
        assert model.chat([], max_new_tokens=8) == []
    if backend == "openai":
        assert {request.body["seed"] for request in server.requests} == {0, 1}
    assert all("tools" not in request.body and "response_format" not in request.body for request in server.requests)


def test_a_server_that_refuses_schemas_is_asked_in_words_and_from_then_on_only_so() -> None:
    refused = Response(status=400)
    with serving(lambda request: refused if "response_format" in request.body else Response('{"a": 2}')) as server:
        model = connect("openai", server)
        assert ask(model) == ask(model) == ['{"a": 2}']
    assert ["response_format" in request.body for request in server.requests] == [True, False, False]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("text", ["no JSON at all", "```json\n{}\n```", '{"a": 1', ""])
def test_a_server_that_ignores_the_schema_gives_its_text(backend: str, text: str) -> None:
    with serving(in_turn(Response(text))) as server:
        assert ask(connect(backend, server)) == [text]


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_refusal_is_an_empty_answer(backend: str) -> None:
    with serving(in_turn(Response(None))) as server:
        assert ask(connect(backend, server)) == [""]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("failure", [Response(status=500), Response(status=429, headers={"Retry-After": "0.01"})])
def test_what_passes_is_asked_again(backend: str, failure: Response) -> None:
    with serving(in_turn(failure, Response("fine"))) as server:
        assert ask(connect(backend, server)) == ["fine"]
    assert len(server.requests) == 2


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("response", "message"),
    [
        (Response(status=401), "answers 401; check the key in the environment variable of api_key_env"),
        (Response(status=404), "answers 404; check the model's name and base_url"),
        (Response(status=422), "answers 422"),
        (Response(body=b"not JSON"), "no server with .* correct base_url"),
        (Response(body=b"<html>", headers={"Content-Type": "text/html"}), "no server with .* correct base_url"),
        (Response(body=b"{}"), "no server with .* correct base_url"),
    ],
)
def test_a_failure_names_the_server_and_the_mend_and_none_of_the_text(
    backend: str, response: Response, message: str
) -> None:
    """The scripted server quotes the prompt in its errors, as servers do."""
    with serving(lambda _: response) as server, pytest.raises(MealignError, match=message) as caught:
        ask(connect(backend, server))
    assert str(caught.value).startswith(f"http://127.0.0.1:{server.port}")
    assert "Nadia" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_redirect_is_not_followed(backend: str) -> None:
    with serving(lambda _: Response("stolen")) as elsewhere:
        away = Response(status=307, headers={"Location": f"{elsewhere.anthropic}/v1/messages"})
        with serving(lambda _: away) as server, pytest.raises(MealignError, match="answers 307"):
            ask(connect(backend, server))
    assert elsewhere.requests == []


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_proxy_of_the_environment_is_not_asked(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(lambda _: Response("by proxy")) as proxy, serving(in_turn(Response("direct"))) as server:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.anthropic)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        assert ask(connect(backend, server)) == ["direct"]
    assert proxy.requests == []


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_key_comes_from_the_variable_that_is_named(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"):
        monkeypatch.setenv(name, "not-this-one")
    monkeypatch.setenv("MY_KEY", "mine")
    with serving(lambda _: Response("fine")) as server:
        ask(connect(backend, server, api_key_env="MY_KEY"))
        ask(connect(backend, server))
        with pytest.raises(ConfigError, match="api_key_env=NO_SUCH_KEY: this environment variable is not set"):
            connect(backend, server, api_key_env="NO_SUCH_KEY")
    first, second = server.requests
    assert first.headers["authorization"] == "Bearer mine"
    assert "not-this-one" not in str([first.headers, second.headers])


def test_the_digest_names_server_and_model() -> None:
    def digest(model: str, port: int) -> str:
        return connect("openai", Server(port), model=model).digest

    assert digest("m", 1) == digest("m", 1)
    assert len({digest("m", 1), digest("other", 1), digest("m", 2)}) == 3
