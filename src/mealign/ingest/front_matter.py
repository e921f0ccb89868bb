"""The front matter of a note: its date, and where the text begins, whatever else stands in it."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from mealign.ingest.dates import LONGEST, is_template
from mealign.ingest.yaml_nodes import compose, what_is_wrong

DATE_KEYS = (
    "date", "created", "created_at", "created at", "created-at", "createdat", "date created", "date_created",
    "date-created", "creation date", "creation_date", "creation-date", "created date",
)  # fmt: skip
"""Front matter keys of a note's own date, the preferred first: mealign's, Obsidian's, those of its common plugins."""
FIRST = re.compile(r"\s*?(?P<fence>---|\+\+\+)[ \t]*\n|\s*(?P<json>\{)[ \t]*\n")
YAML_END = re.compile(r"^(?:---|\.\.\.)[ \t]*$", re.MULTILINE)
TOML_END = re.compile(r"^\+\+\+[ \t]*$", re.MULTILINE)
KEY = re.compile(r"[\"']?(?P<key>[^\W\d][\w ./-]{0,40}?)[\"']?[ \t]*:(?:[ \t]+(?P<value>.*)|[ \t]*)\Z")
"""A line that gives a key its value."""
PART = re.compile(r"[ \t]|- |#|[\]}]|-\Z|\Z")
"""How the lines go on that belong to the key above."""
LONGEST_KEY = 4
"""Words of a key; more are a sentence with a colon."""
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The one written in C, where PyYAML was built with it."""


@dataclass(frozen=True)
class FrontMatter:
    """What stands above the text of a note.

    Attributes:
        key: the key of its date, if it has one.
        date: what stands there, for :func:`mealign.ingest.dates.parse_date`; None where there is none, or a template's.
        written: the front matter as it stands.
        body: the text below.
        wrong: the line and what is wrong with it, where it could be read in part alone.
        line: where the date is.
    """

    body: str
    written: str = ""
    key: str | None = None
    date: Any = None
    line: int | None = None
    wrong: tuple[int, str] | None = None


def parse(text: str) -> FrontMatter:
    """Take the front matter off a note, in YAML (between lines of ``---``), TOML (``+++``) or JSON.

    Whatever is wrong in it, the text below is kept, and the date where its line can be read. What stands between two
    rules and is no list of keys is text.
    """
    first = FIRST.match(text)
    if not first:
        return FrontMatter(text)
    if first["json"]:
        return _json(text, first.start("json"))
    if first["fence"] == "+++":
        return _toml(text, first.end())
    return _yaml(text, first.end())


def _yaml(text: str, begins: int) -> FrontMatter:
    ends = YAML_END.search(text, begins)
    above = text.count("\n", 0, begins)
    if ends is None:
        return _never_closed(text, begins, above)
    inner, body = text[begins : ends.start()], text[ends.end() :].removeprefix("\n")
    written = text[: ends.end()]
    wrong = None
    try:
        root = compose(inner, LOADER)
    except (yaml.YAMLError, RecursionError) as error:
        if not _looks_like_keys(inner):
            return FrontMatter(text)
        line, what = what_is_wrong(error)
        wrong = (above + line, f"the front matter {what}")
        values = _salvaged(inner)
    else:
        if root is None and not inner.strip():
            # An empty front matter, or two rules one below the other.
            return FrontMatter(body, written)
        if not isinstance(root, yaml.MappingNode) or not _are_keys(root):
            return FrontMatter(text)
        values = {
            key.value.strip().lower(): _value(value) for key, value in root.value if isinstance(key, yaml.ScalarNode)
        }
    return _dated(values, inner, above, body, written, wrong)


def _never_closed(text: str, begins: int, above: int) -> FrontMatter:
    """Take the lines that give keys their values off the beginning; where there is none, the rule is a rule."""
    lines = text[begins:].split("\n")
    number = 0
    while (
        number < len(lines)
        and lines[number].strip()
        and (KEY.match(lines[number]) or (number and PART.match(lines[number])))
    ):
        number += 1
    if not number or not _looks_like_keys("\n".join(lines[:number])):
        return FrontMatter(text)
    inner, body = "\n".join(lines[:number]), "\n".join(lines[number:])
    wrong = (above, "the front matter is never closed; what is no `key: value` was taken for text")
    return _dated(_salvaged(inner), inner, above, body, text[:begins] + inner, wrong)


def _toml(text: str, begins: int) -> FrontMatter:
    ends = TOML_END.search(text, begins)
    if ends is None:
        return FrontMatter(text)
    inner, body = text[begins : ends.start()], text[ends.end() :].removeprefix("\n")
    above, wrong, values = text.count("\n", 0, begins), None, {}
    try:
        values = {key.lower(): value for key, value in tomllib.loads(inner).items()}
    except (ValueError, RecursionError):
        wrong = (above, "the front matter is not valid TOML")
    return _dated(values, inner, above, body, text[: ends.end()], wrong)


def _json(text: str, begins: int) -> FrontMatter:
    try:
        found, ends = json.JSONDecoder().raw_decode(text, begins)
    except (ValueError, RecursionError):
        wrong = (text.count("\n", 0, begins) + 1, "the note begins like front matter in JSON, which is not valid")
        return FrontMatter(text, wrong=wrong)
    if not isinstance(found, dict):
        return FrontMatter(text)
    above = text.count("\n", 0, begins)
    values = {str(key).lower(): value for key, value in found.items()}
    return _dated(values, text[begins:ends], above, text[ends:].lstrip(), text[:ends], None)


def _dated(
    values: Mapping[str, Any], inner: str, above: int, body: str, written: str, wrong: tuple[int, str] | None
) -> FrontMatter:
    for key in DATE_KEYS:
        value = values.get(key)
        while isinstance(value, list) and len(value) == 1:
            value = value[0]
        if isinstance(value, str):
            # A link to a daily note is its day.
            value = value.strip().strip("\"'").removeprefix("[[").removesuffix("]]").strip()
        if value not in (None, "", [], {}) and not is_template(value):
            pattern = re.compile(rf"[\"']?{re.escape(key)}[\"']?\s*[:=]", re.IGNORECASE)
            lines = enumerate(inner.split("\n"), start=above + 1)
            line = next((number for number, line in lines if pattern.match(line.lstrip())), None)
            return FrontMatter(body, written, key, value, line, wrong)
    return FrontMatter(body, written, wrong=wrong)


def _are_keys(root: yaml.MappingNode) -> bool:
    """Whether a mapping has names for keys, and no sentences in which a colon stands by chance."""
    keys = [key.value if isinstance(key, yaml.ScalarNode) else "" for key, _ in root.value]
    return all("\n" not in key and len(key.split()) <= LONGEST_KEY for key in keys)


def _looks_like_keys(inner: str) -> bool:
    lines = [line for line in inner.split("\n") if line.strip() and not PART.match(line)]
    return bool(lines) and sum(bool(KEY.match(line)) for line in lines) * 2 > len(lines)


def _salvaged(inner: str) -> dict[str, Any]:
    """Return the keys and values of lines that can be read alone."""
    found: dict[str, Any] = {}
    for line in inner.split("\n"):
        match = KEY.match(line)
        if match and match["value"] and match["key"].lower() in DATE_KEYS:
            found.setdefault(match["key"].lower(), match["value"].partition(" #")[0].strip()[: LONGEST + 1])
    return found


def _value(node: yaml.Node) -> Any:
    """Return a short scalar, or the only one of a list, as what YAML takes it for; anything else as text."""
    while isinstance(node, yaml.SequenceNode) and len(node.value) == 1:
        node = node.value[0]
    if isinstance(node, yaml.MappingNode):
        # {{date}}, which a template leaves, is one.
        return None
    if not isinstance(node, yaml.ScalarNode):
        return node.value and "a list or a section"
    if len(node.value) > LONGEST:
        return node.value
    try:
        return yaml.constructor.SafeConstructor().construct_document(node)
    except ValueError:
        # PyYAML takes 2024-02-30 for a date.
        return node.value
