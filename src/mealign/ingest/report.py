"""What was kept and what was refused, with file, line and mend."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from rich.table import Table

from mealign.records import Document


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

    ``ignored`` counts files of no known format by extension, and attachments of mails.
    """

    items: list[Problem] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)

    def add(self, file: str, line: int | None, code: str, message: str, mend: str) -> None:
        """Note one more problem."""
        self.items.append(Problem(file, line, code, message, mend))


@dataclass(frozen=True)
class IngestReport:
    """Counts of what was kept and of what is in no known format, and every problem."""

    kept: dict[str, int]
    questions: int
    ignored: dict[str, int]
    problems: tuple[Problem, ...]

    @classmethod
    def of(cls, documents: Iterable[Document], *, questions: int, problems: Problems) -> IngestReport:
        """Count the documents by kind."""
        kept = Counter(document.kind for document in documents)
        return cls(
            kept=dict(sorted(kept.items())),
            questions=questions,
            ignored={kind: number for kind, number in sorted(problems.ignored.items()) if number},
            problems=tuple(problems.items),
        )

    def counts(self) -> dict[str, Any]:
        """Numbers alone: documents by kind, problems by code."""
        codes = Counter(problem.code for problem in self.problems)
        return {"kept": self.kept, "questions": self.questions, "problems": dict(sorted(codes.items()))}

    def to_json(self) -> dict[str, Any]:
        """Return the whole report as JSON values."""
        return {**self.counts(), "ignored": self.ignored, "items": [vars(problem) for problem in self.problems]}


def render(report: IngestReport) -> Table:
    """Show the problems as a table; it names places, never text."""
    table = Table(title=f"{len(report.problems)} problems in the sources", title_justify="left")
    for column in ("where", "problem", "mend"):
        table.add_column(column, overflow="fold")
    for problem in report.problems:
        table.add_row(problem.where, problem.message, problem.mend)
    return table
