"""Servers with OpenAI's API that decide: by typed decisions, or by chat held to a JSON schema."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import httpx2
import openai

from mealign.errors import ConfigError
from mealign.language.chat import with_schema
from mealign.language.decisions import Decided, Inquiry, Undecided
from mealign.language.distributions import distribution
from mealign.language.endpoints import NotThisApiError, Reading
from mealign.language.settings import PUBLIC_SERVERS, ChatBackend
from mealign.language.transport import async_http_client, body_of
from mealign.language.verbalised import prompt_of, read_answer, schema_of


class OpenAIConnection:
    """OpenAI's client, used for its keys, headers, addresses and errors; the transport sends again what fails.

    ``post`` with plain JSON both ways, since the typed methods check every field of a request that was built here and
    of a response that is checked here anyway: twice the processor time of a request.
    """

    def __init__(self, url: str, path: str, *, key: str, timeout: float, concurrency: int) -> None:
        # The whole address: of a path the SDK makes one for every request.
        self._address = url.rstrip("/") + path
        self.client = openai.AsyncOpenAI(
            api_key=key,
            base_url=url,
            timeout=timeout,
            max_retries=0,
            http_client=async_http_client(url, timeout=timeout, concurrency=concurrency),
        )

    async def send(self, body: Mapping[str, Any]) -> str:
        """Send one request and return the body of its response.

        Raises:
            openai.APIError: the server refused, failed or did not answer.
        """
        response = await self.client.post(self._address, body=body, cast_to=httpx2.Response)
        return body_of(response)

    async def close(self) -> None:
        """Close the connections."""
        await self.client.close()


class SchemaConnection(OpenAIConnection):
    """Sends a request again without ``response_format`` to a server that refuses it, and from then on only so."""

    _takes_schemas = True

    async def send(self, body: Mapping[str, Any]) -> str:
        """Send one request; the schema stands in its system message too."""
        if self._takes_schemas:
            try:
                return await super().send(body)
            except (openai.BadRequestError, openai.UnprocessableEntityError):
                pass
        text = await super().send({name: value for name, value in body.items() if name != "response_format"})
        self._takes_schemas = False
        return text


class ChatEndpoint:
    """``/chat/completions`` of OpenAI, vLLM, Ollama, llama.cpp, ``transformers serve``, ...: verbalised confidence.

    Args:
        model: the model's name on the server.
        url: the server's address up to ``/v1``.
        key: what the server is sent as bearer token.
        max_new_tokens: the longest answer.
        temperature: None leaves it to the server.
        timeout: seconds.
    """

    path = "/chat/completions"
    api = "OpenAI's chat API"

    def __init__(
        self, model: str, *, url: str, key: str, max_new_tokens: int, temperature: float | None, timeout: float
    ) -> None:
        self.model = model
        self.url = url
        self._key = key
        self._timeout = timeout
        # OpenAI refuses the old name of this limit, and the other servers know no other.
        limit = "max_completion_tokens" if url == PUBLIC_SERVERS[ChatBackend.openai] else "max_tokens"
        self._options = {limit: max_new_tokens, **({} if temperature is None else {"temperature": temperature})}

    def body(self, inquiry: Inquiry) -> dict[str, Any]:
        """Return a request with the questions as system message and schema, and the state as user message."""
        schema = schema_of(inquiry)
        messages = [message.model_dump() for message in with_schema(prompt_of(inquiry), schema)]
        form = {"type": "json_schema", "json_schema": {"name": "decision", "strict": True, "schema": schema}}
        return {"model": self.model, "messages": messages, "response_format": form, **self._options}

    def connect(self, *, concurrency: int) -> OpenAIConnection:
        """Open a client for so many requests at once."""
        return SchemaConnection(self.url, self.path, key=self._key, timeout=self._timeout, concurrency=concurrency)

    def read(self, response: str, inquiry: Inquiry) -> Reading:
        """Read a chat completion; a refusal, a filter or the end of the room is no decision.

        Raises:
            NotThisApiError: it is none.
        """
        answer = json_object(response)
        try:
            choice = answer["choices"][0]
            message = choice["message"]
            text, refusal, why = message.get("content"), message.get("refusal"), choice.get("finish_reason")
        except (KeyError, IndexError, TypeError, AttributeError) as error:
            raise NotThisApiError from error
        text = text if isinstance(text, str) else ""
        outcome: Decided | Undecided
        if refusal or why == "content_filter":
            text = str(refusal or text)
            outcome = Undecided("refused", raw=text)
        elif why == "length":
            outcome = Undecided("malformed", raw=text)
        else:
            outcome = read_answer(text, inquiry)
        return Reading(outcome, text, *claimed(answer, "prompt_tokens", "completion_tokens"))


class DecisionsEndpoint:
    """``/decisions``: typed questions about a text, answered with a probability for every choice."""

    path = "/decisions"
    api = "OpenAI's decisions API"

    def __init__(self, model: str, *, url: str, key: str, timeout: float) -> None:
        self.model = model
        self.url = url
        self._key = key
        self._timeout = timeout

    def body(self, inquiry: Inquiry) -> dict[str, Any]:
        """Return a request with one typed question for each.

        Raises:
            ConfigError: reasoning is asked for, for which the API has no place.
        """
        refuse_reasoning(inquiry, self.api)
        questions = [
            {
                "type": "choice",
                "name": name,
                "instructions": choice.instructions,
                "choices": [{"value": option, "description": text} for option, text in choice.options.items()],
            }
            for name, choice in inquiry.questions.items()
        ]
        return {"model": self.model, "input": inquiry.state, "questions": questions}

    def connect(self, *, concurrency: int) -> OpenAIConnection:
        """Open a client for so many requests at once."""
        return OpenAIConnection(self.url, self.path, key=self._key, timeout=self._timeout, concurrency=concurrency)

    def read(self, response: str, inquiry: Inquiry) -> Reading:
        """Read a decision; its answers come in the order of the questions.

        Raises:
            NotThisApiError: it is none.
        """
        body = json_object(response)
        answers = body.get("answers")
        if not isinstance(answers, list):
            raise NotThisApiError
        text = json.dumps(answers, ensure_ascii=False)
        outcome: Decided | Undecided
        try:
            if any(answer["type"] == "refusal" for answer in answers):
                outcome = Undecided("refused", raw=text)
            else:
                outcome = Decided(
                    {
                        name: _probabilities(answer, name, inquiry)
                        for answer, name in zip(answers, inquiry.questions, strict=True)
                    }
                )
        except (ValueError, KeyError, TypeError):
            outcome = Undecided("malformed", raw=text)
        # No text was written: the answers are the server's, not the model's.
        return Reading(outcome, "", *claimed(body, "input_tokens", "output_tokens"))


def refuse_reasoning(inquiry: Inquiry, api: str) -> None:
    """Say that typed decisions have no words.

    Raises:
        ConfigError: the inquiry asks for reasoning.
    """
    if inquiry.reasoning is not None:
        raise ConfigError(
            f"judge.template asks for reasoning, and {api} answers without words; choose a template without, "
            "or judge.server.api=chat"
        )


def json_object(response: str) -> dict[str, Any]:
    """Return a response's body as JSON object.

    Raises:
        NotThisApiError: it is none.
    """
    try:
        value = json.loads(response)
    except (ValueError, RecursionError) as error:
        raise NotThisApiError from error
    if not isinstance(value, dict):
        raise NotThisApiError
    return value


def claimed(body: Mapping[str, Any], *names: str) -> tuple[object, ...]:
    """Return what a response claims about its tokens, whatever that is; None where it claims nothing."""
    usage = body.get("usage")
    return tuple(usage.get(name) if isinstance(usage, dict) else None for name in names)


def _probabilities(answer: Mapping[str, Any], name: str, inquiry: Inquiry) -> dict[str, float]:
    if answer["type"] != "choice" or answer.get("name") not in (None, name):
        raise ValueError("this answers another question")
    said = {each["value"]: each["probability"] for each in answer["probabilities"]}
    if len(said) != len(answer["probabilities"]):
        raise ValueError("an option stands twice")
    return distribution(said, inquiry.questions[name])
