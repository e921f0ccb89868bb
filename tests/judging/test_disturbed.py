"""A run that is killed again and again, against a server that fails again and again, ends as an undisturbed one."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from mealign.jsonl import read_records, write_records
from mealign.judging.build import build_judge
from mealign.judging.judge import Judge
from mealign.judging.protocol import PlannedPair, judge_pairs
from mealign.language.build import build_decision_model
from mealign.records import Candidate, Verdict
from tests.defaults import JudgeConfig, PricesConfig, ServerConfig
from tests.judging.builders import candidate, task
from tests.language.vendor import ROOT, Manners, Running, running

CONCURRENCY = 32
DISTURBED = Manners(delay=0.05, errors=0.3, throttled=0.1, dropped=0.1, lies=0.2, seed=3, retry_after="0.02")


def judge_of(backend: str, port: int, folder: Path) -> Judge:
    asked = JudgeConfig(
        name="bio",
        backend=backend,
        template="bio",
        server=ServerConfig(
            model="m",
            base_url=f"http://127.0.0.1:{port}" + ("" if backend == "anthropic" else "/v1"),
            concurrency=CONCURRENCY,
            max_retries=40,
        ),
    )
    return build_judge(
        asked,
        facts=(),
        index=pytest.fail,  # type: ignore[arg-type]
        bio="Nadia lives in Ghent.",
        person="Nadia Verhoeven",
        model=lambda settings: build_decision_model(
            settings.backend,
            settings.server,
            cache=folder / "cache",
            ledger=folder / "egress.jsonl",
            prices=PricesConfig(),
        ),
    )


def run(backend: str, port: int, folder: Path, count: int) -> None:
    """What a killed process does: judge all pairs, and write the verdicts once they are complete."""
    tasks = [task(f"Where was Nadia on evening {number}?", key=f"task_{number}") for number in range(count)]
    candidates: list[Candidate] = []
    for number in range(count):
        texts = {"a": f"In Ghent, {number} times.", "b": f"In Utrecht, with {number} friends."}
        candidates += [candidate(f"{side}_{number}", text, task_id=f"task_{number}") for side, text in texts.items()]
    pairs = [PlannedPair(f"task_{number}", f"a_{number}", f"b_{number}") for number in range(count)]
    verdicts = judge_pairs(tasks, candidates, judge_of(backend, port, folder), pairs=pairs, description="judge")
    write_records(folder / "verdicts.jsonl", verdicts)


def started(backend: str, server: Running, folder: Path, pairs: int) -> subprocess.Popen[bytes]:
    asked = (backend, str(server.port), str(folder), str(pairs))
    command = [sys.executable, "-m", "tests.judging.test_disturbed", *asked]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)


def stored(folder: Path) -> set[str]:
    return {path.stem for path in (folder / "cache").glob("reply_*.json")}


def decided(folder: Path, server: Running) -> list[Any]:
    """The verdicts without what names the server or counts its tokens."""
    verdicts = read_records(folder / "verdicts.jsonl", Verdict)
    keys = {"task_id", "first", "second", "order", "p_first", "error", "dimensions", "raw"}
    return [{name: value for name, value in verdict.model_dump().items() if name in keys} for verdict in verdicts]


@pytest.mark.slow
@pytest.mark.parametrize(("backend", "pairs", "kills"), [("openai", 400, 5), ("anthropic", 400, 5)])
def test_kills_and_a_failing_server_change_nothing_and_nothing_is_paid_twice(
    backend: str, pairs: int, kills: int, tmp_path: Path
) -> None:
    calm, disturbed = tmp_path / "calm", tmp_path / "disturbed"
    with running(Manners()) as server:
        assert started(backend, server, calm, pairs).wait(timeout=120) == 0
        assert set(server.counts()["arrived"].values()) == {1}
        expected = decided(calm, server)
    assert len(expected) == 2 * pairs
    assert all(verdict["error"] is None for verdict in expected)
    assert len({verdict["p_first"] for verdict in expected}) > 20

    chance = random.Random(11)
    with running(DISTURBED) as server:
        snapshots: list[tuple[set[str], dict[str, int]]] = []
        # A moment of the work, not of the clock, so that the machine's speed does not matter.
        for kill in range(kills):
            moment = len(stored(disturbed)) + chance.randint(1, 2 * pairs // (kills + 1))
            process = started(backend, server, disturbed, pairs)
            deadline = time.monotonic() + 60
            while len(stored(disturbed)) < moment and process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.005)
            process.send_signal(signal.SIGKILL)
            assert process.wait() == -signal.SIGKILL, f"it ended before kill {kill}"
            snapshots.append((stored(disturbed), server.counts()["arrived"]))
        assert started(backend, server, disturbed, pairs).wait(timeout=120) == 0
        counts = server.counts()
        assert decided(disturbed, server) == expected

    arrived, answered = counts["arrived"], counts["answered"]
    for kept, before in snapshots:
        assert {key: arrived[key] for key in kept} == {key: before[key] for key in kept}, (
            "a stored answer was asked for"
        )
    ever_more = [kept for kept, _ in snapshots] + [stored(disturbed)]
    assert all(before < after for before, after in pairwise(ever_more))
    assert stored(disturbed) == set(answered)
    assert len(stored(disturbed)) == 2 * pairs
    assert sum(answered.values()) <= 2 * pairs + kills * CONCURRENCY, "only what was under way at a kill is paid again"
    assert sum(arrived.values()) > 1.5 * sum(answered.values()), "the server was hardly in the way"


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    run(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
