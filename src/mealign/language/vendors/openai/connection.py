"""OpenAI's client; failed requests are repeated elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx2
import openai

from mealign.language.endpoints import AnyEndpoint
from mealign.language.settings import RequestLimits
from mealign.language.transport import async_http_client, body_of, environment_for


class OpenAIConnection:
    """OpenAI's client, used for its keys, headers, addresses and errors.

    It uses ``post`` with plain JSON both ways, since the typed methods check every field of a request that was built
    here and of a response that is checked here anyway, which doubles the CPU time of a request.

    Args:
        endpoint: the API on its server.
        limits: others than the endpoint's.
    """

    def __init__(self, endpoint: AnyEndpoint, *, limits: RequestLimits | None = None) -> None:
        server, limits = endpoint.server, limits or endpoint.limits
        # The complete address: from a path the SDK would build one for every request.
        self._address = server.url.rstrip("/") + endpoint.path
        with environment_for(server):
            self.client = openai.AsyncOpenAI(
                api_key=server.key,
                base_url=server.url,
                timeout=limits.timeout,
                max_retries=0,
                http_client=async_http_client(server, limits),
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
