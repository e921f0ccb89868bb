"""The ledger of what left this machine: when, to which server, how much, and never the content."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from mealign.addresses import is_loopback
from mealign.records import canonical_json


class Ledger:
    """An append-only file of JSON lines, one per request that was sent to another machine.

    Requests to an address of this machine are not recorded. A request that is sent again has a line for every time.

    Args:
        path: the file; it is created when something leaves.
        address: the server's address.
        model: the model's name there.
    """

    def __init__(self, path: Path, *, address: str, model: str) -> None:
        self._path = path
        self._sent = {"address": address, "model": model}
        self._leaves = not is_loopback(address)

    def write(self, key: str, *, purpose: str, characters: int, tokens: int) -> None:
        """Record a request before it is sent; ``tokens`` is the estimated number that it holds."""
        if not self._leaves:
            return
        line: Mapping[str, object] = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            **self._sent,
            "purpose": purpose,
            "characters": characters,
            "tokens": tokens,
            "request": key,
        }
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # One short write at the end of the file: lines of several processes do not mix.
        with self._path.open("a", encoding="utf-8") as file:
            file.write(canonical_json(line) + "\n")
