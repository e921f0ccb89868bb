"""What the batch APIs of both vendors have in common: JSON objects, lists by pages, and results as lines of JSON."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from dataclasses import replace
from typing import Any

import httpx2
from pydantic import TypeAdapter, ValidationError

from mealign.language.batches import MOST_REQUESTS
from mealign.language.endpoints import BatchId, NotThisApiError, Result
from mealign.language.responses import json_object
from mealign.language.settings import RequestLimits
from mealign.language.transport import body_of

OBJECT = 10_000_000
"""Bytes of an object or a page of a list, at most."""
BESIDE = 10_000
"""Bytes of a line beside the reply in it, at most."""
PAGES = 100
"""Pages of a list that are looked through, at most; a page has a hundred batches."""
NAMED = re.compile(rb'"custom_id"\s*:\s*"(\w{1,64})"')
IDENTIFIER: TypeAdapter[str] = TypeAdapter(BatchId)


class BatchApi:
    """Plain JSON over an SDK's client, which sends keys and headers; no request is repeated here.

    Args:
        connect: returns an SDK's client with these limits.
        limits: of the server.
        stream: the SDK's class for streams, by which its client leaves a body unread.
    """

    def __init__(self, connect: Callable[[RequestLimits], Any], limits: RequestLimits, *, stream: type) -> None:
        self._line = limits.max_reply_bytes + BESIDE
        self._client = connect(replace(limits, max_reply_bytes=OBJECT))
        self._results = connect(replace(limits, max_reply_bytes=MOST_REQUESTS * self._line))
        self._stream = stream

    async def get(self, path: str, **params: Any) -> dict[str, Any]:
        """Return an object."""
        response = await self._client.get(path, cast_to=httpx2.Response, options={"params": params})
        return json_object(body_of(response))

    async def post(self, path: str, body: Mapping[str, Any], **options: Any) -> dict[str, Any]:
        """Make an object and return it; the options are those of the SDK's client."""
        return json_object(body_of(await self._client.post(path, body=body, cast_to=httpx2.Response, **options)))

    async def pages(self, path: str, *, after: str) -> AsyncIterator[dict[str, Any]]:
        """Yield the objects of a list, the newest first; ``after`` is what the API calls the last one of a page."""
        params: dict[str, Any] = {"limit": 100}
        for _ in range(PAGES):
            page = await self.get(path, **params)
            data = page.get("data")
            if not isinstance(data, list) or not all(isinstance(each, dict) for each in data):
                raise NotThisApiError
            for each in data:
                yield each
            if not data or not page.get("has_more"):
                return
            params[after] = identifier(data[-1].get("id"))

    async def results(
        self, path: str, read: Callable[[dict[str, Any]], Result]
    ) -> AsyncGenerator[tuple[str, Result], None]:
        """Yield the results in a file of JSON lines, by key; lines that hold none are left out."""
        response = await self._results.get(path, cast_to=httpx2.Response, stream=True, stream_cls=self._stream)
        try:
            async for line, is_whole in _lines(response, self._line):
                if not is_whole:
                    if named := NAMED.search(line):
                        yield named[1].decode(), Result(None, too_large=True)
                    continue
                try:
                    item = json_object(line.decode("utf-8", "replace"))
                    key, result = item["custom_id"], read(item)
                except (ValueError, LookupError, TypeError, AttributeError):
                    continue
                yield str(key), result
        finally:
            await response.aclose()

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()
        await self._results.close()


def identifier(value: object) -> str:
    """Return what a server calls a batch or a file.

    Raises:
        NotThisApiError: it is no such name.
    """
    try:
        return IDENTIFIER.validate_python(value)
    except ValidationError as error:
        raise NotThisApiError from error


def word(value: object) -> str:
    """Return what a server says of a batch's state.

    Raises:
        NotThisApiError: it says nothing.
    """
    if not isinstance(value, str):
        raise NotThisApiError
    return value


def answered(body: object) -> Result:
    """Return the result of a request that was answered."""
    return Result(json.dumps(body, ensure_ascii=False))


async def _lines(response: httpx2.Response, most: int) -> AsyncIterator[tuple[bytes, bool]]:
    """Yield lines that are not empty, and whether they are whole: of one with more than ``most`` bytes, the beginning.

    Lines end at a line feed alone: JSON allows the other characters inside a text.
    """
    line, is_whole = bytearray(), True
    async for piece in response.aiter_bytes():
        for number, part in enumerate(piece.split(b"\n")):
            if number and line:
                yield bytes(line), is_whole
                line.clear()
                is_whole = True
            room = most - len(line)
            is_whole = is_whole and len(part) <= room
            line += part[:room]
    yield bytes(line), is_whole
