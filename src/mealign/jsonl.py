"""Atomic reading and writing of records and JSON: a file exists completely or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mealign.errors import MealignError

if TYPE_CHECKING:
    from mealign.records import Record

R = TypeVar("R", bound="Record")
AGAIN = "run the stage that writes it again"
"""How a damaged file is mended."""


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Name a file in the system's refusals to write into it once it is open, which name none."""
    try:
        yield
    except OSError as error:
        if error.errno is not None and error.filename is None:
            error.filename = str(path)
        raise


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; on success rename it to ``path``, on any error remove it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    os.close(handle)
    temporary = Path(name)
    try:
        with naming(path):
            yield temporary
            temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text completely or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_small(path: Path, text: str) -> None:
    """Write a small UTF-8 file completely or not at all, into an existing folder, in few system calls."""
    temporary = f"{path.parent}/.{path.name}.{os.getpid()}.part"
    handle = os.open(temporary, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    try:
        with naming(path), open(handle, "wb", buffering=0) as file:  # noqa: PTH123
            left = memoryview(text.encode())
            # One call writes less than it is given where the disk is nearly full.
            while left:
                left = left[file.write(left) :]
        os.replace(temporary, path)  # noqa: PTH105
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_json(path: Path, value: Any) -> None:
    """Write one indented JSON document with sorted keys."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) + "\n")


def read_json(path: Path) -> Any:
    """Read one JSON document.

    Raises:
        MealignError: the file is missing or is not JSON; the message names file and line.
    """
    try:
        return json.loads(_text(path))
    except json.JSONDecodeError as error:
        raise MealignError(f"{path}:{error.lineno}: not valid JSON ({error.msg}); {AGAIN}") from None
    except (ValueError, RecursionError):
        raise MealignError(f"{path}: not valid JSON (a number or a nesting without end); {AGAIN}") from None


def read_object(path: Path) -> dict[str, Any]:
    """Read one JSON object.

    Raises:
        MealignError: see :func:`read_json`, or it is another JSON value.
    """
    value = read_json(path)
    if not isinstance(value, dict):
        raise MealignError(f"{path}: not a JSON object; {AGAIN}")
    return value


def write_records(path: Path, records: Iterable[Record]) -> None:
    """Write one canonical JSON object a line, in the order given."""
    from mealign.records import canonical_json

    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        for record in records:
            file.write(canonical_json(record.model_dump(mode="json")) + "\n")


def read_records(path: Path, kind: type[R]) -> list[R]:
    """Read records of one kind.

    Raises:
        MealignError: the file is missing, or a line is not such a record; the message names file and line.
    """
    lines = enumerate(_text(path).split("\n"), start=1)
    return [_record(line, kind, f"{path}:{number}") for number, line in lines if line.strip()]


def read_record(path: Path, kind: type[R]) -> R:
    """Read a file that is one record.

    Raises:
        MealignError: the file is missing, or is not such a record; the message names the file.
    """
    return _record(_text(path), kind, str(path))


def _record(text: str, kind: type[R], place: str) -> R:
    from pydantic import ValidationError

    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_input=False, include_context=False)[0]
        # Of the place in the record only the field: further down there are keys that hold anybody's words.
        field = next((f"{part}: " for part in first["loc"][:1] if part in kind.model_fields), "")
        raise MealignError(f"{place}: not a {kind.__name__}: {field}{first['msg']}; {AGAIN}") from None


def digest_path(path: Path) -> str:
    """SHA-256 of a file, or of a folder's relative names and contents.

    ``absent`` when there is nothing, ``unreadable`` when there is something that may not be read.
    """
    digest = hashlib.sha256()
    if path.is_dir():
        for file in sorted(p for p in path.rglob("*") if p.is_file() and "__pycache__" not in p.parts):
            name = os.fsencode(file.relative_to(path).as_posix())
            digest.update(b"%s\0%s\n" % (name, digest_path(file).encode()))
    elif path.is_file():
        try:
            with path.open("rb") as stream:
                for block in iter(lambda: stream.read(1 << 20), b""):
                    digest.update(block)
        except PermissionError:
            return "unreadable"
    else:
        return "absent"
    return digest.hexdigest()


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise MealignError(f"{path}: no such file; run the stage that writes it first") from error
    except UnicodeDecodeError:
        raise MealignError(f"{path}: not UTF-8; {AGAIN}") from None
    except OSError as error:
        raise MealignError(f"{path}: it cannot be read ({error.strerror}); {AGAIN}") from error
