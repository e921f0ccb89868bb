"""A language model as judge: shown and asked what a template says, it decides between two answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mealign.judging.judge import Comparison, Opinion
from mealign.judging.judge_context import JudgeContext
from mealign.judging.quoting import MAX_CHARACTERS, left_out, plain, quote
from mealign.judging.templates import Template
from mealign.language.decisions import Decided, DecisionModel, Estimate, Inquiry, Undecided
from mealign.records import content_id

SAME = Opinion(p_first=0.5, rationale="both answers are the same")


class PairwiseJudge:
    """Asks a model which of two answers is better. Answers that are the same are a tie and are not asked about.

    Args:
        model: makes the decisions.
        name: of the judge in records and paths.
        template: what is asked.
        context: what is shown beside the answers.
    """

    def __init__(self, model: DecisionModel, *, name: str, template: Template, context: JudgeContext) -> None:
        self.name = name
        self.template = template
        self._model = model
        self._context = context
        self.digest = content_id("judge", name, template.digest, context.digest, MAX_CHARACTERS, model.digest)

    def compare(
        self, comparisons: Sequence[Comparison], *, description: str | None = None
    ) -> list[Opinion | Undecided]:
        """Let the model decide about all pairs of different answers at once.

        ``dimensions`` holds the opinion's components and, for an answer too long to be shown in full,
        ``first_left_out`` or ``second_left_out``: the number of characters cut from its middle.

        Raises:
            MealignError: the model cannot be asked, or its budget is spent.
        """
        differing = [comparison for comparison in comparisons if not _same(comparison)]
        outcomes = iter(self._model.decide(self._inquiries(differing), description=description) if differing else [])
        return [SAME if _same(comparison) else self._opinion(comparison, next(outcomes)) for comparison in comparisons]

    def estimate(self, comparisons: Sequence[Comparison]) -> Estimate:
        """Estimate what the model would be asked."""
        return self._model.estimate(self._inquiries([each for each in comparisons if not _same(each)]))

    def _inquiries(self, comparisons: Sequence[Comparison]) -> list[Inquiry]:
        shown = self._context.shown([comparison.task for comparison in comparisons])
        return [
            self.template.inquiry(
                comparison.task.kind,
                {**each.values, "first": quote(comparison.first), "second": quote(comparison.second)},
                facts=each.facts,
            )
            for comparison, each in zip(comparisons, shown, strict=True)
        ]

    def _opinion(self, comparison: Comparison, outcome: Decided | Undecided) -> Opinion | Undecided:
        if isinstance(outcome, Undecided):
            return outcome
        p_first, dimensions = self.template.read(outcome.probabilities)
        return Opinion(
            # A sum of probabilities may exceed 1 by a rounding error.
            p_first=min(1.0, max(0.0, p_first)),
            dimensions={**dimensions, **_cuts(comparison)},
            rationale=outcome.reasoning,
            usage=outcome.usage,
        )


def _same(comparison: Comparison) -> bool:
    return plain(comparison.first) == plain(comparison.second)


def _cuts(comparison: Comparison) -> Mapping[str, float]:
    cuts = {"first_left_out": left_out(comparison.first), "second_left_out": left_out(comparison.second)}
    return {name: float(cut) for name, cut in cuts.items() if cut}
