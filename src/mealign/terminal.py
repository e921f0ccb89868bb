"""Terminal output of a run: its config, what each stage did, and the table of evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from mealign.console import WIDTH, Console
from mealign.settings import flat, plain

if TYPE_CHECKING:
    from mealign.config import Settings


def show(item: RenderableType) -> None:
    """Print one rich renderable to standard output, as wide as the terminal, or 120 columns in a pipe."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    console.print(item)


def show_config(settings: Settings, *, keys: Sequence[str]) -> None:
    """Print the settings under ``keys`` (dotted prefixes) as a tree, without what is personal: people share logs."""
    tree = Tree(Text("config", style="bold"))
    branches: dict[str, Tree] = {"": tree}
    for key, value in flat(plain(settings, public=True)).items():
        if not any(key == prefix or key.startswith(f"{prefix}.") for prefix in keys):
            continue
        *parents, leaf = key.split(".")
        path = ""
        for parent in parents:
            above, path = path, f"{path}.{parent}".removeprefix(".")
            if path not in branches:
                branches[path] = branches[above].add(Text(parent, style="cyan"))
        branches[path].add(Text.assemble(f"{leaf}: ", (str(value), "dim")))
    show(tree)


def show_stages(rows: Sequence[tuple[str, str, str, float, Mapping[str, Any]]]) -> None:
    """Print one line per stage: name, what was done and why, seconds, and the numbers it reports."""
    table = Table(title="stages", title_justify="left")
    table.add_column("stage", style="cyan")
    table.add_column("outcome")
    table.add_column("because")
    table.add_column("seconds", justify="right")
    table.add_column("result")
    for name, outcome, why, seconds, summary in rows:
        numbers = [f"{key} {value}" for key, value in summary.items() if isinstance(value, int | float)]
        table.add_row(name, outcome, why, f"{seconds:.1f}", ", ".join(numbers))
    show(table)
