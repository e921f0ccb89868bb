"""The order of stages follows from what they read and write, whatever they are called."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mealign.errors import ConfigError
from mealign.pipeline import registry
from mealign.pipeline.stage import Stage
from mealign.summaries import Summary
from tests.defaults import composed

NAMES = st.lists(st.text("abcdef", min_size=1, max_size=4), min_size=1, max_size=8, unique=True)


def stage(name: str, *reads: str, writes: tuple[str, ...] = ()) -> Stage:
    return Stage(name=name, run=lambda _: Summary(), reads=reads, writes=writes or (f"{name}.json",))


def order(*made: Stage) -> list[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "stages", lambda: {each.name: each for each in made})
        return [each.name for each in registry.pipeline(composed())]


@given(names=NAMES, data=st.data())
@settings(deadline=None)
def test_a_stage_comes_behind_all_that_it_reads_from(names: list[str], data: st.DataObject) -> None:
    made = []
    for position, name in enumerate(names):
        before = data.draw(st.lists(st.sampled_from(names[:position]), unique=True)) if position else []
        made.append(stage(name, *(f"{other}.json" for other in before)))
    found = order(*data.draw(st.permutations(made)))
    assert sorted(found) == sorted(names)
    for each in made:
        for path in each.reads:
            assert found.index(Path(path).stem) < found.index(each.name)
    assert order(*made) == found, "the order in which stages are found decides nothing"


def test_stages_in_a_circle_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"in a circle: .*a -> .*b|in a circle: .*b -> .*a"):
        order(stage("a", "b.json"), stage("b", "a.json"))


def test_two_stages_that_write_one_file_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"stages a and b both write same\.json"):
        order(stage("a", writes=("same.json",)), stage("b", writes=("same.json",)))
