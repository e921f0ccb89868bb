"""Every way in which a command can fail: one message for the user, without a traceback, and an exit code."""

from __future__ import annotations

import errno
import sqlite3
import sys
import tempfile
import traceback
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import yaml
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from mealign import processes
from mealign.compose import explain
from mealign.console import say
from mealign.disk import AGAIN, FULL, MENDS, explained, full_disk, refusal
from mealign.errors import ConfigError, MealignError

PACKAGE = Path(__file__).parent


def fail(error: BaseException) -> NoReturn:
    """Say what went wrong and exit: 2 when the settings cannot work, 1 when the work failed."""
    shown = told(error)
    kind = "config error" if isinstance(shown, ConfigError) else "error"
    with suppress(OSError):
        say(f"{'' if processes.leads() else f'process {processes.place()}: '}{kind}: {shown}")
    sys.exit(2 if isinstance(shown, ConfigError) else 1)


def told(error: BaseException) -> MealignError:
    """Return an error as one for the user, which can be sent from one process to another.

    What nobody expected is a bug: its traceback, which may quote the user, is written to a file of their own.
    """
    if isinstance(error, MealignError):
        return ConfigError(str(error)) if isinstance(error, ConfigError) else MealignError(str(error))
    if isinstance(error, HydraException | OmegaConfBaseException):
        return ConfigError(explain(error))
    if isinstance(error, ValueError) and "hydra" in Path(traceback.extract_tb(error.__traceback__)[-1].filename).parts:
        return ConfigError(str(error).partition("\n")[0])
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        return ConfigError(f"{error.problem_mark.name}:{error.problem_mark.line + 1}: it is not YAML ({error.problem})")
    if isinstance(error, MemoryError):
        return MealignError(f"there is not enough memory on this machine; end other programs, or choose less; {AGAIN}")
    if reason := _of_system(error):
        return MealignError(reason)
    if isinstance(error, sqlite3.OperationalError):
        return MealignError(f"a database under paths.store cannot be used ({error}); mend that; {AGAIN}")
    if full := full_disk(Path()):
        return MealignError(f"{full.absolute()}: there is no space left on its disk; {FULL}; {AGAIN}")
    return MealignError(_bug(error))


def _of_system(error: BaseException) -> str | None:
    """Explain what the system refused; None where the error does not say what."""
    found = refusal(error)
    if found is None or (found.filename is None and found.errno not in (*MENDS, errno.ENOENT)):
        return None
    if found.errno == errno.ENOENT and found.filename is None:
        return "the current folder does not exist any more; change to another one"
    return explained(found, "the output, paths.data or paths.store")


def _bug(error: BaseException) -> str:
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).is_relative_to(PACKAGE)
    ]
    place = f" at {Path(frames[-1].filename).relative_to(PACKAGE)}:{frames[-1].lineno}" if frames else ""
    kind = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    found = f"this is a bug of mealign ({kind}{place}); report it on the project's issue tracker"
    try:
        handle, name = tempfile.mkstemp(prefix="mealign-", suffix=".txt")
        with open(handle, "w", encoding="utf-8", errors="backslashreplace") as file:  # noqa: PTH123
            file.writelines(traceback.format_exception(error))
    except OSError:
        return found
    return f"{found} with {name}, which only you can read: it may quote your notes, so look it through before"
