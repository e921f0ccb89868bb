"""A vendor from outside the package is one file: it writes and decides against a real server, and keys know it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.language.server import Request, Response, serving

ECHO = '''
"""A vendor whose models repeat what they are told."""

from mealign.language.endpoints import Endpoint, ParsedReply, WritingEndpoint, WrittenReply
from mealign.language.decisions import Decided
from mealign.language.responses import distribution, json_object
from mealign.language.vendor import DecisionApi, Vendor


class EchoWriting(WritingEndpoint):
    path = "/write"
    api = "the echo API"

    def body(self, prompt, *, max_new_tokens, sampling, schema=None):
        return {"say": prompt[-1].content}

    def read(self, response):
        return WrittenReply(json_object(response)["text"])


class EchoEndpoint(Endpoint):
    path = "/decide"
    api = "the echo API"

    def body(self, inquiry):
        questions = {name: list(choice.options) for name, choice in inquiry.questions.items()}
        return {"model": self.server.model, "state": inquiry.state, "questions": questions}

    def read(self, response, inquiry):
        said = json_object(response)
        found = {name: distribution(said[name], choice) for name, choice in inquiry.questions.items()}
        return ParsedReply(Decided(found), text="")


VENDOR = Vendor(
    address="https://echo.example.org", write=EchoWriting, decide={"plain": DecisionApi(EchoEndpoint, words=False)}
)
'''

ASKS = """
import json, sys
from pathlib import Path
from mealign.compose import compose_settings
from mealign.experiment.code import code_of
from mealign.language.build import build_decision_model, build_model
from mealign.language.decisions import Choice, Inquiry
from mealign.pipeline.registry import check, stages
from mealign.records import Message

folder, *overrides = sys.argv[1:]
settings = compose_settings(*overrides)
check(settings)
judge = build_decision_model(
    settings.judge.backend, settings.judge.server, cache=Path(folder), ledger=Path(folder), prices=settings.prices
)
asked = [Inquiry("Ghent?", {"v": Choice("Which?", {"first": "a", "second": "b"})})]
(decided,) = judge.decide(asked)
writer = build_model(settings.memory.llm, spent=Path(folder), ledger=Path(folder), prices=settings.prices)
(written,) = writer.structured([[Message(role="user", content="Hello.")]], {}, max_new_tokens=8)
files = {name: code_of(stages()[name].run).files for name in ("judge", "memory", "sft")}
knows = [name for name, found in files.items() if "mealign.language.vendors.echo" in found]
print(json.dumps({"decided": decided.probabilities, "written": written, "again": judge.decide(asked) == [decided],
                  "knows": knows}))
"""

CHECKS = """
import json, sys
from mealign.compose import compose_settings
from mealign.errors import ConfigError
from mealign.pipeline.registry import check

common, *several = map(json.loads, sys.argv[1:])
found = []
for overrides in several:
    try:
        check(compose_settings(*common, *overrides))
        found.append("fine")
    except ConfigError as error:
        found.append(str(error))
print(json.dumps(found))
"""

ECHOES = [
    "memory=llm", "memory.llm.backend=echo", "memory.llm.model=m",
    "judge=bio", "judge.backend=echo", "judge.server.model=m",
]  # fmt: skip


def run(folder: Path, script: str, *arguments: str) -> Any:
    """What a process says that has the plug-in folder from its start, as every run has."""
    (folder / "plugin/vendors").mkdir(parents=True)
    (folder / "plugin/vendors/echo.py").write_text(ECHO)
    result = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env={**os.environ, "MEALIGN_PLUGINS": str(folder / "plugin")},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout.splitlines()[-1])


def answer(request: Request) -> Response:
    if request.path == "/v1/write":
        said: Any = {"text": request.body["say"].upper()}
    else:
        asked = request.body["questions"].items()
        said = {name: dict(zip(options, [0.7, 0.3], strict=True)) for name, options in asked}
    return Response(body=json.dumps(said).encode())


def test_it_writes_and_decides_and_the_keys_of_the_stages_that_ask_know_it(tmp_path: Path) -> None:
    with serving(answer) as server:
        urls = [f"{key}.base_url={server.openai}" for key in ("judge.server", "memory.llm")]
        found = run(tmp_path, ASKS, str(tmp_path / "cache"), *ECHOES, *urls)
    assert found["decided"] == {"v": {"first": pytest.approx(0.7), "second": pytest.approx(0.3)}}
    assert found["again"], "the second time the kept reply is read"
    assert found["written"] == "HELLO."
    assert [request.path for request in server.requests] == ["/v1/decide", "/v1/write"]
    assert found["knows"] == ["judge", "memory"]


REFUSED = [
    ([], "egress=deny with judge.server.base_url=https://echo.example.org: what the judge reads"),
    ([], "egress=deny with memory.llm.base_url=https://echo.example.org: your notes would leave"),
    (["judge=graph_cot", "judge.backend=echo"], "it asks for reasoning, and typed decisions have no words"),
    (["judge.server.batch=true"], "judge.backend=echo: the echo API has no batch API"),
    (["judge.server.api=chat"], "judge.server.api=chat with judge.backend=echo: it must be one of plain"),
    (["judge.backend=ech"], "judge.backend=ech: it must be one of evidence, local, panel, anthropic, echo, openai"),
    (["egress=allow"], "fine"),
]


def test_settings_are_checked_against_what_it_declares(tmp_path: Path) -> None:
    found = run(tmp_path, CHECKS, json.dumps(ECHOES), *(json.dumps(overrides) for overrides, _ in REFUSED))
    for (_, message), said in zip(REFUSED, found, strict=True):
        assert message in said
