"""Requests to a model server: whose key, through which client, how many at a time, and what a failure says.

Requests are sent again by the SDKs themselves: after a 408, 409, 429 or 5xx and after a lost connection, at the time
the server asks for (``Retry-After``), else after a growing pause.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import httpx2

from mealign.errors import ConfigError, MealignError
from mealign.language.egress import is_loopback

T = TypeVar("T")

TIMEOUT = 300.0
"""Seconds without an answer after which a request counts as lost; a long answer of a model on a CPU takes minutes."""
RETRIES = 4
CONCURRENCY = 4
"""Requests that are under way at once."""
NO_KEY = "none"
"""What a server without keys is sent, since the SDKs insist on a key."""
MENDS = {
    401: "check the key in the environment variable of api_key_env",
    403: "check the key in the environment variable of api_key_env",
    404: "check the model's name and base_url",
    429: "wait, or raise the limit there",
}


def http_client(base_url: str) -> httpx2.Client:
    """Return a client that goes to ``base_url`` and nowhere else."""
    # A redirect, or a proxy of the environment, would carry off what the check of the address has kept here.
    return httpx2.Client(trust_env=not is_loopback(base_url), follow_redirects=False, timeout=TIMEOUT)


def read_key(variable: str | None) -> str:
    """Return the key in an environment variable; a stand-in where none is named.

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
    """Ask several questions at once; the answers come in the order of the questions.

    Raises:
        MealignError: the first failure, in that order.
    """
    with ThreadPoolExecutor(CONCURRENCY) as pool:
        # A lone surrogate is legal in JSON and cannot be written to a file.
        return [text.encode("utf-8", "replace").decode() for text in pool.map(ask, questions)]


@contextmanager
def failures_explained(base_url: str, *kinds: type[Exception]) -> Iterator[None]:
    """Turn an SDK's errors into one line without the server's words, which may quote what it was sent.

    Raises:
        MealignError: whatever went wrong, with the address, the status or kind, and the mend.
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
