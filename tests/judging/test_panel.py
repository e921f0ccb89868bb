from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mealign.compose import compose_settings
from mealign.judging.build import build_judge
from mealign.judging.judge import Comparison, Opinion
from mealign.judging.panel import SUREST, PanelJudge, panel_weights
from mealign.language.decisions import Undecided
from tests.judging.builders import MEMORY, ScriptedJudge, ScriptedModel, always, task

PAIR = Comparison(task("Where?", "Ghent"), "Ghent", "Utrecht")


def member(name: str, p_first: float | Undecided) -> ScriptedJudge:
    judge = ScriptedJudge(lambda *_: p_first)
    judge.name, judge.digest = name, f"judge_{name}"
    return judge


def pooled(said: dict[str, float | Undecided], weights: dict[str, float]) -> Opinion | Undecided:
    (opinion,) = PanelJudge([member(*each) for each in said.items()], name="panel", weights=weights).compare([PAIR])
    return opinion


def test_a_judge_weighs_the_log_odds_of_the_accuracy_that_is_proved() -> None:
    lows = {"good": 0.9, "fair": 0.75, "chance": 0.5, "worse": 0.3, "unknown": None, "perfect": 1.0}
    weights = panel_weights({name: {"accuracy_low": low} for name, low in lows.items()})
    assert weights["good"] == pytest.approx(math.log(9))
    assert weights["fair"] == pytest.approx(math.log(3))
    assert weights["chance"] == weights["worse"] == weights["unknown"] == 0
    assert weights["perfect"] == pytest.approx(math.log(SUREST / (1 - SUREST)))


def test_opinions_are_pooled_by_log_odds() -> None:
    opinion = pooled({"a": 0.9, "b": 0.5}, {"a": 1.0, "b": 1.0})
    assert isinstance(opinion, Opinion)
    # The mean of log 9 and 0 is log 3.
    assert opinion.p_first == pytest.approx(0.75)
    assert opinion.dimensions == {"a": 0.9, "b": 0.5}
    assert (opinion.usage.prompt_tokens, opinion.usage.cost_usd) == (14, 1.0)


@given(st.floats(0.01, 0.99), st.floats(0.1, 5), st.floats(0.1, 5))
def test_members_that_agree_are_believed_as_they_are(p_first: float, one: float, other: float) -> None:
    opinion = pooled({"a": p_first, "b": p_first}, {"a": one, "b": other})
    assert isinstance(opinion, Opinion)
    assert opinion.p_first == pytest.approx(p_first)


@given(st.dictionaries(st.sampled_from("abc"), st.floats(0, 1), min_size=1), st.floats(0.1, 5))
def test_the_other_order_gives_the_other_probability(said: dict[str, float], weight: float) -> None:
    weights = {name: weight + number for number, name in enumerate(said)}
    forward, reverse = pooled({**said}, weights), pooled({name: 1 - p for name, p in said.items()}, weights)
    assert isinstance(forward, Opinion)
    assert isinstance(reverse, Opinion)
    assert forward.p_first + reverse.p_first == pytest.approx(1)


def test_who_does_not_decide_is_left_out_and_counted() -> None:
    opinion = pooled({"a": 0.8, "b": Undecided("refused", raw="no")}, {"a": 1.0, "b": 9.0})
    assert isinstance(opinion, Opinion)
    assert opinion.p_first == pytest.approx(0.8)
    assert opinion.dimensions == {"a": 0.8, "undecided": 1.0}


def test_nobody_decides() -> None:
    opinion = pooled({"a": Undecided("refused", raw="no"), "b": Undecided("malformed")}, {"a": 1.0, "b": 1.0})
    assert (opinion.kind, opinion.raw) == ("refused", "no")  # type: ignore[union-attr]


def test_a_member_without_weight_is_not_asked() -> None:
    def never(*_: object) -> float:
        raise AssertionError("asked")

    fool = ScriptedJudge(never)
    fool.name = "fool"
    panel = PanelJudge([fool, member("a", 0.7)], name="panel", weights={"fool": 0.0, "a": 1.0})
    assert panel.compare([PAIR])[0].dimensions == {"a": 0.7}  # type: ignore[union-attr]
    assert panel.estimate([PAIR]).requests == 1
    assert panel.weighted({"fool": 0.0, "a": 0.0}).compare([PAIR])[0].p_first == 0.5  # type: ignore[union-attr]
    with pytest.raises(ValueError, match="not measured"):
        PanelJudge([fool], name="panel").compare([PAIR])


def test_weights_are_part_of_the_digest() -> None:
    panel = PanelJudge([member("a", 0.7)], name="panel")
    assert len({panel.digest, panel.weighted({"a": 1.0}).digest, panel.weighted({"a": 2.0}).digest}) == 3


def test_a_panel_is_composed_of_the_judges_of_conf() -> None:
    settings = compose_settings("judge=panel", "+judge@judge.members.bio=bio", "judge.members.graph.top_k=2").judge
    assert {name: each.view.value for name, each in settings.members.items()} == {
        "evidence": "evidence",
        "graph": "graph",
        "bio": "bio",
    }
    assert settings.members["graph"].top_k == 2
    panel = build_judge(
        settings,
        facts=MEMORY,
        index=lambda: None,  # type: ignore[arg-type,return-value]
        bio="",
        person="Nadia",
        model=lambda _: ScriptedModel(always()),
    )
    assert isinstance(panel, PanelJudge)
    assert [each.name for each in panel.members] == ["evidence", "graph", "bio"]
