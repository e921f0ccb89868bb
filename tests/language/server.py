"""A real HTTP server on loopback that speaks OpenAI's and Anthropic's chat APIs, with answers from a script."""

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Response:
    """What one request gets: an answer's text, or anything else an HTTP server can do.

    ``delay`` is in seconds; ``pieces`` are written byte for byte in place of a whole response, until the client goes.
    """

    text: str | None = ""
    status: int = 200
    stop: str | None = None
    usage: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    delay: float = 0.0
    pieces: Callable[[], Iterable[bytes]] | None = None


@dataclass(frozen=True)
class Request:
    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    method: str = "POST"
    content: bytes = b""

    @property
    def prompt(self) -> str:
        """The system message and all others, whichever API; the whole request of one without messages."""
        if "messages" not in self.body:
            return json.dumps(self.body)
        said = [message["content"] for message in self.body["messages"]]
        return "\n".join([self.body.get("system", ""), *said])


Script = Callable[[Request], Response]


@dataclass
class Server:
    """A running server: its addresses for the two SDKs, and the requests so far."""

    port: int
    requests: list[Request] = field(default_factory=list)

    @property
    def openai(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def anthropic(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def serving(script: Script, port: int = 0) -> Iterator[Server]:
    """Serve until the block ends; ``script`` sees one request at a time, in the order of arrival."""
    lock, ended = threading.Lock(), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.answer()

        def do_POST(self) -> None:
            self.answer()

        def answer(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"] or 0))
            # An upload is no JSON.
            body = json.loads(content) if self.headers["Content-Type"] == "application/json" and content else {}
            headers = {key.lower(): value for key, value in self.headers.items()}
            request = Request(self.path, headers, body, self.command, content)
            with lock:
                server.requests.append(request)
                response = script(request)
            # Not `sleep`: a test ends when it is done.
            ended.wait(response.delay)
            with suppress(ConnectionError):
                self.respond(request, response)

        def respond(self, request: Request, response: Response) -> None:
            if response.pieces is not None:
                self.close_connection = True
                for piece in response.pieces():
                    if ended.is_set():
                        return
                    self.wfile.write(piece)
                return
            content = response.body if response.body is not None else _encode(request, response)
            self.send_response(response.status)
            for key, value in {"Content-Type": "application/json", **response.headers}.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    class Http(ThreadingHTTPServer):
        request_queue_size = 128

    with Http(("127.0.0.1", port), Handler) as http:
        server = Server(http.server_address[1])
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            ended.set()
            http.shutdown()
            thread.join()


def in_turn(*responses: Response) -> Script:
    """Give one response after the other; a request beyond the last is an error of the test."""
    left = iter(responses)
    return lambda _: next(left)


def _encode(request: Request, response: Response) -> bytes:
    if response.status != 200:
        answer: dict[str, Any] = {"type": "error", "error": {"type": "scripted", "message": request.prompt}}
    elif request.path == "/v1/messages":
        answer = _message(request, response)
    else:
        message = {"role": "assistant", "content": response.text, "refusal": "No." if response.text is None else None}
        choice = {"index": 0, "finish_reason": response.stop or "stop", "message": message}
        answer = {"id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]}
        if response.usage is not None:
            answer["usage"] = response.usage
    return json.dumps(answer).encode()


def _message(request: Request, response: Response) -> dict[str, Any]:
    """A forced tool is called with the text where that is JSON; a model that cannot do it writes the text."""
    text = response.text
    content: list[dict[str, Any]] = [] if text is None else [{"type": "text", "text": text}]
    if text and "tools" in request.body:
        try:
            called = {
                "type": "tool_use",
                "id": "t",
                "name": request.body["tools"][0]["name"],
                "input": json.loads(text),
            }
            content = [called]
        except json.JSONDecodeError:
            pass
    return {
        "id": "1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": content,
        "stop_reason": response.stop or ("refusal" if text is None else "end_turn"),
        "usage": response.usage or {"input_tokens": 1, "output_tokens": 1},
    }
