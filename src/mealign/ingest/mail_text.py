"""The text that a mail's sender wrote: without the mails it answers or forwards, and without a signature.

The rules are those on which mail programs agree: ``>`` before a quoted line and ``-- `` before the signature (RFC 3676,
sections 4.3 and 4.5), the line that introduces a quotation, with or without such marks, and the headings of Outlook. A
closing ("Best regards") is part of the text: it cannot be told apart from a sentence that begins with such words.

Three libraries for replies were tried on the first 67 introductions and headings of the tests: mail-parser-reply knew
27, quotequail 33 and email-reply-parser 20, and two of the three cut mails that quote nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

from mealign.ingest.mail_words import DEVICE, HEADING, KNOWN_HEADING, MESSAGE, ORIGINAL, PRONOUN, SENT, VERB

QUOTED = re.compile(r"\s{0,3}>")
INVISIBLE = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Marks of the direction of writing, which Gmail puts around names."""
LONGEST_LINE = 400
"""Characters of a line that a mail program writes; of a person's longer one, nothing else is asked."""
WRAPPED = 3
"""Lines over which an introduction may be wrapped."""
LONGEST_SIGNATURE = 10
"""Lines below a ``--`` that lost its space; below more, it is a line that somebody drew."""

SEPARATOR = re.compile(r"\s{0,8}-{2,40}[ >]{0,2}([^-\s].{1,60}?)[ <]{0,2}-{2,40}\s{0,8}")
RULE = re.compile(r"\s{0,8}(?:_{5,}|-{5,})\s{0,8}")
NEXT_HEADING = re.compile(r"\W{0,3}\w[\w' -]{1,20}\W{0,3}[:：]\s{0,9}\S")
BLOCK = 6
"""Lines that are looked at for the headings of one mail."""

ADDRESS = re.compile(r"[<(\[]?[^\s<>()\[\],;:]{1,80}@[^\s<>()\[\],;:]{1,120}[>)\]]?")
IN_BRACKETS = re.compile(r"[<(\[](?:mailto:)?[^\s<>()\[\]]{1,80}@[^\s<>()\[\]]{1,120}[>)\]]")
YEAR, DAY = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)"), re.compile(r"(?<!\d)\d{1,2}(?!\d)")
NUMERIC_DATE = re.compile(r"(?<!\d)\d{1,4}[./-] ?\d{1,2}[./-] ?\d{2,4}(?!\d)")
CLOCK = re.compile(r"(?<!\d)\d{1,2}[:.h]\d{2}(?!\d)")
UNDATED = re.compile(rf"[^<>\d]{{2,80}}{IN_BRACKETS.pattern}\s{{0,3}}(?:{VERB.pattern})")
COLON = re.compile(r"[:：]\s{0,9}\Z")
NUMBER = re.compile(r"\d")
SENTENCE_END = re.compile(r"[.!?。]\s*$|^\s*$")
WORD = re.compile(r"[^\W\d_]+")
LONGEST_MARK = 120
"""Characters of a line that says from which device a mail was sent."""


def own_text(text: str, left_out: Counter[str] | None = None) -> str:
    """Return the lines that the sender of a mail wrote.

    Example::

        Yes, in Ghent.                          Yes, in Ghent.

        On 4 March 2024, Bart wrote:      ->
        > Where do you live?
        --
        Ada

    Args:
        text: the mail's text.
        left_out: where the characters of all other lines are counted, by reason.
    """
    lines = text.split("\n")
    reasons = _reasons([INVISIBLE.sub("", line) if not line.isascii() else line for line in lines])
    if left_out is not None:
        for line, reason in zip(lines, reasons, strict=True):
            if reason and line.strip():
                left_out[reason] += len(line)
    return "\n".join(line for line, reason in zip(lines, reasons, strict=True) if not reason).strip()


def _reasons(lines: list[str]) -> list[str]:
    """Return why each line is left out; "" for one that the sender wrote."""
    reasons = [""] * len(lines)
    said: int | None = None
    """The last line that says something, until it was looked at as the introduction of a quotation."""
    quoted = False
    below = ""
    for number, line in enumerate(lines):
        before, quoted = quoted, bool(QUOTED.match(line))
        if quoted:
            reasons[number] = "quoted_mail"
            if not before and said is not None:
                _mark_introduction(lines, reasons, said, strong=False)
                said = None
            continue
        if len(line) <= LONGEST_LINE and line.strip():
            if _begins_mail(lines, number) or _introduces_mail(lines, reasons, number):
                reasons[number:] = ["quoted_mail"] * (len(lines) - number)
                return reasons
            if not below and _begins_signature(lines, number):
                below = "signature"
            if len(line) <= LONGEST_MARK and SENT.match(line) and DEVICE.search(line):
                reasons[number] = "signature"
                continue
        if line.strip() and not below:
            said = number
        reasons[number] = below
    if said is not None:
        _mark_introduction(lines, reasons, said, strong=False)
    return reasons


def _begins_mail(lines: list[str], number: int) -> bool:
    """Whether a line and those below are what stands above a quoted mail: a separator, or headings as Outlook's."""
    line, following = lines[number], [text for text in lines[number + 1 : number + BLOCK] if text.strip()]
    if found := SEPARATOR.fullmatch(line):
        return bool(MESSAGE.search(found[1]) and ORIGINAL.search(found[1])) or _is_headings(following, 1)
    if RULE.fullmatch(line):
        return _is_headings(following, 1)
    if COLON.search(line) and MESSAGE.search(line) and ORIGINAL.search(line):
        return _is_headings(following, 2)
    return bool(KNOWN_HEADING.match(line)) and _is_headings(lines[number : number + BLOCK], 3)


def _is_headings(lines: list[str], least: int) -> bool:
    """Whether lines begin with at least so many headings of a mail, the sender's among them."""
    known = 0
    for line in lines:
        if len(line) > LONGEST_LINE or not KNOWN_HEADING.match(line):
            break
        known += 1
    if known >= least and any(map(HEADING.match, lines[:known])):
        return True
    # Of a language whose other headings are not known, the sender's is enough with two lines of the kind.
    return len(lines) > 2 and bool(HEADING.match(lines[0])) and all(map(NEXT_HEADING.match, lines[1:3]))


def _introduces_mail(lines: list[str], reasons: list[str], number: int) -> bool:
    """Whether a line introduces a mail that has no marks; those above over which it is wrapped are marked then.

    With marks below, it is the introduction of only those.
    """
    if not COLON.search(lines[number]):
        return False
    below = next((lines[index] for index in range(number + 1, len(lines)) if lines[index].strip()), ">")
    return not QUOTED.match(below) and _mark_introduction(lines, reasons, number, strong=True)


def _mark_introduction(lines: list[str], reasons: list[str], last: int, *, strong: bool) -> bool:
    """Mark the line, or the lines if wrapped, that say who wrote the quotation below, and when."""
    if not COLON.search(lines[last]):
        return False
    for first in range(last, max(last - WRAPPED, -1), -1):
        written = " ".join(line.strip() for line in lines[first : last + 1])
        if reasons[first] or len(written) > LONGEST_LINE:
            break
        if _is_introduction(written) if strong else _may_introduce(written):
            reasons[first : last + 1] = ["quoted_mail"] * (last + 1 - first)
            return True
        if not first or SENTENCE_END.search(lines[first - 1]):
            break
    if strong and UNDATED.fullmatch(COLON.sub("", lines[last]).strip()):
        reasons[last] = "quoted_mail"
        return True
    return False


def _may_introduce(written: str) -> bool:
    """Whether a text above a marked quotation introduces it: it has a date, and an address or a word for writing."""
    return bool(NUMBER.search(ADDRESS.sub("", written)) and ("@" in written or VERB.search(written)))


def _is_introduction(written: str) -> bool:
    """Whether a text can be nothing but what a program writes above the mail that is answered.

    That has a day, and a bracketed address at its end, or an address and a word for writing, or a time and such a word
    beside a name, which is no pronoun.
    """
    written = "".join(map(_latin_digit, COLON.sub("", written).strip()))
    address, bare = ADDRESS.search(written), ADDRESS.sub(" ", written)
    verb = VERB.search(bare)
    dated = bool(NUMERIC_DATE.search(bare) or (YEAR.search(bare) and DAY.search(YEAR.sub(" ", bare))))
    if not dated:
        return False
    if not verb:
        ends = [found.end() for found in IN_BRACKETS.finditer(written)]
        return bool(ends) and ends[-1] == len(written)
    before, after = WORD.findall(bare[: verb.start()]), WORD.findall(bare[verb.end() :])
    if {word.casefold() for word in (*before[-1:], *after[:1])} & PRONOUN:
        return False
    if address:
        return True
    ends_in_name = all(word[0].isupper() or not word[0].islower() for word in after)
    return bool(CLOCK.search(bare)) and (ends_in_name or bool(NUMERIC_DATE.search(bare, verb.end())))


def _latin_digit(character: str) -> str:
    return str(unicodedata.digit(character, character)) if character.isdigit() else character


def _begins_signature(lines: list[str], number: int) -> bool:
    """Whether a line is ``-- ``, or a ``--`` above the few last lines."""
    line = lines[number]
    if line.rstrip() != "--" or line == "-- ":
        return line == "-- "
    below = lines[number + 1 : number + LONGEST_SIGNATURE + 2]
    return len(below) <= LONGEST_SIGNATURE or any(map(QUOTED.match, below))
