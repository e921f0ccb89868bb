"""Progress bars on standard error, so that standard output has only results."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sized
from contextlib import contextmanager
from typing import TypeVar

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from mealign import processes
from mealign.console import Console

T = TypeVar("T")


class Bar:
    """One bar. ``advance`` moves it; ``note`` shows a short number beside it (a loss, a rate)."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task

    def advance(self, steps: float = 1) -> None:
        """Move the bar by ``steps``."""
        self._progress.advance(self._task, steps)

    def note(self, text: str) -> None:
        """Show ``text`` beside the bar."""
        self._progress.update(self._task, note=text)


@contextmanager
def bar(description: str, total: float | None) -> Iterator[Bar]:
    """Show a bar while the block runs; it disappears from a terminal when the block ends.

    Of several processes only the first one shows it.
    """
    columns = (
        TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(),
        TimeElapsedColumn(), TimeRemainingColumn(), TextColumn("{task.fields[note]}", markup=False),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not processes.leads()) as progress:
        yield Bar(progress, progress.add_task(description, total=total, note=""))


def track(items: Iterable[T], description: str, *, total: float | None = None) -> Iterator[T]:
    """Yield ``items`` and show a bar; ``total`` defaults to ``len(items)`` if that is known."""
    if total is None and isinstance(items, Sized):
        total = len(items)
    with bar(description, total) as shown:
        for item in items:
            yield item
            shown.advance()
