"""How much a server may answer: a reply is cut off at a limit while it arrives, before anything reads or keeps it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing

import httpx2

ERROR_BYTES = 100_000
"""Bytes that are read of a response with an error status; what comes after them says nothing more."""
HEADER_BYTES = 32_000
"""Bytes of all headers together, several times what vendors send; the parser alone would take a megabyte."""


class TooLargeError(Exception):
    """A reply is larger than ``limit`` bytes; the rest of it was not read."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"more than {limit} bytes")
        self.limit = limit


def bounded(limit: int) -> dict[str, list[Callable[[httpx2.Response], Awaitable[None]]]]:
    """Return what a client does with every response: of its body, at most ``limit`` bytes can be read.

    They are counted as they are unpacked, a piece at a time, so that a small body which unpacks to a large one is cut
    off too. A larger body raises :class:`TooLargeError`; that of an error, which is worth its status, just ends.
    Headers that are too long are no HTTP.
    """

    async def bound(response: httpx2.Response) -> None:
        if sum(len(name) + len(value) for name, value in response.headers.raw) > HEADER_BYTES:
            raise httpx2.RemoteProtocolError("the headers are too long")
        unpacked = httpx2.Response(response.status_code, headers=response.headers, stream=response.stream)
        response.stream = _Bounded(unpacked, limit)
        response.headers.pop("Content-Encoding", None)
        # JSON is UTF-8 (RFC 8259, 8.1); to an SDK, a header could name any codec that Python has.
        response.encoding = "utf-8"

    return {"response": [bound]}


class _Bounded(httpx2.AsyncByteStream):
    def __init__(self, response: httpx2.Response, limit: int) -> None:
        self._response = response
        self._limit = limit if response.is_success else min(limit, ERROR_BYTES)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = self._limit
        async with aclosing(self._response.aiter_bytes()) as pieces:
            async for piece in pieces:
                if len(piece) > left:
                    if self._response.is_success:
                        raise TooLargeError(self._limit)
                    yield piece[:left]
                    return
                left -= len(piece)
                yield piece

    async def aclose(self) -> None:
        await self._response.aclose()
