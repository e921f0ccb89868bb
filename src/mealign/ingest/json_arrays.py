"""Arrays in a JSON file, element by element, so that a truncated file still yields what comes before the cut."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from mealign.ingest.report import Problems

LONG_NUMBER = 1000
DECODER = json.JSONDecoder(parse_int=lambda digits: int(digits) if len(digits) < LONG_NUMBER else float(digits))
"""Python refuses to build a whole number of many digits, which nothing in an export needs exactly."""
SEPARATOR = re.compile(r"[\s,]*")
LIST = re.compile(r"\A\s*\[")
"""Opens a file that is one array."""
MESSAGES = re.compile(r'"messages"\s*:\s*\[')
"""Opens an array of messages inside other things."""


@dataclass(frozen=True)
class Element:
    """One element of an array: where it begins and what it is.

    ``head`` is the text from the end of the array before to the opening of its own, the ``array``-th from 0.
    """

    line: int
    value: Any
    head: str
    array: int


def elements(text: str, opening: re.Pattern[str], name: str, problems: Problems) -> Iterator[Element]:
    """Yield the elements of all arrays that ``opening`` opens, in the order of the file.

    Args:
        text: the JSON document.
        opening: matches up to the bracket of an array.
        name: what the report calls the file.
        problems: where a cut is noted, with its line.
    """
    lines = _Lines(text)
    frame: list[str] = []
    position = array = 0
    while found := opening.search(text, position):
        head = text[position : found.end()]
        frame.append(head)
        start = position = _skip(text, found.end())
        while position < len(text) and text[position] != "]":
            line = lines.at(position)
            try:
                value, position = DECODER.raw_decode(text, position)
            except (ValueError, RecursionError) as error:
                _add_cut(name, lines.at(getattr(error, "pos", position)), problems)
                return
            yield Element(line, value, head, array)
            position = _skip(text, position)
        # The document without its decoded elements, but with their line breaks, shows whether the rest is complete.
        frame.append("\n" * text.count("\n", start, position))
        array += 1
    frame.append(text[position:])
    try:
        DECODER.decode("".join(frame))
    except (ValueError, RecursionError) as error:
        _add_cut(name, getattr(error, "lineno", 1), problems)


def strings(value: Any, keys: Collection[str] | None = None) -> Iterator[str]:
    """Yield the texts in a JSON value in their order; of objects, only those below one of ``keys``, if given."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            waiting += reversed(value)
        elif isinstance(value, dict):
            waiting += [inner for key, inner in reversed(value.items()) if keys is None or key in keys]


def _add_cut(name: str, line: int, problems: Problems) -> None:
    message = "the export breaks off here or is not valid JSON; the messages before it were kept"
    problems.add(name, line, "cut_off", message, "export the chat again")


def _skip(text: str, position: int) -> int:
    match = SEPARATOR.match(text, position)
    return match.end() if match else position


class _Lines:
    """Line numbers of increasing positions, counted in one pass."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._line = 1
        self._position = 0

    def at(self, position: int) -> int:
        self._line += self._text.count("\n", self._position, position)
        self._position = max(position, self._position)
        return self._line
