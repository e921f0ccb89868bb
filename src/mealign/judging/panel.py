"""Several judges as one, each weighted by the accuracy that its certificate proves."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from mealign.judging.judge import Comparison, Judge, Opinion
from mealign.language.decisions import Estimate, Undecided, Usage
from mealign.records import content_id

SUREST = 0.99
"""No probability counts as more certain than this, so that no member decides alone by being overconfident."""


def panel_weights(certificates: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """Return judges' weights by name: the log-odds of the accuracy that their certificates prove, 0 at chance or below.

    log(a / (1 - a)) is the optimal weight of an independent voter who is right with probability a (Nitzan & Paroush,
    International Economic Review 23, 1982). ``a`` is the lower end of the 95 % Wilson interval (``accuracy_low``), so
    a judge that was tested on few pairs counts little. A certificate without pairs gives weight 0.
    """
    return {name: max(0.0, _log_odds(certificate["accuracy_low"] or 0.5)) for name, certificate in certificates.items()}


class PanelJudge:
    """Pools the opinions of its members.

    Args:
        members: judges with different names.
        weights: of each member by name, measured on other pairs than those on which the panel is certified; None
            until they are measured, and then nothing can be compared.
    """

    def __init__(self, members: Sequence[Judge], *, name: str, weights: Mapping[str, float] | None = None) -> None:
        self.name = name
        self.members = tuple(members)
        self.weights = weights
        self.digest = content_id("judge", name, [[member.name, member.digest] for member in members], weights)

    def weighted(self, weights: Mapping[str, float]) -> PanelJudge:
        """Return this panel with these weights."""
        return PanelJudge(self.members, name=self.name, weights=weights)

    def compare(
        self, comparisons: Sequence[Comparison], *, description: str | None = None
    ) -> list[Opinion | Undecided]:
        """Ask every member with a weight, and pool by weighted mean of log-odds (Genest & Zidek, Stat. Sci. 1, 1986).

        logit P = sum of w_i logit p_i / sum of w_i, over the members that decided. ``dimensions`` holds each member's
        P(first) by name and, if any did not decide, their number as ``undecided``. If none decided, the result is the
        first member's ``Undecided``; if none has a weight, P = 0.5.

        Raises:
            MealignError: a member cannot be asked, or its budget is spent.
            ValueError: the weights are not measured.
        """
        if self.weights is None:
            raise ValueError(f"{self.name}: the weights of its members are not measured; use `weighted` first")
        weights = self.weights
        asked = [member for member in self.members if weights[member.name] > 0]
        if not asked:
            return [Opinion(p_first=0.5, rationale="no member is better than chance") for _ in comparisons]
        said = [
            member.compare(comparisons, description=description and f"{description}: {member.name}") for member in asked
        ]
        names = [member.name for member in asked]
        return [_pool(dict(zip(names, opinions, strict=True)), weights) for opinions in zip(*said, strict=True)]

    def estimate(self, comparisons: Sequence[Comparison]) -> Estimate:
        """Add up the members' estimates."""
        parts = [
            member.estimate(comparisons)
            for member in self.members
            if self.weights is None or self.weights[member.name] > 0
        ]
        return Estimate(
            requests=sum(part.requests for part in parts),
            known=sum(part.known for part in parts),
            prompt_tokens=sum(part.prompt_tokens for part in parts),
            completion_tokens=sum(part.completion_tokens for part in parts),
            cost_usd=_sum([part.cost_usd for part in parts]),
            minutes=_sum([part.minutes for part in parts]),
        )


def _pool(said: Mapping[str, Opinion | Undecided], weights: Mapping[str, float]) -> Opinion | Undecided:
    decided = {name: opinion for name, opinion in said.items() if isinstance(opinion, Opinion)}
    undecided = [opinion for opinion in said.values() if isinstance(opinion, Undecided)]
    usage = Usage(
        prompt_tokens=sum(opinion.usage.prompt_tokens for opinion in said.values()),
        completion_tokens=sum(opinion.usage.completion_tokens for opinion in said.values()),
        cost_usd=sum(opinion.usage.cost_usd for opinion in said.values()),
    )
    if not decided:
        return Undecided(undecided[0].kind, raw=undecided[0].raw, usage=usage)
    total = sum(weights[name] for name in decided)
    pooled = sum(weights[name] * _log_odds(opinion.p_first) for name, opinion in decided.items()) / total
    return Opinion(
        p_first=1.0 / (1.0 + math.exp(-pooled)),
        dimensions={name: opinion.p_first for name, opinion in decided.items()}
        | ({"undecided": float(len(undecided))} if undecided else {}),
        rationale="; ".join(f"{name}: {opinion.rationale}" for name, opinion in decided.items() if opinion.rationale),
        usage=usage,
    )


def _log_odds(probability: float) -> float:
    bounded = min(SUREST, max(1 - SUREST, probability))
    return math.log(bounded / (1 - bounded))


def _sum(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None
