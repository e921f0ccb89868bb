"""A whole run with default permissions: what is the user's stands in files that only they can read, nowhere else."""

import json
import os
import re
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.language.server import Request, Response, serving
from tests.promises.command import Result, run
from tests.promises.test_what_leaves import overhearing

SENTENCES = [
    "I keep a quaggafern in the attic.",
    "My sister Odaline bought a vermilion harpoon.",
    "I was born in Zwartsluisveld.",
    "Odaline sold the harpoon to a glazier in Oudkarspelo.",
    "I pay the rent to a man called Thibauderic.",
    "I take lamotraxine every morning.",
    "The alarm of my house is quintupled nine four.",
    "I lost my weddingbrooch in Pietersbierum.",
    "Thibauderic repaired the carillonlever on Sunday.",
    "I read the Codex Rumpelwisk every winter.",
]
CANARIES = [
    "quaggafern", "harpoon", "Zwartsluisveld", "Oudkarspelo", "Thibauderic", "lamotraxine", "quintupled",
    "weddingbrooch", "carillonlever", "Rumpelwisk",
]  # fmt: skip
"""A word of each sentence that stands nowhere else."""
KEY, ALIAS, FOLDER, TEMPLATE, TEMPLATE_TEXT = (
    "sk-canarykey",
    "Quillfeather",
    "canaryfolder",
    "canarytemplate",
    "Hortensia",
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project folder, open to everyone, with a person's first months and ten sentences of their own."""
    root = tmp_path_factory.mktemp("project")
    root.chmod(0o755)
    notes = root / FOLDER / "notes"
    notes.mkdir(parents=True)
    for note in sorted((ROOT / "examples/demo_user/notes").glob("2024-0[1-4]*.md")):
        (notes / note.name).write_bytes(note.read_bytes())
    for day, sentence in enumerate(SENTENCES, start=1):
        (notes / f"2024-05-{day:02}.md").write_text(f"{sentence}\n", encoding="utf-8")
    own = (ROOT / "src/mealign/judging/templates/English/blind.md").read_text(encoding="utf-8")
    (root / f"{TEMPLATE}.md").write_text(f"{own}\n{TEMPLATE_TEXT} says so.\n", encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def result(project: Path, tiny_model: Path, parser_path: Path, embedder_path: Path) -> Result:
    """The whole way, with a judge on loopback; files are made as a careless ``umask`` would have them."""

    def script(request: Request) -> Response:
        first, second = re.findall(r"^(?:First|Second) answer: (.*)$", request.prompt, re.MULTILINE)
        choice = "first" if first < second else "second"
        return Response(text=json.dumps({"verdict": {"choice": choice, "confidence": 90}}))

    before = os.umask(0)
    try:
        with overhearing() as (port, heard), serving(script) as server:
            found = run(
                "experiment=smoke",
                "user=folder",
                "user.name=me",
                "user.person=Nadia Verhoeven",
                f"user.path={project / FOLDER}",
                f"user.aliases=[{ALIAS}]",
                "judge=blind",
                "judge.backend=openai",
                "judge.server.model=m",
                f"judge.server.base_url={server.openai}",
                "judge.server.api_key_env=CANARY_KEY",
                f"judge.template={project / TEMPLATE}.md",
                cwd=project,
                seconds=300,
                env={"CANARY_KEY": KEY, **dict.fromkeys(LURES, f"http://127.0.0.1:{port}")},
            )
    finally:
        os.umask(before)
    assert found.code == 0, found.output
    assert heard == [], "something followed the environment"
    assert any(KEY in str(request.headers) for request in server.requests), "the judge was asked"
    return found


LURES = (
    "HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HF_ENDPOINT",
    "MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI", "OTEL_EXPORTER_OTLP_ENDPOINT", "OPENAI_BASE_URL",
    "ANTHROPIC_BASE_URL", "WANDB_BASE_URL", "COMET_URL_OVERRIDE",
)  # fmt: skip
"""Variables by which an environment leads libraries elsewhere."""
SECRET = [*CANARIES, KEY, ALIAS, FOLDER, TEMPLATE, TEMPLATE_TEXT]


def found_in(content: bytes) -> list[str]:
    """Return the canaries in some bytes, in whichever of the usual encodings they are written."""
    lower = content.lower()
    return [word for word in SECRET if word.lower().encode() in lower or word.lower().encode("utf-16-le") in lower]


def test_no_file_that_others_can_read_holds_them(project: Path, result: Result) -> None:
    sources = {project / FOLDER, project / f"{TEMPLATE}.md"}
    for path in project.rglob("*"):
        if path.is_file() and not any(path == source or path.is_relative_to(source) for source in sources):
            others = stat.S_IMODE(path.stat().st_mode) & 0o077
            if others and path.parent.stat().st_mode & 0o055:
                assert not found_in(path.read_bytes()), f"{path} {oct(others)}"


def test_mlflow_knows_none_of_them(project: Path, result: Result) -> None:
    books = project / "mlruns"
    with closing(sqlite3.connect(books / "mlflow.db")) as connection:
        dump = "\n".join(connection.iterdump())
    # Where artifacts are is this project's own folder, and so is the place of MLflow's.
    assert found_in(dump.encode()) == []
    artifacts = [path for path in (books / "artifacts").rglob("*") if path.is_file()]
    assert artifacts
    for path in artifacts:
        assert found_in(path.read_bytes()) == [], path
        assert found_in(path.name.encode()) == [], path


def test_the_terminal_shows_none_of_them(result: Result) -> None:
    assert found_in(result.output.encode()) == []


def test_the_key_is_kept_nowhere(project: Path, result: Result) -> None:
    for path in project.rglob("*"):
        assert not (path.is_file() and KEY.encode() in path.read_bytes()), path
