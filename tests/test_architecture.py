"""Data flows one way: no room imports a later one, nothing runs in circles, and light modules stay light."""

import ast
import subprocess
import sys
from pathlib import Path

import networkx as nx
import pytest

from mealign.pipeline.registry import commands, stages

PACKAGE = Path(__file__).resolve().parents[1] / "src/mealign"
ORDER = (
    ("errors", "addresses", "console", "words"),
    ("names", "records", "settings", "processes", "plugins", "markdown", "door", "disk"),
    ("answers", "damage", "jsonl", "progress", "summaries"),
    ("language",),
    ("ingest", "memory"),
    ("tasks",),
    ("synthesis",),
    ("judging",),
    ("preferences", "training"),
    ("evaluation", "export"),
    ("reporting",),
    ("config",),
    ("overrides",),
    ("compose", "terminal"),
    ("usage", "failures"),
    ("pipeline", "serving"),
    ("stages",),
    ("experiment",),
    ("commands",),
    ("__main__",),
)
"""The floors of the house, the ground floor first: a module imports from its own floor's room and from lower floors."""
FLOOR = {room: floor for floor, rooms in enumerate(ORDER) for room in rooms}
APART = {"training": {"memory", "ingest", "tasks", "synthesis", "judging", "preferences", "evaluation"}}
"""What a room does not import although it lies higher."""
OWNERS = {
    "mlflow": {"experiment"},
    "omegaconf": {"compose", "failures", "__main__", "experiment"},
    "hydra": {"compose", "overrides", "failures", "__main__", "experiment"},
    "dvc": set(),
}
ASSEMBLED = "config"
"""Puts together the rooms' ``settings.py``, whatever their floor, and nothing else of theirs."""


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(path: Path, *, running: bool = False) -> set[str]:
    """Return the dotted names of all modules that a file imports; with ``running``, not those for type checkers."""
    found = set()
    tree = ast.parse(path.read_text())
    skipped = {
        id(inner)
        for node in ast.walk(tree)
        if running and isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


FILES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("room", sorted(FLOOR))
def test_a_room_imports_nothing_that_comes_after_it(room: str) -> None:
    files = [path for path in FILES if room_of(path) == room]
    assert files, f"{room} is no room any more"
    for path in files:
        names = {name for name in imported(path) if name.startswith("mealign.")}
        if room == ASSEMBLED:
            names = {name for name in names if name.split(".")[2:3] != ["settings"]}
        rooms = {name.split(".")[1] for name in names}
        higher = {each for each in rooms if each in FLOOR and FLOOR[each] >= FLOOR[room] and each != room}
        assert not higher, f"{path.relative_to(PACKAGE)} imports {higher}, which come after it"
        assert not rooms & APART.get(room, set()), f"{path.relative_to(PACKAGE)} imports {rooms & APART[room]}"


def test_every_module_has_a_floor() -> None:
    assert {room_of(path) for path in FILES} - {"__init__"} == set(FLOOR)


def test_there_are_no_circles() -> None:
    graph = nx.DiGraph()
    names = {name_of(path) for path in FILES}
    for path in FILES:
        graph.add_edges_from((name_of(path), name) for name in imported(path, running=True) & names)
    graph.remove_edges_from(nx.selfloop_edges(graph))
    assert list(nx.simple_cycles(graph)) == []


@pytest.mark.parametrize("library", sorted(OWNERS))
def test_a_library_is_imported_where_it_belongs(library: str) -> None:
    users = {room_of(path) for path in FILES if any(name.split(".")[0] == library for name in imported(path))}
    assert users <= OWNERS[library]


def test_what_runs_stages_names_none() -> None:
    names = {*stages(), *commands()} - {"compose"}
    for path in (PACKAGE / "experiment/runner.py", PACKAGE / "__main__.py", PACKAGE / "experiment/store.py"):
        texts = {
            node.value for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }  # fmt: skip
        assert not texts & names, f"{path.name} names {texts & names}"


def test_the_entrypoint_imports_nothing_heavy() -> None:
    script = (
        "import mealign.__main__, sys; from mealign.pipeline.registry import stages, commands; stages(); commands();"
        "print([m for m in sys.argv[1:] if m in sys.modules])"
    )
    heavy = ["torch", "transformers", "mlflow", "spacy", "numpy", "matplotlib", "sentence_transformers"]
    heavy += ["networkx", "sklearn", "scipy", "openai", "anthropic", "aiohttp", "nltk", "jinja2"]
    result = subprocess.run([sys.executable, "-c", script, *heavy], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
