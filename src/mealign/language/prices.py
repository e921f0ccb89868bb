"""What tokens are, cost, and can be: the price table, and what to believe of a server's count."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fnmatch import fnmatchcase

from mealign.language.decisions import Usage
from mealign.language.settings import PricesConfig

MILLION = 1_000_000
BYTES_A_TOKEN = 4
"""About what a token of English text takes."""
MOST_BYTES_A_TOKEN = 16
"""A count with more bytes to a token is no count."""
OVERHEAD = 1024
"""Tokens that a server may add to a request: the turns' marks, and its own words about tools."""


@dataclass(frozen=True)
class Price:
    """US dollars per million tokens, and what a batch costs of that."""

    prompt: float
    completion: float
    batch_factor: float

    def usd(self, prompt_tokens: int, completion_tokens: int, *, batch: bool) -> float:
        """Return what so many tokens cost."""
        whole = (self.prompt * prompt_tokens + self.completion * completion_tokens) / MILLION
        return whole * self.batch_factor if batch else whole


def price_of(model: str, prices: PricesConfig) -> Price | None:
    """Return the price of the first pattern that a model's name matches (``*`` and ``?``); None where none does."""
    for entry in prices.models:
        if fnmatchcase(model, entry.model):
            return Price(entry.prompt, entry.completion, prices.batch_factor)
    return None


def tokens_in(size: int) -> int:
    """Estimate the tokens in a text of so many bytes."""
    return math.ceil(size / BYTES_A_TOKEN)


def believed(prompt: object, completion: object, *, sent: int, received: int, limit: int) -> Usage:
    """Return a server's token counts where they can be true, and estimates where they are missing or cannot.

    No tokenizer in use makes more than one token of a byte, none packs many bytes into one on average, and no model
    writes more than it may.

    Args:
        prompt: what the server says that it read.
        completion: what the server says that it wrote.
        sent: bytes of the request.
        received: bytes of the answer's text.
        limit: tokens that an answer may have.
    """
    return Usage(
        prompt_tokens=_count(prompt, size=sent, most=sent + OVERHEAD),
        completion_tokens=_count(completion, size=received, most=max(limit, tokens_in(received))),
    )


def _count(said: object, *, size: int, most: int) -> int:
    if isinstance(said, int) and not isinstance(said, bool) and size // MOST_BYTES_A_TOKEN <= said <= most:
        return said
    return tokens_in(size)
