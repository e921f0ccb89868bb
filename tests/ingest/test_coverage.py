"""The benchmark that looks for every character of a folder: parts sum to everything, and what is lost is named."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mealign.compose import compose_settings
from mealign.ingest.importers import markdown
from mealign.ingest.importing import Importer

ROOT = Path(__file__).parents[2]
PERSON = Path(__file__).parent / "fixtures/person"


@pytest.fixture(scope="module")
def coverage() -> ModuleType:
    spec = importlib.util.spec_from_file_location("coverage_benchmark", ROOT / "benchmarks/coverage.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def measured(coverage: ModuleType, tmp_path: Path) -> Callable[[], dict[str, Any]]:
    def measure() -> dict[str, Any]:
        overrides = ("user=folder", "user.name=mira", "user.person=Mira", f"user.path='{tmp_path}'")
        found: dict[str, Any] = coverage.measure(compose_settings(*overrides), tmp_path)
        return found

    return measure


def total(parts: dict[str, Any]) -> int:
    return sum(sum(part.values()) if isinstance(part, dict) else part for part in parts.values())


def test_every_character_has_its_part(tmp_path: Path, measured: Callable[[], dict[str, Any]]) -> None:
    notes = {
        "a.md": "---\ndate: 2024-05-01\nmood: good\n---\nI met [[Ida|her]]. %%ask%%\n\n## 2024-05-05\nI ==ran==.\n",
        "b.txt": "5 May 2024\nI ran.\n\nMonday, 6 May 2024\nI sat.\n",
        "2024-05-07.txt": "ok\nok\n",
        "broken.md": "\xff",
        "readme.md": "About.",
        "photo.png": "12345",
        ".hidden.md": "secret",
    }
    for name, text in notes.items():
        (tmp_path / name).write_bytes(text.encode("latin-1"))
    found = measured()
    assert (found["lost"], found["not_in_source"]) == ([], 0)
    assert found["characters"] == total(found["parts"]) == sum(map(len, notes.values()))
    assert found["parts"]["left_out"] == {"comment": 7, "front_matter": 32, "link_target": 3}
    assert found["parts"]["refused"] == {"not_utf8": 1}
    assert found["parts"]["ignored"] == {".png": 5}
    assert (found["parts"]["beside"], found["parts"]["hidden"]) == (6, 6)


def test_what_an_importer_drops_is_named(
    tmp_path: Path, measured: Callable[[], dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "2024-05-05.md").write_text("I ran.\nI sat.\nI ran.\n42\n")
    (tmp_path / "2024-05-06.md").write_text("I row.\n")
    monkeypatch.setattr(markdown, "prose", lambda body, leave_out: body.partition("I sat.")[0])
    monkeypatch.setattr("mealign.ingest.dispatch.importers", lambda: (Importer(frozenset({".md"}), markdown.read),))
    assert measured()["lost"] == ["2024-05-05.md:2", "2024-05-05.md:3", "2024-05-05.md:4"]


def test_every_format_adds_up(coverage: ModuleType) -> None:
    overrides = ("user=folder", "user.name=mira", "user.person='Mira Solberg'", f"user.path='{PERSON}'")
    found = coverage.measure(compose_settings(*overrides, "user.aliases=[Mira]"), PERSON)
    assert found["characters"] == total(found["parts"])
    assert found["not_in_source"] == 0
    assert found["documents"] == 28
    assert not [place for place in found["lost"] if not place.startswith("whatsapp/")]
