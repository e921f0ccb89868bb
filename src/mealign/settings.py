"""How a room declares a setting: one line with type, meaning and limits. Its value stands in ``conf/``.

A room's settings are dataclasses in its own ``settings.py``, fields without a default, so that a value that ``conf/``
lacks is an error and not a second opinion::

    rank: int = setting("the rank of the adapter", 1, 1024)
    person: str = free_text("the user's full name")
    name: str = name_setting("the judge's name")

:func:`problems` walks through an instance and checks it: every limit, and every section's own ``problems``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import Field, dataclass, field, fields, is_dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, get_args, get_origin, get_type_hints, runtime_checkable

INFINITE = float("inf")
WITHHELD = "(personal)"
"""What stands for a personal value where others may read it."""
Personal = bool | Callable[[Any], bool]
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,79}", re.ASCII)
"""A name that may be that of a file or folder: one step down, not hidden, no flag, and with room for what is added."""


@dataclass(frozen=True)
class Limits:
    """What a setting means, the lowest and highest value of a number, and what a text is.

    ``free``: in the user's own words; ``filled``: not blank; ``named``: a :data:`NAME`; ``personal``: whether its value
    tells of the user.
    """

    meaning: str
    low: float = -INFINITE
    high: float = INFINITE
    free: bool = False
    filled: bool = False
    personal: Personal = False
    named: bool = False

    def problem(self, key: str, value: Any) -> str | None:
        """Say what is wrong with a number or a text; None when nothing is."""
        if isinstance(value, str):
            if self.named:
                return name_problem(key, value)
            if self.filled and not value.strip():
                return f"{key}={value}: {self.meaning} must not be empty; give it, as in {key}=..."
            # What YAML can hold and the command line cannot: no file name, and no file, can have it.
            storable = "\0" not in value and value == value.encode("utf-8", "replace").decode()
            return None if storable else f"{key}: {self.meaning} has a character that no file can hold; leave it out"
        if not isinstance(value, int | float) or self.low <= value <= self.high:
            return None
        bounds = f"at least {self.low:g}" if self.high == INFINITE else f"between {self.low:g} and {self.high:g}"
        return f"{key}={value}: {self.meaning} must be {bounds}"

    def is_personal(self, value: Any) -> bool:
        """Whether others may not read this value."""
        return bool(value) and (self.personal(value) if callable(self.personal) else self.personal)


@runtime_checkable
class Checked(Protocol):
    """A section that knows which combinations of its own values cannot work."""

    def problems(self, key: str) -> Iterator[str]:
        """Say what cannot work, one line a problem: key, value, why, and the mend. ``key`` is the section's own."""
        ...


def setting(meaning: str, low: float = -INFINITE, high: float = INFINITE) -> Any:
    """Declare a setting, whose value ``conf/`` has to give.

    Args:
        meaning: what it is, as an error calls it.
        low: the lowest value of a number.
        high: the highest one.
    """
    return field(metadata={"limits": Limits(meaning, low, high)})


def optional(meaning: str, low: float = -INFINITE, high: float = INFINITE) -> Any:
    """Declare a setting that is None unless it is given."""
    return field(default=None, metadata={"limits": Limits(meaning, low, high)})


def free_text(meaning: str, *, required: bool = True, personal: Personal = True) -> Any:
    """Declare a text in the user's own words (a name, a path, an address, a question), or a list of such texts.

    On the command line it is taken as the shell passes it (:mod:`mealign.overrides`).

    Args:
        meaning: what it is, as an error calls it.
        required: whether ``conf/`` has to give it and it must not be blank; else it is None unless it is given.
        personal: whether a value tells of the user, or what decides it: MLflow and the printed config do not show it.
    """
    limits = {"limits": Limits(meaning, free=True, filled=required, personal=personal)}
    return field(metadata=limits) if required else field(default=None, metadata=limits)


def leads_home(path: str) -> bool:
    """Whether a path tells where the user works: one that begins outside the working folder, or an address."""
    return path.startswith(("/", "~", "..")) or ":" in path


def name_setting(meaning: str, *, free: bool = False) -> Any:
    """Declare a name that becomes part of a path, or a list of such names.

    Args:
        meaning: what it is, as an error calls it.
        free: whether the command line takes it as the shell passes it, as :func:`free_text`.
    """
    return field(metadata={"limits": Limits(meaning, free=free, named=True)})


def name_problem(key: str, value: str) -> str | None:
    """Say why a text cannot be the name of a file or folder; None when it can be."""
    if NAME.fullmatch(value):
        return None
    return (
        f"{key}={value[:80]!r}: it names a folder or a file; use letters, digits, '-', '_', '+' and '.' only, at most "
        "80, the first one a letter (a to z) or a digit"
    )


def section() -> Any:
    """Declare a part that has settings of its own."""
    return field(metadata={})


def problems(node: Any, key: str = "") -> Iterator[str]:
    """Check the settings of ``node`` and of everything below it.

    Args:
        node: an instance of a dataclass of settings.
        key: its dotted key; empty for the whole.
    """
    for declared in fields(node):
        value, limits = getattr(node, declared.name), declared.metadata.get("limits")
        yield from _value_problems(value, limits, f"{key}.{declared.name}".removeprefix("."))
    if key and isinstance(node, Checked):
        yield from node.problems(key)


def _value_problems(value: Any, limits: Limits | None, key: str) -> Iterator[str]:
    if is_dataclass(value):
        yield from problems(value, key)
    elif isinstance(value, Mapping | list):
        for name, part in value.items() if isinstance(value, Mapping) else enumerate(value):
            yield from _value_problems(part, limits, f"{key}.{name}")
    elif limits and (found := limits.problem(key, value)):
        yield found


def declared(kind: type, prefix: str = "") -> Iterator[tuple[str, Any, Limits | None]]:
    """Yield key, type and limits of every setting of a dataclass of settings and of the sections below it."""
    hints = get_type_hints(kind)
    for each in fields(kind):
        key, hint = f"{prefix}{each.name}", hints[each.name]
        if is_dataclass(hint):
            yield from declared(hint, f"{key}.")  # type: ignore[arg-type]
        else:
            yield key, hint, each.metadata.get("limits")


def keys(kind: type) -> Iterator[str]:
    """Yield the dotted key of every setting of a dataclass of settings and of the sections below it."""
    return (key for key, _, _ in declared(kind))


def declaration(kind: type, key: str) -> tuple[Any, Limits | None] | None:
    """Return type and limits of one setting of a dataclass of settings, also below names that are free.

    Args:
        kind: the dataclass.
        key: dotted, for example ``lora.rank`` or ``judge.members.mine.template``.

    Returns:
        None where no such setting is declared.
    """
    name, _, rest = key.partition(".")
    found = next((each for each in fields(kind) if each.name == name), None)
    if found is None:
        return None
    hint = get_type_hints(kind)[name]
    if get_origin(hint) is dict:
        _, _, rest = rest.partition(".")
        hint = get_args(hint)[1]
    if is_dataclass(hint) and rest:
        return declaration(hint, rest)  # type: ignore[arg-type]
    return None if rest else (hint, found.metadata.get("limits"))


def path_at(root: Path, text: str) -> Path:
    """Return the path that a setting names: ``~`` is the user's home, and a relative path refers to ``root``."""
    # Path's own method raises where there is no such user, and a folder's name may begin with ~ too.
    return root / os.path.expanduser(text)  # noqa: PTH111


def plain(node: Any, *, public: bool = False) -> Any:
    """Return settings as nested dicts of JSON values; ``public`` ones have :data:`WITHHELD` for what is personal."""
    if is_dataclass(node):
        values = {declared: getattr(node, declared.name) for declared in fields(node)}
        return {
            declared.name: WITHHELD if public and _is_personal(declared, value) else plain(value, public=public)
            for declared, value in values.items()
        }
    if isinstance(node, Mapping):
        return {key: plain(value, public=public) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [plain(value, public=public) for value in node]
    return node.value if isinstance(node, StrEnum) else node


def _is_personal(declared: Field[Any], value: Any) -> bool:
    limits: Limits | None = declared.metadata.get("limits")
    return limits is not None and limits.is_personal(value)


def flat(node: Any, prefix: str = "") -> dict[str, Any]:
    """Return settings as one dotted key per value, the form in which MLflow shows them as parameters."""
    found: dict[str, Any] = {}
    for key, value in (node if isinstance(node, Mapping) else plain(node)).items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = value
    return found
