"""Decisions: what a language model is asked to choose, and the outcome, whichever model answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from mealign.language.egress import Personal

UndecidedKind = Literal["malformed", "refused", "too_large", "too_long", "unreachable"]
"""``too_long`` is what was asked for the model, ``too_large`` what was answered for us."""


@dataclass(frozen=True)
class Choice:
    """One question about a text, and its options (a name and what it means)."""

    instructions: str
    options: Mapping[str, str]


@dataclass(frozen=True)
class Inquiry:
    """What a model is to decide.

    ``state`` is the text that it reads, as data; ``questions`` are asked about it, by name. ``reasoning`` says what to
    think about in words first; the decision is then made with those words in the prompt. ``personal`` says what of it
    is the user's own, for the ledger.
    """

    state: str
    questions: Mapping[str, Choice]
    reasoning: str | None = None
    personal: Personal = Personal()  # noqa: RUF009 - it is frozen


@dataclass(frozen=True)
class Usage:
    """What an answer used: tokens read and written, and US dollars (0 where no price is known)."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float = 0.0


@dataclass(frozen=True)
class Decided:
    """For every question the probability of every option (they sum to 1), and the reasoning before it, if any."""

    probabilities: Mapping[str, Mapping[str, float]]
    reasoning: str = ""
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True)
class Undecided:
    """No decision: why, and what the model said instead, word for word, as far as a model can have said it."""

    kind: UndecidedKind
    raw: str = ""
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True)
class Estimate:
    """What asking would take: requests still to be sent, requests with known answers, and sums over the former.

    ``cost_usd`` and ``minutes`` are None where the price or the pace is unknown.
    """

    requests: int
    known: int
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None
    minutes: float | None


class DecisionModel(Protocol):
    """A model that decides. ``digest`` identifies its weights, or the server, its API and the model's name there."""

    digest: str

    def decide(self, inquiries: Sequence[Inquiry], *, description: str | None = None) -> list[Decided | Undecided]:
        """Return one outcome per inquiry, in their order.

        Raises:
            MealignError: the model cannot be asked (no server, no key), or a budget is spent; answers so far are kept.
        """
        ...

    def estimate(self, inquiries: Sequence[Inquiry]) -> Estimate:
        """Estimate what :meth:`decide` would take, without sending anything."""
        ...
