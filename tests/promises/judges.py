"""A judge on a server that fails again and again, asked thousands of times through the real command line."""

import time
from pathlib import Path
from typing import Any

from mealign.jsonl import read_records, write_records
from mealign.records import Candidate, Task, Verdict
from tests.language.vendor import Manners, running
from tests.promises.project import SECONDS, Project, check

DISTURBED = Manners(
    delay=0.3, errors=0.05, dropped=0.025, halved=0.025, throttled=0.001, slow=0.01, slow_delay=5.0, retry_after="1"
)
"""One request in ten fails: with a status, a closed connection or half a body."""
AT_ONCE = 64
GROWTH = 1.10
"""By which the memory of a process may grow once it is under way."""
MIB = 1 << 20


def on_server(address: str, *, at_once: int) -> tuple[str, ...]:
    """Return the settings of a judge on a server that is asked about every pair."""
    return (
        "tracking=none",
        "stage=judge",
        "judge=bio",
        "judge.backend=openai",
        "judge.server.model=m",
        f"judge.server.base_url={address}",
        f"judge.server.concurrency={at_once}",
        "judge.server.max_retries=40",
        "judge.max_tasks=1000000",
        "judge.known_pairs=0",
    )


def enlarge(folder: Path, *, tasks: int) -> int:
    """Give a user's folder this many tasks with two candidates each; return how many requests judging them takes."""
    known = read_records(folder / "tasks.jsonl", Task)
    asked, candidates = [], []
    for number in range(tasks):
        task = known[number % len(known)]
        asked.append(task.model_copy(update={"id": f"task_{number}", "question": f"{number}: {task.question}"}))
        for side in ("a", "b"):
            text = f"On evening {number} it was {side}."
            candidates.append(Candidate(id=f"c_{number}_{side}", task_id=f"task_{number}", text=text, origin="policy"))
    write_records(folder / "tasks.jsonl", asked)
    write_records(folder / "candidates.jsonl", candidates)
    return 2 * tasks


def judges(project: Project, *, tasks: int, settle: float, manners: Manners = DISTURBED) -> dict[str, Any]:
    """Let a judge ask about so many pairs, both ways round, 64 requests at once.

    Args:
        project: with the results of every stage before the judge.
        tasks: of which each has one pair.
        settle: seconds from the first answer after which its memory may not grow any more.
        manners: of the server.
    """
    requests = enlarge(project.root / "data/me", tasks=tasks)
    replies = project.root / "data/.store/decisions"
    sizes: list[tuple[float, int]] = []
    with running(manners) as server:
        started = project.start(*on_server(server.openai, at_once=AT_ONCE))
        began, first, last = time.monotonic(), 0.0, 0.0
        while started.process.poll() is None and time.monotonic() - began < 2 * SECONDS:
            time.sleep(0.5)
            known = sum(1 for _ in replies.iterdir()) if replies.exists() else 0
            if 0 < known < requests:
                last = time.monotonic()
                first = first or last
                sizes.append((last - first, _resident(started.process.pid)))
        result = started.result(seconds=SECONDS)
        counts = server.counts()
    check(result.code == 0, f"the judge failed: {result.stderr[-500:]}")
    verdicts = read_records(project.root / "data/me/judge/bio/verdicts.jsonl", Verdict)
    errors = [verdict.error for verdict in verdicts if verdict.error]
    settled = [size for when, size in sizes if when >= settle and size]
    figures = {
        "requests": requests,
        "sent": sum(counts["arrived"].values()),
        "answered": len(counts["answered"]),
        "answered_twice": sum(count > 1 for count in counts["answered"].values()),
        "without_verdict": requests - len(verdicts) + len(errors),
        "most_at_once": counts["most_under_way"],
        "seconds": round(last - first, 1),
        "requests_per_second": round(requests / max(last - first, 1.0), 1),
        "mib_settled": round(settled[0] / MIB, 1) if settled else None,
        "mib_most_after": round(max(settled) / MIB, 1) if settled else None,
    }
    check(figures["answered_twice"] == 0, f"paid twice: {figures}")
    check(figures["answered"] == requests, f"the server answered others than were asked: {figures}")
    check(figures["without_verdict"] == 0, f"replies were lost: {figures}")
    check(figures["sent"] > 1.05 * requests, f"the server was hardly in the way: {figures}")
    check(bool(settled), f"it ended before its memory had settled: {figures}")
    check(max(settled) <= GROWTH * settled[0], f"its memory grows: {figures}")
    return figures


def _resident(process: int) -> int:
    """Return the bytes of memory that a process has; 0 if it has ended."""
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS:")), 0)
