"""Reading text files whose content may be anything."""

from __future__ import annotations

from codecs import BOM_UTF8
from pathlib import Path

from mealign.ingest.report import Problems
from mealign.ingest.settings import IngestConfig


def read_bytes(path: Path, name: str, problems: Problems, settings: IngestConfig | None = None) -> bytes | None:
    """Read a file; None, and a noted problem, when that is impossible.

    Args:
        path: the file.
        name: what the report calls it.
        problems: where a refusal is noted.
        settings: when given, a file over ``max_bytes`` is refused.
    """
    try:
        if settings and path.stat().st_size > settings.max_bytes:
            size = path.stat().st_size
            message = f"{size} bytes are more than ingest.max_bytes={settings.max_bytes}"
            problems.add(name, None, "too_large", message, "split the note, or raise ingest.max_bytes")
            return None
        return path.read_bytes()
    except OSError as error:
        add_unreadable(name, error, problems)
        return None


def read_text(
    path: Path, name: str, problems: Problems, settings: IngestConfig | None = None, *, may_be_cut: bool = False
) -> str | None:
    """Read a UTF-8 file with Unix line ends; arguments and result as for :func:`read_bytes`.

    ``may_be_cut`` drops an incomplete character at the end; the importer itself notes that the file breaks off.
    """
    data = read_bytes(path, name, problems, settings)
    if data is None:
        return None
    data = data.removeprefix(BOM_UTF8)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        if not (may_be_cut and error.reason == "unexpected end of data"):
            line = data[: error.start].count(b"\n") + 1
            message = f"byte {error.start} is not UTF-8"
            problems.add(name, line, "not_utf8", message, "save the file as UTF-8")
            return None
        text = data[: error.start].decode()
    return text.replace("\r\n", "\n").replace("\r", "\n")


def add_unreadable(name: str, error: OSError, problems: Problems) -> None:
    """Note a file that the operating system cannot read."""
    message = f"cannot be read ({error.strerror})"
    problems.add(name, None, "unreadable", message, "check the file and its permissions")


def well_formed(text: str) -> str:
    """Join the halves of surrogate pairs and replace a half that stands alone, as in an emoji that was cut in two."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
