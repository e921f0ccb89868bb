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
KIND = re.compile(r"\[![\w-]+\]")
GAP = re.compile(r"(?<![ \t])[ \t]+$|(?<=\n\n)\n+", re.MULTILINE)


Leave = Callable[[str, str], None]
"""Counts a text that a reader does not see: why, and what."""


def prose(body: str, leave_out: Leave = lambda reason, text: None) -> str:
    """Turn the body of a note into what a reader sees.

    A link becomes its shown text, a tag its word, a callout its lines; embeds, comments, block ids, lines of
    tags and queries are dropped, each by ``leave_out(reason, text)``; code stays as it is.

    >>> prose("Met [[People/Bart Molenaar|Bart]] at #home. %%ask him%% ^b1")
    'Met Bart at home.'
    """
    return GAP.sub("", SYNTAX.sub(lambda match: _shown(match, leave_out), body))


def _shown(match: re.Match[str], leave_out: Leave) -> str:
    kind = str(match.lastgroup)
    if kind in DROPPED:
        leave_out(kind, match[0])
        return ""
    if kind == "wiki":
        shown = _wiki(match)
        if shown != match["target"]:
            leave_out("link_target", match["target"])
        return shown
    if kind == "link":
        leave_out("link_target", match[0][len(match["link"]) + 3 : -1])
    if kind == "callout":
        leave_out("callout_kind", "".join(KIND.findall(match[0])))
    return SHOWN[kind](match, leave_out)


def _wiki(match: re.Match[str]) -> str:
    """Return a link's shown text, else its note, else (a link within the note) its heading."""
    if match["shown"]:
        return match["shown"]
    note, _, heading = match["target"].partition("#")
    name = note.rstrip("/").rpartition("/")[2].removesuffix(".md")
    return name or heading.rpartition("#")[2].lstrip("^")


DROPPED = frozenset({"query", "comment", "embed", "block_id", "tags"})
SHOWN: Mapping[str, Callable[[re.Match[str], Leave], str]] = {
    "code": lambda match, leave: match[0],
    "link": lambda match, leave: prose(match["link"], leave),
    "callout": lambda match, leave: prose(QUOTE_MARK.sub("", match[0]), leave),
    "highlight": lambda match, leave: prose(match["highlight"], leave),
    "tag": lambda match, leave: match["tag"].removeprefix("#"),
}
"""What each alternative of :data:`SYNTAX` becomes."""
