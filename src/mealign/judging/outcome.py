"""The two orders of a pair, merged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mealign.records import Order, Verdict


@dataclass(frozen=True)
class Outcome:
    """A judge's answers about a pair, in both orders.

    ``p_first`` is the mean of P(first) over both orders, None where one of them failed (``error``). ``flipped``: the
    two orders do not name the same winner (one of them may be a tie).
    """

    task_id: str
    first: str
    second: str
    p_first: float | None
    flipped: bool
    error: str | None
    verdict_ids: tuple[str, ...]

    @property
    def margin(self) -> float:
        """How clear the outcome is, in [0, 1]: 2 * abs(p_first - 0.5)."""
        return 0.0 if self.p_first is None else 2 * abs(self.p_first - 0.5)

    @property
    def winner(self) -> str | None:
        """The better candidate's id; None for a tie or an error."""
        if self.p_first is None or self.p_first == 0.5:
            return None
        return self.first if self.p_first > 0.5 else self.second


def merge(verdicts: Sequence[Verdict]) -> list[Outcome]:
    """Merge verdicts into one outcome per pair, in the order in which the pairs were first asked about.

    A pair with a missing order is an error: half a measurement does not count.
    """
    pairs: dict[tuple[str, str, str], dict[Order, Verdict]] = {}
    for verdict in verdicts:
        shown = (verdict.first, verdict.second)
        first, second = shown if verdict.order == "forward" else shown[::-1]
        pairs.setdefault((verdict.task_id, first, second), {})[verdict.order] = verdict
    return [_outcome(*pair, asked) for pair, asked in pairs.items()]


def _outcome(task_id: str, first: str, second: str, asked: Mapping[Order, Verdict]) -> Outcome:
    forward, reverse = asked.get("forward"), asked.get("reverse")
    ids = tuple(verdict.id for verdict in (forward, reverse) if verdict)
    if forward is None or reverse is None or forward.p_first is None or reverse.p_first is None:
        errors = [verdict.error for verdict in (forward, reverse) if verdict and verdict.error]
        error = errors[0] if errors else "one order is missing"
        return Outcome(task_id, first, second, None, False, error, ids)
    straight, mirrored = forward.p_first, 1.0 - reverse.p_first
    return Outcome(
        task_id=task_id,
        first=first,
        second=second,
        p_first=(straight + mirrored) / 2,
        flipped=_side(forward.p_first) != -_side(reverse.p_first),
        error=None,
        verdict_ids=ids,
    )


def _side(p_first: float) -> int:
    return (p_first > 0.5) - (p_first < 0.5)
