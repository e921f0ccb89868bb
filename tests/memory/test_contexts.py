"""Contexts: what they show of a memory, question by question, and what no context may show."""

import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mealign import plugins
from mealign.compose import compose_settings
from mealign.errors import ConfigError, MealignError
from mealign.experiment.code import code_of
from mealign.memory import contexts
from mealign.memory.contexts import Asked, shown_by
from mealign.memory.settings import context_names
from mealign.memory.subject_mismatch import Recalled, recall
from mealign.pipeline.registry import check, stages
from tests.defaults import ContextConfig
from tests.memory.builders import index_of
from tests.memory.handmade import PERSON, fact

FACTS = [
    fact(f"f{month}", f"{who} bought {thing} in {town}.", who, relation="buy", day=date(2024, month, 1))
    for month, (who, thing, town) in enumerate(
        [
            ("Nadia", "a kayak", "Porto"),
            ("Ana", "a kayak", "Ghent"),
            ("Joris", "a lamp", "Porto"),
            ("Ana", "tea", "Lille"),
        ],
        start=1,
    )
]
INDEX = index_of(FACTS, lambda texts: np.ones((len(texts), 4), dtype=np.float32) / 2)
TOP_2 = ContextConfig(top_k=2)


def shown(context: str, asked: list[Asked]) -> list[Recalled]:
    return shown_by(context, asked, INDEX, person=PERSON, settings=TOP_2)


questions = st.builds(
    Asked,
    text=st.sampled_from(["Where did I buy the kayak?", "Where did Joris buy the kayak?", "Who bought tea?", "Why?"]),
    as_of=st.none() | st.dates(date(2023, 12, 1), date(2024, 6, 1)),
    exclude=st.frozensets(st.sampled_from([fact.id for fact in FACTS])),
)


@given(st.lists(questions, max_size=8))
def test_retrieval_shows_each_question_what_it_would_be_shown_alone(asked: list[Asked]) -> None:
    for question, found in zip(asked, shown("retrieval", asked), strict=True):
        text, as_of, exclude = question
        assert [found] == recall([text], INDEX, person=PERSON, k=2, as_of=as_of, exclude=exclude)
        assert len(found.facts) <= 2
        assert not exclude & {each.id for each in found.facts}
        assert all(as_of is None or str(each.valid_from) <= str(as_of) for each in found.facts)


@given(st.lists(questions, max_size=4))
def test_none_shows_nothing(asked: list[Asked]) -> None:
    assert shown("none", asked) == [Recalled([], None)] * len(asked)


def test_the_contexts_of_the_package_are_known_by_their_names() -> None:
    assert {"none", "retrieval"} <= set(context_names())
    with pytest.raises(ConfigError, match="there is no module newst; use one of none, retrieval"):
        shown("newst", [])


@pytest.fixture
def add_context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Return what writes a context into a plug-in folder."""
    (tmp_path / "contexts").mkdir()
    monkeypatch.setenv(plugins.VARIABLE, str(tmp_path))
    monkeypatch.setattr(contexts, "__path__", plugins.extended(contexts.__path__, "contexts"))

    def add(name: str, body: str) -> None:
        head = "from mealign.memory.subject_mismatch import Recalled\n\n\ndef show(asked, index, *, person, settings):"
        source = f"{head}\n    {body}\n"
        (tmp_path / f"contexts/{name}.py").write_text(source)
        monkeypatch.delitem(sys.modules, f"{contexts.__name__}.{name}", raising=False)

    return add


def test_no_context_shows_what_is_excluded(add_context: Callable[[str, str], None]) -> None:
    add_context("leaky", "return [Recalled(index.facts[:2], None) for _ in asked]")
    found = shown("leaky", [Asked("Why?"), Asked("Why?", exclude=frozenset({"f4"}))])
    assert [[each.id for each in facts] for facts, _ in found] == [["f1", "f2"]] * 2
    with pytest.raises(MealignError, match=r"context leaky: it shows f2, which is excluded"):
        shown("leaky", [Asked("Why?"), Asked("Why?", exclude=frozenset({"f2"}))])


def test_a_context_answers_for_every_question(add_context: Callable[[str, str], None]) -> None:
    add_context("short", "return [Recalled([], None)]")
    with pytest.raises(MealignError, match=r"context short: it was asked about 2 prompts and says what 1 show"):
        shown("short", [Asked("Why?"), Asked("Who?")])


def test_a_context_counts_as_code_of_what_shows_it_and_of_nothing_else() -> None:
    retrieval = "mealign.memory.contexts.retrieval"
    reached = {name for name, stage in stages().items() if retrieval in code_of(stage.run).files}
    assert reached == {"tasks", "evaluate"}


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["context.name=newst"], r"^context\.name=newst: there is no such context; use one of none, retrieval$"),
        (["context=none", "task.memory_share=0.5"], r"^task\.memory_share=0\.5 with context\.name=none: .* choose"),
    ],
)
def test_what_cannot_be_shown_is_refused(overrides: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check(compose_settings(*overrides))


def test_without_memory_no_task_shows_any() -> None:
    settings = compose_settings("context=none")
    check(settings)
    assert settings.task.memory_share == 0
