"""Reading a text file that may be anything."""

from __future__ import annotations

from pathlib import Path

from mealign.config import IngestConfig
from mealign.ingest.report import Problems


def read_text(path: Path, name: str, problems: Problems, settings: IngestConfig | None = None) -> str | None:
    """Read a UTF-8 file with Unix line ends; None, and a noted problem, when that is impossible.

    Args:
        path: the file.
        name: how the report calls it.
        problems: where a refusal is noted.
        settings: when given, a file over ``max_bytes`` is refused.
    """
    try:
        if settings and path.stat().st_size > settings.max_bytes:
            size = path.stat().st_size
            message = f"{size} bytes are more than ingest.max_bytes={settings.max_bytes}"
            problems.add(name, None, "too_large", message, "split the note, or raise ingest.max_bytes")
            return None
        data = path.read_bytes()
    except OSError as error:
        problems.add(
            name, None, "unreadable", f"cannot be read ({error.strerror})", "check the file and its permissions"
        )
        return None
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        message = f"byte {error.start} is not UTF-8"
        problems.add(name, line, "not_utf8", message, "save the file as UTF-8")
        return None
