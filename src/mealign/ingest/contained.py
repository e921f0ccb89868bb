"""Work on what other programs packed, in a process of its own that gets only so much time and memory.

A kilobyte of PDF or Word can unpack to gigabytes, or keep a library busy for hours; no library bounds all of that. What
fails here fails alone: the process is ended, and the next call starts another one.
"""

from __future__ import annotations

import json
import os
import pickle
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import IO, Any, ParamSpec, TypeVar, cast

P = ParamSpec("P")
T = TypeVar("T")
PROGRAM = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from mealign.ingest.contained import serve; serve()"
TOO_MUCH = "reading it takes too much memory"


class ContainedError(Exception):
    """The work was given up; the message says why, in words for the report."""


def call(seconds: float, memory: int, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a function of a module in the other process.

    Args:
        seconds: how long it may take.
        memory: bytes that the process may map, where the operating system can tell it.
        work: the function; it, its arguments and its result are pickled.
        *args: its arguments.
        **kwargs: its arguments by name.

    Raises:
        ContainedError: it takes too much, raises an error, or ends the process.
    """
    worker = _worker()
    answered = False
    try:
        pickle.dump((memory, work, args, kwargs), worker.calls)
        worker.calls.flush()
        if not select.select([worker.answers], [], [], seconds)[0]:
            raise ContainedError(f"reading it takes more than {seconds:.0f} seconds")
        done, result = pickle.load(worker.answers)  # noqa: S301 - our own process, which has read no pickle but ours
        answered = True
    except (EOFError, OSError, pickle.UnpicklingError) as error:
        raise ContainedError("the program that reads it breaks down") from error
    finally:
        # Whatever else ends the wait, an answer that comes later would be taken for that of the next call.
        if not answered:
            worker.process.kill()
            _worker.cache_clear()
    if not done:
        raise ContainedError(result)
    value: T = result
    return value


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


def serve() -> None:
    """Answer calls until there are no more."""
    # An interrupt of the terminal reaches this process too; the one that called it decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb")
    # What a library prints is no answer.
    os.dup2(2, 1)
    with suppress(EOFError, OSError):
        while True:
            answer = _answer(*pickle.load(sys.stdin.buffer))  # noqa: S301 - the process that started this one
            try:
                data = pickle.dumps(answer)
            except MemoryError:
                data = pickle.dumps((False, TOO_MUCH))
            answers.write(data)
            answers.flush()


def _answer(memory: int, work: Callable[..., Any], args: Any, kwargs: Any) -> tuple[bool, Any]:
    """Return whether the work was done, and its result or why it was not."""
    # Not every operating system has this limit.
    with suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (memory, resource.getrlimit(resource.RLIMIT_AS)[1]))
    try:
        return True, work(*args, **kwargs)
    except MemoryError:
        return False, TOO_MUCH
    except Exception as error:  # noqa: BLE001 - a library may raise anything, and not everything can be sent
        return False, f"it is damaged, or in another format ({type(error).__name__})"
