"""Batch APIs of both vendors: the same verdicts for half the price, and a batch is found again after a kill."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any

import pytest

from mealign.errors import MealignError
from mealign.language import batches
from mealign.language.decisions import Decided, Undecided
from mealign.language.endpoints import Batch, Ended, Request, Result
from mealign.language.remote import Batching
from mealign.language.vendors.anthropic.batches import AnthropicBatches
from mealign.language.vendors.openai.batches import OpenAIBatches
from tests.language.asking import WORDY, connect, inquiries
from tests.language.server import Response, serving
from tests.language.vendor import Manners, running


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "FIRST_POLL", 0.01)


@pytest.mark.parametrize("kind", WORDY)
def test_a_batch_decides_the_same_for_half_the_price(kind: str, tmp_path: Path) -> None:
    asked = inquiries(7)
    with running(Manners()) as server:
        one_by_one = connect(kind, server.port, tmp_path / "a").decide(asked)
        model = connect(kind, server.port, tmp_path / "b", batch=True)
        estimate = model.estimate(asked)
        together = model.decide([*asked, *asked])
        assert connect(kind, server.port, tmp_path / "b").decide(asked) == together[:7], "one cache for both"
        counts = server.counts()
    assert set(counts["answered"].values()) == {2}
    assert together[:7] == together[7:]
    for alone, batched in zip(one_by_one, together, strict=False):
        assert isinstance(alone, Decided)
        assert isinstance(batched, Decided)
        assert batched.probabilities == alone.probabilities
        assert batched.usage.cost_usd == pytest.approx(alone.usage.cost_usd / 2)
    whole = connect(kind, 1, tmp_path / "c").estimate(asked)
    assert estimate.cost_usd is not None
    assert whole.cost_usd == pytest.approx(2 * estimate.cost_usd)
    assert estimate.minutes is None
    assert list((tmp_path / "b/cache/batches").iterdir()) == []


class Killed(BaseException):
    """Nobody catches it, as nobody catches SIGKILL."""


@pytest.mark.parametrize("kind", WORDY)
@pytest.mark.parametrize("moment", ["before the id is kept", "while waiting"])
def test_a_killed_run_finds_its_batch_again(
    kind: str, moment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = inquiries(6)
    with running(Manners()) as server:
        connect(kind, server.port, tmp_path, batch=True, max_new_tokens=32).decide(inquiries(3))
        with monkeypatch.context() as patch:
            if moment == "while waiting":

                async def killed(*_: Any) -> None:
                    raise Killed

                patch.setattr(batches.Batches, "_wait", killed)
            else:
                original = batches.write_records

                def write(path: Path, records: Sequence[Batch]) -> None:
                    if records[0].id is not None:
                        raise Killed
                    original(path, records)

                patch.setattr(batches, "write_records", write)
            with pytest.raises(Killed):
                connect(kind, server.port, tmp_path, batch=True).decide(asked)
        assert len(list((tmp_path / "cache/batches").iterdir())) == 1
        outcomes = connect(kind, server.port, tmp_path, batch=True).decide([*asked, *inquiries(8)])
        counts = server.counts()
    assert all(isinstance(outcome, Decided) for outcome in outcomes)
    assert set(counts["arrived"].values()) == {1}, "nothing was handed in twice"


@pytest.mark.parametrize("kind", WORDY)
def test_a_batch_that_was_never_handed_in_is_handed_in(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(Manners()) as server:
        with monkeypatch.context() as patch:

            async def killed(*_: Any, **__: Any) -> str:
                raise Killed

            for connection in (OpenAIBatches, AnthropicBatches):
                patch.setattr(connection, "submit", killed)
            with pytest.raises(Killed):
                connect(kind, server.port, tmp_path, batch=True).decide(inquiries(3))
        outcomes = connect(kind, server.port, tmp_path, batch=True).decide(inquiries(3))
        assert sum(server.counts()["arrived"].values()) == 3
    assert all(isinstance(outcome, Decided) for outcome in outcomes)


@pytest.mark.parametrize("kind", WORDY)
def test_a_batch_keeps_to_the_budget(kind: str, tmp_path: Path) -> None:
    with running(Manners()) as server:
        with pytest.raises(MealignError, match=r"judge\.max_calls=4: .*4 of 10 requests have their answer"):
            connect(kind, server.port, tmp_path, batch=True, max_calls=4).decide(inquiries(10))
        outcomes = connect(kind, server.port, tmp_path, batch=True, max_calls=10).decide(inquiries(10))
        assert set(server.counts()["arrived"].values()) == {1}
    assert all(isinstance(outcome, Decided) for outcome in outcomes)


@pytest.mark.parametrize("kind", WORDY)
def test_a_vendor_that_lets_nobody_in_ends_the_run(kind: str, tmp_path: Path) -> None:
    with (
        serving(lambda _: Response(status=401, body=b"{}")) as server,
        pytest.raises(MealignError, match="answers 401"),
    ):
        connect(kind, server.port, tmp_path, batch=True).decide(inquiries(2))


class ScriptedBatches:
    """Hands in nothing and has these results."""

    def __init__(self, *results: Result | None) -> None:
        self._results = results

    async def submit(self, requests: Sequence[Request], *, tag: str) -> str:
        self._keys = [request.key for request in requests]
        return tag

    async def ended(self, _: Batch) -> Ended:
        return Ended("", self._each())

    async def _each(self) -> AsyncGenerator[tuple[str, Result], None]:
        for key, result in zip(self._keys, self._results, strict=True):
            if result:
                yield key, result

    async def close(self) -> None:
        pass


def test_what_a_batch_did_not_answer_is_an_outcome_and_is_not_kept(tmp_path: Path) -> None:
    model = connect("chat", 1, tmp_path)
    scripted = ScriptedBatches(
        None,
        Result(None, refused=False, text="expired"),
        Result(None, refused=True, text='{"message": "the prompt is too long"}'),
        Result(None, refused=True, text="no"),
        Result("{}"),
    )
    model._remote._batching = Batching(lambda: scripted, model._store)
    kinds = [outcome.kind for outcome in model.decide(inquiries(5)) if isinstance(outcome, Undecided)]
    assert kinds == ["unreachable", "unreachable", "too_long", "refused", "malformed"]
    assert list((tmp_path / "cache").glob("reply_*")) == []


def test_a_batch_is_cut_where_a_vendor_takes_no_more(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    model = connect("chat", 1, tmp_path)
    requests = [model._request(inquiry) for inquiry in inquiries(5)]
    monkeypatch.setattr(batches, "MOST_REQUESTS", 2)
    assert [len(part) for part in batches._parts(requests)] == [2, 2, 1]
    monkeypatch.setattr(batches, "MOST_BYTES", requests[0].size + 1)
    assert [len(part) for part in batches._parts(requests)] == [1] * 5
    assert list(batches._parts([])) == []
