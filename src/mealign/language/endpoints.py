"""The parts of a vendor's adapter: a server, its requests, connections and responses, also in batches."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Generic, Protocol, TypeVar

from pydantic import StringConstraints

from mealign.addresses import is_loopback
from mealign.language.chat import Prompt, Schema
from mealign.language.decisions import Decided, Inquiry, Undecided
from mealign.language.egress import Personal
from mealign.language.prices import tokens_in
from mealign.language.settings import RequestLimits
from mealign.records import Record

BatchId = Annotated[str, StringConstraints(pattern=r"^[\w.:-]{1,200}$")]
"""What a server calls a batch or a file; it becomes part of an address."""
P = TypeVar("P", "ParsedReply", "WrittenReply")
"""What is read from a response."""


@dataclass(frozen=True)
class Server:
    """A model on a server.

    Attributes:
        model: the model's name there.
        url: the server's address, to which an API adds its path.
        key: the API key that is sent to the server.
        setting: the section of the settings that names it, for messages.
        proxy: the address of a proxy on the way to it.
        is_vendors: whether it is the vendor's own service, for which the environment may hold more settings.
    """

    model: str
    url: str
    key: str
    setting: str
    proxy: str | None = None
    is_vendors: bool = False

    @property
    def leaves(self) -> bool:
        """Whether what is sent to it leaves this machine."""
        return not (is_loopback(self.url) and (self.proxy is None or is_loopback(self.proxy)))


@dataclass(frozen=True)
class Request(Generic[P]):
    """One request and what is known before it is sent.

    ``read`` reads the body of a response to it, and raises :class:`NotThisApiError` for one of another API.
    ``personal`` says what of the body is the user's own; ``characters`` and ``size`` in bytes are those of the body as
    JSON, ``answer_tokens`` and ``max_new_tokens`` the expected and the maximum length of the answer, ``most_usd`` the
    maximum cost.
    """

    key: str
    body: dict[str, Any]
    read: Callable[[str], P]
    personal: Personal
    characters: int
    size: int
    answer_tokens: int
    max_new_tokens: int
    most_usd: float

    @property
    def tokens(self) -> int:
        """Estimated tokens of the request and its answer together."""
        return tokens_in(self.size) + self.answer_tokens


class NotThisApiError(ValueError):
    """The response is not one of the API that was used."""


def understood(request: Request[P], response: str) -> P:
    """Read the body of a response to a request.

    Raises:
        NotThisApiError: it is not a response of the API that was used, in whatever way.
    """
    try:
        return request.read(response)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise NotThisApiError from error


@dataclass(frozen=True)
class WrittenReply:
    """The content of a reply of a model that writes, without its cost.

    ``text`` is what the model wrote; ``prompt_tokens`` and ``completion_tokens`` are what the server claims, unchecked.
    """

    text: str
    prompt_tokens: object = None
    completion_tokens: object = None


@dataclass(frozen=True)
class ParsedReply:
    """The same of a model that decides, with what it decided."""

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


class AnyEndpoint(ABC):
    """One API on one server, whatever it is asked for. It uses plain HTTP unless a subclass overrides ``connect``.

    Attributes:
        path: the API's path on the server.
        api: the API's name, for messages.
        simply: whether this server has turned out to take simpler requests only.

    Args:
        server: the model on its server.
        limits: how it is asked.
    """

    path: ClassVar[str]
    api: ClassVar[str]

    def __init__(self, server: Server, limits: RequestLimits) -> None:
        self.server = server
        self.limits = limits
        self.simply = False

    def connect(self) -> Connection:
        """Open a connection; called inside the event loop that uses it."""
        from mealign.language.transport import HttpConnection

        return HttpConnection(self)

    def simpler(self, body: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return a simpler request that asks for the same, for a server that refuses ``body``; None: there is none."""
        return None


class Endpoint(AnyEndpoint):
    """One API on one server, through which a model decides.

    A subclass defines what is sent and how an answer is read.
    """

    @property
    def max_new_tokens(self) -> int:
        """Maximum length of an answer in tokens."""
        return self.limits.max_new_tokens

    @property
    def sampling(self) -> dict[str, float]:
        """The temperature as a field of a request; no field leaves it to the server."""
        return {} if self.limits.temperature is None else {"temperature": self.limits.temperature}

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


@dataclass(frozen=True)
class Sampling:
    """How an answer is drawn; None leaves it to the server."""

    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None

    def fields(self, *names: str) -> dict[str, float]:
        """Return what is given of these, as fields of a request."""
        return {name: value for name in names if (value := getattr(self, name)) is not None}


class WritingEndpoint(AnyEndpoint):
    """One API on one server, through which a model writes."""

    @abstractmethod
    def body(
        self, prompt: Prompt, *, max_new_tokens: int, sampling: Sampling, schema: Schema | None = None
    ) -> dict[str, Any]:
        """Return the request, as JSON values; with a schema, in the strictest way that the API has."""

    @abstractmethod
    def read(self, response: str) -> WrittenReply:
        """Read the body of a response.

        Raises:
            NotThisApiError: it is not a response of this API.
        """


class Batch(Record):
    """One batch that was, or may have been, submitted: ``id`` is None until the server has assigned one."""

    tag: str
    url: str
    path: str
    since: float
    keys: tuple[str, ...]
    id: BatchId | None = None


@dataclass(frozen=True)
class Result:
    """The result of one request of a batch: the body of its response, or the server's words about why there is none.

    Without a response, ``refused`` tells whether the server rejected the request, ``too_large`` whether the response
    was not read for its size, and ``unprocessed`` how the batch ended before the server came to it.
    """

    response: str | None
    refused: bool = False
    too_large: bool = False
    unprocessed: str = ""
    text: str = ""


@dataclass(frozen=True)
class Ended:
    """A batch that is no longer in progress.

    ``early`` says how it ended if not all of it was processed, as in "has failed"; ``results`` come one by one.
    """

    early: str
    results: AsyncGenerator[tuple[str, Result], None]


class BatchConnection(Protocol):
    """An open connection to a vendor's batch API, which repeats no request.

    Every method raises what the SDK raises, and :class:`NotThisApiError` for a response that is none of this API.
    """

    async def submit(self, requests: Sequence[Request[Any]], *, tag: str) -> str:
        """Submit a batch and return its id."""
        ...

    async def find(self, batch: Batch) -> str | None:
        """Return the id of a batch that was submitted before its id could be kept; None if there is none."""
        ...

    async def ended(self, batch: Batch) -> Ended | None:
        """Return the results of a batch that has an id; None while it is in progress."""
        ...

    async def close(self) -> None:
        """Close the connection."""
        ...
