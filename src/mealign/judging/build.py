"""From settings to a judge."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mealign.config import JudgeBackend, JudgeConfig
from mealign.judging.evidence import EvidenceJudge
from mealign.judging.judge import Judge
from mealign.judging.pairwise import PairwiseJudge
from mealign.language.chat import ChatModel
from mealign.records import Fact


def build_judge(
    settings: JudgeConfig, *, facts: Sequence[Fact], bio: str, person: str, model: Callable[[], ChatModel]
) -> Judge:
    """Build the judge that the settings name; ``model`` is loaded only for a judge that asks one."""
    if settings.backend is JudgeBackend.evidence:
        return EvidenceJudge(facts)
    return PairwiseJudge(model(), name=settings.name, instructions=settings.instructions, person=person, bio=bio)
