"""Reading what other programs packed in a process of its own, which gets only so much time and memory.

A kilobyte of PDF or Word can unpack to gigabytes, or keep a library busy for hours; no library bounds all of that. What
fails here fails alone: the process is ended, and the next file starts another one. Both sides write JSON, one line a
file and one an answer.
"""

from __future__ import annotations

import json
import math
import os
import select
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import asdict
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import IO, Any, cast

from mealign.ingest.files import SourceFile
from mealign.ingest.importing import ImportContext
from mealign.ingest.report import Problem, Problems
from mealign.ingest.settings import IngestConfig
from mealign.records import Document

PROGRAM = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from mealign.ingest.contained import serve; serve()"
MEGABYTE = 1_000_000
MEMORY = 2_000 * MEGABYTE
"""Bytes that the process may map, besides four times the size of the file."""
PATIENCE = 4
"""How much longer a file may take by the clock, where other work keeps the machine busy."""
TOO_MUCH = "reading it takes too much memory"
TOO_LONG = "reading it takes more than {:.0f} seconds"


class ContainedError(Exception):
    """The file was given up; the message says why, in words for the report."""


def read(module: str, file: SourceFile, context: ImportContext) -> list[Document]:
    """Read a file in the other process; its problems are noted in ``context.problems``.

    Args:
        module: full name of the importer's module.
        file: the file.
        context: for whom, and under which settings.

    Raises:
        ContainedError: it takes too much, raises an error, or ends the process.
        OSError: the file cannot be found, or the process not started.
    """
    size = file.path.stat().st_size
    seconds = context.settings.max_seconds * max(1, size / MEGABYTE)
    answer = _ask(
        {
            "module": module, "path": str(file.path.absolute()), "name": file.name, "day_first": file.day_first,
            "person": context.person, "names": sorted(context.names), "contacts": context.contacts,
            "settings": asdict(context.settings),
            "limits": {"RLIMIT_AS": MEMORY + 4 * size, "RLIMIT_CPU": math.ceil(seconds)},
        },
        seconds,
    )  # fmt: skip
    if "failed" in answer:
        raise ContainedError(answer["failed"])
    items = [Problem(**item) for item in answer["items"]]
    counts = Counter({(name, code): number for name, code, number in answer["counts"]})
    left_out = Counter({(name, reason): number for name, reason, number in answer["left_out"]})
    context.contacts.update(answer["contacts"])
    context.problems.include(Problems(items, Counter(answer["ignored"]), counts, left_out))
    return [Document.model_validate(document) for document in answer["documents"]]


def close() -> None:
    """End the process, if there is one."""
    if _worker.cache_info().currsize:
        process = _worker().process
        _worker.cache_clear()
        process.kill()
        # Closes the pipes, and waits.
        with suppress(OSError), process:
            pass


class _Worker:
    """The process; it ends when this one does, for then there is nothing more to read."""

    def __init__(self) -> None:
        # Not forked: this process may have threads, and libraries that do not survive it. Nor does it import the main
        # module again, as multiprocessing would, which runs a script that does not expect it.
        command = [sys.executable, "-c", PROGRAM, json.dumps(sys.path)]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL)  # noqa: S603
        self.calls, self.answers = cast(IO[bytes], self.process.stdin), cast(IO[bytes], self.process.stdout)


@cache
def _worker() -> _Worker:
    return _Worker()


def _ask(request: dict[str, Any], seconds: float) -> dict[str, Any]:
    worker = _worker()
    answered = False
    try:
        worker.calls.write(json.dumps(request).encode() + b"\n")
        worker.calls.flush()
        # The process counts the seconds in which it works; these are in case it does not, or waits.
        if not select.select([worker.answers], [], [], PATIENCE * seconds)[0]:
            raise ContainedError(TOO_LONG.format(seconds))
        answer: dict[str, Any] = json.loads(worker.answers.readline())
        answered = True
    except (OSError, ValueError) as error:
        killed = -worker.process.wait()
        late = killed == getattr(signal, "SIGXCPU", None)
        raise ContainedError(TOO_LONG.format(seconds) if late else "the program that reads it breaks down") from error
    finally:
        # Whatever else ends the wait, an answer that comes later would be taken for that of the next file.
        if not answered:
            close()
    return answer


def serve() -> None:
    """Answer requests until there are no more."""
    # An interrupt of the terminal reaches this process too; the one that waits decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb")
    # What a library prints is no answer.
    os.dup2(2, 1)
    for line in sys.stdin.buffer:
        try:
            answer = json.dumps(_answer(json.loads(line))).encode()
        except MemoryError:
            answer = json.dumps({"failed": TOO_MUCH}).encode()
        with suppress(OSError):
            answers.write(answer + b"\n")
            answers.flush()


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    _limit(**request["limits"])
    settings, names = IngestConfig(**request["settings"]), frozenset(request["names"])
    person, contacts = request["person"], request["contacts"]
    context = ImportContext(person=person, names=names, settings=settings, contacts=contacts)
    try:
        importer = import_module(request["module"]).IMPORTER
        file = SourceFile(Path(request["path"]), request["name"], request["day_first"])
        documents = importer.read(file, context)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - a library may raise anything
        return {"failed": f"it is damaged, or in another format ({type(error).__name__})"}
    problems = context.problems
    return {
        "documents": [document.model_dump(mode="json") for document in documents],
        "items": [vars(problem) for problem in problems.items],
        "counts": [[*kind, number] for kind, number in problems.counts.items()],
        "ignored": problems.ignored,
        "contacts": context.contacts,
        "left_out": [[*kind, number] for kind, number in problems.left_out.items()],
    }


def _limit(**limits: int) -> None:
    # Not every operating system has these.
    with suppress(ImportError, OSError, ValueError):
        import resource

        limits["RLIMIT_CPU"] += math.ceil(time.process_time())
        for name, most in limits.items():
            kind = getattr(resource, name)
            hard = resource.getrlimit(kind)[1]
            resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
