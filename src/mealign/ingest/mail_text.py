"""The text that a mail's sender wrote: without the mails it answers or forwards, and without a signature.

The rules are those on which mail programs agree: ``>`` before a quoted line and ``-- `` before the signature (RFC 3676,
sections 4.3 and 4.5), the line that introduces a quotation, and the headings of Outlook. A closing ("Best regards") is
part of the text: it cannot be told apart from a sentence that merely begins with such words.
"""

from __future__ import annotations

import re

QUOTED = re.compile(r"\s{0,3}>")
# -- / _____ / ----- Original Message ----- / Sent from my phone
END = re.compile(r"--\s*|_{20,}\s*|-{3,} ?[^-\n]{3,60} ?-{3,}\s*|Sent from my .{1,40}")
HEADING = re.compile(r"\W{0,2}(?:From|Von|De|Van|Da|Fra|Från|Od|От)\W{0,2}[:：]\s*\S")
NEXT_HEADING = re.compile(r"\W{0,2}\w[\w' -]{1,20}\W{0,2}[:：]\s*\S")
WROTE = re.compile(
    r"@|\b(?:wrote|schrieb|schreef|écrit|escribió|scritto|scrisse|escreveu|skrev|napisał\w*|написал\w*|пишет)\b|写道|書き"
)
COLON = re.compile(r"[:：]\s*$")
NUMBER = re.compile(r"\d")
ADDRESS = re.compile(r"<[^<>]*>")
SENTENCE_END = re.compile(r"[.!?。]\s*$|^\s*$")


def own_text(text: str) -> str:
    """Return the lines that the sender of a mail wrote.

    Example::

        Yes, in Ghent.                          Yes, in Ghent.

        On 4 March 2024, Bart wrote:      ->
        > Where do you live?
        --
        Ada
    """
    lines = text.split("\n")
    kept: list[str] = []
    for number, line in enumerate(lines):
        if END.fullmatch(line) or _is_heading(lines, number):
            break
        if QUOTED.match(line):
            if number == 0 or not QUOTED.match(lines[number - 1]):
                _drop_introduction(kept)
        else:
            kept.append(line)
    _drop_introduction(kept)
    return "\n".join(kept).strip()


def _is_heading(lines: list[str], number: int) -> bool:
    """Whether a line is the first of the headings (From, Sent, To, Subject) that Outlook puts above a quoted mail."""
    below = lines[number + 1 : number + 3]
    return bool(HEADING.match(lines[number])) and len(below) == 2 and all(map(NEXT_HEADING.match, below))


def _drop_introduction(kept: list[str]) -> None:
    """Remove from the end the line, or the two lines if wrapped, that say who wrote the quotation below, and when."""
    end = len(kept)
    while end and not kept[end - 1].strip():
        end -= 1
    if not end or not COLON.search(kept[end - 1]):
        return
    for start in (end - 1, end - 2):
        written = " ".join(kept[max(start, 0) : end])
        if NUMBER.search(ADDRESS.sub("", written)) and WROTE.search(written):
            del kept[max(start, 0) :]
            return
        if start < 1 or SENTENCE_END.search(kept[start - 1]):
            return
