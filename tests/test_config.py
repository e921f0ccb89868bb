"""Every file under conf/ composes and passes the checks; every limit and impossible combination has its message."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from hydra import compose, initialize_config_dir
from hypothesis import given
from hypothesis import strategies as st

from mealign.compose import CONF, compose_settings, explain, to_settings, write_params
from mealign.config import Settings
from mealign.errors import ConfigError
from mealign.pipeline.registry import asked_command, check, pipeline, selected_stages, stages
from mealign.settings import INFINITE, Limits, declared, name_problem

REQUIRED = {
    "user/folder": ["user.name=me", "user.person=Me", "user.path=notes"],
    "user/lifebench": ["user.path=lumingqiang", "user.person=Lu Mingqiang"],
    "user/locomo": ["user.path=locomo10.json", "user.conversation=conv-26", "user.speaker=Caroline"],
}
BY_NAME = {f"model/{name}": ["download=any"] for name in ("llama3_1_8b", "qwen2_5_0_5b", "qwen2_5_7b")}
"""Models of a hub, whose digests nobody has written down."""
OPENAI = ["memory=llm", "memory.llm.backend=openai", "memory.llm.model=m", "memory.llm.base_url=http://127.0.0.1/v1"]
CHOICES = sorted(path.relative_to(CONF).with_suffix("").as_posix() for path in CONF.rglob("*.yaml"))


@pytest.mark.parametrize("choice", CHOICES)
def test_every_config_file_composes_and_passes_the_checks(choice: str) -> None:
    group, _, name = choice.rpartition("/")
    overrides = [f"{group}={name}", *(REQUIRED | BY_NAME).get(choice, [])] if group else []
    if choice == "experiment/locomo":
        overrides += ["user=locomo", *REQUIRED["user/locomo"]]
    check(compose_settings(*overrides))


@pytest.mark.parametrize("choice", sorted(REQUIRED))
def test_a_required_key_without_a_value_is_named(choice: str) -> None:
    group, name = choice.split("/")
    with pytest.raises(ConfigError, match=r"user\.path: it has no value"):
        compose_settings(f"{group}={name}")


def test_a_locomo_user_must_name_conversation_and_speaker() -> None:
    with pytest.raises(ConfigError, match=r"user\.conversation=conv-26 user\.speaker=Caroline"):
        check(compose_settings("user=locomo", "user.path=locomo10.json"))


def limited() -> Iterator[tuple[str, Limits, bool]]:
    """Every number with a limit: its key, its limits, and whether it is a whole one."""
    for key, hint, limits in declared(Settings):
        kinds = {hint, *get_args(hint)}
        if limits and kinds & {int, float} and (limits.low, limits.high) != (-INFINITE, INFINITE):
            yield key, limits, float not in kinds


@pytest.mark.parametrize(("key", "limits", "whole"), list(limited()), ids=lambda value: str(value)[:40])
def test_every_limit_refuses_what_lies_outside(key: str, limits: Limits, whole: bool) -> None:
    below = int(limits.low) - 1 if whole else limits.low - 1e-6
    with pytest.raises(ConfigError, match=rf"^{key}="):
        check(compose_settings(f"{key}={below}"))
    if limits.high != float("inf") and not whole:
        with pytest.raises(ConfigError, match=rf"^{key}="):
            check(compose_settings(f"{key}={limits.high + 1e-3}"))


def test_a_panels_member_and_a_price_have_their_limits_too() -> None:
    with pytest.raises(ConfigError, match=r"^judge\.members\.graph\.top_k=0: the number of facts"):
        check(compose_settings("judge=panel", "judge.members.graph.top_k=0"))
    with pytest.raises(ConfigError, match=r"^prices\.models\.0\.prompt=-1\.0: a price in US dollars"):
        check(compose_settings("prices.models=[{model: m, prompt: -1.0, completion: 2.0}]"))


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["mix=dpo_only", "preferences.max_pairs=0"], "DPO has no preferences to learn from"),
        (["mix=sft_only", "mix.dpo_fraction=0.5"], "this mix has no DPO to put SFT between"),
        (["mix.dpo_fraction=0"], "the share of the steps that are DPO must be between"),
        (["candidates.n=0", "candidates.negatives=0"], "no two answers to compare"),
        (["mix=sft_only", "mix.sft=false"], "it trains nothing"),
        (
            ["training.dpo.offset=1", "training.dpo.loss=ipo"],
            r"training\.dpo\.offset=1.* set training\.dpo\.loss=sigmoid",
        ),
        (["training.dpo.label_smoothing=0.1"], "only the robust loss uses it"),
        (
            ["training.dpo.loss=oracle"],
            r"training\.dpo\.loss=oracle: there is no such loss; use one of hinge, ipo, robust, sigmoid",
        ),
        (["user.format=locomo"], "holds many people"),
        (["user.name=a/b"], "it names a folder"),
        (["judge.view=bio"], "rules and panels choose for themselves what they read"),
        (["judge.backend=local"], "set judge.view=graph"),
        (["evaluation.max_questions=0", "evaluation.max_held_out=0"], "nothing would be asked"),
        (["memory.llm.backend=openai"], "no model would read them; choose memory=llm"),
        (["memory=llm", "memory.llm.model=m"], r"memory\.llm\.model=m with memory\.llm\.backend=local"),
        (["memory=llm", "memory.llm.api_key_env=KEY"], "the run's own model has none"),
        ([*OPENAI, "memory.llm.model=null"], "name a model that the server has"),
        ([*OPENAI, "memory.llm.base_url=127.0.0.1:8000"], "it is no server's address; give scheme, host, port"),
        ([*OPENAI, "memory.llm.base_url=null"], r"egress=deny with memory\.llm\.base_url=https://api\.openai\.com/v1"),
        ([*OPENAI, "memory.llm.base_url=http://10.0.0.1/v1"], "your notes would leave this machine.*egress=allow"),
        ([*OPENAI, "memory.llm.base_url=http://127.0.0.1@a.org"], "it is no server's address"),
        (["memory=llm", "memory.llm.backend=anthropic", "memory.llm.model=m"], r"https://api\.anthropic\.com"),
        (["judge.backend=oracle"], "judge.backend=oracle: it must be one of"),
        (["training.dpo.loss=oracle"], "training.dpo.loss=oracle: there is no such loss; use one of hinge, ipo"),
        (["context.name=oracle"], "context.name=oracle"),
        (["stage=train"], "no such stage"),
        (["stage=[]"], "no such stage"),
        (["stage=dpo", "mix=sft_only"], "mix=sft_only has no such stage"),
        (["stage=[memory,memory_show]"], r"stage=\[memory,memory_show\]: memory_show only reads"),
        (["stage=[all,memory_show]"], "then stage=memory_show alone"),
        (["memory_show.fact=fact_1"], "memory_show.fact=fact_1: stage=all does not read it; set stage=memory_show"),
        (["stage=[dpo,export]"], "then stage=export alone"),
        (["export.format=gguf"], "export.format=gguf: stage=all does not read it; set stage=export"),
        (["stage=export", "export.format=gguf", "export.quantization=bf16"], "use f16 or q8_0"),
        (["stage=export", "export.quantization=q8_0"], "use fp32 or bf16"),
        (["stage=export", "mix=sft_only"], "this mix trains no such adapter"),
    ],
)
def test_an_impossible_combination_is_refused_with_its_mend(overrides: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check(compose_settings(*overrides), overrides)


def test_every_name_is_checked_or_one_of_a_list() -> None:
    names = {key for key, _, limits in declared(Settings) if key.endswith(".name") and not (limits and limits.named)}
    assert names == {"context.name"}, "declare it with name_setting"


@given(st.text(max_size=90) | st.text("./\\-_aA0~\0 ", max_size=6))
def test_a_name_leads_one_step_down(text: str) -> None:
    if name_problem("key", text) is None:
        path = Path("/root") / text / "below"
        assert path.parents[1] == Path("/root")
        assert os.path.normpath(path) == str(path)
        assert not text.startswith((".", "-"))
        assert len(f".preferences-{text}.json.12345678.part".encode()) < 255


@pytest.mark.parametrize(
    "overrides",
    [OPENAI, [*OPENAI, "memory.llm.base_url=https://example.org/v1", "egress=allow"], ["memory=llm", "model=tiny"]],
)
def test_a_model_that_may_read_passes_the_checks(overrides: list[str]) -> None:
    check(compose_settings(*overrides))


def test_several_problems_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        check(compose_settings("lora.rank=-1", "seed=-4"))
    assert len(str(caught.value).splitlines()) == 2


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("judge=nonsense", "judge=nonsense: there is no such file in conf/judge/; use one of bio, blind, evidence"),
        ("lora.rnk=3", "lora.rnk: there is no such key; did you mean lora.rank?"),
        ("modle=tiny", "modle: there is no such key; did you mean model?"),
        ("lora.rank=abc", "lora.rank=abc: it must be of type integer; for example lora.rank=16"),
        ("memory.extractor=oracle", "memory.extractor=oracle: it must be one of"),
        ("egress=maybe", "egress=maybe: it must be one of"),
        ("ingest.strict=maybe", "ingest.strict=maybe: it must be of type bool"),
        ("+other.key=1", "other.key: there is no such key"),
    ],
)
def test_what_hydra_refuses_is_explained_with_key_value_and_mend(override: str, message: str) -> None:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - Hydra raises several kinds
        compose_settings(override)
    assert message in explain(caught.value)


def names(*overrides: str) -> list[str]:
    return [stage.name for stage in selected_stages(compose_settings(*overrides))]


def test_stages_come_behind_those_that_they_read_from_whatever_the_order_asked() -> None:
    assert names("stage=[evaluate,sft]") == ["sft", "evaluate"]
    assert names("stage=memory") == ["memory"]
    assert names() == [
        "ingest", "memory", "tasks", "sft", "candidates", "judge", "preferences", "dpo", "evaluate", "report",
    ]  # fmt: skip


def test_a_command_is_asked_for_alone_and_is_no_part_of_all() -> None:
    for overrides in (["stage=memory_show"], ["stage=[memory_show]", "mix=sft_only"]):
        command = asked_command(compose_settings(*overrides))
        assert command is not None
        assert command.name == "memory_show"
    assert asked_command(compose_settings()) is None
    given = ["stage=memory_show", "memory_show.fact=fact_1"]
    check(compose_settings(*given), given)


@pytest.mark.parametrize(
    ("mix", "left_out"),
    [
        ("sft_only", {"candidates", "judge", "preferences", "dpo"}),
        ("dpo_only", {"sft"}),
        ("joint", {"sft"}),
        ("interleaved", {"sft"}),
        ("sft_then_dpo", set()),
    ],
)
def test_a_mix_leaves_out_the_stages_it_does_not_need(mix: str, left_out: set[str]) -> None:
    assert set(stages()) - {stage.name for stage in pipeline(compose_settings(f"mix={mix}"))} == left_out


def test_a_mix_says_how_losses_are_weighed_and_the_command_line_has_the_last_word() -> None:
    def weight(*overrides: str) -> float:
        return compose_settings(*overrides).training.dpo.sft_weight

    assert (weight("mix=dpo_only"), weight("mix=joint"), weight()) == (0.0, 1.0, 1.0)
    assert weight("mix=joint", "training.dpo.sft_weight=0.3") == 0.3


def test_a_model_may_change_how_it_is_trained_and_the_command_line_has_the_last_word() -> None:
    def rates(*overrides: str) -> tuple[float, float]:
        training = compose_settings(*overrides).training
        return training.sft.learning_rate, training.dpo.learning_rate

    assert rates("model=qwen2_5_7b") == (2e-4, 5e-6)
    assert rates("model=tiny") == rates("model=smollm2_135m") == rates()
    assert rates("model=qwen2_5_7b", "training.sft.learning_rate=1e-3") == (1e-3, 5e-6)


def test_params_for_dvc_compose_back_to_the_same_settings(tmp_path: Path) -> None:
    original = compose_settings("judge=bio", "lora.rank=8", "model=tiny")
    write_params(original, tmp_path / "params.yaml")
    with initialize_config_dir(str(tmp_path), version_base="1.3"):
        again = compose("params", overrides=["judge=bio", f"hydra.searchpath=[file://{CONF}]"])
    assert to_settings(again) == original
