"""From settings to a judge."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mealign.config import JudgeBackend, JudgeConfig, JudgeView
from mealign.errors import ConfigError
from mealign.judging.evidence import EvidenceJudge
from mealign.judging.judge import Judge
from mealign.judging.pairwise import PairwiseJudge
from mealign.language.decisions import DecisionModel
from mealign.records import Fact


def build_judge(
    settings: JudgeConfig, *, facts: Sequence[Fact], bio: str, person: str, model: Callable[[], DecisionModel]
) -> Judge:
    """Build the judge that the settings name; ``model`` is loaded only for a judge that asks one.

    Raises:
        ConfigError: there is no judge that answers in this way and is shown this.
    """
    if (settings.backend, settings.view) == (JudgeBackend.evidence, JudgeView.evidence):
        return EvidenceJudge(facts)
    if (settings.backend, settings.view) == (JudgeBackend.local, JudgeView.bio):
        return PairwiseJudge(model(), name=settings.name, instructions=settings.instructions, person=person, bio=bio)
    raise ConfigError(
        f"judge.backend={settings.backend} with judge.view={settings.view}: there is no such judge; "
        "use judge.backend=evidence judge.view=evidence, or judge.backend=local judge.view=bio"
    )
