"""Requests through a vendor's batch API: half the price, within a day, and resumable after a run was killed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from pathlib import Path

from mealign.jsonl import read_records, write_records
from mealign.language.budget import Budget
from mealign.language.decisions import Undecided
from mealign.language.egress import Ledger
from mealign.language.endpoints import Batch, BatchConnection, Endpoint, NotThisApiError, ParsedReply, Request, Result
from mealign.language.replies import Reply, ReplyStore
from mealign.language.sending import KEPT
from mealign.language.transport import TOO_LONG, explained, fault_of
from mealign.records import content_id

MOST_REQUESTS = 50_000
MOST_BYTES = 90_000_000
"""Size limit of one batch, below the limits of both vendors."""
CLOCKS = 300
"""Seconds by which the clocks of two machines may differ."""
FIRST_POLL, LONGEST_POLL = 2.0, 60.0
"""Seconds between two polls of a batch, at first and at most."""


async def collect(
    connect: Callable[[], BatchConnection],
    requests: Sequence[Request],
    *,
    endpoint: Endpoint,
    budget: Budget,
    store: ReplyStore,
    ledger: Ledger,
    purpose: str,
    on_answer: Callable[[Request, ParsedReply, Reply], None],
    on_outcome: Callable[[], None],
) -> tuple[dict[str, Undecided], bool]:
    """Submit what no earlier run has submitted, wait for everything, and keep every reply.

    A batch is recorded, with its keys, before it is submitted, and with its id as soon as there is one.

    Returns:
        See :meth:`mealign.language.sending.Sending.send`.

    Raises:
        MealignError: the API cannot be used, or a batch failed as a whole.
    """
    wanted = {request.key: request for request in requests}
    folder = store.folder / "batches"
    connection = connect()
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
        raise explained(fault, endpoint.server.url) from None
    finally:
        await connection.close()


async def _handed_in(
    connection: BatchConnection, folder: Path, endpoint: Endpoint, wanted: Mapping[str, Request]
) -> AsyncIterator[Batch]:
    """Yield the batches of earlier runs that hold any of the requests."""
    for path in sorted(folder.glob("batch_*.json")):
        (batch,) = read_records(path, Batch)
        if (batch.url, batch.path) != (endpoint.server.url, endpoint.path) or not wanted.keys() & set(batch.keys):
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
        tag=content_id("batch", sorted(keys)), url=endpoint.server.url, path=endpoint.path, since=time.time(), keys=keys
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
    on_answer: Callable[[Request, ParsedReply, Reply], None],
) -> Undecided | None:
    """Keep one reply; return why where a request has none."""
    if result is None or result.response is None:
        if result is None or not result.refused:
            return Undecided("unreachable")
        return Undecided("too_long" if TOO_LONG.search(result.text) else "refused", raw=result.text[:KEPT])
    try:
        parsed = endpoint.read(result.response, request.inquiry)
    except NotThisApiError:
        return Undecided("malformed", raw=result.response[:KEPT])
    reply = Reply(text=result.response, batch=True)
    store.put(request.key, reply)
    on_answer(request, parsed, reply)
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
