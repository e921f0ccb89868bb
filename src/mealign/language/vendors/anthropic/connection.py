"""Anthropic's client; failed requests are repeated elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import anthropic
import httpx2

from mealign.language.endpoints import AnyEndpoint
from mealign.language.settings import RequestLimits
from mealign.language.transport import async_http_client, body_of, environment_for


class AnthropicConnection:
    """Anthropic's client, used for its keys, headers, addresses and errors.

    Args:
        endpoint: the API on its server.
        limits: others than the endpoint's.
    """

    def __init__(self, endpoint: AnyEndpoint, *, limits: RequestLimits | None = None) -> None:
        server, limits = endpoint.server, limits or endpoint.limits
        self._path = endpoint.path
        with environment_for(server):
            self.client = anthropic.AsyncAnthropic(
                api_key=server.key,
                base_url=server.url,
                timeout=limits.timeout,
                max_retries=0,
                http_client=async_http_client(server, limits),
                # Compatible servers know only this header.
                default_headers={"x-api-key": server.key},
                # Spans could carry prompts to wherever the environment sends them.
                open_telemetry=False,
            )

    async def send(self, body: Mapping[str, Any]) -> str:
        """Send one request and return the body of its response.

        Raises:
            anthropic.APIError: the server refused, failed or did not answer.
        """
        response = await self.client.post(self._path, body=body, cast_to=httpx2.Response)
        return body_of(response)

    async def close(self) -> None:
        """Close the connections."""
        await self.client.close()
