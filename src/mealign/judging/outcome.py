"""The two orders of a pair, merged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mealign.records import Verdict


@dataclass(frozen=True)
class Outcome:
    """What a judge said about a pair, asked both ways.

    ``p_first`` is the mean of P(first) over both orders, None where one of them failed (``error``). ``flipped``: the
    winner changed with the order.
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
        """How clear it is, in [0, 1]: 2 * abs(p_first - 0.5)."""
        return 0.0 if self.p_first is None else 2 * abs(self.p_first - 0.5)

    @property
    def winner(self) -> str | None:
        """The better candidate's id; None for a tie or an error."""
        if self.p_first is None or self.p_first == 0.5:
            return None
        return self.first if self.p_first > 0.5 else self.second


def merge(verdicts: Sequence[Verdict]) -> list[Outcome]:
    """Merge verdicts into one outcome a pair, in the order of the forward verdicts.

    A pair of which one order is missing is an error: half a measurement is not believed.
    """
    reverse = {(v.task_id, v.second, v.first): v for v in verdicts if v.order == "reverse"}
    outcomes = []
    for forward in verdicts:
        if forward.order != "forward":
            continue
        back = reverse.get((forward.task_id, forward.first, forward.second))
        if back is None or forward.p_first is None or back.p_first is None:
            error = forward.error or (back.error if back else "reverse order missing")
            ids = tuple(verdict.id for verdict in (forward, back) if verdict)
            outcomes.append(Outcome(forward.task_id, forward.first, forward.second, None, False, error, ids))
            continue
        straight, mirrored = forward.p_first, 1.0 - back.p_first
        outcomes.append(
            Outcome(
                task_id=forward.task_id,
                first=forward.first,
                second=forward.second,
                p_first=(straight + mirrored) / 2,
                flipped=(straight - 0.5) * (mirrored - 0.5) < 0,
                error=None,
                verdict_ids=(forward.id, back.id),
            )
        )
    return outcomes
