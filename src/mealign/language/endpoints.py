"""The parts of a vendor's adapter: a server, its requests, connections and responses, also in batches."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from mealign.language.decisions import Decided, Inquiry, Undecided
from mealign.records import Record


@dataclass(frozen=True)
class Server:
    """A model on a server.

    Attributes:
        model: the model's name there.
        url: the server's address, to which an API adds its path.
        key: the API key that is sent to the server.
    """

    model: str
    url: str
    key: str


@dataclass(frozen=True)
class Request:
    """One request and what is known before it is sent.

    ``characters`` and ``size`` in bytes are those of the body as JSON, ``tokens`` is the estimate for the request and
    its answer together, ``most_usd`` the maximum cost.
    """

    key: str
    inquiry: Inquiry
    body: dict[str, Any]
    characters: int
    size: int
    tokens: int
    most_usd: float


class NotThisApiError(ValueError):
    """The response is not one of the API that was used."""


@dataclass(frozen=True)
class ParsedReply:
    """The content of a reply, without its cost.

    ``text`` is what the model wrote; ``prompt_tokens`` and ``completion_tokens`` are what the server claims, unchecked.
    """

    outcome: Decided | Undecided
    text: str
    prompt_tokens: object = None
    completion_tokens: object = None


class Connection(Protocol):
    """An open connection to a server; it belongs to one event loop."""

    async def send(self, body: Mapping[str, Any]) -> str:
        """Send one request and return the body of its response.

        Raises:
            Exception: what the SDK raises; :func:`mealign.language.transport.fault_of` classifies it.
        """
        ...

    async def close(self) -> None:
        """Close the connection."""
        ...


class Endpoint(ABC):
    """One API on one server, through which a model decides.

    A subclass defines what is sent and how an answer is read. It uses plain HTTP unless it overrides ``connect``.

    Attributes:
        path: the API's path on the server.
        api: the API's name, for messages.

    Args:
        server: the model on its server.
        max_new_tokens: maximum length of an answer.
        temperature: None leaves it to the server.
        timeout: seconds.
    """

    path: ClassVar[str]
    api: ClassVar[str]

    def __init__(self, server: Server, *, max_new_tokens: int, temperature: float | None, timeout: float) -> None:
        self.server = server
        self.max_new_tokens = max_new_tokens
        self.sampling = {} if temperature is None else {"temperature": temperature}
        self.timeout = timeout

    @abstractmethod
    def body(self, inquiry: Inquiry) -> dict[str, Any]:
        """Return the request, as JSON values.

        Raises:
            ConfigError: the API does not support this inquiry.
        """

    @abstractmethod
    def read(self, response: str, inquiry: Inquiry) -> ParsedReply:
        """Read the body of a response to this inquiry.

        Raises:
            NotThisApiError: it is not a response of this API.
        """

    def connect(self, *, concurrency: int) -> Connection:
        """Open a connection for this many simultaneous requests; called inside the event loop that uses it."""
        from mealign.language.transport import HttpConnection

        url = self.server.url.rstrip("/") + self.path
        return HttpConnection(url, key=self.server.key, timeout=self.timeout, concurrency=concurrency)


class Batch(Record):
    """One batch that was, or may have been, submitted: ``id`` is None until the server has assigned one."""

    tag: str
    url: str
    path: str
    since: float
    keys: tuple[str, ...]
    id: str | None = None


@dataclass(frozen=True)
class Result:
    """The result of one request of a batch: the body of its response, or the server's words about why there is none.

    ``refused`` tells whether the server rejected it, rather than not having processed it.
    """

    response: str | None
    refused: bool = False
    text: str = ""


class BatchConnection(Protocol):
    """An open connection to a vendor's batch API."""

    async def submit(self, requests: Sequence[Request], *, tag: str) -> str:
        """Submit a batch and return its id."""
        ...

    async def find(self, batch: Batch) -> str | None:
        """Return the id of a batch that was submitted before its id could be kept; None if there is none."""
        ...

    async def results(self, batch_id: str) -> Mapping[str, Result] | None:
        """Return the result of every request, by key; None while the batch is in progress."""
        ...

    async def close(self) -> None:
        """Close the connection."""
        ...
