"""What was kept and what was refused, with file, line and mend."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from rich.table import Table
from rich.text import Text

from mealign.records import Document

LISTED = 10_000
"""Problems of one kind in one file that are listed one by one."""
SHOWN = 500
"""Problems that the terminal shows."""
ONCE = frozenset({"time_zone"})
"""Codes of problems that are the same for every file with an extension, and noted for the first alone."""


@dataclass(frozen=True)
class Problem:
    """One item that was refused, or kept with a reservation. ``line`` counts from 1; None: the file as a whole."""

    file: str
    line: int | None
    code: str
    message: str
    mend: str

    @property
    def where(self) -> str:
        """``file`` or ``file:line``."""
        return self.file if self.line is None else f"{self.file}:{self.line}"


@dataclass
class Problems:
    """The problems met so far, in the order in which they were met, and how many things of which kind were left out.

    ``ignored`` counts files of no known format by extension, and attachments of mails; ``counts`` the problems by file
    and code; ``left_out`` the characters of a source that are in no document, by file and reason.
    """

    items: list[Problem] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    left_out: Counter[tuple[str, str]] = field(default_factory=Counter)
    _once: set[tuple[str, str]] = field(default_factory=set)

    def add(self, file: str, line: int | None, code: str, message: str, mend: str) -> None:
        """Note one more problem; those of one kind in one file beyond :data:`LISTED` are only counted."""
        if not self._is_first(file, code):
            return
        self.counts[file, code] += 1
        if self.counts[file, code] <= LISTED:
            self.items.append(Problem(file, line, code, message, mend))

    def leave_out(self, file: str, reason: str, text: str) -> None:
        """Count a text of a source that no document holds, such as a program's line or what another mail said."""
        if text.strip():
            self.left_out[file, reason] += len(text)

    def include(self, other: Problems) -> None:
        """Add the problems of another file."""
        again = {kind for kind in other.counts if not self._is_first(*kind)}
        self.items += [item for item in other.items if (item.file, item.code) not in again]
        self.ignored += other.ignored
        self.counts += Counter({kind: number for kind, number in other.counts.items() if kind not in again})
        self.left_out += other.left_out

    def _is_first(self, file: str, code: str) -> bool:
        kind = PurePosixPath(file).suffix.lower(), code
        if code not in ONCE:
            return True
        if kind in self._once:
            return False
        self._once.add(kind)
        return True

    def all(self) -> Iterator[Problem]:
        """Yield the listed problems, and one for those of each kind that were only counted."""
        yield from self.items
        for (file, code), number in self.counts.items():
            if number > LISTED:
                yield Problem(file, None, code, f"{number - LISTED} more of this kind", "see those above")


@dataclass(frozen=True)
class IngestReport:
    """Counts of what was kept and of what is in no known format, every problem, and their number by code.

    ``left_out`` has the characters that no document holds, by file and reason.
    """

    kept: dict[str, int]
    questions: int
    ignored: dict[str, int]
    problems: tuple[Problem, ...]
    codes: dict[str, int]
    left_out: dict[str, dict[str, int]]

    @classmethod
    def of(cls, documents: Iterable[Document], *, questions: int, problems: Problems) -> IngestReport:
        """Count the documents by kind."""
        kept = Counter(document.kind for document in documents)
        codes: Counter[str] = Counter()
        for (_, code), number in problems.counts.items():
            codes[code] += number
        left_out: dict[str, dict[str, int]] = {}
        for (file, reason), characters in sorted(problems.left_out.items()):
            left_out.setdefault(file, {})[reason] = characters
        return cls(
            kept=dict(sorted(kept.items())),
            questions=questions,
            ignored={kind: number for kind, number in sorted(problems.ignored.items()) if number},
            problems=tuple(problems.all()),
            codes=dict(sorted(codes.items())),
            left_out=left_out,
        )

    def counts(self) -> dict[str, Any]:
        """Numbers alone: documents by kind, problems by code, characters that were left out by reason."""
        left_out: Counter[str] = Counter()
        for reasons in self.left_out.values():
            left_out.update(reasons)
        return {
            "kept": self.kept,
            "questions": self.questions,
            "problems": self.codes,
            "left_out": dict(sorted(left_out.items())),
        }

    def to_json(self) -> dict[str, Any]:
        """Return the whole report as JSON values."""
        items = [vars(problem) for problem in self.problems]
        return {**self.counts(), "ignored": self.ignored, "left_out_of": self.left_out, "items": items}


def render(report: IngestReport) -> Table:
    """Show the first :data:`SHOWN` problems as a table; it names places, never text."""
    more = len(report.problems) - SHOWN
    caption = f"and {more} more, in ingest_report.json" if more > 0 else None
    table = Table(title=f"{len(report.problems)} problems in the sources", title_justify="left", caption=caption)
    for column in ("where", "problem", "mend"):
        table.add_column(column, overflow="fold")
    for problem in report.problems[:SHOWN]:
        # As text: a file name may hold what is markup elsewhere.
        table.add_row(*map(Text, (problem.where, problem.message, problem.mend)))
    return table
