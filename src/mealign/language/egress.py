"""The ledger of what left this machine: when, to whom, what for, how much of it was personal, and never the words."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from mealign.jsonl import naming
from mealign.records import canonical_json


@dataclass(frozen=True)
class Personal:
    """What of the user's own a request holds.

    Attributes:
        facts: ids of the facts that it shows, or that it was made from.
        documents: ids of the documents that it quotes.
        tokens: the estimated number of tokens copied from documents or facts, or made from them.
    """

    facts: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    tokens: int = 0


class Ledger:
    """An append-only file of JSON lines, one for everything that was sent to another machine.

    A request that is sent again has a line for every time.

    Args:
        path: the file; it is created when something leaves.
        address: to whom: a server's address, or the name of a service.
        model: the model's name there, if it is one.
        leaves: whether what goes there leaves this machine; nothing is recorded otherwise.
    """

    def __init__(self, path: Path, *, address: str, model: str | None = None, leaves: bool = True) -> None:
        self._path = path
        self._sent = {"address": address, "model": model}
        self._leaves = leaves

    def write(
        self,
        digest: str,
        *,
        purpose: str,
        personal: Personal = Personal(),
        characters: int = 0,
        tokens: int = 0,
    ) -> None:
        """Record something before it is sent.

        Args:
            digest: of the request.
            purpose: what for, without the user's words.
            personal: what of it is the user's own.
            characters: the length of the request.
            tokens: the estimated number of tokens of the request and its answer.
        """
        if not self._leaves:
            return
        line: Mapping[str, object] = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            **self._sent,
            "purpose": purpose,
            "facts": personal.facts,
            "documents": personal.documents,
            "personal_tokens": personal.tokens,
            "characters": characters,
            "tokens": tokens,
            "request": digest,
        }
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._append((canonical_json(line) + "\n").encode())

    def _append(self, line: bytes) -> None:
        """Write a whole line or nothing; lines of several processes do not mix."""
        handle = os.open(self._path, os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o600)
        # The mode is that of the handle.
        with naming(self._path), open(handle, "ab", buffering=0) as file:  # noqa: PTH123
            fcntl.flock(file, fcntl.LOCK_EX)
            end = file.seek(0, os.SEEK_END)
            if file.write(line) < len(line):
                file.truncate(end)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
