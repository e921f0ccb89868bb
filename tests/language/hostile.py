"""What a server can do that is out of its mind, byte for byte: replies without end, packed ones, drops, and no HTTP."""

import gzip
import itertools
import json
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import cache

from tests.language.server import Response

MEGABYTE = b'{"choices": ' + b" " * (1_000_000 - 12)
COUNT = 3000
"""Megabytes that are sent if nobody goes away."""


def _head(status: int = 200, *fields: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status} Said", "Content-Type: application/json", *fields, "", ""]).encode()


def plain(status: int = 200) -> Response:
    def pieces() -> Iterator[bytes]:
        yield _head(status, f"Content-Length: {COUNT * 1_000_000}", "Location: http://127.0.0.1:1/", "Retry-After: 0")
        yield from itertools.repeat(MEGABYTE, COUNT)

    return Response(pieces=pieces)


def until_it_closes() -> Response:
    return Response(pieces=lambda: itertools.chain([_head()], itertools.repeat(MEGABYTE, COUNT)))


def chunked(chunk: bytes = MEGABYTE, status: int = 200) -> Response:
    def pieces() -> Iterator[bytes]:
        yield _head(status, "Transfer-Encoding: chunked")
        yield from itertools.repeat(b"%x\r\n%b\r\n" % (len(chunk), chunk), COUNT * 1_000_000 // len(chunk))

    return Response(pieces=pieces)


@cache
def bomb(bits: int, layers: int) -> bytes:
    """A few kilobytes that unpack to 300 megabytes."""
    packer = zlib.compressobj(9, zlib.DEFLATED, bits)
    content = b"".join(packer.compress(MEGABYTE) for _ in range(300)) + packer.flush()
    for _ in range(layers - 1):
        packer = zlib.compressobj(9, zlib.DEFLATED, bits)
        content = packer.compress(content) + packer.flush()
    return content


def packed(encoding: str, status: int = 200, layers: int = 1) -> Response:
    content = bomb({"gzip": 31, "deflate": 15}[encoding], layers)
    head = _head(status, f"Content-Encoding: {', '.join([encoding] * layers)}", f"Content-Length: {len(content)}")
    return Response(pieces=lambda: [head, content])


def not_packed() -> Response:
    """Says that it is packed, and is not."""
    return Response(pieces=lambda: [_head(200, "Content-Encoding: gzip", "Content-Length: 4"), b"oops"])


def headers() -> Response:
    return Response(
        pieces=lambda: itertools.chain(
            [b"HTTP/1.1 200 OK\r\n"], (b"X-%d: %b\r\n" % (n, b"a" * 900) for n in range(10**6))
        )
    )


def one_header() -> Response:
    return Response(pieces=lambda: itertools.chain([b"HTTP/1.1 200 OK\r\nX: "], itertools.repeat(b"a" * 10_000, 10**5)))


def cookies() -> Response:
    fields = [f"Set-Cookie: c{number}={'x' * 4000}" for number in range(12)]
    return Response(pieces=lambda: [_head(200, "Content-Length: 2", *fields), b"{}"])


def informing() -> Response:
    return Response(pieces=lambda: itertools.repeat(b"HTTP/1.1 100 Continue\r\n\r\n", 10**6))


def drip() -> Response:
    def pieces() -> Iterator[bytes]:
        yield _head(200, "Content-Length: 1000")
        while True:
            time.sleep(0.05)
            yield b" "

    return Response(pieces=pieces)


def half() -> Response:
    return Response(pieces=lambda: [_head(200, "Content-Length: 1000"), b'{"choices": ['])


def nothing() -> Response:
    """Closes without a word."""
    return Response(pieces=list)


def late(seconds: float) -> Response:
    return Response(body=b"{}", delay=seconds)


def wrong_name() -> Response:
    """A reason phrase in no encoding."""
    return Response(pieces=lambda: [b"HTTP/1.1 200 \xff\xfe\r\nContent-Length: 2\r\n\r\n{}"])


def no_http() -> Response:
    return Response(pieces=lambda: [b"\x16\x03\x01\x02\x00 SSH-2.0 \r\n\r\n\x00"])


def odd_status() -> Response:
    return Response(pieces=lambda: [b"HTTP/1.1 999 What\r\nContent-Length: 2\r\n\r\n{}"])


def odd_charset(status: int = 200) -> Response:
    fields = [b"HTTP/1.1 %d What" % status, b"Content-Type: text/html; charset=hex", b"Content-Length: 2", b"", b"zz"]
    return Response(pieces=lambda: [b"\r\n".join(fields)])


def odd_location() -> Response:
    return Response(pieces=lambda: [b"HTTP/1.1 302 Go\r\nLocation: http://[::1/\x80\r\nContent-Length: 0\r\n\r\n"])


def error_in_json() -> Response:
    return Response(body=json.dumps({"error": {"message": "scripted", "type": "overloaded"}}).encode())


def deep() -> Response:
    return Response(body=b'{"choices": ' + b"[" * 200_000)


def digits() -> Response:
    return Response(body=b'{"choices": ' + b"9" * 200_000 + b"}")


def is_list() -> Response:
    return Response(body=b"[1, 2]")


TOO_LARGE: dict[str, Callable[[], Response]] = {
    "plain": plain,
    "until it closes": until_it_closes,
    "chunked": chunked,
    "small chunks": lambda: chunked(b"[1," * 200),
    "gzip": lambda: packed("gzip"),
    "deflate": lambda: packed("deflate"),
    "gzip in gzip": lambda: packed("gzip", layers=2),
}
"""More than anybody reads, with status 200."""
PASSING: dict[str, Callable[[], Response]] = {
    "an error without end": lambda: plain(500),
    "a packed error without end": lambda: packed("gzip", 503),
    "a 429 without end": lambda: chunked(status=429),
    "not packed": not_packed,
    "headers": headers,
    "one header": one_header,
    "informing": informing,
    "cookies": cookies,
    "drip": drip,
    "half": half,
    "nothing": nothing,
    "late": lambda: late(30),
    "wrong name": wrong_name,
    "no HTTP": no_http,
    "odd status": odd_status,
    "an error in an odd charset": lambda: odd_charset(500),
}
"""What is tried again."""
USELESS: dict[str, Callable[[], Response]] = {
    "a redirect without end": lambda: plain(302),
    "a redirect to nowhere": odd_location,
    "an error in JSON": error_in_json,
    "deep": deep,
    "digits": digits,
    "a list": is_list,
    "an odd charset": odd_charset,
}
"""What is no answer, and is none the second time."""


def packed_answer(text: bytes) -> Iterable[bytes]:
    """A response as a good server packs it."""
    return [_head(200, "Content-Encoding: gzip"), gzip.compress(text)]
