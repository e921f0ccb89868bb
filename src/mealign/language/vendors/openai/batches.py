"""OpenAI's files and batches, found again by their metadata."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import openai

from mealign.language.batch_api import BatchApi, answered, identifier, word
from mealign.language.batches import CLOCKS
from mealign.language.endpoints import Batch, Ended, Endpoint, Request, Result
from mealign.language.vendors.openai.connection import OpenAIConnection

TAG = "mealign"
"""The metadata key under which a batch carries its tag."""
ENDED = {
    "completed": "",
    "failed": "has failed as a whole",
    "expired": "has expired",
    "cancelled": "was cancelled",
}
"""What is said of a batch by its status; with any other, it is in progress."""


class OpenAIBatches:
    """A :class:`~mealign.language.endpoints.BatchConnection` to ``/files`` and ``/batches``."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._path = f"/v1{endpoint.path}"
        self._api = BatchApi(
            lambda limits: OpenAIConnection(endpoint, limits=limits).client,
            endpoint.limits,
            stream=openai.AsyncStream,
        )

    async def submit(self, requests: Sequence[Request[Any]], *, tag: str) -> str:
        """Submit a batch as a file, and return the batch's id."""
        lines = [
            json.dumps(
                {"custom_id": request.key, "method": "POST", "url": self._path, "body": request.body},
                ensure_ascii=False,
            )
            for request in requests
        ]
        content = ("\n".join(lines) + "\n").encode()
        file = await self._api.post(
            "/files",
            {"purpose": "batch"},
            files=[("file", (f"{tag}.jsonl", content))],
            options={"headers": {"Content-Type": "multipart/form-data"}},
        )
        asked = {"endpoint": self._path, "completion_window": "24h", "metadata": {TAG: tag}}
        batch = await self._api.post("/batches", {"input_file_id": identifier(file.get("id")), **asked})
        return identifier(batch.get("id"))

    async def find(self, batch: Batch) -> str | None:
        """Return the id of the batch with this tag; None if there is none."""
        async for listed in self._api.pages("/batches", after="after"):
            if listed["created_at"] < batch.since - CLOCKS:
                break
            if (listed.get("metadata") or {}).get(TAG) == batch.tag:
                return identifier(listed.get("id"))
        return None

    async def ended(self, batch: Batch) -> Ended | None:
        """Return the results; None while the batch is in progress."""
        found = await self._api.get(f"/batches/{batch.id}")
        early = ENDED.get(word(found.get("status")))
        if early is None:
            return None
        files = [identifier(found[kind]) for kind in ("output_file_id", "error_file_id") if found.get(kind)]
        return Ended(early, self._results(files, early))

    async def _results(self, files: Sequence[str], early: str) -> AsyncGenerator[tuple[str, Result], None]:
        def read(line: dict[str, Any]) -> Result:
            response = line.get("response") or {}
            body, status = response.get("body"), response.get("status_code")
            if status == 200:
                return answered(body)
            text = json.dumps(body or line.get("error"))
            return Result(None, refused=status in (400, 413, 422), unprocessed="" if response else early, text=text)

        for file in files:
            async for found in self._api.results(f"/files/{file}/content", read):
                yield found

    async def close(self) -> None:
        """Close the connections."""
        await self._api.close()
