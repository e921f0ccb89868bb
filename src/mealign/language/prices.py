"""Token counts and prices: estimates, the price table, and which of a server's counts to believe."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fnmatch import fnmatchcase

from mealign.language.decisions import Usage
from mealign.language.settings import PricesConfig

MILLION = 1_000_000
BYTES_A_TOKEN = 4
"""Approximate bytes per token of English text."""
MOST_BYTES_A_TOKEN = 16
"""A count with more bytes per token is not believed."""
OVERHEAD = 1024
"""Tokens that a server may add to a request: turn markers, and its own text about tools."""


@dataclass(frozen=True)
class Price:
    """US dollars per million tokens, and the share of it that a batch costs."""

    prompt: float
    completion: float
    batch_factor: float

    def usd(self, prompt_tokens: int, completion_tokens: int, *, batch: bool) -> float:
        """Return the cost of these tokens in US dollars."""
        whole = (self.prompt * prompt_tokens + self.completion * completion_tokens) / MILLION
        return whole * self.batch_factor if batch else whole


def price_of(model: str, prices: PricesConfig) -> Price | None:
    """Return the price of the first pattern that a model's name matches (``*`` and ``?``); None if none does."""
    for entry in prices.models:
        if fnmatchcase(model, entry.model):
            return Price(entry.prompt, entry.completion, prices.batch_factor)
    return None


def tokens_in(size: int) -> int:
    """Estimate the tokens in a text of this many bytes."""
    return math.ceil(size / BYTES_A_TOKEN)


def tokens_of(text: str) -> int:
    """Estimate the tokens of a text."""
    return tokens_in(len(text.encode("utf-8", "replace")))


def believed(prompt: object, completion: object, *, sent: int, received: int, limit: int) -> Usage:
    """Return a server's token counts where they are plausible, and estimates where they are missing or not plausible.

    No common tokenizer makes more than one token per byte, none packs many bytes into a token on average, and no model
    exceeds its limit.

    Args:
        prompt: tokens that the server claims to have read.
        completion: tokens that the server claims to have written.
        sent: bytes of the request.
        received: bytes of the answer's text.
        limit: maximum tokens of an answer.
    """
    return Usage(
        prompt_tokens=_count(prompt, size=sent, most=sent + OVERHEAD),
        completion_tokens=_count(completion, size=received, most=max(limit, tokens_in(received))),
    )


def _count(said: object, *, size: int, most: int) -> int:
    if isinstance(said, int) and not isinstance(said, bool) and size // MOST_BYTES_A_TOKEN <= said <= most:
        return said
    return tokens_in(size)
