"""A language model as judge: it is told who the user is and decides between two answers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.resources import files

from mealign.judging.judge import Comparison, Opinion
from mealign.language.chat import without_role_tokens
from mealign.language.decisions import Choice, Decided, DecisionModel, Estimate, Inquiry, Undecided
from mealign.records import content_id

MAX_CHARACTERS = 2000
OPTIONS = {"first": "the first answer is better", "second": "the second answer is better"}


class PairwiseJudge:
    """Asks ``model.decide`` which of two answers is better.

    Args:
        model: who answers.
        name: of the judge in records and paths.
        instructions: what is asked, beside the dimensions of the task's kind (``templates/<kind>.txt``).
        person: full name of the user.
        bio: what the judge is told of the user.
    """

    def __init__(self, model: DecisionModel, *, name: str, instructions: str, person: str, bio: str) -> None:
        self.name = name
        self._model = model
        self._instructions = instructions
        self._about = f"About {person}: {_plain(bio)}"
        self._dimensions = {
            path.name.removesuffix(".txt"): path.read_text(encoding="utf-8").strip()
            for path in files("mealign.judging").joinpath("templates").iterdir()
            if path.name.endswith(".txt")
        }
        self.digest = content_id(
            "judge", name, instructions, self._about, self._dimensions, OPTIONS, MAX_CHARACTERS, model.digest
        )

    def compare(
        self, comparisons: Sequence[Comparison], *, description: str | None = None
    ) -> list[Opinion | Undecided]:
        """Let the model decide; the answers are quoted as data, without anything that reads as a chat role.

        Raises:
            MealignError: the model cannot be asked.
        """
        answers = self._model.decide([self._inquiry(each) for each in comparisons], description=description)
        return [
            Opinion(p_first=answer.probabilities["verdict"]["first"], usage=answer.usage)
            if isinstance(answer, Decided)
            else answer
            for answer in answers
        ]

    def estimate(self, comparisons: Sequence[Comparison]) -> Estimate:
        """Say what the model would be asked."""
        return self._model.estimate([self._inquiry(each) for each in comparisons])

    def _inquiry(self, comparison: Comparison) -> Inquiry:
        state = "\n".join(
            [
                self._about,
                f"Question: {_plain(comparison.task.question)}",
                f"First answer: {_quote(comparison.first)}",
                f"Second answer: {_quote(comparison.second)}",
            ]
        )
        instructions = f"{self._instructions} {self._dimensions[comparison.task.kind]}".strip()
        return Inquiry(state=state, questions={"verdict": Choice(instructions, OPTIONS)})


def _quote(answer: str) -> str:
    """Return the answer as one JSON string: whatever it says, it cannot end its own quotation."""
    return json.dumps(_plain(answer)[:MAX_CHARACTERS], ensure_ascii=False)


def _plain(text: str) -> str:
    """Return the text on one line and without the tokens that mark a turn."""
    return " ".join(without_role_tokens(text).split())
