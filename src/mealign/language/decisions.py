"""Decisions: what a language model is asked to choose, and what comes of it, whoever answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

UndecidedKind = Literal["malformed", "refused", "too_long", "unreachable"]


@dataclass(frozen=True)
class Choice:
    """One question about a text: what is asked, and what may be answered (a name and what it means)."""

    instructions: str
    options: Mapping[str, str]


@dataclass(frozen=True)
class Inquiry:
    """What a model is to decide.

    ``state`` is what it reads, as data; ``questions`` are asked about it, by name. With ``reasoning`` it first thinks
    in words about what that says, and decides with its own words before it.
    """

    state: str
    questions: Mapping[str, Choice]
    reasoning: str | None = None


@dataclass(frozen=True)
class Usage:
    """What an answer took: tokens read and written, and US dollars (0 where no price is known)."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float = 0.0


@dataclass(frozen=True)
class Decided:
    """For every question a probability for every option (they sum to 1), and the words that came first, if any."""

    probabilities: Mapping[str, Mapping[str, float]]
    reasoning: str = ""
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True)
class Undecided:
    """No decision: why, and what the model said instead, word for word."""

    kind: UndecidedKind
    raw: str = ""
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True)
class Estimate:
    """What asking would take: requests still to be sent, those whose answer is known, and the sums over the former.

    ``cost_usd`` and ``minutes`` are None where no price, or no pace, is known.
    """

    requests: int
    known: int
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None
    minutes: float | None


class DecisionModel(Protocol):
    """A model that decides. ``digest`` names its weights, or the server, its API and the model's name there."""

    digest: str

    def decide(self, inquiries: Sequence[Inquiry], *, description: str | None = None) -> list[Decided | Undecided]:
        """Return one outcome an inquiry, in their order.

        Raises:
            MealignError: nothing can be asked (no server, no key), or a budget is spent; what was answered is kept.
        """
        ...

    def estimate(self, inquiries: Sequence[Inquiry]) -> Estimate:
        """Say what :meth:`decide` would take, without asking anything."""
        ...
