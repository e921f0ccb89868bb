"""What a key covers: every module, data file, library and setting that a stage can reach, and no other."""

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import fields, is_dataclass, replace
from functools import cache
from importlib import metadata
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mealign.compose import compose_settings
from mealign.config import Settings
from mealign.experiment import code
from mealign.experiment.code import PACKAGE, Code, code_of
from mealign.experiment.keys import key_of, reasons
from mealign.pipeline.registry import commands, pipeline, stages
from mealign.settings import keys
from tests.defaults import composed

STAGES = sorted(stages())
MODULES = sorted(
    ".".join(("mealign", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")
    for path in PACKAGE.rglob("*.py")
)
CHOSEN_BY_SETTINGS = PACKAGE / "judging/templates"


@cache
def reach(stage: str) -> Code:
    return code_of(stages()[stage].run)


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    package = tmp_path_factory.mktemp("sources") / "mealign"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    return package


def all_code(package: Path) -> dict[str, dict[str, str]]:
    return {name: code_of(stages()[name].run, package=package).files for name in STAGES}


@pytest.fixture(scope="module")
def before(copied: Path) -> dict[str, dict[str, str]]:
    return all_code(copied)


@contextmanager
def text_of(path: Path, text: str) -> Iterator[None]:
    """Let a file say something else for as long as the block runs."""
    whole = path.read_text()
    path.write_text(text)
    try:
        yield
    finally:
        path.write_text(whole)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(module=st.sampled_from(MODULES))
def test_a_changed_module_changes_the_keys_of_the_stages_that_reach_it_and_of_no_other(
    copied: Path, before: dict[str, dict[str, str]], module: str
) -> None:
    path = code.find_module(module, copied)
    assert path is not None
    with text_of(path, path.read_text() + "\n# one more line\n"):
        after = all_code(copied)
    own = module.removeprefix("mealign.stages.")
    for name in STAGES:
        # Of a stage's own file, what its function does not use does not count.
        assert (after[name] != before[name]) == (module in reach(name).files and own != name), (module, name)


def test_a_changed_line_of_a_stages_function_changes_its_key_alone(
    copied: Path, before: dict[str, dict[str, str]]
) -> None:
    path = copied / "stages/sft.py"
    with text_of(path, path.read_text().replace("count=round(beside * share / (1 - share))", "count=1")):
        after = all_code(copied)
    assert [name for name in STAGES if before[name] != after[name]] == ["sft"]


def test_the_rule_that_scores_answers_is_in_the_keys_of_those_that_use_it() -> None:
    using = {name for name in STAGES if "mealign.answers" in reach(name).files}
    assert {"evaluate", "judge", "preferences"} <= using
    assert not {"sft", "dpo", "memory", "tasks", "report"} & using


def test_what_cannot_decide_a_result_is_in_no_key() -> None:
    for name in STAGES:
        rooms = {module.split(".")[1] for module in reach(name).files if module.count(".")}
        assert not rooms & {"experiment", "commands", "config", "compose", "__main__"}, name
        assert ("reporting" in rooms) == (name == "report")
        assert ("training" in rooms) == (name in ("sft", "dpo"))


def test_every_data_file_is_in_a_key_or_chosen_by_a_setting() -> None:
    files = {
        path
        for path in PACKAGE.rglob("*")
        if path.is_file() and path.suffix not in code.SOURCES and not path.is_relative_to(CHOSEN_BY_SETTINGS)
    } - {PACKAGE / "py.typed"}
    in_keys = {name.partition(":")[2] for stage in STAGES for name in reach(stage).files if ":" in name}
    shown_by_commands = {
        name.partition(":")[2] for command in commands().values() for name in code_of(command.run).files if ":" in name
    }
    assert {path.name for path in files} <= in_keys | shown_by_commands
    assert {"general_questions.txt", "injections.txt", "report.html.j2", "extract.system.txt"} <= in_keys


@pytest.mark.slow
@pytest.mark.parametrize("name", STAGES)
def test_what_a_stage_imports_when_it_runs_is_in_its_key(name: str, demo: Path) -> None:
    """The computed closure against the interpreter: run the stage alone, and list the modules that were loaded."""
    script = """
import sys
from pathlib import Path
from dataclasses import replace
from mealign.compose import compose_settings
from mealign.experiment.runner import context_of, place_of
from mealign.pipeline.registry import stages
from mealign.pipeline.stage import visible
chosen = compose_settings("experiment=smoke", "user.path=person")
stage = stages()[sys.argv[1]]
place = place_of(chosen, root=Path.cwd())
made = Path(sys.argv[2])
for path in stage.outputs(chosen):
    (made / path).parent.mkdir(parents=True, exist_ok=True)
context = replace(context_of(chosen, place, outputs=made), settings=visible(chosen, stage.keys(chosen)))
before = set(sys.modules)
stage.run(context)
print(*sorted(name for name in set(sys.modules) - before if name.startswith("mealign")))
"""
    command = [sys.executable, "-c", script, name, str(demo / "made" / name)]
    result = subprocess.run(command, cwd=demo, capture_output=True, text=True, check=True)
    loaded = set(result.stdout.splitlines()[-1].split())
    assert loaded <= reach(name).files.keys(), loaded - reach(name).files.keys()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("demo")
    shutil.copytree(PACKAGE.parents[1] / "examples/demo_user", root / "person")
    run = [sys.executable, "-m", "mealign", "experiment=smoke", "user.path=person", "tracking=none"]
    subprocess.run(run, cwd=root, check=True, capture_output=True)
    return root


def other(value: Any) -> Any:
    """Return another value of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, list | tuple):
        return [*value, "more"]
    return f"{value} and more"


def with_changed(section: Any, key: str) -> Any:
    name, _, rest = key.partition(".")
    value = getattr(section, name)
    return replace(section, **{name: with_changed(value, rest) if rest else other(value)})


@settings(max_examples=200, deadline=None)
@given(key=st.sampled_from(sorted(keys(Settings))), name=st.sampled_from(STAGES))
def test_a_changed_setting_changes_the_keys_of_the_stages_that_read_it_and_of_no_other(key: str, name: str) -> None:
    stage, before = stages()[name], composed()
    after = with_changed(before, key)
    here = {"root": Path("nowhere"), "folder": Path("nowhere")}
    try:
        found = key_of(stage, before, **here).settings != key_of(stage, after, **here).settings
    except (TypeError, ValueError, AttributeError):
        # Not a value that the stage's own rules can handle, so no run would have it.
        return
    read = (*stage.keys(before), *stage.keys(after))
    assert found == any(key == each or key.startswith(f"{each}.") for each in read), (key, name)


def attributes(nodes: Iterable[ast.AST]) -> set[str]:
    """Return every name that is read as an attribute, that a loss asks for by keyword, or that is given as a limit."""
    inside = [inner for node in nodes for inner in ast.walk(node)]
    losses = (node for node in inside if isinstance(node, ast.FunctionDef) and node.name == "loss")
    return (
        {node.attr for node in inside if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)}
        | {word.arg for loss in losses for word in loss.args.kwonlyargs}
        | {
            str(node.value.value)
            for node in inside
            if isinstance(node, ast.keyword) and node.arg == "limit" and isinstance(node.value, ast.Constant)
        }
    )


def parsed(files: Iterable[Path]) -> Iterator[ast.AST]:
    """Parse files; of declarations of settings, the functions that use them, but for checks."""
    for path in files:
        tree = ast.parse(path.read_text())
        if path.name == "settings.py":
            functions = (node for node in tree.body if isinstance(node, ast.FunctionDef))
            yield from (node for node in functions if not node.name.startswith("_impossible"))
        else:
            yield tree


def checks() -> Iterator[ast.AST]:
    """Yield what stages check before anything starts."""
    for tree in parsed((PACKAGE / "stages").glob("*.py")):
        yield from (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == "problems")


@cache
def attributes_of(stage: str) -> set[str]:
    files = (code.find_module(name) for name in reach(stage).files if ":" not in name)
    own = PACKAGE / "stages" / f"{stage}.py"
    return attributes(parsed([*(path for path in files if path), own]))


def test_every_setting_is_read_by_a_stage_that_declares_it_or_by_what_runs_stages() -> None:
    chosen = [composed(), compose_settings("memory=llm"), compose_settings("mix=dpo_only")]
    rooms = (PACKAGE / room for room in ("experiment", "commands", "pipeline"))
    used = {name for command in commands().values() for name in code_of(command.run).files if ":" not in name}
    files = {*(path for room in rooms for path in room.glob("*.py")), *filter(None, map(code.find_module, used))}
    above = attributes([*parsed(sorted(files)), *checks()])
    for key in keys(Settings):
        readers = [
            name
            for name, stage in stages().items()
            if any(key == each or key.startswith(f"{each}.") for options in chosen for each in stage.keys(options))
        ]
        last = key.rpartition(".")[2]
        in_stages = any(last in attributes_of(name) for name in readers)
        shown = any(key in stages()[name].settings for name in readers if stages()[name].reads_summaries)
        assert in_stages or shown or last in above or key == "extra", f"{key}: nothing reads it; delete it"


def test_a_stage_sees_the_settings_that_it_declares_alone() -> None:
    from mealign.pipeline.stage import visible

    shown = visible(composed(), ("lora.rank", "training.sft", "seed"))
    assert (shown.seed, shown.lora.rank) == (17, 16)
    assert shown.training.sft is composed().training.sft
    for key in ("lora.alpha_ratio", "training.dpo", "egress"):
        with pytest.raises(AttributeError, match=rf"{key}: the stage does not declare this setting"):
            attrgetter(key)(shown)


def test_another_version_of_a_library_is_another_key_and_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    here = {"root": Path("nowhere"), "folder": Path("nowhere")}
    before = {name: key_of(stages()[name], composed(), **here) for name in STAGES}
    installed, version = metadata.distribution, metadata.version("nltk")

    class Newer:
        def __init__(self, name: str) -> None:
            self._real = installed(name)

        version = "99.0"

        @property
        def requires(self) -> list[str] | None:
            return self._real.requires

    monkeypatch.setattr(metadata, "distribution", lambda name: Newer(name) if name == "nltk" else installed(name))
    code._distribution.cache_clear()
    try:
        after = {name: key_of(stages()[name], composed(), **here) for name in STAGES}
    finally:
        code._distribution.cache_clear()
    changed_keys = {name for name in STAGES if before[name].digest != after[name].digest}
    assert {"evaluate", "judge", "preferences"} <= changed_keys
    assert not {"sft", "dpo", "report"} & changed_keys
    assert reasons(before["evaluate"], after["evaluate"]) == [
        f"nltk {version} -> 99.0",
    ]


@pytest.mark.parametrize("key", ["model.hub_id", "memory.embedder_hub_id"])
@pytest.mark.parametrize("change", ["in place", "replaced", "more", "below a link"])
def test_other_files_in_a_models_folder_change_the_keys_of_the_stages_that_use_it(
    tmp_path: Path, key: str, change: str
) -> None:
    model, elsewhere = tmp_path / "model", tmp_path / "elsewhere"
    for folder in (model, elsewhere):
        folder.mkdir()
        (folder / "weights").write_bytes(bytes(1000))
    (model / "link").symlink_to(elsewhere)
    chosen = compose_settings("model.source=hub", f"{key}={model}")
    here = {"root": Path("nowhere"), "folder": Path("nowhere")}
    before = {name: key_of(stages()[name], chosen, **here) for name in STAGES}
    changed = (elsewhere if change == "below a link" else model) / ("other" if change == "more" else "weights")
    times = (model / "weights").stat()
    if change == "replaced":
        changed.unlink()
    changed.write_bytes(b"x" * 1000)
    # Size and time are no proof.
    os.utime(changed, ns=(times.st_atime_ns, times.st_mtime_ns))
    after = {name: key_of(stages()[name], chosen, **here) for name in STAGES}
    found = {name for name in STAGES if before[name].digest != after[name].digest}
    section = key.partition(".")[0]
    assert found == {name for name in STAGES if any(each in (section, key) for each in stages()[name].keys(chosen))}
    assert all(reasons(before[name], after[name]) == [f"{key} changed"] for name in found)
    assert len(found) >= 4


def test_reasons_name_what_has_changed() -> None:
    here = {"root": Path("nowhere"), "folder": Path("nowhere")}
    stage, before = stages()["sft"], composed()
    after = replace(before, lora=replace(before.lora, rank=8), seed=18)
    found = reasons(key_of(stage, before, **here), key_of(stage, after, **here))
    assert found == ["lora.rank 16 -> 8", "seed 17 -> 18"]
    assert reasons(None, key_of(stage, before, **here)) == ["never made here"]


def test_every_section_is_a_dataclass_and_every_stage_declares_what_there_is() -> None:
    known = set(keys(Settings))
    sections = {key.rpartition(".")[0] for key in known}
    sections |= {section.rpartition(".")[0] for section in sections}
    for stage in pipeline(composed()):
        for key in stage.keys(composed()):
            assert key in known | sections, f"stages/{stage.name}.py declares {key}, which is no setting"
    assert all(is_dataclass(getattr(composed(), field.name)) or "." not in field.name for field in fields(Settings))
