"""OpenAI's client for a model that decides; failed requests are repeated elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx2
import openai

from mealign.language.endpoints import Endpoint
from mealign.language.transport import async_http_client, body_of


class OpenAIConnection:
    """OpenAI's client, used for its keys, headers, addresses and errors.

    It uses ``post`` with plain JSON both ways, since the typed methods check every field of a request that was built
    here and of a response that is checked here anyway, which doubles the CPU time of a request.
    """

    def __init__(self, endpoint: Endpoint, *, concurrency: int) -> None:
        server, timeout = endpoint.server, endpoint.timeout
        # The complete address: from a path the SDK would build one for every request.
        self._address = server.url.rstrip("/") + endpoint.path
        self.client = openai.AsyncOpenAI(
            api_key=server.key,
            base_url=server.url,
            timeout=timeout,
            max_retries=0,
            http_client=async_http_client(server.url, timeout=timeout, concurrency=concurrency),
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
    """Repeats a request without ``response_format`` for a server that refuses it, and omits it from then on."""

    _takes_schemas = True

    async def send(self, body: Mapping[str, Any]) -> str:
        """Send one request; the schema is in its system message too."""
        if self._takes_schemas:
            try:
                return await super().send(body)
            except (openai.BadRequestError, openai.UnprocessableEntityError):
                pass
        text = await super().send({name: value for name, value in body.items() if name != "response_format"})
        self._takes_schemas = False
        return text
