"""Data flows one way: no room imports a later one, and light modules stay light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "src/mealign"
GROUND = {"addresses", "answers", "records", "config", "errors", "jsonl", "processes", "progress", "language"}
GROUND |= {"plugins", "settings"}
ORDER = ["ingest", "memory", "tasks", "synthesis", "judging", "preferences", "evaluation", "reporting"]
ALLOWED = {room: GROUND | set(ORDER[: position + 1]) for position, room in enumerate(ORDER)}
ALLOWED["training"] = GROUND | {"training"}
ALLOWED["export"] = GROUND | {"training", "export"}
ALLOWED["language"] = GROUND
OWNERS = {
    "mlflow": {"tracking.py", "registry.py"},
    "omegaconf": {"config.py", "compose.py", "__main__.py", "sweeps.py"},
}
OWNERS |= {"hydra": {"compose.py", "__main__.py", "sweeps.py"}, "dvc": set()}


def imported(path: Path) -> set[str]:
    """Return the dotted names of all modules that a file imports anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("room", sorted(ALLOWED))
def test_a_room_imports_nothing_that_comes_after_it(room: str) -> None:
    files = sorted((PACKAGE / room).rglob("*.py"))
    assert files
    for path in files:
        rooms = {name.split(".")[1] for name in imported(path) if name.startswith("mealign.")}
        assert rooms <= ALLOWED[room], f"{path.name} imports {rooms - ALLOWED[room]}"


@pytest.mark.parametrize("library", sorted(OWNERS))
def test_a_library_is_imported_where_it_belongs(library: str) -> None:
    users = {
        path.name for path in PACKAGE.rglob("*.py") if any(name.split(".")[0] == library for name in imported(path))
    }
    assert users <= OWNERS[library]


def test_the_entrypoint_imports_nothing_heavy() -> None:
    script = "import mealign.__main__, mealign.pipeline, sys; print([m for m in sys.argv[1:] if m in sys.modules])"
    heavy = ["torch", "transformers", "mlflow", "spacy", "numpy", "matplotlib", "sentence_transformers"]
    heavy += ["networkx", "sklearn"]
    result = subprocess.run([sys.executable, "-c", script, *heavy], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
