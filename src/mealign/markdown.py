"""Text in a Markdown page: what it says is shown, and none of it is markup, a link, a table's border or HTML."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from markupsafe import Markup

from mealign.console import clean

T = TypeVar("T")

ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", "|": "&#124;", "`": "&#96;", "\\": "&#92;", "\n": " ", "\t": " "})


def in_markdown(text: Any) -> str:
    """Return a value as text that stands for itself in a paragraph, a heading or a cell; markup of ours stays."""
    if isinstance(text, Markup):
        return text
    # Brackets alone are no link, and intervals are full of them.
    return clean(str(text)).translate(ENTITIES).replace("](", "]&#40;").replace("][", "]&#91;")


def all_in_markdown(value: T) -> T:
    """Return a text, or a dataclass or tuple of texts and other values, with :func:`in_markdown` of every text."""
    found: Any = value
    if isinstance(value, str):
        found = in_markdown(value)
    elif isinstance(value, tuple):
        found = tuple(map(all_in_markdown, value))
    elif is_dataclass(value) and not isinstance(value, type):
        found = replace(value, **{each.name: all_in_markdown(getattr(value, each.name)) for each in fields(value)})
    return found  # type: ignore[no-any-return]
