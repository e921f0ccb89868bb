"""Whatever a server answers, an adapter reads it, or says that it is not of its API; it never raises anything else."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mealign.language.egress import Personal
from mealign.language.endpoints import NotThisApiError, Request, Server, understood
from mealign.language.prices import believed
from mealign.language.remote import writable
from mealign.language.vendors.anthropic.deciding import MessagesEndpoint
from mealign.language.vendors.anthropic.writing import MessagesWritingEndpoint
from mealign.language.vendors.openai.deciding import ChatEndpoint, DecisionsEndpoint
from mealign.language.vendors.openai.writing import ChatWritingEndpoint
from mealign.language.vendors.systemone import SystemOneEndpoint
from tests.defaults import ServerConfig
from tests.language.asking import INQUIRY

SERVER = Server("m", "http://127.0.0.1:1/v1", "k", "judge.server")
LIMITS = ServerConfig(model="m", base_url=SERVER.url)
DECIDING = [kind(SERVER, LIMITS) for kind in (ChatEndpoint, DecisionsEndpoint, MessagesEndpoint, SystemOneEndpoint)]
WRITING = [kind(SERVER, LIMITS) for kind in (ChatWritingEndpoint, MessagesWritingEndpoint)]
READERS = [*(lambda text, of=each: of.read(text, INQUIRY) for each in DECIDING), *(each.read for each in WRITING)]
NAMES = """
choices message content type text input answers verdict probabilities value probability usage refusal finish_reason
stop_reason name first second choice confidence
""".split()  # noqa: SIM905
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(10**400) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=10,
)


def shapes(value: Any) -> list[Any]:
    """The value at every level at which the APIs have something else."""
    answers = {"verdict": {"probabilities": value}}
    message = {"message": {"content": json.dumps(value)}, "finish_reason": value}
    return [
        value,
        {"choices": value},
        {"choices": [value]},
        {"choices": [{"message": value}], "usage": value},
        {"choices": [message], "usage": {"prompt_tokens": value, "completion_tokens": value}},
        {"answers": value},
        {"answers": [value]},
        {"answers": {"verdict": value}},
        {"answers": answers},
        {"answers": [{"type": "choice", "probabilities": value}]},
        {"content": value},
        {"content": [{"type": "text", "text": value}], "stop_reason": value},
        {"content": [{"type": "tool_use", "input": value}], "usage": {"input_tokens": value, "output_tokens": value}},
    ]


def read_by_all(text: str) -> None:
    for read in READERS:
        request: Any = Request("k", {}, read, Personal(), 1, 1, 1, 1, 0.0)
        with suppress(NotThisApiError):
            reply: Any = understood(request, text)
            assert isinstance(reply.text, str)
            writable(reply.text).encode()
            believed(reply.prompt_tokens, reply.completion_tokens, sent=1, received=len(writable(reply.text)), limit=64)


@given(ANYTHING)
@example(float("nan"))
def test_every_reply_is_read_or_is_none_of_the_api(value: Any) -> None:
    for shape in shapes(value):
        read_by_all(json.dumps(shape))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "{",
        "{" * 100_000,
        "[" * 100_000,
        "1" * 5000,
        "\ufeff{}",
        '{"choices": [{"message": {"content": "\\ud800"}}]}',
    ],
)
def test_a_reply_that_is_no_json_is_none_of_the_api(text: str) -> None:
    read_by_all(text)
