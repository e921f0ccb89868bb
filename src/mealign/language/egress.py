"""The ledger of what left this machine: when, to whom, how much, and never what."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from mealign.addresses import is_loopback
from mealign.records import canonical_json


class Ledger:
    """An append-only file of JSON lines, one a request that was sent to another machine.

    A request to an address of this machine has not left it and is not written down. A request that is sent again
    leaves again, so it has a line for every time.

    Args:
        path: the file; it is made when something leaves.
        address: the server's.
        model: its name there.
    """

    def __init__(self, path: Path, *, address: str, model: str) -> None:
        self._path = path
        self._sent = {"address": address, "model": model}
        self._leaves = not is_loopback(address)

    def write(self, key: str, *, purpose: str, characters: int, tokens: int) -> None:
        """Write down, before it is sent, that a request leaves; ``tokens`` is what it is estimated to hold."""
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
