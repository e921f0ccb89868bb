"""How a room declares a setting: one line with type, meaning and limits. Its value stands in ``conf/``.

A room's settings are dataclasses in its own ``settings.py``, fields without a default, so that a value that ``conf/``
lacks is an error and not a second opinion::

    rank: int = setting("the rank of the adapter", 1, 1024)
    name: str = name_setting("the judge's name")

:func:`problems` walks through an instance and checks it: every limit, and every section's own ``problems``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import Field, dataclass, field, fields, is_dataclass
from enum import StrEnum
from typing import Any, Protocol, get_type_hints, runtime_checkable

INFINITE = float("inf")
WITHHELD = "(personal)"
"""What stands for a personal value where others may read it."""
Personal = bool | Callable[[Any], bool]
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,79}", re.ASCII)
"""A name that may be that of a file or folder: one step down, not hidden, no flag, and with room for what is added."""


@dataclass(frozen=True)
class Limits:
    """What a setting means; of a number its lowest and highest value, of a text whether it has to be a :data:`NAME`.

    ``personal``: whether its value tells of the user.
    """

    meaning: str
    low: float = -INFINITE
    high: float = INFINITE
    personal: Personal = False
    named: bool = False

    def problem(self, key: str, value: Any) -> str | None:
        """Say what is wrong with a number or a text; None when nothing is."""
        if isinstance(value, str):
            return name_problem(key, value) if self.named else None
        if not isinstance(value, int | float):
            return None
        if self.low <= value <= self.high:
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


def setting(meaning: str, low: float = -INFINITE, high: float = INFINITE, *, personal: Personal = False) -> Any:
    """Declare a setting, whose value ``conf/`` has to give.

    Args:
        meaning: what it is, as an error calls it.
        low: the lowest value of a number.
        high: the highest one.
        personal: whether a value tells of the user, as names and paths do, or what decides it: MLflow and the printed
            config do not show it.
    """
    return field(metadata={"limits": Limits(meaning, low, high, personal)})


def optional(meaning: str, low: float = -INFINITE, high: float = INFINITE, *, personal: Personal = False) -> Any:
    """Declare a setting that is None unless it is given; arguments as for :func:`setting`."""
    return field(default=None, metadata={"limits": Limits(meaning, low, high, personal)})


def leads_home(path: str) -> bool:
    """Whether a path tells where the user works: one that begins outside the working folder, or an address."""
    return path.startswith(("/", "~", "..")) or ":" in path


def name_setting(meaning: str) -> Any:
    """Declare a name that becomes part of a path, or a list of such names."""
    return field(metadata={"limits": Limits(meaning, named=True)})


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
        value = getattr(node, declared.name)
        yield from _field_problems(declared, value, f"{key}.{declared.name}".removeprefix("."))
    if key and isinstance(node, Checked):
        yield from node.problems(key)


def _field_problems(declared: Field[Any], value: Any, key: str) -> Iterator[str]:
    limits: Limits | None = declared.metadata.get("limits")
    if is_dataclass(value):
        yield from problems(value, key)
    elif isinstance(value, Mapping | list):
        parts = value.items() if isinstance(value, Mapping) else enumerate(value)
        for name, part in parts:
            if is_dataclass(part):
                yield from problems(part, f"{key}.{name}")
            elif limits and (found := limits.problem(f"{key}.{name}", part)):
                yield found
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
