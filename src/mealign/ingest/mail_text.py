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
    said, quoted = 0, False
    looked_at: int | None = None
    for number, line in enumerate(lines):
        if END.fullmatch(line) or _is_heading(lines, number):
            break
        before, quoted = quoted, bool(QUOTED.match(line))
        if not quoted:
            kept.append(line)
            said = len(kept) if line.strip() else said
        elif not before and said != looked_at:
            said, looked_at = _drop_introduction(kept, said)
    if said != looked_at:
        _drop_introduction(kept, said)
    return "\n".join(kept).strip()


def _is_heading(lines: list[str], number: int) -> bool:
    """Whether a line is the first of the headings (From, Sent, To, Subject) that Outlook puts above a quoted mail."""
    below = lines[number + 1 : number + 3]
    return bool(HEADING.match(lines[number])) and len(below) == 2 and all(map(NEXT_HEADING.match, below))


def _drop_introduction(kept: list[str], said: int) -> tuple[int, int | None]:
    """Remove from the end the line, or the two lines if wrapped, that say who wrote the quotation below, and when.

    ``said`` is behind the last line that is not empty. Returned is where that is afterwards and, of a line that stays,
    the same again: it introduces no later quotation either.
    """
    if not said or not COLON.search(kept[said - 1]):
        return said, said
    for start in (said - 1, said - 2):
        written = " ".join(kept[max(start, 0) : said])
        if NUMBER.search(ADDRESS.sub("", written)) and WROTE.search(written):
            del kept[max(start, 0) :]
            left = len(kept)
            while left and not kept[left - 1].strip():
                left -= 1
            return left, None
        if start < 1 or SENTENCE_END.search(kept[start - 1]):
            break
    return said, said
