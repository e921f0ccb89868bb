"""Obsidian's Markdown as prose: what a reader of the note sees, without syntax that only the program interprets."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

TAG = r"\#(?=[\w/-]*[^\W\d])[\w/-]+"
# Every alternative fails after as many steps as there are characters up to the next mark: a note may be one long line.
SYNTAX = re.compile(
    rf"""
      (?P<query> ^```(?:dataview|dataviewjs|tasks|query)\b.*?(?:^```|\Z) )
    | (?P<code> ^(?P<fence>`{{3,}}|~{{3,}}).*?(?:^(?P=fence)|\Z) | `[^`\n]+` )
    | (?P<comment> %%.*?(?:%%|\Z) | <!--.*?(?:-->|\Z) )
    | (?P<embed> !\[\[[^\[\]\n]*\]\] | !\[[^\[\]\n]*\]\([^()\n]*\) )
    | (?P<wiki> \[\[(?P<target>[^\[\]|\n]*)(?:\|(?P<shown>[^\[\]\n]*))?\]\] )
    | \[(?P<link>[^\[\]\n]+)\]\([^()\n]*+(?:\([^()\n]*\)[^()\n]*+)?\)
    | (?P<callout> ^>[ \t]*\[![\w-]+\][^\n]*(?:\n>[^\n]*)* )
    | ==(?P<highlight>[^=\s](?:[^=\n]*[^=\s])?)==
    | (?P<block_id> (?<![ \t])[ \t]+\^[\w-]+[ \t]*$ | ^\^[\w-]+[ \t]*$ )
    | (?P<tags> ^[ \t]*{TAG}(?:[ \t,]+{TAG})*[ \t]*$ )
    | (?<![^\s(,;:])(?P<tag>{TAG})
    """,
    re.MULTILINE | re.DOTALL | re.VERBOSE,
)
QUOTE_MARK = re.compile(r"^(?:(?:(?:>[ \t]?)+\[![\w-]+\][+-]?[ \t]*)+|(?:>[ \t]?)+)", re.MULTILINE)
GAP = re.compile(r"(?<![ \t])[ \t]+$|(?<=\n\n)\n+", re.MULTILINE)


def prose(body: str) -> str:
    """Turn the body of a note into what a reader sees.

    A link becomes its shown text, a tag its word, a callout its lines; embeds, comments, block ids, lines of
    tags and queries are dropped; code stays as it is.

    >>> prose("Met [[People/Bart Molenaar|Bart]] at #home. %%ask him%% ^b1")
    'Met Bart at home.'
    """
    return GAP.sub("", SYNTAX.sub(_shown, body))


def _shown(match: re.Match[str]) -> str:
    return SHOWN[str(match.lastgroup)](match)


def _wiki(match: re.Match[str]) -> str:
    """Return a link's shown text, else its note, else (a link within the note) its heading."""
    if match["shown"]:
        return match["shown"]
    note, _, heading = match["target"].partition("#")
    name = note.rstrip("/").rpartition("/")[2].removesuffix(".md")
    return name or heading.rpartition("#")[2].lstrip("^")


SHOWN: Mapping[str, Callable[[re.Match[str]], str]] = {
    "code": lambda match: match[0],
    "wiki": _wiki,
    "link": lambda match: prose(match["link"]),
    "callout": lambda match: prose(QUOTE_MARK.sub("", match[0])),
    "highlight": lambda match: prose(match["highlight"]),
    "tag": lambda match: match["tag"].removeprefix("#"),
    **dict.fromkeys(("query", "comment", "embed", "block_id", "tags"), lambda match: ""),
}
"""What each alternative of :data:`SYNTAX` becomes."""
