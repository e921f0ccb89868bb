"""Requests to a model server: keys, clients, and the meaning of failures."""

from __future__ import annotations

import math
import os
import re
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, Literal

import httpx2

from mealign.errors import ConfigError, MealignError, causes
from mealign.language.bounded import TooLargeError, bounded
from mealign.language.settings import RequestLimits

if TYPE_CHECKING:
    from mealign.language.endpoints import AnyEndpoint, Server

VENDORS = ("OPENAI_", "ANTHROPIC_")
"""How the names of variables begin that the SDKs read."""
NO_KEY = "none"
"""Sent to a server without keys, since the SDKs require a key."""
MENDS = {
    401: "check the key in the environment variable of api_key_env",
    403: "check the key in the environment variable of api_key_env",
    404: "check the model's name and base_url",
    429: "wait, or raise the limit there",
}


@contextmanager
def environment_for(server: Server) -> Iterator[None]:
    """Hide, while an SDK's client is made, what the environment sets for the vendors' own services.

    Organisation, project, custom headers with a gateway's key and other credentials are sent to no other server.
    """
    hidden = {} if server.is_vendors else {name: os.environ[name] for name in os.environ if name.startswith(VENDORS)}
    for name in hidden:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(hidden)


def async_http_client(server: Server, limits: RequestLimits) -> httpx2.AsyncClient:
    """Return a client that connects to a server and nowhere else, with a connection per simultaneous request.

    The environment's proxies are for the vendors' own services alone. It uses aiohttp, which both SDKs recommend for
    many simultaneous requests: its parser is compiled.
    """
    import openai

    most = limits.concurrency
    return openai.DefaultAioHttpClient(
        verify=_certificates(),
        trust_env=server.is_vendors,
        proxy=server.proxy,
        follow_redirects=False,
        timeout=limits.timeout,
        # Whatever a server wants to be remembered, it is not.
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        limits=httpx2.Limits(max_connections=most, max_keepalive_connections=most),
        event_hooks=bounded(limits.max_reply_bytes),
    )


def body_of(response: httpx2.Response) -> str:
    """Return a response's body, which is JSON and thus UTF-8, whatever its header says."""
    return response.content.decode("utf-8", "replace")


class HttpConnection:
    """Plain HTTP with a bearer token, for APIs that no SDK supports."""

    def __init__(self, endpoint: AnyEndpoint) -> None:
        self._url = endpoint.server.url.rstrip("/") + endpoint.path
        self._headers = {"Authorization": f"Bearer {endpoint.server.key}"}
        self._client = async_http_client(endpoint.server, endpoint.limits)

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
        ConfigError: the variable is not set, or what it holds can be no key.
    """
    if variable is None:
        return NO_KEY
    key = os.environ.get(variable, "")
    if not key:
        raise ConfigError(f"api_key_env={variable}: this environment variable is not set; set it to the server's key")
    if not (key.isascii() and key.isprintable()) or key != key.strip():
        # No header can carry it.
        raise ConfigError(
            f"api_key_env={variable}: the key in this environment variable has a space around it, a line break or a "
            "letter that no key has; set it to the server's key alone"
        )
    return key


@dataclass(frozen=True)
class Fault:
    """What a failure means for this request and for the others.

    ``transient``: it may be sent again. ``fatal``: every other would fail too. ``rejected``: the server rejects this
    one. ``too_large``: its reply has more bytes than are read. ``status`` is None without a response, and ``reached``
    tells whether there is a server at all, and so whether anything was sent. ``wait`` is the number of seconds that the
    server asks to wait; ``text`` is its message, which may quote the request.
    """

    kind: Literal["transient", "fatal", "rejected", "too_large"]
    name: str
    status: int | None = None
    reached: bool = True
    wait: float | None = None
    text: str = ""

    @property
    def billed(self) -> bool:
        """Whether the request may have to be paid for: the server does not say that it did not do it."""
        return self.reached and (self.status is None or self.status >= 500)


TRANSIENT = frozenset({408, 409, 425, 429})
REJECTED = frozenset({400, 413, 422})
TOO_LONG = re.compile(
    r"context.{0,3}(?:length|window)|too (?:long|large|many tokens)|maximum.{0,20}(?:length|tokens)", re.I
)


def fault_of(error: BaseException) -> Fault | None:
    """Classify an exception of an SDK; None for one that no server can cause.

    Exceptions are recognised by their attributes, so that no unused SDK is imported: both SDKs wrap a response with an
    error status (``response``), and a lost connection (``__cause__``).
    """
    response = getattr(error, "response", None)
    if isinstance(response, httpx2.Response):
        return _fault_of_response(response, type(error).__name__)
    from aiohttp import ClientConnectorError, ClientError

    chain = list(causes(error))
    if told_by(error):
        return None
    if isinstance(chain[-1], TooLargeError):
        return Fault("too_large", type(chain[-1]).__name__)
    # A response that is no HTTP is a ValueError to some of what reads it.
    lost = (httpx2.RequestError, ClientError, OSError, ValueError)
    if not any(isinstance(link, lost) for link in chain):
        return None
    never = any(isinstance(link, httpx2.UnsupportedProtocol | httpx2.LocalProtocolError) for link in chain)
    # The transport raises the same error for refused and lost connections; its causes differ.
    absent = any(isinstance(link, httpx2.ConnectError | httpx2.ProxyError | ClientConnectorError) for link in chain)
    return Fault("fatal" if never else "transient", type(chain[-1]).__name__, reached=not absent)


def told_by(error: BaseException) -> MealignError | None:
    """Return the message for the user behind an SDK's exception, if something of ours raised one."""
    return next((link for link in causes(error) if isinstance(link, MealignError)), None)


def explained(fault: Fault, endpoint: AnyEndpoint) -> MealignError:
    """Return the error that ends a run, in one line and without the server's words."""
    limits, setting = endpoint.limits, endpoint.server.setting
    if fault.kind == "too_large":
        what = f"answers with more than {setting}.max_reply_bytes={limits.max_reply_bytes}, and nothing of it was kept"
        mend = "raise that, or see what answers there"
    elif fault.status is None:
        what, mend = f"gives no answer ({fault.name})", "start the server, or correct base_url"
    else:
        what, mend = f"answers {fault.status}", MENDS.get(fault.status, "see the server's log")
    return MealignError(f"{endpoint.server.url}: the model server {what}; {mend}; then run the same command again")


def no_such_server(endpoint: AnyEndpoint) -> MealignError:
    """Return the error that what answers has another API."""
    url = endpoint.server.url
    return MealignError(f"{url}: what answers there is no server with {endpoint.api}; correct base_url")


def _fault_of_response(response: httpx2.Response, name: str) -> Fault:
    status = response.status_code
    try:
        text = body_of(response)
    except httpx2.StreamError:
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
            if (moment := _moment(value)) is None:
                continue
            # By the server's own clock: ours may be wrong by years.
            seconds = (moment - (_moment(headers.get("date", "")) or datetime.now(UTC))).total_seconds()
        if math.isfinite(seconds) and seconds >= 0:
            return seconds
    return None


def _moment(text: str) -> datetime | None:
    """Return the moment that a header names (RFC 9110, 5.6.7); None if it names none."""
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
