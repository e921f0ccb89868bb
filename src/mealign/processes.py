"""Several processes: the first one runs the pipeline, the others join it for training.

``accelerate launch -m mealign`` starts one process per accelerator, all with the same command line. The first one
announces each training to the others, and all call the same function. They communicate through the CPU, since an
accelerator's own collectives time out for a process that waits for an hour.
"""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
PATIENCE = timedelta(days=30)
"""How long a process waits for the others: the first one may work for long before it trains."""
GRACE = 10.0
"""Seconds for the first process to report an error before another one exits and thereby ends all."""
OWN = {"known", "on_log"}
"""Arguments of training that only the first process gets: where it keeps results, and whom it notifies."""


def count() -> int:
    """Return how many processes train together."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def place() -> int:
    """Return the rank of this process, from 0."""
    return int(os.environ.get("RANK", "0")) if count() > 1 else 0


def leads() -> bool:
    """Whether this is the first process, which runs the pipeline, keeps its results and talks to the user."""
    return not place()


def share(value: T) -> T:
    """Return the first process's value in every process."""
    if count() == 1:
        return value
    import torch

    box = [value]
    torch.distributed.broadcast_object_list(box, src=0, group=_messages())
    return box[0]


def gather(value: T) -> list[T]:
    """Return every process's value, in their order, in every process."""
    if count() == 1:
        return [value]
    import torch

    values: list[Any] = [None] * count()
    torch.distributed.all_gather_object(values, value, group=_messages())
    return values


def joined(function: Callable[P, T]) -> Callable[P, T]:
    """Make all processes call a function of a module when the first one does, without the arguments in ``OWN``."""

    @functools.wraps(function)
    def call(*args: P.args, **given: P.kwargs) -> T:
        if count() > 1 and leads():
            shared = {name: value for name, value in given.items() if name not in OWN}
            share((function.__module__, function.__name__, args, shared))
        return function(*args, **given)

    return call


def follow() -> None:
    """Take part in whatever the first process does together with others, until it finishes."""
    while (task := share(None)) is not None:
        module, name, args, given = task
        try:
            getattr(import_module(module), name)(*args, **given)
        except Exception:
            # The launcher ends all processes when one ends, and the first one most likely reports the same error.
            time.sleep(GRACE)
            raise


def dismiss() -> None:
    """Tell the others that there is nothing more to do together."""
    share(None)


@functools.cache
def _messages() -> Any:
    import torch
    from accelerate import PartialState

    PartialState(cpu=not torch.cuda.is_available(), timeout=PATIENCE)
    return torch.distributed.new_group(backend="gloo", timeout=PATIENCE)
