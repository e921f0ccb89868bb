"""A language model as judge: it is told who the user is and decides between two answers."""

from __future__ import annotations

import re
from importlib.resources import files

from mealign.judging.judge import Opinion
from mealign.language.chat import ChatModel
from mealign.records import Task, content_id

MAX_CHARACTERS = 2000
ROLE_TOKENS = re.compile(r"<\|[^|<>]{0,40}\|>|</?s>|\[/?INST\]")
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

    def __init__(self, model: ChatModel, *, name: str, instructions: str, person: str, bio: str) -> None:
        self.name = name
        self._model = model
        self._instructions = instructions
        self._about = f"About {person}: {bio}"
        self._dimensions = {
            path.name.removesuffix(".txt"): path.read_text(encoding="utf-8").strip()
            for path in files("mealign.judging").joinpath("templates").iterdir()
            if path.name.endswith(".txt")
        }
        self.digest = content_id("judge", name, instructions, self._about, self._dimensions, model.digest)

    def compare(self, task: Task, first: str, second: str) -> Opinion:
        """Let the model decide; the answers are quoted as data, without anything that reads as a chat role."""
        state = "\n".join(
            [
                self._about,
                f"Question: {task.question}",
                f"First answer: {_quote(first)}",
                f"Second answer: {_quote(second)}",
            ]
        )
        instructions = f"{self._instructions} {self._dimensions[task.kind]}".strip()
        decision = self._model.decide(state, instructions, OPTIONS)
        return Opinion(
            p_first=min(1.0, max(0.0, decision.probabilities["first"])),
            prompt_tokens=decision.prompt_tokens,
        )


def _quote(answer: str) -> str:
    cleaned = ROLE_TOKENS.sub(" ", answer)[:MAX_CHARACTERS]
    return f'"{" ".join(cleaned.split())}"'
