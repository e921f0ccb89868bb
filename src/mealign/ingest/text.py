"""Reading files whose content may be anything."""

from __future__ import annotations

import errno
import os
import stat
import unicodedata
from codecs import BOM_UTF8
from pathlib import Path
from typing import BinaryIO

from mealign.ingest.report import Problems
from mealign.ingest.settings import IngestConfig

WRITTEN_OUT = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Categories of characters that a name cannot show: control characters, undecodable bytes, line separators."""


def status(path: Path) -> os.stat_result:
    """Return the status of a regular file or folder, or of what a link to one leads to.

    Whatever else a folder can hold (a pipe, a device, a socket) may never end, or keep a reader waiting.

    Raises:
        OSError: it is none, or cannot be found.
    """
    found = path.stat()
    if not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):
        raise OSError(errno.EINVAL, "it is a pipe, a device or a socket")
    return found


def is_folder(path: Path) -> bool:
    """Whether a path leads to a folder."""
    try:
        return path.is_dir()
    except OSError:
        # The path is too long, or links lead in a circle.
        return False


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file, or a link to one: the only way in which a person's files are opened.

    Raises:
        OSError: it is none, or cannot be opened.
    """
    status(path)
    # Some files of the kernel are regular and yet wait for what comes next.
    return open(path, "rb", opener=_without_waiting)


def _without_waiting(name: str, flags: int) -> int:
    return os.open(name, flags | getattr(os, "O_NONBLOCK", 0))


def read_whole(path: Path) -> bytes:
    """Read a regular file.

    Raises:
        OSError: it cannot be read, or changes meanwhile; or its size is not what it says, as of files that the kernel
            makes up.
    """
    with open_regular(path) as stream:
        before = os.fstat(stream.fileno())
        data = stream.read(before.st_size + 1)
        after = os.fstat(stream.fileno())
    changed = (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns)
    if data is None or len(data) != before.st_size or changed:
        raise OSError(errno.EIO, "it changes while it is read")
    return data


def is_too_large(path: Path, name: str, problems: Problems, settings: IngestConfig, limit: str) -> bool:
    """Whether a file is larger than ``ingest.<limit>`` allows, which is then noted.

    Raises:
        OSError: it is neither a regular file nor a folder, or cannot be found.
    """
    size, most = status(path).st_size, getattr(settings, limit)
    if size > most:
        message = f"{size} bytes are more than ingest.{limit}={most}"
        problems.add(name, None, "too_large", message, f"split it, or raise ingest.{limit}")
    return bool(size > most)


def read_bytes(
    path: Path, name: str, problems: Problems, settings: IngestConfig | None = None, *, limit: str = "max_bytes"
) -> bytes | None:
    """Read a regular file; None, and a noted problem, when that is impossible.

    Args:
        path: the file.
        name: what the report calls it.
        problems: where a refusal is noted.
        settings: when given, a file over ``limit`` is refused. Importers leave that to :attr:`Importer.limit`.
        limit: the setting that bounds its size.
    """
    try:
        if settings and is_too_large(path, name, problems, settings, limit):
            return None
        return read_whole(path)
    except OSError as error:
        add_unreadable(name, error, problems)
        return None


def read_text(
    path: Path,
    name: str,
    problems: Problems,
    settings: IngestConfig | None = None,
    *,
    limit: str = "max_bytes",
    may_be_cut: bool = False,
) -> str | None:
    """Read a UTF-8 file with Unix line ends; arguments and result as for :func:`read_bytes`.

    ``may_be_cut`` drops an incomplete character at the end; the importer itself notes that the file breaks off.
    """
    data = read_bytes(path, name, problems, settings, limit=limit)
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
    del data
    return text.replace("\r\n", "\n").replace("\r", "\n")


def add_unreadable(name: str, error: OSError, problems: Problems) -> None:
    """Note a file or folder that the operating system cannot read."""
    message = f"cannot be read ({error.strerror or type(error).__name__})"
    problems.add(name, None, "unreadable", message, "check the file and its permissions")


def well_formed(text: str) -> str:
    """Join the halves of surrogate pairs and replace a half that stands alone, as in an emoji that was cut in two."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def printable(name: str) -> str:
    r"""Return a file's name so that it can be shown and written; another name never gives the same.

    Control characters and bytes that are no UTF-8 become escapes, and so does the backslash with which those begin.

    >>> printable("caf\udce9\n.md"), printable("café.md")
    ('caf\\xe9\\n.md', 'café.md')
    """
    return "".join(_escaped(character) for character in name)


def _escaped(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        # How Python stands in for a byte that is no UTF-8.
        return f"\\x{code - 0xDC00:02x}"
    if character != "\\" and unicodedata.category(character) not in WRITTEN_OUT:
        return character
    return f"\\u{code:04x}" if code > 0x7F else character.encode("unicode_escape").decode()
