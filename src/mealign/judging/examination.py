"""Asking a judge about every certification pair in both orders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mealign.errors import MealignError
from mealign.judging.certification_pairs import CertificationPair
from mealign.judging.judge import Comparison, Judge, Opinion
from mealign.language.decisions import Undecided, UndecidedKind, Usage


@dataclass(frozen=True)
class ExaminedPair:
    """A judge's opinions about a pair: ``forward`` with the right answer shown first, ``reverse`` the wrong one."""

    pair: CertificationPair
    forward: Opinion | Undecided
    reverse: Opinion | Undecided

    @property
    def p_right(self) -> float | None:
        """P(the right answer is better), the mean of both orders; None where one of them is undecided."""
        if isinstance(self.forward, Undecided) or isinstance(self.reverse, Undecided):
            return None
        return (self.forward.p_first + 1.0 - self.reverse.p_first) / 2

    @property
    def correct(self) -> float:
        """1 where the right answer wins, 0.5 for a tie, 0 where the wrong one wins or nothing was decided."""
        if self.p_right is None:
            return 0.0
        return 0.5 if self.p_right == 0.5 else float(self.p_right > 0.5)

    @property
    def consistent(self) -> bool | None:
        """Whether both orders name the same winner, or both a tie; None where one of them is undecided."""
        if isinstance(self.forward, Undecided) or isinstance(self.reverse, Undecided):
            return None
        return _side(self.forward.p_first) == -_side(self.reverse.p_first)

    @property
    def votes(self) -> tuple[int, int]:
        """The vote of each order: 1 for the answer shown first, -1 for the second, 0 for a tie or no decision."""
        first, second = (
            0 if isinstance(said, Undecided) else _side(said.p_first) for said in (self.forward, self.reverse)
        )
        return first, second

    @property
    def p_first(self) -> tuple[float, ...]:
        """P(first) of every order that was decided."""
        return tuple(said.p_first for said in (self.forward, self.reverse) if isinstance(said, Opinion))

    @property
    def errors(self) -> tuple[UndecidedKind, ...]:
        """Why orders are undecided."""
        return tuple(said.kind for said in (self.forward, self.reverse) if isinstance(said, Undecided))

    @property
    def usage(self) -> Usage:
        """Tokens and costs of both orders together."""
        took = (self.forward.usage, self.reverse.usage)
        return Usage(
            prompt_tokens=sum(each.prompt_tokens for each in took),
            completion_tokens=sum(each.completion_tokens for each in took),
            cost_usd=sum(each.cost_usd for each in took),
        )

    @property
    def longer_is_right(self) -> float:
        """1 where the right answer is the longer one in characters, 0.5 where both have the same length."""
        right, wrong = len(self.pair.right), len(self.pair.wrong)
        return 0.5 if right == wrong else float(right > wrong)


def comparisons_of(pairs: Sequence[CertificationPair]) -> list[Comparison]:
    """Return the comparisons of an examination: two per pair, the right answer first in the first of them."""
    return [
        Comparison(pair.task, first, second)
        for pair in pairs
        for first, second in ((pair.right, pair.wrong), (pair.wrong, pair.right))
    ]


def examine(judge: Judge, pairs: Sequence[CertificationPair], *, description: str | None = None) -> list[ExaminedPair]:
    """Ask about every pair in both orders, in one call.

    Raises:
        MealignError: the judge cannot be asked, or does not give one answer per comparison.
    """
    asked = comparisons_of(pairs)
    said = judge.compare(asked, description=description) if asked else []
    if len(said) != len(asked):
        raise MealignError(f"judge {judge.name}: {len(said)} answers to {len(asked)} comparisons")
    return [ExaminedPair(*three) for three in zip(pairs, said[::2], said[1::2], strict=True)]


def _side(p_first: float) -> int:
    return (p_first > 0.5) - (p_first < 0.5)
