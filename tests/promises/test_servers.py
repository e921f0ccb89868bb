"""What a model server can do to a run: no more than cost one request its answer, and never more than the budget."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Semaphore

import pytest

from mealign.jsonl import read_records
from mealign.records import Verdict
from tests.language.asking import said
from tests.language.batching import COMPLETED, EXPIRED, FAILED, IN_PROGRESS, BatchServer
from tests.language.hostile import PASSING, TOO_LARGE, USELESS, error_in_json, half, late, nothing
from tests.language.server import Request, Response, serving
from tests.promises.command import measured, run, write_notes
from tests.promises.judged import judging, write_judged

HOSTILE = [make for name, make in {**TOO_LARGE, **PASSING, **USELESS}.items() if "redirect" not in name]


def reading(base_url: str, *more: str) -> tuple[str, ...]:
    """The command line of a model on a server that reads the notes."""
    llm = ("memory=llm", "memory.llm.backend=openai", "memory.llm.model=m", f"memory.llm.base_url={base_url}")
    who = ("user=folder", "user.name=me", 'user.person="Nadia Verhoeven"', "user.path=notes")
    return ("stage=[ingest,memory]", *who, *llm, *more)


def kept(project: Path) -> list[Path]:
    return list((project / "data/.store").rglob("reply_*.json"))


def test_replies_without_end_cost_one_request_its_answer_and_no_memory(tmp_path: Path) -> None:
    """Gigabytes: plain, packed, in chunks, as headers, in drops; as answers and as errors."""
    project = write_judged(tmp_path, len(HOSTILE))
    for make in HOSTILE:
        make()
    asked: dict[str, int] = {}

    def script(request: Request) -> Response:
        number = asked.setdefault(request.prompt, len(asked))
        # Between two that are out of its mind the server answers, or it would be given up.
        return HOSTILE[number // 2 % len(HOSTILE)]() if number % 2 else Response(said())

    with serving(script) as server:
        limits = ("judge.server.timeout=1", "judge.server.max_retries=1", "judge.server.concurrency=1")
        result = measured(*judging(server.openai, *limits), cwd=project)
    assert result.code == 0, result.output
    verdicts = read_records(project / "data/me/judge/bio/verdicts.jsonl", Verdict)
    assert sum(verdict.error is None for verdict in verdicts) == len(verdicts) // 2 == len(kept(project))
    assert sum(path.stat().st_size for path in kept(project)) < 100_000
    assert result.megabytes < 1000


@pytest.mark.parametrize(("command", "name"), [(judging, "plain"), (reading, "gzip")])
def test_a_server_with_nothing_but_replies_without_end_ends_the_run_in_one_line(
    command: Callable[..., tuple[str, ...]], name: str, tmp_path: Path
) -> None:
    project = write_judged(tmp_path, 3)
    write_notes(project / "notes")
    TOO_LARGE[name]()
    with serving(lambda _: TOO_LARGE[name]()) as server:
        result = measured(*command(server.openai), cwd=project)
    assert result.code == 1
    section = "judge.server" if command is judging else "memory.llm"
    told = f"answers with more than {section}.max_reply_bytes=1000000, and nothing of it was kept; raise that"
    assert told in " ".join(result.output.split())
    assert len(server.requests) <= 8
    assert kept(project) == []
    assert result.megabytes < 1000


FAULTS: list[Callable[[], Response]] = [
    lambda: late(60), error_in_json, lambda: Response(status=500), nothing, half, lambda: Response(status=429),
]  # fmt: skip


@pytest.mark.parametrize("faults", [FAULTS, pytest.param(FAULTS[:1], marks=pytest.mark.slow)], ids=["all", "late"])
def test_a_budget_of_calls_is_never_passed_in_all_runs_together(
    faults: list[Callable[[], Response]], tmp_path: Path
) -> None:
    """Three of four requests come to nothing, and 64 are under way at once."""
    project, count = write_judged(tmp_path, 20), 0

    def script(_: Request) -> Response:
        nonlocal count
        count += 1
        return Response(said()) if count % 4 == 1 else faults[count % len(faults)]()

    with serving(script) as server:
        limits = ("judge.server.timeout=1", "judge.server.concurrency=64", "judge.server.max_retries=3")
        for most in (10, 10):
            result = run(*judging(server.openai, f"judge.max_calls={most}", *limits), cwd=project)
            assert result.code == 1
            assert len(server.requests) == most, result.output
            lost = most - len(kept(project))
            assert f"judge.max_calls={most}: the budget is spent: {most} calls ({lost} without an" in result.output


@pytest.mark.slow
def test_a_budget_counts_what_was_under_way_when_a_run_was_killed(tmp_path: Path) -> None:
    project, arrived = write_judged(tmp_path, 20), Semaphore(0)

    def script(request: Request) -> Response:
        arrived.release()
        return late(60) if is_first else Response(said())

    is_first = True
    with serving(script) as server:
        limits = ("judge.max_calls=10", "judge.server.concurrency=6")
        command = [sys.executable, "-m", "mealign", *judging(server.openai, *limits)]
        with subprocess.Popen(command, cwd=project, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            for _ in range(6):
                assert arrived.acquire(timeout=60)
            process.send_signal(signal.SIGKILL)
        is_first = False
        result = run(*judging(server.openai, *limits), cwd=project)
    assert len(server.requests) == 10
    assert "spent: 10 calls (6 without an answer), and 4 of 40 requests have their answer" in result.output


@pytest.mark.slow
def test_a_model_that_reads_keeps_to_its_budget_and_goes_on(tmp_path: Path) -> None:
    write_notes(tmp_path / "notes")

    fact = {"subject": "Joris", "relation": "build", "object": "violins", "statement": "Joris builds violins."}
    reply = json.dumps({"facts": [{**fact, "span": "Joris builds violins", "when": None, "entities": []}]})
    with serving(lambda _: Response(reply)) as server:
        result = run(*reading(server.openai, "memory.llm.max_calls=2"), cwd=tmp_path)
        assert result.code == 1
        assert "memory.llm.max_calls=2: the budget is spent: 2 calls, and 2 of 5 requests have" in result.output
        assert len(server.requests) == 2
        result = run(*reading(server.openai, "memory.llm.max_calls=5"), cwd=tmp_path)
        assert result.code == 0, result.output
    assert len(server.requests) == 5, "a note is asked about once"


@pytest.mark.slow
def test_a_batch_that_the_vendor_failed_is_started_anew(tmp_path: Path) -> None:
    project = write_judged(tmp_path, 3)
    vendor = BatchServer([(FAILED, 0), (EXPIRED, 2)])
    with serving(vendor) as server:
        asked = judging(server.openai, "judge.server.batch=true")
        for number, why, left in ((0, "has failed as a whole", 6), (1, "has expired", 4)):
            result = run(*asked, cwd=project)
            assert result.code == 1
            told = (
                f"batch batch-{number} {why}, and {left} of its 6 requests are without an answer; what was answered is"
            )
            assert told in result.output
        assert run(*asked, cwd=project).code == 0
    assert vendor.sizes == [6, 6, 4]


@pytest.mark.slow
def test_a_damaged_record_of_a_batch_is_no_dead_end(tmp_path: Path) -> None:
    project = write_judged(tmp_path, 3)
    vendor = BatchServer([(IN_PROGRESS, 0)])
    with serving(vendor) as server:
        asked = judging(server.openai, "judge.server.batch=true")
        with subprocess.Popen(
            [sys.executable, "-m", "mealign", *asked], cwd=project, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            deadline = time.monotonic() + 60
            while not (vendor.batches and vendor.batches["batch-0"].looks) and time.monotonic() < deadline:
                time.sleep(0.05)
            process.send_signal(signal.SIGKILL)
        vendor.batches["batch-0"].fate, vendor.batches["batch-0"].answers = COMPLETED, 6
        (record,) = (project / "data/.store/decisions/batches").iterdir()
        record.write_bytes(record.read_bytes()[:50])
        result = run(*asked, cwd=project)
    assert result.code == 0, result.output
    assert "this record of a batch is damaged; it is thrown away" in result.output
    assert vendor.sizes == [6], "it was found again"
