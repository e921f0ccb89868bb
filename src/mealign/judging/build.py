"""From settings to a judge."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from mealign.errors import ConfigError
from mealign.judging.evidence import EvidenceJudge
from mealign.judging.judge import Judge
from mealign.judging.judge_context import JudgeContext
from mealign.judging.pairwise import PairwiseJudge
from mealign.judging.panel import PanelJudge
from mealign.judging.settings import EVIDENCE, PANEL, JudgeConfig, template_path
from mealign.judging.templates import load_template
from mealign.language.decisions import DecisionModel
from mealign.records import Fact

if TYPE_CHECKING:
    from mealign.memory.search import FactIndex


def build_judge(
    settings: JudgeConfig,
    *,
    facts: Sequence[Fact],
    index: Callable[[], FactIndex],
    bio: str,
    person: str,
    model: Callable[[JudgeConfig], DecisionModel],
) -> Judge:
    """Build the judge that the settings name; they are checked already (:func:`mealign.config.check`).

    ``model`` and ``index`` are called only for a judge that needs them. A panel comes without weights: they are
    measured before it is used (:func:`~mealign.judging.panel.panel_weights`).

    Raises:
        ConfigError: the template cannot be used, or a model cannot be asked in this way.
    """
    if settings.backend == EVIDENCE:
        return EvidenceJudge(facts, index(), person=person)
    if settings.backend == PANEL:
        members = [
            build_judge(member, facts=facts, index=index, bio=bio, person=person, model=model)
            for member in settings.members.values()
        ]
        return PanelJudge(members, name=settings.name)
    path = template_path(settings)
    if path is None:
        raise ConfigError(f"judge={settings.name}: a language model needs judge.template")
    template = load_template(path)
    context = JudgeContext(settings.view, facts=facts, index=index, bio=bio, person=person, top_k=settings.top_k)
    return PairwiseJudge(model(settings), name=settings.name, template=template, context=context)
