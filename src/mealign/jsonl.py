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
        raise MealignError(f"{path}:{error.lineno}: not valid JSON ({error.msg}); make it again") from error


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
    from pydantic import ValidationError

    records = []
    for number, line in enumerate(_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            records.append(kind.model_validate_json(line))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "the line"
            raise MealignError(f"{path}:{number}: not a {kind.__name__}: {where}: {first['msg']}") from error
    return records


def digest_path(path: Path) -> str:
    """SHA-256 of a file, or of a folder's relative names and contents; ``absent`` when there is nothing."""
    digest = hashlib.sha256()
    if path.is_dir():
        for file in sorted(p for p in path.rglob("*") if p.is_file() and "__pycache__" not in p.parts):
            digest.update(f"{file.relative_to(path).as_posix()}\0{digest_path(file)}\n".encode())
    elif path.is_file():
        with path.open("rb") as stream:
            for block in iter(lambda: stream.read(1 << 20), b""):
                digest.update(block)
    else:
        return "absent"
    return digest.hexdigest()


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise MealignError(f"{path}: no such file; run the stage that writes it first") from error
