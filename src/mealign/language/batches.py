"""Requests through a vendor's batch API: half the price, within a day, and found again by a run that was killed."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import httpx2

from mealign.errors import MealignError
from mealign.jsonl import read_records, write_records
from mealign.language.budget import Budget
from mealign.language.deciding_anthropic import AnthropicConnection
from mealign.language.deciding_openai import OpenAIConnection
from mealign.language.decisions import Undecided
from mealign.language.egress import Ledger
from mealign.language.endpoints import Endpoint, NotThisApiError, Reading
from mealign.language.replies import Reply, ReplyStore
from mealign.language.sending import KEPT, Request
from mealign.language.transport import RETRIES, TOO_LONG, explained, fault_of
from mealign.records import Record, content_id

TAG = "mealign"
MOST_REQUESTS = 50_000
MOST_BYTES = 90_000_000
"""What one batch may hold: below the limits of both vendors."""
CLOCKS = 300
"""Seconds by which the clocks of two machines may differ."""
FIRST_POLL, LONGEST_POLL = 2.0, 60.0
"""Seconds between two looks at a batch, at first and at most."""


class Batch(Record):
    """One batch that was, or may have been, handed in: ``id`` is None until the server has given it one."""

    tag: str
    url: str
    path: str
    since: float
    keys: tuple[str, ...]
    id: str | None = None


@dataclass(frozen=True)
class Result:
    """What became of one request: the body of its response, or the server's words about why there is none.

    ``refused`` tells whether the server will not have it, rather than did not come to it.
    """

    response: str | None
    refused: bool = False
    text: str = ""


class BatchConnection(Protocol):
    """An open way to a vendor's batch API."""

    async def submit(self, requests: Sequence[Request], *, tag: str) -> str:
        """Hand in a batch and return its id."""
        ...

    async def find(self, batch: Batch) -> str | None:
        """Return the id of a batch that was handed in before its id could be kept; None where there is none."""
        ...

    async def results(self, batch_id: str) -> Mapping[str, Result] | None:
        """Return what became of every request, by key; None while the batch is at work."""
        ...

    async def close(self) -> None:
        """Close what is open."""
        ...


class BatchApi(Protocol):
    """A vendor's batch API."""

    def connect(self) -> BatchConnection:
        """Open a way to it; called inside the event loop that uses it."""
        ...


async def collect(
    api: BatchApi,
    requests: Sequence[Request],
    *,
    endpoint: Endpoint,
    budget: Budget,
    store: ReplyStore,
    ledger: Ledger,
    purpose: str,
    on_answer: Callable[[Request, Reading, Reply], None],
    on_outcome: Callable[[], None],
) -> tuple[dict[str, Undecided], bool]:
    """Hand in what no earlier run has, wait for all of it, and keep every reply.

    A batch is written down, with its keys, before it is handed in, and with its id as soon as there is one.

    Returns:
        As :meth:`mealign.language.sending.Sending.send`.

    Raises:
        MealignError: the API cannot be asked, or a batch failed as a whole.
    """
    wanted = {request.key: request for request in requests}
    folder = store.folder / "batches"
    connection = api.connect()
    try:
        batches = [batch async for batch in _handed_in(connection, folder, endpoint, wanted)]
        waiting = {key for batch in batches for key in batch.keys}
        for key in waiting & wanted.keys():
            budget.take(key, wanted[key].most_usd)
        new = [request for key, request in wanted.items() if key not in waiting]
        affordable = [request for request in new if budget.take(request.key, request.most_usd)]
        for part in _parts(affordable):
            batches.append(await _hand_in(connection, folder, endpoint, part, ledger=ledger, purpose=purpose))
        failed: dict[str, Undecided] = {}
        for batch in batches:
            results = await _wait(connection, batch)
            for key in batch.keys:
                if key not in wanted:
                    continue
                undecided = _keep(wanted[key], results.get(key), endpoint, store, on_answer)
                if undecided is not None:
                    failed[key] = undecided
                    budget.release(key)
                on_outcome()
            _record(folder, batch).unlink(missing_ok=True)
        return failed, len(affordable) < len(new)
    except Exception as error:
        fault = fault_of(error)
        if fault is None:
            raise
        raise explained(fault, endpoint.url) from None
    finally:
        await connection.close()


async def _handed_in(
    connection: BatchConnection, folder: Path, endpoint: Endpoint, wanted: Mapping[str, Request]
) -> AsyncIterator[Batch]:
    """Yield the batches of earlier runs that hold something that is wanted."""
    for path in sorted(folder.glob("batch_*.json")):
        (batch,) = read_records(path, Batch)
        if (batch.url, batch.path) != (endpoint.url, endpoint.path) or not wanted.keys() & set(batch.keys):
            continue
        if batch.id is None:
            found = await connection.find(batch)
            if found is None:
                path.unlink()
                continue
            batch = batch.model_copy(update={"id": found})
            write_records(path, [batch])
        yield batch


async def _hand_in(
    connection: BatchConnection,
    folder: Path,
    endpoint: Endpoint,
    part: Sequence[Request],
    *,
    ledger: Ledger,
    purpose: str,
) -> Batch:
    keys = tuple(request.key for request in part)
    batch = Batch(
        tag=content_id("batch", sorted(keys)), url=endpoint.url, path=endpoint.path, since=time.time(), keys=keys
    )
    write_records(_record(folder, batch), [batch])
    for request in part:
        ledger.write(request.key, purpose=purpose, characters=request.characters, tokens=request.tokens)
    batch = batch.model_copy(update={"id": await connection.submit(part, tag=batch.tag)})
    write_records(_record(folder, batch), [batch])
    return batch


def _record(folder: Path, batch: Batch) -> Path:
    return folder / f"{batch.tag}.json"


async def _wait(connection: BatchConnection, batch: Batch) -> Mapping[str, Result]:
    pause = FIRST_POLL
    while (results := await connection.results(str(batch.id))) is None:
        await asyncio.sleep(pause)
        pause = min(LONGEST_POLL, 1.5 * pause)
    return results


def _keep(
    request: Request,
    result: Result | None,
    endpoint: Endpoint,
    store: ReplyStore,
    on_answer: Callable[[Request, Reading, Reply], None],
) -> Undecided | None:
    """Keep one reply; of a request that has none, return why."""
    if result is None or result.response is None:
        if result is None or not result.refused:
            return Undecided("unreachable")
        return Undecided("too_long" if TOO_LONG.search(result.text) else "refused", raw=result.text[:KEPT])
    try:
        reading = endpoint.read(result.response, request.inquiry)
    except NotThisApiError:
        return Undecided("malformed", raw=result.response[:KEPT])
    reply = Reply(text=result.response, batch=True)
    store.put(request.key, reply)
    on_answer(request, reading, reply)
    return None


def _parts(requests: Sequence[Request]) -> Iterator[list[Request]]:
    part: list[Request] = []
    size = 0
    for request in requests:
        if part and (len(part) == MOST_REQUESTS or size + request.size > MOST_BYTES):
            yield part
            part, size = [], 0
        part.append(request)
        size += request.size
    if part:
        yield part


class OpenAIBatches:
    """OpenAI's files and batches, found again by their metadata."""

    def __init__(self, *, url: str, path: str, key: str, timeout: float) -> None:
        self._options: dict[str, Any] = {"url": url, "path": path, "key": key, "timeout": timeout}

    def connect(self) -> BatchConnection:
        """Open a client."""
        return _OpenAIBatches(**self._options)


class _OpenAIBatches:
    def __init__(self, *, url: str, path: str, key: str, timeout: float) -> None:
        self._endpoint: Any = f"/v1{path}"
        self._client = OpenAIConnection(url, path, key=key, timeout=timeout, concurrency=1).client
        # Only the handing in must not happen twice.
        self._patient = self._client.with_options(max_retries=RETRIES)

    async def submit(self, requests: Sequence[Request], *, tag: str) -> str:
        lines = [
            json.dumps(
                {"custom_id": request.key, "method": "POST", "url": self._endpoint, "body": request.body},
                ensure_ascii=False,
            )
            for request in requests
        ]
        content = ("\n".join(lines) + "\n").encode()
        file = await self._patient.files.create(file=(f"{tag}.jsonl", content), purpose="batch")
        batch = await self._client.batches.create(
            input_file_id=file.id, endpoint=self._endpoint, completion_window="24h", metadata={TAG: tag}
        )
        return batch.id

    async def find(self, batch: Batch) -> str | None:
        async for listed in self._patient.batches.list(limit=100):
            if listed.created_at < batch.since - CLOCKS:
                break
            if (listed.metadata or {}).get(TAG) == batch.tag:
                return str(listed.id)
        return None

    async def results(self, batch_id: str) -> Mapping[str, Result] | None:
        batch = await self._patient.batches.retrieve(batch_id)
        if batch.status == "failed":
            raise MealignError(f"{self._client.base_url}: batch {batch_id} failed as a whole; see the vendor's console")
        if batch.status not in ("completed", "expired", "cancelled"):
            return None
        found: dict[str, Result] = {}
        for file in filter(None, (batch.output_file_id, batch.error_file_id)):
            content = await self._patient.files.content(file)
            for line in _objects(content.text):
                response = line.get("response") or {}
                body, status = response.get("body"), response.get("status_code")
                if status == 200:
                    found[line["custom_id"]] = Result(json.dumps(body, ensure_ascii=False))
                else:
                    refused = status in (400, 413, 422)
                    found[line["custom_id"]] = Result(None, refused, json.dumps(body or line.get("error")))
        return found

    async def close(self) -> None:
        await self._client.close()


class AnthropicBatches:
    """Anthropic's message batches, which carry no mark of ours: found again by time and number of requests."""

    def __init__(self, *, url: str, path: str, key: str, timeout: float) -> None:
        self._options: dict[str, Any] = {"url": url, "path": path, "key": key, "timeout": timeout}

    def connect(self) -> BatchConnection:
        """Open a client."""
        return _AnthropicBatches(**self._options)


class _AnthropicBatches:
    def __init__(self, *, url: str, path: str, key: str, timeout: float) -> None:
        self._client = AnthropicConnection(url, path, key=key, timeout=timeout, concurrency=1).client
        self._patient = self._client.with_options(max_retries=RETRIES)

    async def submit(self, requests: Sequence[Request], *, tag: str) -> str:
        items: Any = [{"custom_id": request.key, "params": request.body} for request in requests]
        return (await self._client.messages.batches.create(requests=items)).id

    async def find(self, batch: Batch) -> str | None:
        async for listed in self._patient.messages.batches.list(limit=100):
            if listed.created_at.timestamp() < batch.since - CLOCKS:
                break
            if sum(listed.request_counts.to_dict().values()) != len(batch.keys):  # type: ignore[arg-type]
                continue
            # Another batch may be as large; what it holds shows when it has ended.
            results = await self.results(listed.id)
            if results is None or set(results) == set(batch.keys):
                return str(listed.id)
        return None

    async def results(self, batch_id: str) -> Mapping[str, Result] | None:
        batch = await self._patient.messages.batches.retrieve(batch_id)
        if batch.processing_status != "ended":
            return None
        # Not `batches.results`: that goes, key and all, to whatever address the server names.
        response = await self._patient.get(f"/v1/messages/batches/{batch_id}/results", cast_to=httpx2.Response)
        found: dict[str, Result] = {}
        for line in _objects(response.text):
            result = line.get("result") or {}
            if result.get("type") == "succeeded":
                found[line["custom_id"]] = Result(json.dumps(result["message"], ensure_ascii=False))
            else:
                text = json.dumps(result.get("error"))
                found[line["custom_id"]] = Result(None, "invalid_request_error" in text, text)
        return found

    async def close(self) -> None:
        await self._client.close()


def _objects(text: str) -> Iterator[dict[str, Any]]:
    # Not `splitlines`, which also breaks a line at characters that JSON allows inside a text.
    for line in text.split("\n"):
        if line.strip():
            yield json.loads(line)
