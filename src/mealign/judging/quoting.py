"""Untrusted text in a judge's prompt, quoted as data so that it cannot break out of its quotation."""

from __future__ import annotations

import json
import unicodedata

from mealign.language.chat import without_role_tokens

MAX_CHARACTERS = 4000
"""Characters that are shown of one text; the rest is cut from its middle."""

JOINERS = "\u200c\u200d"
"""Invisible, but part of how emoji and some scripts are written."""


def quote(text: str) -> str:
    """Return the text as one JSON string on one line.

    Turn markers of chat formats, invisible and direction-changing characters and lone surrogates are removed; a long
    text loses its middle, and a mark there says how many characters.
    """
    return json.dumps(_shortened(plain(text)), ensure_ascii=False)


def left_out(text: str) -> int:
    """Return how many characters of a long text :func:`quote` leaves out."""
    return max(0, len(plain(text)) - MAX_CHARACTERS)


def plain(text: str) -> str:
    """Return the text on one line, without turn markers of chat formats and without invisible characters."""
    if text.isascii() and text.isprintable():
        return " ".join(without_role_tokens(text).split())
    visible = "".join(
        " " if unicodedata.category(character) in ("Cc", "Zl", "Zp") else character
        for character in text
        if character in JOINERS or unicodedata.category(character) not in ("Cf", "Cs")
    )
    return " ".join(without_role_tokens(visible).split())


def _shortened(text: str) -> str:
    if len(text) <= MAX_CHARACTERS:
        return text
    half = MAX_CHARACTERS // 2
    return f"{text[:half]} [... {len(text) - 2 * half} ...] {text[-half:]}"
