"""What vendors declare decides which settings work, and costs next to nothing to read."""

import subprocess
import sys
from pathlib import Path

import pytest

import mealign
from mealign.compose import compose_settings
from mealign.errors import ConfigError
from mealign.experiment.code import code_of
from mealign.language.vendor import address_of, deciders, vendor_named, writers
from mealign.pipeline.registry import check, stages

SERVED = ["judge=bio", "judge.server.model=m", "judge.server.base_url=http://127.0.0.1/v1"]


def test_each_says_what_it_can() -> None:
    assert writers() == ["anthropic", "openai"]
    assert deciders() == ["anthropic", "openai", "systemone"]
    assert vendor_named("local") is None
    assert (address_of("openai"), address_of("systemone")) == ("https://api.openai.com/v1", None)


def test_the_first_api_is_meant_where_none_is_named() -> None:
    openai, systemone = vendor_named("openai"), vendor_named("systemone")
    assert openai is not None
    assert systemone is not None
    assert openai.decision_api(None) is openai.decision_api("chat")
    assert openai.decision_api("decisions") is not openai.decision_api("chat")
    assert systemone.decision_api(None) is systemone.decide["decisions"]
    assert systemone.decision_api("chat") is None


def test_to_read_what_they_declare_loads_no_sdk() -> None:
    script = "import sys, mealign.language.vendor as v; v.deciders(); print(*(set(sys.argv) & set(sys.modules)))"
    heavy = ["openai", "anthropic", "httpx2", "aiohttp", "tenacity", "torch", "numpy"]
    result = subprocess.run([sys.executable, "-c", script, *heavy], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == ""


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["judge.backend=oracle"], r"^judge\.backend=oracle: it must be one of evidence, local, panel, anthropic, op"),
        (["memory=llm", "memory.llm.backend=oracle"], r"^memory\.llm\.backend=oracle: it must be one of local, anthr"),
        (["memory=llm", "memory.llm.backend=systemone"], r"systemone: it must be one of local, anthropic, openai$"),
        (["judge=panel", "judge.members.graph.backend=x"], r"^judge\.members\.graph\.backend=x: it must be one of"),
        (["judge.server.model=m"], r"no server would be asked; set judge\.backend to anthropic or openai"),
        ([*SERVED, "judge.backend=openai", "judge.server.model=null"], r"without judge\.server\.model: name a model"),
        ([*SERVED, "judge.backend=anthropic", "judge.server.api=decisions"], r"it must be one of chat, or left out$"),
        (
            [*SERVED, "judge.backend=systemone", "judge.server.base_url=null"],
            r"judge\.backend=systemone without judge\.server\.base_url: name the server, for example http://127",
        ),
        ([*SERVED, "judge.backend=openai", "judge.server.base_url=127.0.0.1"], r"it is no server's address"),
        (
            [*SERVED, "judge.backend=systemone", "judge.server.batch=true"],
            r"no batch API; .* or judge\.backend=openai judge\.server\.api=chat$",
        ),
        (
            [*SERVED, "judge=graph_cot", "judge.backend=openai", "judge.server.api=decisions"],
            r"typed decisions have no words; .* or judge\.backend=openai judge\.server\.api=chat$",
        ),
    ],
)
def test_what_no_vendor_can_do_is_refused_with_its_mend(overrides: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        check(compose_settings(*overrides))
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("backend", ["anthropic", "openai", "systemone"])
def test_a_server_on_this_machine_passes_the_checks(backend: str) -> None:
    check(compose_settings(*SERVED, f"judge.backend={backend}"))


def test_a_result_that_a_vendor_decides_depends_on_its_files_and_no_other_result_does() -> None:
    folder = Path(mealign.__file__).parent / "language/vendors"
    parts = [("vendors", *path.relative_to(folder).with_suffix("").parts) for path in folder.rglob("*.py")]
    names = {f"mealign.language.{'.'.join(each)}".removesuffix(".__init__") for each in parts}
    for stage in stages().values():
        reached = names & set(code_of(stage.run).files)
        assert reached == names if stage.name in ("judge", "memory") else reached <= {"mealign.language.vendors"}
