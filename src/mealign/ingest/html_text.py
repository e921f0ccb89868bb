"""The text that an HTML page or mail shows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

from mealign.ingest.text import well_formed

SPACES = re.compile(r"[ \t\r\n\u00a0]+")
GAPS = re.compile(r"\n{3,}")
NO_TEXT = frozenset({"head", "script", "style", "template", "noscript", "svg"})
BLOCKS = frozenset({
    "p", "div", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "table", "ul", "ol", "section", "article",
    "dt", "dd", "header", "footer", "figure",
})  # fmt: skip
BREAK = "\f"
"""Marks the end of a line until the white space of the HTML source is collapsed."""


def nothing_left_out(node: Any) -> str:
    """Leave out no element."""
    return ""


def visible_text(html: str | bytes, reason_of: Callable[[Any], str], left_out: Counter[str]) -> str:
    """Return the visible text, a paragraph or list item a line.

    Args:
        html: the source; bytes say their encoding themselves.
        reason_of: returns why an element's text is left out; "" where it is not.
        left_out: where the characters of such elements are counted by reason.
    """
    from lxml import etree

    data, encoding = (well_formed(html).encode(), "utf-8") if isinstance(html, str) else (html, None)
    root = etree.fromstring(data, etree.HTMLParser(encoding=encoding, remove_comments=True, remove_pis=True))
    return "" if root is None else text_of(root, reason_of, left_out)


def text_of(root: Any, reason_of: Callable[[Any], str], left_out: Counter[str]) -> str:
    """Return the visible text of an element; arguments as for :func:`visible_text`."""
    from lxml import etree

    pieces: list[str] = []
    walk = etree.iterwalk(root, events=("start", "end"))
    for event, node in walk:
        tag = node.tag.rpartition("}")[2] if isinstance(node.tag, str) else ""
        if event == "start" and (tag in NO_TEXT or (reason := reason_of(node))):
            if tag not in NO_TEXT:
                left_out[reason] += sum(len(text) for text in node.itertext() if text.strip())
            # Its end event still comes, and with it the text that follows the element.
            walk.skip_subtree()
            continue
        if tag in BLOCKS or (tag == "br" and event == "start"):
            pieces.append(BREAK)
        pieces.append((node.text if event == "start" else node.tail) or "")
    lines = [line.strip() for line in SPACES.sub(" ", "".join(pieces)).split(BREAK)]
    return GAPS.sub("\n\n", "\n".join(lines))
