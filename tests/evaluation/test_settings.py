"""The list of arms: what cannot be one is refused, and which of them a run asks."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mealign.compose import compose_settings
from mealign.errors import ConfigError
from mealign.evaluation.arms import in_context
from mealign.evaluation.settings import MEMORY
from mealign.evaluation.summary import summarise
from mealign.pipeline import registry
from mealign.pipeline.registry import check
from mealign.stages.evaluate import asked_arms
from tests.defaults import EvaluationConfig
from tests.evaluation.builders import ARMS, answers

BASE = "{name: base, context: none}"


@pytest.mark.parametrize(
    ("arms", "message"),
    [
        (f"[{BASE},{BASE}]", r"evaluation\.arms: 2 arms have the name base; give each its own"),
        ("[{name: base, context: newst}]", r"evaluation\.arms\.0\.context=newst: .*use one of memory, none, retrieval"),
        (f"[{BASE},{{name: sft, adapter: stf, context: none}}]", r"arms\.1\.adapter=stf: no stage.*dpo, sft, or null"),
        (f"[{BASE},{{name: x, context: none, against: [bse]}}]", r"arms\.1\.against=bse: there is no such arm; .*base"),
        ("[{name: base, context: none, against: [base]}]", r"arms\.0\.against=base: there is no such arm"),
        ("[{name: a/b, context: none}]", r"arms\.0\.name='a/b': .*use letters, digits"),
        ("[{name: sft, adapter: sft, context: none}]", r"evaluation\.arms with mix=dpo_only: .*choose another mix"),
        ("[]", r"evaluation\.arms with mix=dpo_only"),
    ],
)
def test_what_cannot_be_an_arm_is_refused_with_key_value_and_mend(arms: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check(compose_settings(f"evaluation.arms={arms}", "evaluation.objective=[]", "mix=dpo_only"))


def test_the_objective_is_an_arm() -> None:
    with pytest.raises(ConfigError, match=r"evaluation\.objective=rag: there is no such arm; use one of base, base"):
        check(compose_settings("evaluation.objective=[dpo+memory,rag]"))


def test_an_arm_may_leave_out_what_it_does_not_have() -> None:
    settings = compose_settings(f"evaluation.arms=[{BASE}]", "evaluation.objective=[base]")
    check(settings)
    (arm,) = settings.evaluation.arms
    assert (arm.adapter, arm.against) == (None, [])


@pytest.mark.parametrize(
    ("mix", "arms"),
    [
        ("sft_then_dpo", ARMS),
        ("sft_only", ["base", "base+memory", "sft", "sft+memory"]),
        ("dpo_only", ["base", "base+memory", "dpo", "dpo+memory"]),
    ],
)
def test_an_arm_is_asked_where_its_adapter_is_trained(mix: str, arms: list[str]) -> None:
    settings = compose_settings(f"mix={mix}")
    asked = asked_arms(settings.evaluation, registry.adapters(settings))
    assert [arm.name for arm in asked] == arms
    read = {path for path in registry.inputs(registry.stages()["evaluate"], settings) if path.startswith("adapters/")}
    assert read == {f"adapters/{arm.adapter}" for arm in asked if arm.adapter}


def test_the_runs_own_context_is_named_and_no_other_changes() -> None:
    arms = {arm.name: arm.context for arm in in_context(EvaluationConfig(), "newest").arms}
    assert arms == {arm: "newest" if arm.endswith("+memory") else "none" for arm in ARMS}


@given(st.permutations(ARMS), st.sets(st.sampled_from(ARMS), min_size=1))
def test_numbers_do_not_depend_on_the_order_of_arms_or_on_the_others(order: list[str], asked: set[str]) -> None:
    """What an arm scores is its own; a difference is there when both its arms were asked."""
    settings = EvaluationConfig(resamples=100)
    shuffled = replace(settings, arms=sorted(settings.arms, key=lambda arm: order.index(arm.name)))
    given = [answer for level, arm in enumerate(ARMS) for answer in answers(arm, [0.1 * level, 0.5, 0.3])]
    every = summarise(given, settings=settings, seed=1)["gold"]
    some = summarise([answer for answer in given if answer.arm in asked], settings=shuffled, seed=1)["gold"]
    assert some["arms"] == {arm: every["arms"][arm] for arm in asked}
    assert some["differences"] == {
        pair: values for pair, values in every["differences"].items() if set(pair.split(" - ")) <= asked
    }
    assert list(some["arms"]) == [arm for arm in order if arm in asked]


def test_the_shipped_arms_are_compared_as_they_always_were() -> None:
    given = [answer for arm in ARMS for answer in answers(arm, [0.1, 0.5])]
    assert sorted(summarise(given, settings=EvaluationConfig(resamples=100), seed=1)["gold"]["differences"]) == [
        "dpo - sft", "dpo+memory - base+memory", "dpo+memory - sft+memory", "sft - base", "sft+memory - base+memory",
    ]  # fmt: skip
    assert {arm.context for arm in EvaluationConfig().arms} == {MEMORY, "none"}
