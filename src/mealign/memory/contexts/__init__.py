"""Contexts: which facts the prompt of a question shows; one module per context, named like it.

A module defines one function, ``show``, as :class:`Show` describes it. A plug-in folder adds ``contexts/mine.py`` and
``conf/context/mine.yaml``, which ``context=mine`` chooses. All contexts share the prompt format,
:func:`mealign.memory.context.answer_prompt`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, NamedTuple, Protocol

from mealign import plugins
from mealign.errors import MealignError

if TYPE_CHECKING:
    from mealign.memory.search import FactIndex
    from mealign.memory.settings import ContextConfig
    from mealign.memory.subject_mismatch import Recalled

__path__ = plugins.extended(__path__, "contexts")


class Asked(NamedTuple):
    """A question for which a prompt is made.

    ``text`` is the bare question; ``I`` is the user. Facts that begin after ``as_of``, if it is given, and those whose
    ids are in ``exclude`` are not to be shown.
    """

    text: str
    as_of: date | None = None
    exclude: frozenset[str] = frozenset()


class Show(Protocol):
    """What a context's module defines as ``show``."""

    def __call__(
        self, asked: Sequence[Asked], index: FactIndex, *, person: str, settings: ContextConfig
    ) -> list[Recalled]:
        """Choose what the prompt of every question shows.

        Args:
            asked: the questions.
            index: the memory.
            person: the user's full name.
            settings: how many facts a prompt shows at most.

        Returns:
            One entry per question, in their order: the facts, and which person they are about instead of the one whom
            the question names, if so. Without facts the prompt is the bare question.
        """
        ...


def shown_by(
    context: str, asked: Sequence[Asked], index: FactIndex, *, person: str, settings: ContextConfig
) -> list[Recalled]:
    """Let a context choose what the prompt of every question shows; arguments and result are those of :class:`Show`.

    Raises:
        ConfigError: there is no such context.
        MealignError: the context shows a fact that is excluded, or answers for fewer questions or more.
    """
    show: Show = plugins.member("mealign.memory.contexts", context, "show")
    shown = show(asked, index, person=person, settings=settings)
    if len(shown) != len(asked):
        raise MealignError(
            f"context {context}: it was asked about {len(asked)} prompts and says what {len(shown)} show; "
            "return one entry a question"
        )
    for question, (facts, _) in zip(asked, shown, strict=True):
        # A held-out fact in a training prompt would spoil every number that is measured on it.
        if leaked := sorted(fact.id for fact in facts if fact.id in question.exclude):
            raise MealignError(f"context {context}: it shows {leaked[0]}, which is excluded; skip what `exclude` names")
    return shown
