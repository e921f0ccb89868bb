"""Loads and accidents that a person's project is to survive, each tried with the real command line.

Every function takes the ``template``, a project whose stages have all run, and an empty folder; it returns figures and
raises :class:`tests.promises.project.BrokenError` for a promise that was not kept.
"""

import os
import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import Any

from mealign.jsonl import read_records
from mealign.records import Verdict
from tests.language.vendor import Manners, running
from tests.promises.judges import enlarge, on_server
from tests.promises.machine import clock_from, disk_on, jumping_clock, locked
from tests.promises.project import (
    SECONDS,
    Project,
    check,
    copy_of,
    half_written,
    new_project,
    one_error,
    outcomes,
    results,
    same,
)

ALL = ("ingest", "memory", "tasks", "sft", "candidates", "judge", "preferences", "dpo", "evaluate", "report")
TRAINED = ALL[3:]
JUDGED = ("judge", "preferences", "dpo", "evaluate", "report")
EAGER = {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent / "eager"), os.environ.get("PYTHONPATH", "")])}
NOWHERE = "http://192.0.2.1:9/v1"
"""An address for documentation (RFC 5737); nothing is ever sent there."""

BOOKS = "mlruns/mlflow.db"


def _garbage(path: Path) -> None:
    """Write over the beginning of a file."""
    with path.open("r+b") as file:
        file.write(bytes(range(256)) * 40)


def _all(path: Path) -> None:
    """Delete the folder that a file is in."""
    # At once, since the run goes on writing there.
    gone = path.parent.rename(path.parent.with_name(f"{path.parent.name}.gone"))
    shutil.rmtree(gone, ignore_errors=True)


Accident = Callable[[Path], None]
BEFORE: dict[str, Accident] = {
    "garbage": _garbage,
    "half": lambda path: os.truncate(path, path.stat().st_size // 2),
    "artifacts deleted": lambda path: shutil.rmtree(path.parent / "artifacts"),
    "all deleted": _all,
}
HALF_WAY: dict[str, Accident] = {"deleted": Path.unlink, "garbage": _garbage, "all deleted": _all}


def together(template: Project, root: Path, *, stages: Sequence[str] = ALL) -> dict[str, Any]:
    """Run the same person twice, another person and a sweep at the same time, on one store and with one MLflow."""
    project = new_project(root)
    shutil.copytree(project.root / "notes", project.root / "more")
    (project.root / "more/2024-06-07.md").write_text("I moved to Antwerp. Ana planted a cherry tree.")
    asked = ("paths.store=store", f"stage=[{','.join(stages)}]")
    one = project.start("paths.data=one", *asked)
    all_of_them = {
        "the same": project.start("paths.data=two", *asked),
        "another": project.start("paths.data=one", "user.name=other", "user.path=more", *asked),
        "sweep": project.start("-m", "lora.rank=4,16", *asked),
    }
    while not (root / "one/me/.lock").exists() and one.process.poll() is None:
        time.sleep(0.05)
    project.refused("paths.data=one", *asked, naming="another run is at work there")
    outputs = [started.result(seconds=SECONDS) for started in (one, *all_of_them.values())]
    for result in outputs:
        check(result.code == 0, f"a run failed beside others: {result.stderr[-500:]}")
    expected = {name: digest for name, digest in template.results().items() if _of_stages(name, stages)}
    same(project.results("one/me"), expected, "one of two runs")
    same(project.results("two/me"), expected, "the other of two runs")
    (job,) = root.glob("multirun/*/*/1")
    same(results(job), expected, "a job of a sweep")
    ran = Counter(name for result in outputs for name, what in outcomes(result.stdout) if what == "ran")
    kept = {name: sum(1 for each in (root / "store" / name).iterdir() if each.is_dir()) for name in stages}
    check(dict(ran) == kept, f"something was computed twice, or not kept: {dict(ran)} computed, {kept} kept")
    if "judge" in stages:
        _books_are_whole(root, runs=6)
    return {"runs": len(outputs) + 1, "computed": sum(ran.values()), "restored": 5 * len(stages) - sum(ran.values())}


def full_disk(
    template: Project,
    root: Path,
    *,
    without: Sequence[str] = TRAINED,
    rooms: Sequence[int] = (4, 40, 150, 400, 700),
) -> dict[str, Any]:
    """Run into a full disk under the results again and again, each time with more room (KiB), then with enough."""
    project = copy_of(template, root, without=(*without, "checkpoints"), results=False)
    project = Project(project.root, settings=("tracking=none",), env=EAGER)
    errors = []
    with disk_on(root / "data") as disk:
        for room in rooms:
            disk.leave(room)
            result = project.run()
            if result.code == 0:
                break
            errors.append(_without(root, one_error(result, naming=root / "data").stderr))
            check(not half_written(root), f"half-written: {half_written(root)}")
        disk.enlarge()
        project.done()
        same(project.results(), template.results(), "after a full disk")
    check(bool(errors), "the disk was never full")
    return {"errors": errors}


def full_books(template: Project, root: Path, *, rooms: Sequence[int] = (8, 500, 1000)) -> dict[str, Any]:
    """The same under MLflow's books; the results are there all the while."""
    project = copy_of(template, root)
    errors = []
    with disk_on(root / "mlruns") as disk:
        for room in rooms:
            disk.leave(room)
            result = project.run()
            if result.code == 0:
                break
            errors.append(_without(root, one_error(result, naming="tracking.uri=").stderr))
            same(project.results(), template.results(), "with a full disk under the books")
        disk.enlarge()
        project.done()
        _books_are_whole(root)
    check(bool(errors), "the disk was never full")
    return {"errors": errors}


def full_replies(template: Project, root: Path, *, tasks: int = 40) -> dict[str, Any]:
    """Fill the disk while a server answers: what was kept is not asked again; without a ledger nothing is sent."""
    project = copy_of(template, root)
    requests = enlarge(root / "data/me", tasks=tasks)
    replies = root / "data/.store/decisions"
    with disk_on(root / "egress") as disk:
        disk.fill()
        away = on_server(NOWHERE, at_once=4)
        ledger = _without(root, project.refused(*away, "egress=allow", naming=root / "egress/ledger.jsonl").stderr)
    with running(Manners(delay=0.05)) as server, disk_on(root / "data") as disk:
        asked = on_server(server.openai, at_once=8)
        disk.leave(20 * 4)
        error = _without(root, project.refused(*asked, naming=root / "data").stderr)
        kept = {path.stem for path in replies.glob("reply_*.json")}
        before = server.counts()["answered"]
        disk.enlarge()
        project.done(*asked)
        counts = server.counts()["answered"]
        verdicts = read_records(root / "data/me/judge/bio/verdicts.jsonl", Verdict)
    again = [key for key in kept if counts[key] != before[key]]
    check(not again, f"{len(again)} of {len(kept)} kept replies were paid again")
    check(len(kept) > 0, "nothing was kept before the disk was full")
    check(len(verdicts) == requests and not any(verdict.error for verdict in verdicts), "verdicts are missing")
    lost = sum(before.values()) - len(kept)
    # Those in flight when it filled up were paid, and there was no room for them.
    check(lost <= 2 * 8, f"{lost} replies were paid and not kept")
    return {"errors": [ledger, error], "kept": len(kept), "paid_and_lost": lost, "requests": requests}


def read_only(template: Project, root: Path, *, folders: Sequence[str] = ("data", "data/.store", "mlruns")) -> Any:
    """Run on folders that are read-only: one clear error each, and no harm."""
    project = copy_of(template, root)
    errors = []
    for folder in folders:
        asked = () if folder == "mlruns" else ("tracking=none",)
        with disk_on(root / folder) as disk:
            disk.close()
            errors.append(_without(root, project.refused(*asked, naming=folder).stderr))
            disk.open()
            project.done(*asked)
            same(project.results(), template.results(), f"with {folder} read-only")
    return {"errors": errors}


def clock(template: Project, root: Path, *, stages: Sequence[str] = TRAINED) -> dict[str, Any]:
    """Set the clock back and forth by hours and years while everything runs, and start two sweeps at one second."""
    project = copy_of(template, root, without=stages, results=False)
    with jumping_clock(root, every=1.5) as env:
        jumping = Project(root, env=env)
        began = time.monotonic()
        jumping.done()
        seconds = time.monotonic() - began
        same(project.results(), template.results(), "with a clock that jumps")
        check({what for _, what in outcomes(jumping.done().stdout)} == {"up to date"}, "it was computed again")
    _books_are_whole(root)
    then = Project(root, env=clock_from("2024-02-03 04:05:06"))
    asked = ("-m", "seed=1,2", "stage=[ingest,memory]", "tracking=none")
    for sweep in [then.start(*asked) for _ in range(2)]:
        result = sweep.result(seconds=SECONDS)
        check(result.code == 0, f"a sweep failed beside another: {result.stderr[-500:]}")
    folders = len(list(root.glob("multirun/*/*/*/documents.jsonl")))
    check(folders == 4, f"two sweeps of two jobs have {folders} folders")
    return {"seconds": round(seconds, 1), "folders_of_sweeps": folders}


def locked_books(template: Project, root: Path, *, seconds: float = 30.0) -> dict[str, Any]:
    """Hold an exclusive transaction on MLflow's database for so long while a run begins."""
    project = copy_of(template, root)
    project.done()
    with locked(root / BOOKS, seconds=seconds):
        began = time.monotonic()
        project.done()
        waited = time.monotonic() - began
    check(waited >= seconds, "it did not wait for the lock")
    _books_are_whole(root)
    return {"waited": round(waited, 1)}


def damaged_books(template: Project, root: Path, *, accidents: Sequence[str] = tuple(BEFORE)) -> dict[str, Any]:
    """Damage or delete MLflow's books before a run: they are made again, and what is damaged is kept aside."""
    project = copy_of(template, root)
    project.done()
    for accident in accidents:
        BEFORE[accident](root / BOOKS)
        project.done()
        _books_are_whole(root, what=accident)
    return {"accidents": len(accidents)}


def lost_books(template: Project, root: Path, *, accidents: Sequence[str] = tuple(HALF_WAY)) -> dict[str, Any]:
    """Damage or delete MLflow's books half-way: the run computes everything, says so, and the next one writes them."""
    project = copy_of(template, root)
    errors = []
    for accident in accidents:
        errors.append(_without(root, _lost_half_way(project, HALF_WAY[accident]).stderr))
        same(project.results(), template.results(), f"books {accident} half-way")
        check({what for _, what in outcomes(project.done().stdout)} == {"up to date"}, "results were lost")
        _books_are_whole(root, what=accident)
    return {"errors": errors}


def _lost_half_way(project: Project, happens: Callable[[Path], None]) -> Any:
    """Let something happen to the books after the judge, while stages behind it have to run; return the error."""
    for stage in JUDGED:
        shutil.rmtree(project.root / "data/.store" / stage)
    shutil.rmtree(project.root / "data/me")
    started = project.start()
    while not (project.root / "data/me/summaries/judge-evidence.json").exists() and started.process.poll() is None:
        time.sleep(0.02)
    happens(project.root / BOOKS)
    return one_error(started.result(seconds=SECONDS), naming="the results are complete, but not MLflow's books")


def _books_are_whole(root: Path, *, runs: int = 1, what: str = "") -> None:
    """Check that MLflow's database has every run, finished, and with it curves, adapters and a champion."""
    with closing(sqlite3.connect(root / BOOKS)) as connection:

        def rows(query: str) -> list[Any]:
            return list(connection.execute(query))

        states = dict(rows("SELECT status, count(*) FROM runs GROUP BY status"))
        points = rows("SELECT count(*) FROM metrics WHERE key LIKE 'sft/%' OR key = 'objective'")[0][0]
        champions = rows("SELECT v.storage_location FROM model_versions v JOIN registered_model_aliases USING (name)")
    check(states == {"FINISHED": runs}, f"{what}: runs in the books: {states}")
    check(points > 0, f"{what}: no curves in the books")
    check(bool(champions), f"{what}: no champion in the books")
    folders = [path for path in root.glob("mlruns/artifacts/*/artifacts/adapters/*") if any(path.iterdir())]
    check(len(folders) >= 2, f"{what}: no adapters among the artifacts")


def _of_stages(name: str, stages: Sequence[str]) -> bool:
    """Whether a file of results is there when these stages have run."""
    written = {
        "ingest": ("documents", "questions", "corrections", "ingest_report", "labels", "summaries/ingest"),
        "memory": ("memory/", "summaries/memory"),
        "tasks": ("tasks", "summaries/tasks"),
    }
    return len(stages) == len(ALL) or name.startswith(tuple(chain.from_iterable(written[each] for each in stages)))


def _without(root: Path, text: str) -> str:
    """Return the last line of what was printed, without the folder's path."""
    return text.strip().splitlines()[-1].replace(f"{root}/", "")
