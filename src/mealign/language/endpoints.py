"""What a vendor's adapter is made of: a server, and how it is asked to decide, reached and read, also in batches."""

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
        model: its name there.
        url: the server's address, to which an API adds its path.
        key: what the server is sent to be let in.
    """

    model: str
    url: str
    key: str


@dataclass(frozen=True)
class Request:
    """One request and what is known before it is sent.

    ``characters`` and ``size`` in bytes are those of the body as JSON, ``tokens`` what it is estimated to hold and to
    be answered with, ``most_usd`` what it can cost at most.
    """

    key: str
    inquiry: Inquiry
    body: dict[str, Any]
    characters: int
    size: int
    tokens: int
    most_usd: float


class NotThisApiError(ValueError):
    """What came back is no answer of the API that was asked."""


@dataclass(frozen=True)
class ParsedReply:
    """What a reply says, without its cost.

    ``text`` is what the model wrote, ``prompt_tokens`` and ``completion_tokens`` are what the server claims, whatever
    that is.
    """

    outcome: Decided | Undecided
    text: str
    prompt_tokens: object = None
    completion_tokens: object = None


class Connection(Protocol):
    """An open way to a server; it belongs to one event loop."""

    async def send(self, body: Mapping[str, Any]) -> str:
        """Send one request and return the body of its response.

        Raises:
            Exception: what the SDK raises; :func:`mealign.language.transport.fault_of` says what it means.
        """
        ...

    async def close(self) -> None:
        """Close what is open."""
        ...


class Endpoint(ABC):
    """One API on one server, by which a model decides.

    A subclass says what is sent and what an answer means. It is reached by plain HTTP unless it knows better.

    Attributes:
        path: where on the server the API answers.
        api: the API's name for a person.

    Args:
        server: who is asked.
        max_new_tokens: the longest answer.
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
            ConfigError: the API cannot ask such a thing.
        """

    @abstractmethod
    def read(self, response: str, inquiry: Inquiry) -> ParsedReply:
        """Read the body of a response to this inquiry.

        Raises:
            NotThisApiError: it is none.
        """

    def connect(self, *, concurrency: int) -> Connection:
        """Open a way to the server for so many requests at once; called inside the event loop that uses it."""
        from mealign.language.transport import HttpConnection

        url = self.server.url.rstrip("/") + self.path
        return HttpConnection(url, key=self.server.key, timeout=self.timeout, concurrency=concurrency)


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
    """What became of one request of a batch: the body of its response, or the server's words about why there is none.

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
