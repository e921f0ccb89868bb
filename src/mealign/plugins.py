"""Plug-ins: modules in folders outside the package, which ``MEALIGN_PLUGINS`` names.

An extensible package (``mealign.stages``, ``mealign.training.losses``, ...) also looks for modules in the folder of its
name in every plug-in folder, as if they were in its own: a module's name is the name of what it adds. ``conf/`` in a
plug-in folder is searched like the project's own ``conf/``.
"""

from __future__ import annotations

import importlib.util
import os
import pkgutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mealign.errors import ConfigError

VARIABLE = "MEALIGN_PLUGINS"
"""Environment variable that names the plug-in folders, separated as in PATH."""


def roots() -> tuple[Path, ...]:
    """Return the plug-in folders.

    Raises:
        ConfigError: one of them does not exist.
    """
    for folder in _named():
        if not folder.is_dir():
            raise ConfigError(f"{VARIABLE}={folder}: there is no such folder; correct the path, or unset the variable")
    return _named()


def _named() -> tuple[Path, ...]:
    named = os.environ.get(VARIABLE, "").split(os.pathsep)
    return tuple(Path(name).expanduser().resolve() for name in named if name)


def extended(path: Iterable[str], kind: str) -> list[str]:
    """Return where an extensible package looks for modules: in its own folder, then in ``kind`` of every plug-in.

    Used as ``__path__ = extended(__path__, "losses")`` in the package's ``__init__``.
    """
    return [*path, *(str(folder / kind) for folder in _named() if (folder / kind).is_dir())]


def names_in(package: str) -> list[str]:
    """Return the names of a package's modules, including those of plug-ins, in alphabetical order."""
    path = importlib.import_module(package).__path__
    return sorted(module.name for module in pkgutil.iter_modules(path) if not module.name.startswith("_"))


def file_of(package: str, name: str) -> Path | None:
    """Return the file of a package's module, which is not imported; None if there is no such module."""
    found = importlib.util.find_spec(f"{package}.{name}")
    return Path(found.origin) if found and found.origin else None


def is_added(package: str, name: str) -> bool:
    """Whether a plug-in folder adds this module to a package."""
    file = file_of(package, name)
    return file is not None and any(file.is_relative_to(folder) for folder in roots())


def member(package: str, name: str, attribute: str) -> Any:
    """Return what a module of an extensible package defines.

    Args:
        package: full name of an extensible package.
        name: of one of its modules.
        attribute: what every module of this package defines.

    Raises:
        ConfigError: there is no such module, it cannot be imported, or it does not define the attribute.
    """
    known = names_in(package)
    if name not in known:
        raise ConfigError(f"{package}: there is no module {name}; use one of {', '.join(known)}")
    try:
        module = importlib.import_module(f"{package}.{name}")
    except Exception as error:
        if not is_added(package, name):
            raise
        raise ConfigError(
            f"{file_of(package, name)}: it cannot be imported ({type(error).__name__}: {error}); correct it, or take "
            f"it out of {VARIABLE}"
        ) from error
    if not hasattr(module, attribute):
        raise ConfigError(f"{module.__file__}: it defines no `{attribute}`; docs/extending.md shows one")
    return getattr(module, attribute)


def members(package: str, attribute: str) -> dict[str, Any]:
    """Return what all modules of an extensible package define, by the modules' names.

    Raises:
        ConfigError: a module cannot be imported, or does not define the attribute.
    """
    return {name: member(package, name, attribute) for name in names_in(package)}
