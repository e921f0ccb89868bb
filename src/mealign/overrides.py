"""Free text on the command line: as the shell passes it, out of reach of Hydra's grammar and interpolation.

Which settings hold free text is declared with them (:func:`mealign.settings.free_text`). What stands in Hydra's own
quotes stays as it is. A list is written in brackets, its items separated by commas; an item is free text or quoted. In
a sweep, a comma is part of the text: ``choice(A,B)`` varies it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import get_origin

from hydra.core.override_parser.types import Quote, QuotedString

from mealign.config import Settings
from mealign.errors import ConfigError
from mealign.settings import declaration

ASSIGNMENT = re.compile(r"(?P<kind>\+{0,2}|~)(?P<key>[\w.-]+)=(?P<value>.*)", re.DOTALL)
QUOTED = r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
IN_QUOTES = re.compile(QUOTED, re.DOTALL)
ITEM = re.compile(rf"\s*(?P<quoted>{QUOTED})\s*,|(?P<text>[^,]*),", re.DOTALL)
CHOICE = re.compile(r"choice\((?P<items>.*)\)", re.DOTALL)
INTERPOLATION = re.compile(r"(\\*)\$\{")


def for_hydra(arguments: Iterable[str], *, sweeps: bool = False) -> list[str]:
    """Return the arguments of a command line for Hydra.

    Args:
        arguments: flags and overrides.
        sweeps: whether ``choice(...)`` varies a setting.

    """
    return [_for_hydra(argument, sweeps=sweeps) for argument in arguments]


def decoded(argument: str) -> str:
    """Return an argument as UTF-8, also where the locale is another one: names of files and people are in UTF-8.

    Raises:
        ConfigError: it is not UTF-8, and the locale's text neither.
    """
    with suppress(UnicodeError):
        return os.fsencode(argument).decode()
    try:
        argument.encode()
    except UnicodeEncodeError:
        key = argument.partition("=")[0].encode("utf-8", "replace").decode()
        raise ConfigError(f"{key}: what follows is not UTF-8; write it in UTF-8, or rename what it names") from None
    return argument


def literal(text: str) -> str:
    """Return a text for a config file, where OmegaConf would read ``${...}`` in it as an interpolation."""
    return INTERPOLATION.sub(lambda match: rf"{match[1] * 2}\${{", text)


def _for_hydra(argument: str, *, sweeps: bool) -> str:
    assignment = ASSIGNMENT.fullmatch(argument)
    found = declaration(Settings, assignment["key"]) if assignment else None
    if assignment is None or found is None or found[1] is None or not found[1].free:
        return argument
    return f"{assignment['kind']}{assignment['key']}={_value(assignment['value'], found[0], sweeps=sweeps)}"


def _value(value: str, hint: object, *, sweeps: bool) -> str:
    if IN_QUOTES.fullmatch(value) or (value == "null" and type(None) in getattr(hint, "__args__", ())):
        return value
    is_list = get_origin(hint) is list
    choice = CHOICE.fullmatch(value) if sweeps else None
    if choice:
        # As plain commas, since Hydra's function takes the quotes off.
        return value if is_list else ",".join(_items(choice["items"]))
    if is_list and value.startswith("[") and value.endswith("]"):
        return f"[{','.join(_items(value[1:-1]))}]"
    return _quoted(value)


def _items(text: str) -> Iterator[str]:
    if text.strip():
        for match in ITEM.finditer(f"{text},"):
            yield match["quoted"] or _quoted(match["text"].strip())


def _quoted(text: str) -> str:
    return QuotedString(text=literal(text), quote=Quote.double).with_quotes()
