"""A model that writes, through OpenAI's chat API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import openai

from mealign.errors import MealignError
from mealign.language.chat import Prompt, Schema, with_schema
from mealign.language.endpoints import Server
from mealign.language.transport import RETRIES, TIMEOUT, ask_each, ask_times, failures_explained, http_client
from mealign.language.vendors.openai.address import limit_name
from mealign.records import content_id


class OpenAIModel:
    """A model behind ``/chat/completions``, as a :class:`~mealign.language.chat.TextModel`.

    The server's address includes ``/v1``, and its key is sent as bearer token.
    """

    def __init__(self, server: Server) -> None:
        self._name = server.model
        self._url = server.url
        self._client = openai.OpenAI(
            api_key=server.key,
            base_url=server.url,
            timeout=TIMEOUT,
            max_retries=RETRIES,
            http_client=http_client(server.url),
        )
        self._limit = limit_name(server.url)
        self._takes_schemas = True
        self.digest = content_id("model", "openai", server.url, server.model)

    def chat(
        self,
        prompts: Sequence[Prompt],
        *,
        n: int = 1,
        max_new_tokens: int,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int = 0,
        batch_size: int = 32,
        description: str | None = None,
    ) -> list[list[str]]:
        """Return ``n`` answers per prompt, each from a request of its own: not every server supports ``n``.

        Batching is left to the server, and answers are reproducible with ``seed`` as far as it guarantees that.

        Raises:
            MealignError: the server refused, failed or did not answer.
        """
        del batch_size, description

        def ask(prompt: Prompt, index: int) -> str:
            sampling = {"top_p": top_p, "seed": seed + index} if temperature > 0 else {}
            with failures_explained(self._url, openai.APIError, ValueError):
                return self._create(prompt, max_new_tokens, temperature=temperature, **sampling)

        return ask_times(ask, prompts, n)

    def structured(
        self, prompts: Sequence[Prompt], schema: Schema, *, max_new_tokens: int, temperature: float | None = 0.0
    ) -> list[str]:
        """Return one answer per prompt; the server enforces the schema where it can.

        The schema is in the prompt too, for servers that ignore ``response_format``. A server that refuses it is asked
        without it, again and from then on.

        Raises:
            MealignError: the server refused, failed or did not answer.
        """
        form = {"type": "json_schema", "json_schema": {"name": "reply", "strict": True, "schema": dict(schema)}}
        options: dict[str, Any] = {} if temperature is None else {"temperature": temperature}

        def ask(prompt: Prompt) -> str:
            asked = with_schema(prompt, schema)
            with failures_explained(self._url, openai.APIError, ValueError):
                if self._takes_schemas:
                    try:
                        return self._create(asked, max_new_tokens, response_format=form, **options)
                    except (openai.BadRequestError, openai.UnprocessableEntityError):
                        pass
                text = self._create(asked, max_new_tokens, **options)
                self._takes_schemas = False
                return text

        return ask_each(ask, prompts)

    def _create(self, prompt: Prompt, max_new_tokens: int, **options: Any) -> str:
        messages: Any = [message.model_dump() for message in prompt]
        options[self._limit] = max_new_tokens
        completion = self._client.chat.completions.create(model=self._name, messages=messages, **options)
        try:
            return completion.choices[0].message.content or ""
        except (AttributeError, IndexError, TypeError):
            raise MealignError(
                f"{self._url}: what answers there is no server with OpenAI's chat API; correct base_url"
            ) from None
