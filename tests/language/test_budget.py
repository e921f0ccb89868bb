"""A budget counts what was sent, and what may have to be paid, over all runs, whatever the server does."""

import json
import re
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mealign.errors import ConfigError, MealignError
from mealign.language import sending
from mealign.language.budget import Budget
from mealign.language.chat import Prompt
from mealign.language.decisions import Decided
from mealign.records import Message
from tests.defaults import LlmConfig, PricesConfig
from tests.language.asking import connect, inquiries, said, stored, writer
from tests.language.hostile import chunked, error_in_json, half, late, not_packed, nothing, plain
from tests.language.server import Request, Response, serving

FAULTS: dict[str, Callable[[], Response]] = {
    "late": lambda: late(30),
    "an error in JSON": error_in_json,
    "500": lambda: Response(status=500),
    "429": lambda: Response(status=429, headers={"Retry-After": "0"}),
    "400": lambda: Response(status=400),
    "closed": nothing,
    "half": half,
    "without end": plain,
    "an error without end": lambda: chunked(status=503),
    "not packed": not_packed,
}

CLOSED = {"closed", "half", "without end", "an error without end", "not packed"}


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "FIRST_PAUSE", 0.01)


def sometimes(fault: Callable[[], Response], one_in: int) -> Callable[[Request], Response]:
    """Answers one request of so many."""
    count = 0

    def script(_: Request) -> Response:
        nonlocal count
        count += 1
        usage = {"prompt_tokens": 300, "completion_tokens": 10}
        return Response(said(), usage=usage) if count % one_in == 1 else fault()

    return script


@pytest.mark.parametrize("name", FAULTS)
def test_no_more_is_sent_than_the_budget_says_in_all_runs_together(name: str, tmp_path: Path) -> None:
    """Three of four requests come to nothing; 64 are under way at once, and each is repeated."""
    limits = {"concurrency": 64, "timeout": 0.4, "max_retries": 3}
    with serving(sometimes(FAULTS[name], 4)) as server:
        for most in (10, 10, 14):
            with pytest.raises(MealignError) as caught:
                connect("chat", server.port, tmp_path, max_calls=most, **limits).decide(inquiries(40))
            assert len(server.requests) <= most
            if "the budget is spent" in str(caught.value):
                # What is sent on a connection that was just closed may not have arrived, but nobody can know.
                assert name in CLOSED or len(server.requests) == most
                sent = re.search(r"spent: (\d+) calls(?: \((\d+) without an answer\))?", str(caught.value))
                assert sent is not None
                assert int(sent[1]) == most
                assert int(sent[2] or 0) == most - stored(tmp_path)
            else:
                assert "State" not in str(caught.value)


@pytest.mark.parametrize("name", [*FAULTS])
def test_what_may_have_to_be_paid_is_spent(name: str, tmp_path: Path) -> None:
    """An answer costs $0.35, a request at most some $2.70. What the server refused costs nothing."""
    limits = {"concurrency": 4, "timeout": 0.4, "max_retries": 0}
    with serving(sometimes(FAULTS[name], 2)) as server:
        with pytest.raises(MealignError):
            connect("chat", server.port, tmp_path, max_usd=20.0, **limits).decide(inquiries(200))
        answers, sent = stored(tmp_path), len(server.requests)
    (spent,) = (tmp_path / "cache/spent").glob("*.jsonl")
    budget = Budget(path=spent)
    assert budget.answers == answers
    assert budget.calls == sent or (name in CLOSED and budget.calls > sent)
    lost = budget.spent - 0.35 * answers
    if name in ("429", "400"):
        assert lost == pytest.approx(0.0)
    else:
        assert lost == pytest.approx(2.7 * (budget.calls - answers), rel=0.02)
    assert budget.spent <= 20.0 + 1e-9


def test_what_never_reached_the_server_is_not_counted(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    for _ in range(3):
        with pytest.raises(MealignError, match="start the server"):
            connect("chat", port, tmp_path, max_calls=2, max_retries=1).decide(inquiries(3))
    with serving(lambda _: Response(said()), port=port) as server:
        outcomes = connect("chat", port, tmp_path, max_calls=2).decide(inquiries(2))
        assert all(isinstance(outcome, Decided) for outcome in outcomes)
        with pytest.raises(MealignError, match=r"judge\.max_calls=2: .*spent: 2 calls and \$\d.*2 of 3 requests"):
            connect("chat", port, tmp_path, max_calls=2).decide(inquiries(3))
    assert len(server.requests) == 2


def test_a_request_that_is_sent_again_without_its_schema_counts_twice(tmp_path: Path) -> None:
    refused = Response(status=400)
    with (
        serving(lambda request: refused if "response_format" in request.body else Response(said())) as server,
        pytest.raises(MealignError, match=r"spent: 3 calls \(1 without an answer\).*2 of 5 requests"),
    ):
        connect("chat", server.port, tmp_path, max_calls=3, concurrency=1).decide(inquiries(5))
    assert len(server.requests) == 3


def test_every_judge_has_its_own_budget_and_known_answers_count(tmp_path: Path) -> None:
    with serving(lambda _: Response(said())) as server:
        connect("chat", server.port, tmp_path, judge="a", max_calls=3).decide(inquiries(3))
        connect("chat", server.port, tmp_path, judge="b", max_calls=3).decide(inquiries(2))
        with pytest.raises(MealignError, match="spent: 3 calls"):
            connect("chat", server.port, tmp_path, judge="b", max_calls=3).decide([*inquiries(2), *inquiries(5)[3:]])
        with pytest.raises(MealignError, match="spent: 3 calls"):
            connect("chat", server.port, tmp_path, judge="a", max_calls=3).decide(inquiries(5)[4:])
    assert len(server.requests) == 4


PROMPTS: list[Prompt] = [(Message(role="user", content=f"State {number}."),) for number in range(9)]


@pytest.mark.parametrize("name", ["late", "an error in JSON", "429"])
def test_a_model_that_writes_has_a_budget_too(name: str, tmp_path: Path) -> None:
    with serving(sometimes(FAULTS[name], 4)) as server:
        settings = LlmConfig(backend="openai", model="m", base_url=server.openai, timeout=0.4, max_calls=5)
        for _ in range(2):
            with pytest.raises(MealignError, match=r"^memory\.llm\.max_calls=5: .* spent: 5 calls \([34] without"):
                writer(settings, tmp_path).structured(PROMPTS, {}, max_new_tokens=8)
            assert len(server.requests) == 5


def test_dollars_for_writing_need_a_price(tmp_path: Path) -> None:
    settings = LlmConfig(backend="openai", model="m", base_url="http://127.0.0.1:1/v1", max_usd=1.0)
    with pytest.raises(
        ConfigError, match=r"^memory\.llm\.max_usd=1\.0 with memory\.llm\.model=m: its price is unknown"
    ):
        writer(settings, tmp_path, prices=PricesConfig())


class Reality:
    """What an accountant who sees everything would write down."""

    def __init__(self) -> None:
        self.calls = 0
        self.answers = 0
        self.paid: dict[str, list[float]] = {}

    @property
    def spent(self) -> float:
        return sum(map(sum, self.paid.values()))


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["take", "answer", "refused", "lost", "unsent", "again", "torn"]),
        st.sampled_from("abcde"),
        st.floats(0, 2),
        st.floats(0, 1),
        st.integers(0, 1),
    ),
    max_size=40,
)


@given(STEPS, st.floats(0, 6), st.integers(0, 12))
def test_two_runs_at_once_with_kills_in_between_never_pass_the_limits(
    steps: list[tuple[str, str, float, float, int]], max_usd: float, max_calls: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path, truth = Path(folder) / "spent/x.jsonl", Reality()
        limits = {"max_usd": max_usd, "max_calls": max_calls, "path": path}
        runs = [Budget(**limits), Budget(**limits)]
        under_way: dict[str, int] = {}
        for step, key, most, share, run in steps:
            budget = runs[run]
            if step == "again":
                # A killed run: what it had under way is never heard of again.
                runs[run] = Budget(**limits)
                under_way = {each: owner for each, owner in under_way.items() if owner != run}
            elif step == "torn" and path.exists():
                with path.open("ab") as file:
                    file.write(b'{"request": "a", "sta')
            elif step == "take" and key not in under_way:
                if budget.take(key, most):
                    truth.calls += 1
                    truth.paid.setdefault(key, []).append(most)
                    under_way[key] = run
            elif under_way.get(key) == run:
                if step == "answer":
                    budget.count(key, truth.paid[key][-1] * share)
                    truth.paid[key][-1] *= share
                    truth.answers += 1
                elif step == "refused":
                    budget.lose(key, billed=False)
                    truth.paid[key][-1] = 0.0
                elif step == "unsent":
                    budget.release(key)
                    truth.calls -= 1
                    truth.paid[key][-1] = 0.0
                elif step == "lost":
                    budget.lose(key, billed=True)
                else:
                    continue
                del under_way[key]
            assert truth.calls <= max_calls
            assert truth.spent <= max_usd + 1e-6
        found = Budget(path=path)
        assert (found.calls, found.answers) == (truth.calls, truth.answers)
        assert found.spent == pytest.approx(truth.spent, abs=1e-9)


def test_damage_of_the_file_is_told_and_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "spent/x.jsonl"
    budget = Budget(max_calls=9, path=path)
    for key in "abc":
        assert budget.take(key, 0.5)
    budget.count("a", 0.25)
    assert path.stat().st_mode & 0o777 == 0o600
    lines = path.read_text().splitlines()
    assert all(set(json.loads(line)) == {"request", "state", "usd"} for line in lines)
    damaged = ['{"request": "b", "state": "sent", "usd": NaN}', "[]", "?"]
    path.write_text("\n".join([lines[0], *damaged, *lines[2:]]) + "\n")
    again = Budget(max_calls=6, path=path)
    assert "3 lines are damaged; each of them counts as a request that was sent" in capsys.readouterr().err
    assert again.calls == 5
    assert again.take("d", 0.0)
    assert not again.take("e", 0.0)
