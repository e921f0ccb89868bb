"""Anthropic's message batches, which cannot carry a tag: they are found again by time and number of requests."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import anthropic

from mealign.language.batch_api import BatchApi, answered, identifier, word
from mealign.language.batches import CLOCKS
from mealign.language.endpoints import Batch, Ended, Endpoint, Request, Result
from mealign.language.vendors.anthropic.connection import AnthropicConnection

PATH = "/v1/messages/batches"
UNPROCESSED = {"expired": "has expired", "canceled": "was cancelled"}
"""What is said of a batch by the type of a result."""


class AnthropicBatches:
    """A :class:`~mealign.language.endpoints.BatchConnection` to ``/v1/messages/batches``."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._api = BatchApi(
            lambda limits: AnthropicConnection(endpoint, limits=limits).client,
            endpoint.limits,
            stream=anthropic.AsyncStream,
        )

    async def submit(self, requests: Sequence[Request[Any]], *, tag: str) -> str:
        """Submit a batch and return its id; the API has no place for the tag."""
        items = [{"custom_id": request.key, "params": request.body} for request in requests]
        return identifier((await self._api.post(PATH, {"requests": items})).get("id"))

    async def find(self, batch: Batch) -> str | None:
        """Return the id of a batch of that time with as many requests; None if there is none."""
        async for listed in self._api.pages(PATH, after="after_id"):
            if datetime.fromisoformat(listed["created_at"]).timestamp() < batch.since - CLOCKS:
                break
            if sum(listed["request_counts"].values()) != len(batch.keys):
                continue
            # Another batch may be as large; its contents are known only when it has ended.
            found = batch.model_copy(update={"id": identifier(listed.get("id"))})
            ended = await self.ended(found)
            if ended is None or {key async for key, _ in ended.results} == set(batch.keys):
                return found.id
        return None

    async def ended(self, batch: Batch) -> Ended | None:
        """Return the results; None while the batch is in progress."""
        found = await self._api.get(f"{PATH}/{batch.id}")
        if word(found.get("processing_status")) != "ended":
            return None
        # Not the address that the server names, to which the key would be sent.
        return Ended("", self._api.results(f"{PATH}/{batch.id}/results", _read))

    async def close(self) -> None:
        """Close the connections."""
        await self._api.close()


def _read(line: dict[str, Any]) -> Result:
    result = line["result"]
    if result["type"] == "succeeded":
        return answered(result["message"])
    text = json.dumps(result.get("error"))
    return Result(
        None,
        refused="invalid_request_error" in text,
        unprocessed=UNPROCESSED.get(result["type"], ""),
        text=text,
    )
