"""Requests to a model server: keys, clients, concurrency, and the meaning of failures.

For a model that writes, the SDKs themselves repeat requests: after a 408, 409, 429 or 5xx and after a lost connection,
at the time the server requests (``Retry-After``), else after a growing pause. A model that decides gets thousands of
requests, and :mod:`mealign.language.sending` repeats them.
"""

from __future__ import annotations

import math
import os
import re
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any, Literal, TypeVar

import httpx2

from mealign.addresses import is_loopback
from mealign.errors import ConfigError, MealignError

T = TypeVar("T")

TIMEOUT = 300.0
"""Seconds without an answer after which a request counts as lost; a long answer of a model on a CPU takes minutes."""
RETRIES = 4
CONCURRENCY = 4
"""Maximum requests in flight."""
NO_KEY = "none"
"""Sent to a server without keys, since the SDKs require a key."""
MENDS = {
    401: "check the key in the environment variable of api_key_env",
    403: "check the key in the environment variable of api_key_env",
    404: "check the model's name and base_url",
    429: "wait, or raise the limit there",
}


def http_client(base_url: str) -> httpx2.Client:
    """Return a client that connects to ``base_url`` and nowhere else."""
    # A redirect, or a proxy from the environment, would bypass the check of the address.
    return httpx2.Client(trust_env=not is_loopback(base_url), follow_redirects=False, timeout=TIMEOUT)


def async_http_client(base_url: str, *, timeout: float, concurrency: int) -> httpx2.AsyncClient:
    """Return a client that connects to ``base_url`` and nowhere else, with a connection per simultaneous request.

    It uses aiohttp, which both SDKs recommend for many simultaneous requests: its parser is compiled.
    """
    import openai

    return openai.DefaultAioHttpClient(
        verify=_certificates(),
        trust_env=not is_loopback(base_url),
        follow_redirects=False,
        timeout=timeout,
        limits=httpx2.Limits(max_connections=concurrency, max_keepalive_connections=concurrency),
    )


def body_of(response: httpx2.Response) -> str:
    """Return a response's body, which is JSON and thus UTF-8 (RFC 8259, 8.1), whatever its header says."""
    return response.content.decode("utf-8", "replace")


class HttpConnection:
    """Plain HTTP with a bearer token, for APIs that no SDK supports."""

    def __init__(self, url: str, *, key: str, timeout: float, concurrency: int) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {key}"}
        self._client = async_http_client(url, timeout=timeout, concurrency=concurrency)

    async def send(self, body: Mapping[str, Any]) -> str:
        """Send one request and return the body of its response.

        Raises:
            httpx2.HTTPError: the server refused, failed or did not answer.
        """
        response = await self._client.post(self._url, json=body, headers=self._headers)
        response.raise_for_status()
        return body_of(response)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


@cache
def _certificates() -> ssl.SSLContext:
    """Read the machine's certificates once: it takes 0.2 seconds, and a client is made for every call."""
    return httpx2.create_ssl_context()


def read_key(variable: str | None) -> str:
    """Return the key in an environment variable; a placeholder if no variable is named.

    Raises:
        ConfigError: the variable is not set.
    """
    if variable is None:
        return NO_KEY
    key = os.environ.get(variable, "")
    if not key:
        raise ConfigError(f"api_key_env={variable}: this environment variable is not set; set it to the server's key")
    return key


def ask_each(ask: Callable[[T], str], questions: Sequence[T]) -> list[str]:
    """Ask several questions concurrently; the answers are in the order of the questions.

    Raises:
        MealignError: the first failure, in that order.
    """
    with ThreadPoolExecutor(CONCURRENCY) as pool:
        # A lone surrogate is legal in JSON but cannot be written to a file.
        return [text.encode("utf-8", "replace").decode() for text in pool.map(ask, questions)]


def ask_times(ask: Callable[[T, int], str], questions: Sequence[T], n: int) -> list[list[str]]:
    """Ask every question ``n`` times, concurrently; ``ask`` is given the question and which time it is, from 0.

    Raises:
        MealignError: as :func:`ask_each`.
    """
    jobs = [(question, index) for question in questions for index in range(n)]
    answers = ask_each(lambda job: ask(*job), jobs)
    return [answers[start : start + n] for start in range(0, len(answers), n)]


@contextmanager
def failures_explained(base_url: str, *kinds: type[Exception]) -> Iterator[None]:
    """Convert an SDK's errors to one line without the server's words, which may quote the request.

    Raises:
        MealignError: what went wrong, with the address, the status or kind of error, and the remedy.
    """
    try:
        yield
    except kinds as error:
        status = getattr(error, "status_code", None)
        if status is None:
            what, mend = f"gives no answer ({type(error).__name__})", "start the server, or correct base_url"
        else:
            what = f"answers {status}"
            mend = MENDS.get(status, "see the server's log; a note may be too long for the model")
        raise MealignError(f"{base_url}: the model server {what}; {mend}; then run the same command again") from None


@dataclass(frozen=True)
class Fault:
    """What a failure means for this request and for the others.

    ``transient``: it may be sent again. ``fatal``: every other would fail too. ``rejected``: the server rejects this
    one. ``status`` is None without a response, and ``reached`` tells whether there is a server at all. ``wait`` is the
    number of seconds that the server asks to wait; ``text`` is its message, which may quote the request.
    """

    kind: Literal["transient", "fatal", "rejected"]
    name: str
    status: int | None = None
    reached: bool = True
    wait: float | None = None
    text: str = ""


TRANSIENT = frozenset({408, 409, 425, 429})
REJECTED = frozenset({400, 413, 422})
TOO_LONG = re.compile(
    r"context.{0,3}(?:length|window)|too (?:long|large|many tokens)|maximum.{0,20}(?:length|tokens)", re.I
)


def fault_of(error: BaseException) -> Fault | None:
    """Classify an exception of an SDK; None for one that is not a network error.

    Exceptions are recognised by their attributes, so that no unused SDK is imported: both SDKs wrap a response with an
    error status (``response``), and a lost connection (``__cause__``).
    """
    response = getattr(error, "response", None)
    if isinstance(response, httpx2.Response):
        return _fault_of_response(response, type(error).__name__)
    from aiohttp import ClientConnectorError, ClientError

    chain = list(_causes(error))
    lost = (httpx2.TransportError, ClientError, TimeoutError)
    if not any(isinstance(link, lost) for link in chain):
        return None
    never = any(isinstance(link, httpx2.UnsupportedProtocol | httpx2.LocalProtocolError) for link in chain)
    # The transport raises the same error for refused and lost connections; its causes differ.
    absent = any(isinstance(link, httpx2.ConnectError | httpx2.ProxyError | ClientConnectorError) for link in chain)
    return Fault("fatal" if never else "transient", type(chain[-1]).__name__, reached=not absent)


def _causes(error: BaseException) -> Iterator[BaseException]:
    link: BaseException | None = error
    while link is not None:
        yield link
        link = link.__cause__


def explained(fault: Fault, base_url: str) -> MealignError:
    """Return the error that ends a run, in one line and without the server's words."""
    if fault.status is None:
        what, mend = f"gives no answer ({fault.name})", "start the server, or correct base_url"
    else:
        what, mend = f"answers {fault.status}", MENDS.get(fault.status, "see the server's log")
    return MealignError(f"{base_url}: the model server {what}; {mend}; then run the same command again")


def _fault_of_response(response: httpx2.Response, name: str) -> Fault:
    status = response.status_code
    try:
        text = response.text
    except httpx2.HTTPError:
        text = ""
    kind: Literal["transient", "fatal", "rejected"] = "fatal"
    if status in TRANSIENT or status >= 500:
        # OpenAI also answers 429 to an account without money; waiting does not help.
        kind = "fatal" if "insufficient_quota" in text else "transient"
    elif status in REJECTED:
        kind = "rejected"
    return Fault(kind, name, status=status, wait=wait_of(response.headers), text=text)


def wait_of(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a server asks to wait (RFC 9110, 10.2.3); None if it does not, or not sensibly."""
    for name, unit in (("retry-after-ms", 1e-3), ("retry-after", 1.0)):
        value = headers.get(name)
        if value is None:
            continue
        try:
            seconds = float(value) * unit
        except ValueError:
            try:
                moment = parsedate_to_datetime(value)
            except ValueError:
                continue
            seconds = (moment - datetime.now(moment.tzinfo and UTC)).total_seconds()
        if math.isfinite(seconds) and seconds >= 0:
            return seconds
    return None
