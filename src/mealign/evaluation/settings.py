"""Settings of evaluation: the arms, the questions, and the confidence intervals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from mealign.memory.settings import context_names
from mealign.settings import INFINITE, name_setting, optional, section, setting

MEMORY = "memory"
"""The context of an arm that stands for the run's own context, whichever that is."""


@dataclass
class ArmConfig:
    """The model that is asked, and what its prompts show of the memory.

    ``adapter`` is one that a stage trains; null is the base model. ``context`` is :data:`MEMORY`, or the name of a
    context. ``against`` names the arms to compare with, question by question: this arm's score minus theirs.
    """

    name: str = name_setting("the arm's name")
    context: str = setting("what of the memory its prompts show")
    adapter: str | None = optional("the adapter that answers")
    against: list[str] = field(default_factory=list)

    def problems(self, key: str) -> Iterator[str]:
        """Report what cannot work."""
        if self.context not in (known := [MEMORY, *context_names()]):
            yield f"{key}.context={self.context}: there is no such context; use one of {', '.join(known)}"


@dataclass
class EvaluationConfig:
    """The arms, the questions, and the confidence intervals.

    ``objective`` names arms: a sweep optimises the score of the first one that was asked. ``max_questions`` and
    ``max_held_out`` limit the gold questions and the held-out tasks (null: all of them).
    """

    arms: list[ArmConfig] = section()
    objective: list[str] = setting("the arms whose score is optimised")
    max_new_tokens: int = setting("the length of an answer in tokens", 1, 4096)
    batch_size: int = setting("a batch size", 1, 4096)
    resamples: int = setting("the number of bootstrap resamples", 100, 1_000_000)
    confidence: float = setting("a confidence level", 0.5, 0.999)
    max_questions: int | None = optional("the number of gold questions", 0, INFINITE)
    max_held_out: int | None = optional("the number of held-out tasks", 0, INFINITE)

    def problems(self, key: str) -> Iterator[str]:
        """Report what cannot work."""
        if self.max_questions == 0 and self.max_held_out == 0:
            yield f"{key}.max_questions=0 with {key}.max_held_out=0: nothing would be asked; set one of them"
        names = [arm.name for arm in self.arms]
        for name, count in Counter(names).items():
            if count > 1:
                yield f"{key}.arms: {count} arms have the name {name}; give each its own"
        for position, arm in enumerate(self.arms):
            others = [name for name in names if name != arm.name]
            yield from _unknown(arm.against, others, key=f"{key}.arms.{position}.against")
        yield from _unknown(self.objective, names, key=f"{key}.objective")


def _unknown(named: list[str], known: list[str], *, key: str) -> Iterator[str]:
    for name in named:
        if name not in known:
            yield f"{key}={name}: there is no such arm; use one of {', '.join(known) or 'none'}"
