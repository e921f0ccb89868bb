"""The batch APIs of both vendors, scripted: what becomes of every batch, one after the other."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.language.asking import said
from tests.language.server import Request, Response

COMPLETED, FAILED, EXPIRED, CANCELLED = "completed", "failed", "expired", "cancelled"
GONE, IN_PROGRESS = "gone", "in_progress"
ERRORS, REFUSED, LOST = "errors", "refused", "lost"
NOT_FOUND = Response(status=404, body=b'{"error": {"message": "no such batch"}}')


@dataclass
class Submitted:
    """One batch: its requests by key, what becomes of it, and how many of them it answers."""

    fate: str
    answers: int
    items: dict[str, Any]
    metadata: Any = None
    looks: int = 0


@dataclass
class BatchServer:
    """Answers as a script for :func:`tests.language.server.serving`.

    ``fates`` are those of the batches in the order in which they come, as pairs of a word and the number of requests
    that are answered; after the last one, all are completed. ``extra`` is written into every file of results.
    """

    fates: list[tuple[str, int]] = field(default_factory=list)
    batches: dict[str, Submitted] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    extra: Callable[[], Iterator[bytes]] = lambda: iter(())

    def __call__(self, request: Request) -> Response:
        path = request.path.partition("?")[0]
        openai = not path.startswith("/v1/messages")
        _, _, rest = path.removeprefix("/v1/").removeprefix("messages/").partition("/")
        if path.startswith("/v1/files"):
            return self._file(request, rest)
        if request.method == "POST":
            return self._submit(request, openai)
        if not rest:
            listed = [self._shown(name, openai) for name in reversed(self.batches)]
            return _json({"data": listed, "has_more": False})
        name, _, results = rest.partition("/")
        if name not in self.batches or self.batches[name].fate == GONE:
            return NOT_FOUND
        if results:
            return Response(pieces=lambda: self._results(name, openai))
        self.batches[name].looks += 1
        return _json(self._shown(name, openai))

    @property
    def sizes(self) -> list[int]:
        """How many requests each batch had."""
        return [len(batch.items) for batch in self.batches.values()]

    def _file(self, request: Request, rest: str) -> Response:
        if request.method == "POST":
            boundary = request.headers["content-type"].partition("boundary=")[2].encode()
            part = next(part for part in request.content.split(b"--" + boundary) if b'name="file"' in part)
            name = f"file-{len(self.files)}"
            self.files[name] = part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n")
            return _json(
                {"id": name, "object": "file", "bytes": 1, "created_at": 0, "filename": "f", "purpose": "batch"}
            )
        name = rest.partition("/")[0].removeprefix("out-")
        return NOT_FOUND if self.batches[name].fate == LOST else Response(pieces=lambda: self._results(name, True))

    def _submit(self, request: Request, openai: bool) -> Response:
        if openai:
            lines = [
                json.loads(line) for line in self.files[request.body["input_file_id"]].decode().split("\n") if line
            ]
            items = {line["custom_id"]: line["body"] for line in lines}
        else:
            items = {item["custom_id"]: item["params"] for item in request.body["requests"]}
        number = len(self.batches)
        fate, answers = self.fates[number] if number < len(self.fates) else (COMPLETED, len(items))
        self.batches[f"batch-{number}"] = Submitted(fate, answers, items, request.body.get("metadata"))
        return _json(self._shown(f"batch-{number}", openai))

    def _shown(self, name: str, openai: bool) -> dict[str, Any]:
        batch = self.batches[name]
        ended = batch.fate != IN_PROGRESS
        if openai:
            status = batch.fate if batch.fate in (FAILED, EXPIRED, CANCELLED, IN_PROGRESS) else COMPLETED
            file = f"out-{name}" if ended and batch.fate != FAILED else None
            found = {"id": name, "status": status, "created_at": 4_000_000_000, "metadata": batch.metadata}
            return {**found, "output_file_id": file, "errors": {"data": [{"message": "scripted"}]}}
        counts = {"processing": 0 if ended else len(batch.items), "succeeded": len(batch.items) if ended else 0}
        found = {"id": name, "processing_status": "ended" if ended else "in_progress", "request_counts": counts}
        return {**found, "created_at": "2090-01-01T00:00:00Z", "results_url": "http://elsewhere.example.org/results"}

    def _results(self, name: str, openai: bool) -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Type: application/x-jsonl\r\n\r\n"
        yield from self.extra()
        batch = self.batches[name]
        for number, key in enumerate(batch.items):
            if batch.fate == LOST:
                return
            yield json.dumps(_line(key, batch.fate if number >= batch.answers else COMPLETED, openai)).encode() + b"\n"


def _json(value: Any) -> Response:
    return Response(body=json.dumps(value).encode())


def _line(key: str, fate: str, openai: bool) -> dict[str, Any]:
    if openai:
        message = {"choices": [{"finish_reason": "stop", "message": {"content": said()}}]}
        usage = {"usage": {"prompt_tokens": 300, "completion_tokens": 10}}
        status = {COMPLETED: 200, ERRORS: 500, REFUSED: 400}.get(fate)
        body = {**message, **usage} if status == 200 else {"error": {"message": "scripted"}}
        response = status and {"status_code": status, "body": body}
        return {
            "id": "x",
            "custom_id": key,
            "response": response,
            "error": None if status else {"code": f"batch_{fate}"},
        }
    block = {"type": "tool_use", "id": "t", "name": "reply", "input": json.loads(said())}
    usage = {"usage": {"input_tokens": 300, "output_tokens": 10}}
    kinds = {COMPLETED: "succeeded", EXPIRED: "expired", CANCELLED: "canceled"}
    error = {"error": {"type": "invalid_request_error" if fate == REFUSED else "api_error"}}
    kind = kinds.get(fate, "errored")
    answer = {"message": {"content": [block], "stop_reason": "tool_use", **usage}} if kind == "succeeded" else error
    return {"custom_id": key, "result": {"type": kind, **answer}}
