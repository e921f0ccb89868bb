"""Whatever a server does, it is bounded: in memory, in time, in requests, and one request's fault is that request's."""

import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from mealign.errors import MealignError
from mealign.language import sending
from mealign.language.chat import Prompt
from mealign.language.decisions import Decided, Undecided
from mealign.records import Message
from tests.defaults import LlmConfig
from tests.language.asking import WORDY, connect, inquiries, said, stored, typed, writer
from tests.language.hostile import PASSING, TOO_LARGE, USELESS, packed_answer
from tests.language.server import Request, Response, serving

PROMPTS: list[Prompt] = [(Message(role="user", content=f"State {number}."),) for number in range(3)]


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "FIRST_PAUSE", 0.01)


def once(hostile: Callable[[], Response], answer: Response) -> Callable[[Request], Response]:
    return lambda request: hostile() if "State 1." in request.prompt else answer


@pytest.mark.parametrize("kind", [*WORDY, "systemone"])
@pytest.mark.parametrize("name", [*TOO_LARGE, *PASSING, *USELESS])
def test_a_reply_of_a_server_out_of_its_mind_is_one_outcome(kind: str, name: str, tmp_path: Path) -> None:
    hostile = {**TOO_LARGE, **PASSING, **USELESS}[name]
    hostile()
    expected = "too_large" if name in TOO_LARGE else "unreachable" if name in PASSING else "malformed"
    answer = typed(kind, 0.75) if kind == "systemone" else Response(said())
    with serving(once(hostile, answer)) as server:
        model = connect(kind, server.port, tmp_path, concurrency=1, timeout=0.5, max_retries=1)
        tracemalloc.start()
        try:
            if name.startswith("a redirect"):
                with pytest.raises(MealignError, match="answers 302"):
                    model.decide(inquiries(3))
                return
            first, second, third = model.decide(inquiries(3))
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert isinstance(first, Decided)
    assert isinstance(third, Decided)
    assert isinstance(second, Undecided)
    assert second.kind == expected
    assert stored(tmp_path) == 2, "nothing of it is kept"
    assert peak < 100_000_000
    assert len(server.requests) == (4 if name in PASSING else 3)


@pytest.mark.parametrize(
    ("backend", "name"),
    [("anthropic", "gzip"), *(("openai", name) for name in [*TOO_LARGE, *PASSING, *USELESS])],
)
def test_a_model_that_writes_is_bounded_alike(backend: str, name: str, tmp_path: Path) -> None:
    hostile = {**TOO_LARGE, **PASSING, **USELESS}[name]
    hostile()
    with serving(once(hostile, Response("fine"))) as server:
        url = server.openai if backend == "openai" else server.anthropic
        limits = {"concurrency": 1, "timeout": 0.5, "max_retries": 1}
        model = writer(LlmConfig(backend=backend, model="m", base_url=url, **limits), tmp_path)
        answers: dict[int, str] = {}
        with pytest.raises(MealignError) as caught:
            model.structured(PROMPTS, {}, max_new_tokens=8, on_answer=answers.__setitem__)
    if not name.startswith("a redirect"):
        assert answers == {0: "fine", 2: "fine"}, "the others are answered, and kept"
        assert "1 of 3 requests have no answer" in str(caught.value)
    assert str(caught.value).startswith(url)
    assert ("memory.llm.max_reply_bytes=1000000" in str(caught.value)) == (name in TOO_LARGE)


@pytest.mark.parametrize("known", [0, 1])
def test_a_server_whose_replies_are_all_too_large_ends_the_run(known: int, tmp_path: Path) -> None:
    with serving(lambda _: Response(said())) as server:
        connect("chat", server.port, tmp_path).decide(inquiries(known))
        port = server.port
    message = r"more than judge\.server\.max_reply_bytes=1000, and nothing of it was kept; raise that"
    large = Response(said(more="x" * 2000))
    with serving(lambda _: large, port=port) as server, pytest.raises(MealignError, match=message):
        connect("chat", server.port, tmp_path, max_reply_bytes=1000).decide(inquiries(40))
    assert len(server.requests) < 40
    assert stored(tmp_path) == known


def test_a_packed_reply_is_read_up_to_its_limit_once_unpacked(tmp_path: Path) -> None:
    def reply(length: int) -> bytes:
        text = json.dumps({"choices": [{"message": {"content": said()}}], "more": ""})
        return (text[:-2] + "x" * (length - len(text)) + '"}').encode()

    for length, kind in ((1000, Decided), (1001, Undecided)):
        with serving(lambda _, length=length: Response(pieces=lambda: packed_answer(reply(length)))) as server:
            model = connect("chat", server.port, tmp_path / str(length), max_reply_bytes=1000)
            if kind is Decided:
                assert isinstance(model.decide(inquiries(1))[0], Decided)
            else:
                with pytest.raises(MealignError, match="max_reply_bytes=1000"):
                    model.decide(inquiries(1))


def test_a_kept_reply_that_is_too_large_is_not_read_but_asked_for_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(lambda _: Response(said())) as server:
        model = connect("chat", server.port, tmp_path)
        expected = model.decide(inquiries(1))
        (path,) = (tmp_path / "cache").glob("reply_*.json")
        with path.open("ab") as file:
            file.truncate(5_000_000_000)
        assert connect("chat", server.port, tmp_path).decide(inquiries(1)) == expected
    assert path.stat().st_size < 5000
    assert "larger than any reply that is kept" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["{}", "[]", "", "null", '{"choices": 3}'])
def test_a_kept_reply_of_another_api_is_asked_for_again(text: str, tmp_path: Path) -> None:
    with serving(lambda _: Response(said())) as server:
        model = connect("chat", server.port, tmp_path)
        expected = model.decide(inquiries(1))
        (path,) = (tmp_path / "cache").glob("reply_*.json")
        kept = json.loads(path.read_text())
        path.write_text(json.dumps({**kept, "text": text}))
        again = connect("chat", server.port, tmp_path)
        assert again.estimate(inquiries(1)).requests == 1
        assert again.decide(inquiries(1)) == expected
    assert len(server.requests) == 2


def test_a_server_cannot_make_itself_remembered(tmp_path: Path) -> None:
    with serving(lambda _: Response(said(), headers={"Set-Cookie": "who=you; Max-Age=99999999"})) as server:
        connect("chat", server.port, tmp_path, concurrency=1).decide(inquiries(3))
    assert not any("cookie" in request.headers for request in server.requests)
