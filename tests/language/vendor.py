"""A real HTTP server in a process of its own that speaks both vendors' APIs, slowly and with faults.

It answers ``/v1/chat/completions``, ``/v1/decisions``, ``/v1/systemone``, ``/v1/messages``, and files and batches of
both vendors. What it decides follows from the request alone. Faults are drawn by request and attempt from a seed, so
that a run meets the same ones again. It counts what arrives and what it answers, by the key the client keeps replies
under. ``python -m tests.language.vendor '{"delay": 0.2}'`` prints its port.
"""

import asyncio
import contextlib
import hashlib
import json
import random
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from mealign.records import content_id

ROOT = Path(__file__).resolve().parents[2]
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Manners:
    """How a server behaves: seconds an answer takes, how many at once, and shares of requests that go wrong.

    ``halved``: the body ends in the middle; ``slow``: the answer takes ``slow_delay`` seconds.
    """

    delay: float = 0.0
    admits: int = 1000
    errors: float = 0.0
    throttled: float = 0.0
    dropped: float = 0.0
    halved: float = 0.0
    slow: float = 0.0
    slow_delay: float = 0.0
    lies: float = 0.0
    seed: int = 0
    batch_polls: int = 2
    retry_after: str = "0.05"


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    headers: dict[str, str]
    halved: bool = False


class DroppedError(Exception):
    """The connection ends here."""


class Vendor:
    def __init__(self, manners: Manners) -> None:
        self.manners = manners
        self.room = asyncio.Semaphore(manners.admits)
        self.port = 0
        self.arrived: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()
        self.under_way = self.most_under_way = 0
        self.files: dict[str, bytes] = {}
        self.batches: dict[str, dict[str, Any]] = {}

    async def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        if path == "/_counts":
            counts = {"arrived": self.arrived, "answered": self.answered, "most_under_way": self.most_under_way}
            return _json(200, counts)
        if path.startswith(("/v1/files", "/v1/batches", "/v1/messages/batches")):
            return self._batch_api(method, path.partition("?")[0], headers, body)
        request = json.loads(body)
        key = self.key(path, request)
        self.arrived[key] += 1
        chance = random.Random(f"{self.manners.seed}:{key}:{self.arrived[key]}")
        fault = chance.random()
        delay = self.manners.slow_delay if chance.random() < self.manners.slow else self.manners.delay
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            async with self.room:
                await asyncio.sleep(delay)
        finally:
            self.under_way -= 1
        for share, failure in (
            (self.manners.errors, _json(500 if fault * 1000 % 2 < 1 else 503, {"error": {"message": "scripted"}})),
            (
                self.manners.throttled,
                Answer(429, b'{"error": {"message": "slow"}}', {"Retry-After": self.manners.retry_after}),
            ),
            (self.manners.dropped, None),
        ):
            if fault < share:
                if failure is None:
                    raise DroppedError
                return failure
            fault -= share
        answer = _json(200, self.reply(path, request, key))
        if fault < self.manners.halved:
            return replace(answer, halved=True)
        self.answered[key] += 1
        return answer

    def key(self, path: str, request: Any) -> str:
        """The key under which the client keeps its reply."""
        origin, text = f"http://127.0.0.1:{self.port}", json.dumps(request, ensure_ascii=False)
        if path == "/v1/messages":
            return content_id("reply", origin, path, text)
        return content_id("reply", f"{origin}/v1", path.removeprefix("/v1"), text)

    def reply(self, path: str, request: Any, key: str) -> dict[str, Any]:
        lying = random.Random(f"lie:{self.manners.seed}:{key}").random() < self.manners.lies
        match path:
            case "/v1/chat/completions":
                text = request["messages"][-1]["content"]
                said = json.dumps(_verbalised(request["response_format"]["json_schema"]["schema"], text))
                message = {"role": "assistant", "content": said, "refusal": None}
                choice = {"index": 0, "finish_reason": "stop", "message": message}
                usage = _usage(("prompt_tokens", "completion_tokens"), request, said, lying)
                return {"object": "chat.completion", "model": "m", "choices": [choice], "usage": usage}
            case "/v1/messages":
                tool = request["tools"][0]
                said = _verbalised(tool["input_schema"], request["messages"][-1]["content"])
                block = {"type": "tool_use", "id": "t", "name": tool["name"], "input": said}
                usage = _usage(("input_tokens", "output_tokens"), request, json.dumps(said), lying)
                message = {"id": "1", "type": "message", "role": "assistant", "model": "m", "content": [block]}
                return {**message, "stop_reason": "tool_use", "usage": usage}
            case "/v1/decisions":
                answers: Any = [
                    {
                        "type": "choice",
                        "name": question["name"],
                        "choice": "first",
                        "confidence": 0.5,
                        "probabilities": [
                            {"value": option, "probability": p}
                            for option, p in _spread(
                                [each["value"] for each in question["choices"]], question["name"] + request["input"]
                            ).items()
                        ],
                    }
                    for question in request["questions"]
                ]
            case "/v1/systemone":
                answers = {
                    name: {
                        "type": "choice",
                        "probabilities": _spread(list(question["criteria"]), name + request["state"]),
                    }
                    for name, question in request["questions"].items()
                }
            case _:
                return {"error": f"no such path: {path}"}
        usage = _usage(("input_tokens", "output_tokens"), request, "", lying)
        return {"model": "m", "answers": answers, "usage": usage}

    def _batch_api(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        kind, _, rest = path.removeprefix("/v1/").removeprefix("messages/").partition("/")
        openai = not path.startswith("/v1/messages")
        if kind == "files" and method == "POST":
            boundary = headers["content-type"].partition("boundary=")[2].encode()
            part = next(part for part in body.split(b"--" + boundary) if b'name="file"' in part)
            file = f"file-{len(self.files)}"
            self.files[file] = part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n")
            return _json(
                200, {"id": file, "object": "file", "bytes": 1, "created_at": 0, "filename": "f", "purpose": "batch"}
            )
        if kind == "files":
            return Answer(200, self.files[rest.partition("/")[0]], {"Content-Type": "application/octet-stream"})
        if method == "POST":
            request = json.loads(body)
            if openai:
                lines = [json.loads(line) for line in self.files[request["input_file_id"]].decode().split("\n") if line]
                items = [(line["custom_id"], line["body"]) for line in lines]
            else:
                items = [(item["custom_id"], item["params"]) for item in request["requests"]]
            for _, item in items:
                self.arrived[self.key("/v1/chat/completions" if openai else "/v1/messages", item)] += 1
            batch = f"batch-{len(self.batches)}"
            self.batches[batch] = {"items": items, "looks": 0, "metadata": request.get("metadata")}
            return _json(200, self._batch(batch, openai))
        if not rest:
            listed = [self._batch(batch, openai) for batch in reversed(self.batches)]
            return _json(200, {"object": "list", "data": listed, "has_more": False})
        batch, _, what = rest.partition("/")
        if what == "results":
            return Answer(200, self._results(batch, openai), {"Content-Type": "application/x-jsonl"})
        self.batches[batch]["looks"] += 1
        return _json(200, self._batch(batch, openai))

    def _batch(self, batch: str, openai: bool) -> dict[str, Any]:
        state = self.batches[batch]
        ended = state["looks"] > self.manners.batch_polls
        if openai and ended and f"out-{batch}" not in self.files:
            self.files[f"out-{batch}"] = self._results(batch, openai)
        count = len(state["items"])
        if openai:
            return {
                "id": batch, "object": "batch", "endpoint": "/v1/chat/completions", "completion_window": "24h",
                "created_at": 4_000_000_000, "input_file_id": "f", "status": "completed" if ended else "in_progress",
                "output_file_id": f"out-{batch}" if ended else None, "metadata": state["metadata"],
            }  # fmt: skip
        counts = {"processing": 0 if ended else count, "succeeded": count if ended else 0}
        return {
            "id": batch, "type": "message_batch", "processing_status": "ended" if ended else "in_progress",
            "request_counts": {**counts, "errored": 0, "canceled": 0, "expired": 0},
            "created_at": "2090-01-01T00:00:00Z", "expires_at": "2090-01-02T00:00:00Z",
            "results_url": "http://elsewhere.example.org/results",
        }  # fmt: skip

    def _results(self, batch: str, openai: bool) -> bytes:
        lines = []
        for custom_id, item in reversed(self.batches[batch]["items"]):
            path = "/v1/chat/completions" if openai else "/v1/messages"
            key = self.key(path, item)
            self.answered[key] += 1
            reply = self.reply(path, item, key)
            if openai:
                lines.append({"custom_id": custom_id, "response": {"status_code": 200, "body": reply}, "error": None})
            else:
                lines.append({"custom_id": custom_id, "result": {"type": "succeeded", "message": reply}})
        return "\n".join(json.dumps(line, ensure_ascii=False) for line in lines).encode()


def _json(status: int, value: Any) -> Answer:
    return Answer(status, json.dumps(value).encode(), {})


def _draw(text: str) -> int:
    """A number from 0 to 99 that follows from a text."""
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) % 100


def _verbalised(schema: Any, text: str) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for name, kind in schema["properties"].items():
        if kind["type"] == "string":
            said[name] = "Because."
        else:
            options = kind["properties"]["choice"]["enum"]
            draw = _draw(name + text)
            said[name] = {"choice": options[draw % len(options)], "confidence": 50 + draw // 2}
    return said


def _spread(options: list[str], text: str) -> dict[str, float]:
    weights = [1 + _draw(option + text) for option in options]
    return {option: weight / sum(weights) for option, weight in zip(options, weights, strict=True)}


def _usage(names: tuple[str, str], request: Any, said: str, lying: bool) -> Any:
    if lying:
        return random.Random(said).choice([None, {names[0]: -5, names[1]: 10**12}, {names[0]: "many"}, {}])
    return {names[0]: len(json.dumps(request)) // 4, names[1]: len(said) // 4}


async def _serve(manners: Manners) -> None:
    vendor = Vendor(manners)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                method, target, _ = head[0].split(" ")
                headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                # A client that goes through a proxy gives the whole address.
                path = "/" + target.split("/", 3)[3] if target.startswith("http") else target
                try:
                    answer = await vendor.answer(method, path, headers, body)
                except DroppedError:
                    writer.transport.abort()
                    return
                fields = {**JSON, **answer.headers, "Content-Length": str(len(answer.body))}
                lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
                sent = answer.body[: len(answer.body) // 2] if answer.halved else answer.body
                writer.write(f"HTTP/1.1 {answer.status} Said\r\n{lines}\r\n".encode() + sent)
                await writer.drain()
                if answer.halved:
                    break
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, limit=1 << 26, backlog=1024)
    vendor.port = server.sockets[0].getsockname()[1]
    print(vendor.port, flush=True)
    await server.serve_forever()


@dataclass(frozen=True)
class Running:
    """A server in a process of its own."""

    port: int

    @property
    def openai(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def anthropic(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def counts(self) -> dict[str, Any]:
        """What arrived and what was answered, by key, and the most that was under way at once."""
        with urllib.request.urlopen(f"{self.anthropic}/_counts", timeout=30) as response:  # noqa: S310
            counts: dict[str, Any] = json.load(response)
        return counts


@contextmanager
def running(manners: Manners) -> Iterator[Running]:
    """Run a server until the block ends."""
    command = [sys.executable, "-m", "tests.language.vendor", json.dumps(asdict(manners))]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Running(int(process.stdout.readline()))
        finally:
            process.kill()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(Manners(**json.loads(sys.argv[1]))))
