"""YAML that anybody may have written, as nodes: text with its place, from which nothing is built yet."""

from __future__ import annotations

import re
from typing import Any

import yaml

HALF = re.compile(r"[\ud800-\udfff]")
MOST_NODES = 20_000
DEEPEST = 20


class RefusedYamlError(yaml.MarkedYAMLError):
    """YAML of which a few bytes can stand for gigabytes, or that no file of a person needs."""


def compose(text: str, loader: Any) -> yaml.Node | None:
    """Return the root of a document; None where it is empty.

    What it holds is counted before it is built: aliases and tags, which can multiply or rename what they stand for, are
    refused, and so are more than :data:`MOST_NODES` values or :data:`DEEPEST` levels.

    Raises:
        yaml.YAMLError: it is no valid YAML, or refused.
    """
    nodes = depth = 0
    event: Any
    for event in yaml.parse(text, Loader=loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        nodes += isinstance(event, yaml.NodeEvent)
        refusal = ""
        if isinstance(event, yaml.AliasEvent):
            refusal = "an alias (*)"
        elif getattr(event, "tag", None):
            refusal = "a tag (!)"
        elif depth > DEEPEST or nodes > MOST_NODES:
            refusal = f"more than {MOST_NODES} values, or more than {DEEPEST} levels of them"
        elif isinstance(event, yaml.ScalarEvent) and HALF.search(event.value):
            refusal = "half of a character (\\ud800 to \\udfff)"
        if refusal:
            raise RefusedYamlError(problem=refusal, problem_mark=event.start_mark)
    root: yaml.Node | None = yaml.compose(text, Loader=loader)
    return root


def what_is_wrong(error: Exception) -> tuple[int, str]:
    """Return the line of an error, and what is wrong with the YAML: words of its own never."""
    mark = getattr(error, "problem_mark", None)
    line = mark.line + 1 if mark else 1
    return line, "is not valid YAML" + (
        f" for this: it has {error.problem}" if isinstance(error, RefusedYamlError) else ""
    )
