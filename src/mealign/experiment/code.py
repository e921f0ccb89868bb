"""Which code can decide a stage's result: its import closure, and the libraries in it.

It is found by reading the sources, not by running them: from the function that does a stage's work to the functions of
its file that it uses, to every module of the package that they import, also inside functions, and their imports.
Imports only for type checkers do not run and are left out. A module that names an extensible package (as
``plugins.member("mealign.training.losses", ...)`` does) reaches all its modules, and one that names a data file of its
own package depends on that file.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from mealign import plugins

NAME = "mealign"
PACKAGE = Path(__file__).resolve().parents[1]
SOURCES = frozenset({".py", ".pyc"})


@dataclass(frozen=True)
class Code:
    """The code behind a result: digests of files by their names in the package, and versions of libraries."""

    files: dict[str, str]
    libraries: dict[str, str]


@dataclass(frozen=True)
class _Reach:
    """What a piece of code reaches directly: modules of the package, libraries, and texts that may name files."""

    modules: frozenset[str]
    libraries: frozenset[str]
    texts: frozenset[str]


def code_of(function: Callable[..., Any], *, package: Path = PACKAGE) -> Code:
    """Return the code that a stage's function can reach; ``package`` is the folder of the package's sources."""
    module = function.__module__
    path = find_module(module, package) or Path(inspect.getfile(function))
    own, source = _reach_of_function(_text(path), function.__name__)
    seen: dict[str, Path] = {}
    libraries, waiting = set(own.libraries), _modules(own, package)
    while waiting:
        name = waiting.pop()
        if name in seen or (found := find_module(name, package)) is None:
            continue
        seen[name] = found
        reach = _reach_of_text(_text(found))
        libraries |= reach.libraries
        # Importing a module first runs the packages that contain it.
        waiting += [*_modules(reach, package), *([name.rpartition(".")[0]] if "." in name else [])]
    digests = {f"{module}:{function.__name__}": _digest(source)}
    for name, found in seen.items():
        digests[name] = _digest(_text(found))
        for data in _data_files(found):
            digests[f"{name}:{data.name}"] = _digest(_text(data))
    return Code(dict(sorted(digests.items())), _versions(libraries))


def find_module(name: str, package: Path = PACKAGE) -> Path | None:
    """Return the file of a module of the package, including plug-ins; None if there is no such module."""
    *parents, last = name.split(".")
    if parents[:1] != [NAME] and name != NAME:
        return None
    if name == NAME:
        return package / "__init__.py"
    for folder in _folders(".".join(parents), package):
        for path in (folder / f"{last}.py", folder / last / "__init__.py"):
            if path.is_file():
                return path
    return None


def _folders(name: str, package: Path) -> tuple[Path, ...]:
    """Return the folders with a package's modules: its own, and those that plug-ins add."""
    parent, _, last = name.rpartition(".")
    # A plug-in may also add a package: its modules are inside it, wherever it is.
    own = tuple(folder / last for folder in _folders(parent, package)) if parent else (package,)
    kind = _extended(own[0] / "__init__.py")
    return (*own, *(root / kind for root in plugins.roots() if (root / kind).is_dir())) if kind else own


@cache
def _extended(start: Path) -> str | None:
    """Return the name under which plug-ins extend a package, given its first file; None if they cannot."""
    kind = re.search(r'extended\(__path__, "([\w/]+)"\)', _text(start)) if start.is_file() else None
    return kind[1] if kind else None


def _modules(reach: _Reach, package: Path) -> list[str]:
    """Return the modules that are reached directly, including all those of a package that is looked up by name."""
    named = [text for text in reach.texts if re.fullmatch(rf"{NAME}(\.\w+)+", text)]
    members = [
        f"{name}.{path.stem}"
        for name in named
        if _extended(package.joinpath(*name.split(".")[1:]) / "__init__.py")
        for folder in _folders(name, package)
        for path in folder.iterdir()
        if (path.suffix == ".py" and path.stem != "__init__") or (path / "__init__.py").is_file()
    ]
    return [*reach.modules, *named, *members]


@cache
def _reach_of_text(text: str) -> _Reach:
    return _reach([ast.parse(text)], [])


@cache
def _reach_of_function(text: str, name: str) -> tuple[_Reach, str]:
    """Return what a function reaches through the functions, classes and constants of its file, and their text.

    Annotations do not run and are left out, so what a file imports for its other functions does not count.
    """
    tree = ast.parse(text)
    defined: dict[str, ast.stmt] = {}
    imported: dict[str, ast.stmt] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            defined[node.name] = node
        elif isinstance(node, ast.Assign):
            defined |= {target.id: node for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.Import | ast.ImportFrom):
            imported |= {(alias.asname or alias.name).split(".")[0]: node for alias in node.names}
    used: dict[str, ast.stmt] = {}
    waiting = [name]
    while waiting:
        current = waiting.pop()
        if current in used or current not in defined:
            continue
        used[current] = defined[current]
        waiting += list(_names(defined[current]))
    parts = [used[key] for key in sorted(used)]
    names = {each for node in parts for each in _names(node)}
    needed = [node for key, node in imported.items() if key in names]
    source = "\n".join(ast.get_source_segment(text, node) or "" for node in parts)
    return _reach(parts, needed), source


def _reach(parts: Iterable[ast.AST], more: Iterable[ast.AST]) -> _Reach:
    modules: set[str] = set()
    libraries: set[str] = set()
    texts: set[str] = set()
    for node in (node for part in (*parts, *more) for node in _running(part)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            # What is imported from a package may be one of its modules; find_module decides.
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            texts.add(node.value)
            continue
        else:
            continue
        for name in names:
            top = name.split(".")[0]
            if top == NAME:
                modules.add(name)
            elif top not in sys.stdlib_module_names and top != "__future__":
                libraries.add(top)
    return _Reach(frozenset(modules), frozenset(libraries), frozenset(texts))


def _running(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes that run: all except blocks for type checkers, annotations and docstrings."""
    yield node
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns"):
            continue
        children = value if isinstance(value, list) else [value]
        for child in children:
            if not isinstance(child, ast.AST):
                continue
            if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
                continue
            if isinstance(child, ast.If) and _is_for_type_checkers(child.test):
                continue
            yield from _running(child)


def _is_for_type_checkers(test: ast.expr) -> bool:
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )


def _names(node: ast.AST) -> Iterator[str]:
    return (each.id for each in _running(node) if isinstance(each, ast.Name))


@cache
def _data_files(module: Path) -> tuple[Path, ...]:
    """Return the files in a module's folder or below that it names: texts, templates, style sheets.

    Files named by one of these count too. Folders whose files are chosen by settings (a judge's templates) are not
    named file by file; the stage that reads them declares them.
    """
    beside = [
        path
        for path in sorted(module.parent.rglob("*"))
        if path.is_file() and path.suffix not in SOURCES and "__pycache__" not in path.parts
    ]
    texts = _reach_of_text(_text(module)).texts
    found: dict[str, Path] = {path.name: path for path in beside if any(path.name in text for text in texts)}
    waiting = list(found.values())
    while waiting:
        text = _text(waiting.pop())
        fresh = {path.name: path for path in beside if path.name in text and path.name not in found}
        found |= fresh
        waiting += list(fresh.values())
    return tuple(found.values())


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def _versions(libraries: Iterable[str]) -> dict[str, str]:
    """Return the versions of the distributions of the imported libraries, and of their requirements."""
    found: dict[str, str] = {}
    waiting = [name for library in libraries for name in _distributions(library)]
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name in found or (known := _distribution(name)) is None:
            continue
        found[name], required = known
        waiting += required
    return dict(sorted(found.items()))


@cache
def _distribution(name: str) -> tuple[str, tuple[str, ...]] | None:
    """Return version and unconditional requirements of an installed distribution."""
    try:
        installed = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return None
    required = [line for line in installed.requires or () if "extra ==" not in line]
    names = (re.match(r"[\w.-]+", line) for line in required)
    return installed.version, tuple(match[0] for match in names if match)


@cache
def _distributions(library: str) -> tuple[str, ...]:
    """Return the distributions that provide a top-level module."""
    if _distribution(library.replace("_", "-")) is not None:
        return (library.replace("_", "-"),)
    return tuple(_providers().get(library, ()))


@cache
def _providers() -> dict[str, list[str]]:
    return dict(metadata.packages_distributions())
