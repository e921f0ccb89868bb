"""What has been asked before is not asked again, and a run that breaks off goes on where it was."""

from pathlib import Path
from typing import Any

import pytest

from mealign.errors import MealignError
from mealign.language.chat import Prompt, TextModel
from mealign.language.replies import Replies, ask
from mealign.records import Message
from tests.defaults import LlmConfig
from tests.language.asking import writer
from tests.language.server import Request, Response, Server, serving

SCHEMA = {"type": "object", "properties": {}}


def connect(server: Server, folder: Path) -> TextModel:
    return writer(LlmConfig(backend="openai", model="m", base_url=server.openai), folder)


def prompts(*texts: str) -> list[Prompt]:
    return [(Message(role="user", content=text),) for text in texts]


def replies(model: TextModel, cache: Path, *texts: str, max_new_tokens: int = 8) -> Replies:
    return ask(
        model, prompts(*texts), SCHEMA, cache=cache, max_new_tokens=max_new_tokens, temperature=0, description="ask"
    )


def echo(request: Request) -> Response:
    return Response(f"re: {request.body['messages'][-1]['content']}\r\n\ud800")


def test_only_what_is_new_is_asked(tmp_path: Path) -> None:
    with serving(echo) as server:
        model, cache = connect(server, tmp_path), tmp_path / "cache"
        first = replies(model, cache, "a", "b", "a")
        second = replies(model, cache, "b", "c")
        longer = replies(model, cache, "b", max_new_tokens=9)
    assert (first.texts, first.asked, first.cached) == (("re: a\r\n?", "re: b\r\n?", "re: a\r\n?"), 2, 1)
    assert (second.texts, second.asked, second.cached) == (("re: b\r\n?", "re: c\r\n?"), 1, 1)
    assert longer.asked == 1, "another request is another reply"
    assert len(server.requests) == 4


def test_what_was_answered_before_a_failure_is_kept(tmp_path: Path) -> None:
    texts = [f"text {number}" for number in range(9)]
    cache, answered = tmp_path / "cache", []

    def breaks_off(request: Request) -> Response:
        if texts[-1] in request.prompt:
            return Response(status=401)
        answered.append(request)
        return echo(request)

    with serving(breaks_off) as server:
        with pytest.raises(MealignError, match="answers 401"):
            replies(connect(server, tmp_path), cache, *texts)
        kept = len(answered)
        assert len(list(cache.iterdir())) == kept > 4
        assert replies(connect(server, tmp_path), cache, *texts[:-1]).asked == 8 - kept


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "", lambda text: text[:-20], lambda text: "[1]", lambda text: "null", lambda text: "{}",
        lambda text: text.replace("re: a", "re: b"), lambda text: text.replace("a", "\xe9"), lambda text: text + text,
        lambda text: text.replace('"text":"re: a', '"text":["re: a"],"x":"'), lambda text: "[" * 100_000, None,
    ],
)  # fmt: skip
def test_a_damaged_reply_is_told_and_asked_for_again(damage: Any, tmp_path: Path, capfd: Any) -> None:
    with serving(echo) as server:
        model = connect(server, tmp_path)
        whole = replies(model, tmp_path / "llm", "a")
        (file,) = (tmp_path / "llm").iterdir()
        if damage is None:
            file.unlink()
            file.mkdir()
        else:
            file.write_bytes(damage(file.read_text()).encode("latin-1", "replace"))
        again = replies(model, tmp_path / "llm", "a")
        assert (again.texts, again.asked) == (whole.texts, 1)
        told = "it stands where a file belongs" if damage is None else "this reply of a model is damaged"
        assert f"{file}: {told}; it is thrown away" in capfd.readouterr().err
        assert replies(model, tmp_path / "llm", "a").asked == 0


def test_the_reply_to_another_request_is_none_to_this_one(tmp_path: Path) -> None:
    with serving(echo) as server:
        replies(connect(server, tmp_path), tmp_path / "llm", "a", "b")
        first, second = sorted((tmp_path / "llm").iterdir())
        first.replace(second)
        assert replies(connect(server, tmp_path), tmp_path / "llm", "a", "b").asked == 2


def test_a_file_in_the_place_of_the_folder_is_thrown_away(tmp_path: Path) -> None:
    (tmp_path / "llm").write_text("a file")
    with serving(echo) as server:
        assert replies(connect(server, tmp_path), tmp_path / "llm", "a").asked == 1
        assert replies(connect(server, tmp_path), tmp_path / "llm", "a").asked == 0
