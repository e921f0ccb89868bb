"""Anthropic's message batches, which cannot carry a tag: they are found again by time and number of requests."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import httpx2

from mealign.language.batches import CLOCKS
from mealign.language.endpoints import Batch, Endpoint, Request, Result
from mealign.language.responses import json_lines
from mealign.language.transport import RETRIES
from mealign.language.vendors.anthropic.connection import AnthropicConnection


class AnthropicBatches:
    """A :class:`~mealign.language.endpoints.BatchConnection` to ``/v1/messages/batches``."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._client = AnthropicConnection(endpoint, concurrency=1).client
        # Only the submission must not happen twice.
        self._patient = self._client.with_options(max_retries=RETRIES)

    async def submit(self, requests: Sequence[Request], *, tag: str) -> str:
        """Submit a batch and return its id; the API has no place for the tag."""
        items: Any = [{"custom_id": request.key, "params": request.body} for request in requests]
        return (await self._client.messages.batches.create(requests=items)).id

    async def find(self, batch: Batch) -> str | None:
        """Return the id of a batch of that time with as many requests; None if there is none."""
        async for listed in self._patient.messages.batches.list(limit=100):
            if listed.created_at.timestamp() < batch.since - CLOCKS:
                break
            if sum(listed.request_counts.to_dict().values()) != len(batch.keys):  # type: ignore[arg-type]
                continue
            # Another batch may be as large; its contents are known only when it has ended.
            results = await self.results(listed.id)
            if results is None or set(results) == set(batch.keys):
                return str(listed.id)
        return None

    async def results(self, batch_id: str) -> Mapping[str, Result] | None:
        """Return the result of every request, by key; None while the batch is in progress."""
        batch = await self._patient.messages.batches.retrieve(batch_id)
        if batch.processing_status != "ended":
            return None
        # Not `batches.results`, which sends the key to whatever address the server names.
        response = await self._patient.get(f"/v1/messages/batches/{batch_id}/results", cast_to=httpx2.Response)
        found: dict[str, Result] = {}
        for line in json_lines(response.text):
            result = line.get("result") or {}
            if result.get("type") == "succeeded":
                found[line["custom_id"]] = Result(json.dumps(result["message"], ensure_ascii=False))
            else:
                text = json.dumps(result.get("error"))
                found[line["custom_id"]] = Result(None, "invalid_request_error" in text, text)
        return found

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()
