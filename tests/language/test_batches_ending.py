"""A batch may end in any way: what it answered is kept, and the rest is asked anew, once a run and never for ever."""

from __future__ import annotations

import itertools
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mealign.errors import MealignError
from mealign.language import batches, sending
from mealign.language.budget import Budget
from mealign.language.decisions import Decided, Undecided
from tests.language.asking import WORDY, connect, inquiries, stored
from tests.language.batching import (
    CANCELLED,
    ERRORS,
    EXPIRED,
    FAILED,
    GONE,
    IN_PROGRESS,
    LOST,
    REFUSED,
    BatchServer,
)
from tests.language.hostile import PASSING
from tests.language.server import Request, Response, serving
from tests.language.test_batches import Killed

ENDS = [
    (FAILED, 0),
    (EXPIRED, 0),
    (EXPIRED, 4),
    (CANCELLED, 0),
    (CANCELLED, 4),
    (GONE, 0),
    (LOST, 0),
    (ERRORS, 0),
    (REFUSED, 0),
]


def possible(kind: str, fate: str) -> None:
    if kind == "anthropic" and fate == LOST:
        pytest.skip("it has no files")


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "FIRST_POLL", 0.01)
    monkeypatch.setattr(batches, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(sending, "FIRST_PAUSE", 0.01)


def killed_while_waiting(kind: str, port: int, folder: Path, count: int = 6, **options: Any) -> None:
    """A run that is killed after it has submitted."""

    async def killed(*_: Any) -> None:
        raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches.Batches, "_wait", killed)
        with pytest.raises(Killed):
            connect(kind, port, folder, batch=True, **options).decide(inquiries(count))


def records(folder: Path) -> list[Path]:
    return list((folder / "cache/batches").glob("*"))


@pytest.mark.parametrize("kind", WORDY)
@pytest.mark.parametrize(("fate", "answers"), ENDS)
def test_a_batch_that_ends_early_is_started_anew_by_the_next_run(
    kind: str, fate: str, answers: int, tmp_path: Path
) -> None:
    possible(kind, fate)
    vendor = BatchServer([(fate, answers)])
    with serving(vendor) as server:
        message = rf"batch batch-0 [\w ]+, and {6 - answers} of its 6 requests are without an answer.* submitted anew$"
        with pytest.raises(MealignError, match=message):
            connect(kind, server.port, tmp_path, batch=True).decide(inquiries(6))
        assert (vendor.sizes, stored(tmp_path), records(tmp_path)) == ([6], answers, [])
        outcomes = connect(kind, server.port, tmp_path, batch=True).decide(inquiries(6))
    assert vendor.sizes == [6, 6 - answers], "what was answered is not asked again"
    assert all(isinstance(outcome, Decided) for outcome in outcomes)


@pytest.mark.parametrize("kind", WORDY)
@pytest.mark.parametrize(("fate", "answers"), ENDS)
def test_a_batch_of_a_killed_run_that_has_ended_early_is_started_anew_at_once(
    kind: str, fate: str, answers: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    possible(kind, fate)
    vendor = BatchServer([(fate, answers)])
    with serving(vendor) as server:
        killed_while_waiting(kind, server.port, tmp_path)
        outcomes = connect(kind, server.port, tmp_path, batch=True).decide(inquiries(6))
    assert vendor.sizes == [6, 6 - answers]
    assert all(isinstance(outcome, Decided) for outcome in outcomes)
    told = [line for line in capsys.readouterr().err.splitlines() if "batch-0" in line]
    assert len(told) == 1
    assert told[0].endswith("are without an answer; they are submitted anew")


@pytest.mark.parametrize("kind", WORDY)
def test_no_run_submits_a_request_twice_however_often_the_vendor_fails(kind: str, tmp_path: Path) -> None:
    vendor = BatchServer([(FAILED if kind == "chat" else EXPIRED, 0)] * 9)
    with serving(vendor) as server:
        killed_while_waiting(kind, server.port, tmp_path)
        for run in range(1, 4):
            with pytest.raises(MealignError, match="6 of its 6 requests are without an answer"):
                connect(kind, server.port, tmp_path, batch=True).decide(inquiries(6))
            assert vendor.sizes == [6] * (run + 1)


@pytest.mark.parametrize("kind", WORDY)
def test_a_request_that_fails_in_a_batch_is_one_outcome(kind: str, tmp_path: Path) -> None:
    for fate, outcome in ((ERRORS, "unreachable"), (REFUSED, "refused")):
        with serving(BatchServer([(fate, 4)])) as server:
            found = connect(kind, server.port, tmp_path / fate, batch=True).decide(inquiries(6))
        assert [each.kind for each in found if isinstance(each, Undecided)] == [outcome] * 2


@pytest.mark.parametrize("kind", WORDY)
def test_a_batch_that_never_ends_is_given_up_after_two_days(kind: str, tmp_path: Path) -> None:
    vendor = BatchServer([(IN_PROGRESS, 0)])
    with serving(vendor) as server:
        killed_while_waiting(kind, server.port, tmp_path)
        (path,) = records(tmp_path)
        record = json.loads(path.read_text())
        path.write_text(json.dumps({**record, "since": time.time() - 3 * batches.DAY}) + "\n")
        outcomes = connect(kind, server.port, tmp_path, batch=True).decide(inquiries(6))
    assert all(isinstance(outcome, Decided) for outcome in outcomes)
    assert vendor.batches["batch-0"].looks == 1


@pytest.mark.parametrize("kind", WORDY)
def test_a_batch_that_nobody_wants_any_more_is_not_waited_for_and_its_answers_are_not_lost(
    kind: str, tmp_path: Path
) -> None:
    vendor = BatchServer([(IN_PROGRESS, 0)])
    with serving(vendor) as server:
        killed_while_waiting(kind, server.port, tmp_path)
        connect(kind, server.port, tmp_path, batch=True, max_new_tokens=32).decide(inquiries(6))
        assert vendor.batches["batch-0"].looks == 0
        vendor.batches["batch-0"].fate, vendor.batches["batch-0"].answers = "completed", 6
        connect(kind, server.port, tmp_path, batch=True).decide(inquiries(1))
        assert records(tmp_path) == []
        connect(kind, server.port, tmp_path, batch=True).decide(inquiries(6))
    assert vendor.sizes == [6, 6], "with the answer that was wanted, the other five were kept"


def test_the_record_of_a_batch_that_nobody_wants_is_forgotten_after_a_month(tmp_path: Path) -> None:
    vendor = BatchServer([(IN_PROGRESS, 0)])
    with serving(vendor) as server:
        killed_while_waiting("chat", server.port, tmp_path)
        (path,) = records(tmp_path)
        record = json.loads(path.read_text())
        path.write_text(json.dumps({**record, "since": time.time() - 31 * batches.DAY}) + "\n")
        connect("chat", server.port, tmp_path, batch=True, max_new_tokens=32).decide(inquiries(6))
    assert records(tmp_path) == []


def _replaced_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "x").write_text("x")


DAMAGE: dict[str, Callable[[Path], Any]] = {
    "half": lambda path: path.write_text(path.read_text()[:60]),
    "empty": lambda path: path.write_text(""),
    "no JSON": lambda path: path.write_text("?"),
    "no UTF-8": lambda path: path.write_bytes(b"\xff\xfe\x00"),
    "a list": lambda path: path.write_text("[]"),
    "two": lambda path: path.write_text(path.read_text() * 2),
    "wrong types": lambda path: path.write_text(path.read_text().replace('"keys":["', '"keys":["a",3,"')),
    "an id with a path": lambda path: path.write_text(path.read_text().replace("batch-0", "../files")),
    "another tag": lambda path: path.write_text(path.read_text().replace(path.stem, "batch_0123456789abcdef")),
    "a folder": _replaced_by_folder,
    "gigabytes": lambda path: os.truncate(path, 5_000_000_000),
}


@pytest.mark.parametrize("kind", WORDY)
@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_record_is_thrown_away_and_its_batch_found_again(
    kind: str, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    vendor = BatchServer()
    with serving(vendor) as server:
        killed_while_waiting(kind, server.port, tmp_path, max_calls=6)
        (path,) = records(tmp_path)
        DAMAGE[name](path)
        outcomes = connect(kind, server.port, tmp_path, batch=True, max_calls=6).decide(inquiries(6))
    assert all(isinstance(outcome, Decided) for outcome in outcomes)
    assert vendor.sizes == [6], "and so it is not paid twice"
    assert records(tmp_path) == []
    assert capsys.readouterr().err.count("this record of a batch is damaged; it is thrown away") == 1


def test_what_was_in_a_damaged_record_and_is_not_found_is_asked_anew_and_counts(tmp_path: Path) -> None:
    vendor = BatchServer([(IN_PROGRESS, 0)])
    with serving(vendor) as server:
        killed_while_waiting("chat", server.port, tmp_path)
        (path,) = records(tmp_path)
        path.write_text("")
        vendor.batches["batch-0"].metadata = None
        with pytest.raises(MealignError, match=r"max_calls=10: .*spent: 10 calls \(6 without an answer\).*4 of 6"):
            connect("chat", server.port, tmp_path, batch=True, max_calls=10).decide(inquiries(6))
    assert vendor.sizes == [6, 4]


def spent(folder: Path) -> Budget:
    (path,) = (folder / "cache/spent").glob("*.jsonl")
    return Budget(path=path)


@pytest.mark.parametrize("kind", WORDY)
def test_a_batch_counts_what_was_sent_and_what_has_to_be_paid(kind: str, tmp_path: Path) -> None:
    """By batch, an answer costs half of $0.35."""
    vendor = BatchServer([(EXPIRED, 4), (REFUSED, 1)])
    with serving(vendor) as server:
        with pytest.raises(MealignError):
            connect(kind, server.port, tmp_path, batch=True).decide(inquiries(6))
        budget = spent(tmp_path)
        assert (budget.calls, budget.answers) == (6, 4)
        assert budget.spent == pytest.approx(4 * 0.175), "vendors do not charge for what has expired"
        connect(kind, server.port, tmp_path, batch=True).decide(inquiries(6))
        budget = spent(tmp_path)
        assert (budget.calls, budget.answers) == (8, 5)
        assert budget.spent == pytest.approx(5 * 0.175)
        with pytest.raises(MealignError, match=r"spent: 8 calls \(3 without an answer\)"):
            connect(kind, server.port, tmp_path, batch=True, max_calls=8).decide(inquiries(7))
    assert vendor.sizes == [6, 2]


def test_a_batch_that_could_not_be_handed_in_is_not_counted(tmp_path: Path) -> None:
    with serving(BatchServer()) as server:
        port = server.port
    with pytest.raises(MealignError, match="gives no answer"):
        connect("chat", port, tmp_path, batch=True, max_calls=3).decide(inquiries(3))
    assert records(tmp_path) == []
    with serving(lambda _: Response(status=403), port=port), pytest.raises(MealignError, match="answers 403"):
        connect("chat", port, tmp_path, batch=True, max_calls=6).decide(inquiries(3))
    assert records(tmp_path) == []
    with serving(BatchServer(), port=port):
        outcomes = connect("chat", port, tmp_path, batch=True, max_calls=6).decide(inquiries(3))
    assert all(isinstance(outcome, Decided) for outcome in outcomes)
    assert spent(tmp_path).calls == 6


def lines(*texts: bytes) -> Callable[[], Iterator[bytes]]:
    return lambda: iter([text + b"\n" for text in texts])


RUBBISH: dict[str, Callable[[], Iterator[bytes]]] = {
    "no JSON": lines(b"?", b"", b"\xff", b"{", b"[" * 100_000, b"9" * 10_000),
    "other JSON": lines(b"[]", b"null", b"{}", b'{"custom_id": 3}', b'{"custom_id": [], "result": {}, "response": 3}'),
    "unknown keys": lines(
        b'{"custom_id": "../../x", "response": {"status_code": 200, "body": {}}}',
        b'{"custom_id": "../../x", "result": {"type": "succeeded", "message": 1}}',
    ),
    "a line without end": lambda: itertools.chain(itertools.repeat(b" " * 1_000_000, 300), [b"\n"]),
    "many lines": lambda: itertools.repeat(b"\n" * 100_000, 20),
}


@pytest.mark.parametrize("kind", WORDY)
@pytest.mark.parametrize("name", RUBBISH)
def test_rubbish_in_a_file_of_results_is_left_out(kind: str, name: str, tmp_path: Path) -> None:
    with serving(BatchServer(extra=RUBBISH[name])) as server:
        outcomes = connect(kind, server.port, tmp_path, batch=True).decide(inquiries(3))
    assert all(isinstance(outcome, Decided) for outcome in outcomes)


@pytest.mark.parametrize("kind", WORDY)
def test_a_result_that_is_too_large_is_not_read(kind: str, tmp_path: Path) -> None:
    def large(key: str) -> Callable[[], Iterator[bytes]]:
        head = b'{"id": "x", "custom_id": "%b", "response": {"body": "' % key.encode()
        return lambda: itertools.chain([head], itertools.repeat(b"x" * 100_000, 300), [b'"}}\n'])

    model = connect(kind, 1, tmp_path)
    vendor = BatchServer()
    with serving(vendor) as server:
        model = connect(kind, server.port, tmp_path, batch=True)
        vendor.extra = large(model._request(inquiries(2)[1]).key)
        first, second, third = model.decide(inquiries(3))
        assert isinstance(second, Undecided)
        assert second.kind == "too_large"
        assert isinstance(first, Decided)
        assert isinstance(third, Decided)
        with pytest.raises(MealignError, match=r"only answers of more than judge\.server\.max_reply_bytes"):
            model.decide(inquiries(2)[1:])


@pytest.mark.parametrize("kind", [WORDY[0], *(pytest.param(kind, marks=pytest.mark.slow) for kind in WORDY[1:])])
@pytest.mark.parametrize("where", ["submit", "list", "look", "results"])
def test_a_batch_api_out_of_its_mind_is_one_message(kind: str, where: str, tmp_path: Path) -> None:
    """Bounded in time and memory, and what was submitted is found by a later run."""
    vendor = BatchServer()

    def place(request: Request) -> str:
        path = request.path.partition("?")[0]
        if request.method == "POST":
            return "submit"
        if path.endswith("/batches"):
            return "list"
        return "results" if path.endswith(("/results", "/content")) else "look"

    rubbish = [b"", b"[]", b"null", b'{"id": 3, "data": 3}', b'{"data": [3]}', b'{"id": "../x"}', b'{"data": [{}]}']
    names = ["an error without end", "headers", "drip", "half", "nothing", "no HTTP", "not packed"]
    hostile = [*(Response(body=body) for body in rubbish), *(PASSING[name]() for name in names)]
    options = {"timeout": 0.3, "max_retries": 1}
    for response in hostile:
        folder = tmp_path / str(hostile.index(response))
        with serving(lambda request, out=response: out if place(request) == where else vendor(request)) as server:
            if where == "list":
                killed_while_waiting(kind, server.port, folder, 3, **options)
                (path,) = records(folder)
                path.write_text("")
            with pytest.raises(MealignError) as caught:
                connect(kind, server.port, folder, batch=True, **options).decide(inquiries(3))
        assert str(server.port) in str(caught.value)
