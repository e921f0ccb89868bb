"""OpenAI's files and batches, found again by their metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from mealign.errors import MealignError
from mealign.language.batches import CLOCKS
from mealign.language.endpoints import Batch, Endpoint, Request, Result
from mealign.language.responses import json_lines
from mealign.language.transport import RETRIES
from mealign.language.vendors.openai.connection import OpenAIConnection

TAG = "mealign"
"""The metadata key under which a batch carries its tag."""


class OpenAIBatches:
    """A :class:`~mealign.language.endpoints.BatchConnection` to ``/files`` and ``/batches``."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._path: Any = f"/v1{endpoint.path}"
        self._client = OpenAIConnection(endpoint, concurrency=1).client
        # Only the submission must not happen twice.
        self._patient = self._client.with_options(max_retries=RETRIES)

    async def submit(self, requests: Sequence[Request], *, tag: str) -> str:
        """Submit a batch as a file, and return the batch's id."""
        lines = [
            json.dumps(
                {"custom_id": request.key, "method": "POST", "url": self._path, "body": request.body},
                ensure_ascii=False,
            )
            for request in requests
        ]
        content = ("\n".join(lines) + "\n").encode()
        file = await self._patient.files.create(file=(f"{tag}.jsonl", content), purpose="batch")
        batch = await self._client.batches.create(
            input_file_id=file.id, endpoint=self._path, completion_window="24h", metadata={TAG: tag}
        )
        return batch.id

    async def find(self, batch: Batch) -> str | None:
        """Return the id of the batch with this tag; None if there is none."""
        async for listed in self._patient.batches.list(limit=100):
            if listed.created_at < batch.since - CLOCKS:
                break
            if (listed.metadata or {}).get(TAG) == batch.tag:
                return str(listed.id)
        return None

    async def results(self, batch_id: str) -> Mapping[str, Result] | None:
        """Return the result of every request, by key; None while the batch is in progress.

        Raises:
            MealignError: the batch failed as a whole.
        """
        batch = await self._patient.batches.retrieve(batch_id)
        if batch.status == "failed":
            raise MealignError(f"{self._client.base_url}: batch {batch_id} failed as a whole; see the vendor's console")
        if batch.status not in ("completed", "expired", "cancelled"):
            return None
        found: dict[str, Result] = {}
        for file in filter(None, (batch.output_file_id, batch.error_file_id)):
            content = await self._patient.files.content(file)
            for line in json_lines(content.text):
                response = line.get("response") or {}
                body, status = response.get("body"), response.get("status_code")
                if status == 200:
                    found[line["custom_id"]] = Result(json.dumps(body, ensure_ascii=False))
                else:
                    refused = status in (400, 413, 422)
                    found[line["custom_id"]] = Result(None, refused, json.dumps(body or line.get("error")))
        return found

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()
