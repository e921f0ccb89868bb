"""What a server that decides is: how it is asked, how it is reached, and how its answer is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from mealign.language.decisions import Decided, Inquiry, Undecided


class NotThisApiError(ValueError):
    """What came back is no answer of the API that was asked."""


@dataclass(frozen=True)
class Reading:
    """What a response says, without its cost.

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


class Endpoint(Protocol):
    """One API of one server.

    ``url`` is the server's address, ``path`` where on it the API answers, ``model`` the model's name there and
    ``api`` the API's name for a person.
    """

    url: str
    path: str
    model: str
    api: str

    def body(self, inquiry: Inquiry) -> dict[str, Any]:
        """Return the request, as JSON values.

        Raises:
            ConfigError: the API cannot ask such a thing.
        """
        ...

    def connect(self, *, concurrency: int) -> Connection:
        """Open a way to the server for so many requests at once; called inside the event loop that uses it."""
        ...

    def read(self, response: str, inquiry: Inquiry) -> Reading:
        """Read the body of a response to this inquiry.

        Raises:
            NotThisApiError: it is none.
        """
        ...
