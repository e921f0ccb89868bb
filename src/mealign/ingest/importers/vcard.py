"""Contacts in vCard files (RFC 6350 and older), as phones, Google, Apple and Outlook export them, through vobject."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from datetime import date
from typing import Any

from mealign.ingest.files import SourceFile
from mealign.ingest.importing import ImportContext, Importer, Messages
from mealign.ingest.text import read_text
from mealign.ingest.wording import day, sentence
from mealign.records import Document

NO_TEXT = frozenset({"version", "prodid", "uid", "rev", "n", "sort-string", "x-ablabel", "x-abadr", "x-abuid"})
"""Properties that say nothing, or nothing that another one does not say."""
TOLD = frozenset({"fn", "org", "title", "role", "bday", "anniversary", "nickname", "tel", "email", "adr", "note"})
RELATED = frozenset({"related", "x-abrelatednames", "x-spouse", "x-assistant", "x-manager"})
APPLE_LABEL = re.compile(r"_\$!<(.{1,40})>!\$_")
DATE = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})")
WITHOUT_YEAR = re.compile(r"--(\d{2})-?(\d{2})")
LEAP_YEAR = 2024
NO_YEAR = 1604
"""Apple's year of a birthday without one."""
MEND = "begin the file name with the date of the export (YYYY-MM-DD)"


def read(file: SourceFile, context: ImportContext) -> list[Document]:
    """Read each contact as a note in sentences, and remember whose its numbers and addresses are.

    Its date is that of its last change (``REV``), else that of the file's name.
    """
    import vobject
    from vobject.base import VObjectError

    text = read_text(file.path, file.name, context.problems)
    if text is None:
        return []
    # vobject logs the lines that it cannot read, and they are somebody's.
    logging.getLogger("vobject.base").disabled = True
    messages, undated, number = Messages(file, context), 0, 0
    cards = vobject.readComponents(text, allowQP=True, ignoreUnreadable=True)
    try:
        for number, card in enumerate(cards, start=1):
            undated += _add(card.contents, number, messages)
    except (VObjectError, ValueError, LookupError, AttributeError) as error:
        line = getattr(error, "lineNumber", None)
        message = "the contacts break off here or are damaged; those before were kept"
        context.problems.add(file.name, line, "cut_off", message, "export the contacts again")
    if undated:
        message = f"{undated} of its {number} contacts have no date, and are used for names only"
        context.problems.add(file.name, None, "no_date", message, MEND)
    return messages.documents


def _add(contents: dict[str, list[Any]], number: int, messages: Messages) -> bool:
    """Add a card; return whether it has no date."""
    file, context = messages.file, messages.context
    names = [*_texts(contents, "fn"), *_texts(contents, "n"), *_texts(contents, "org")]
    if not names:
        context.problems.add(file.name, None, "message", f"contact {number} has no name", "name it, or delete it")
        return False
    name = names[0]
    mine = name.casefold() in context.names or context.name_of(name, *_texts(contents, "email")) == context.person
    if not mine:
        context.add_contact(name, *_texts(contents, "email"), *_texts(contents, "tel"))
    for key, values in contents.items():
        if key not in NO_TEXT | TOLD | RELATED:
            context.problems.leave_out(file.name, "program_field", "".join(str(line.value) for line in values))
    sentences = list(_sentences(contents, "I" if mine else name, "My" if mine else f"{name}'s"))
    told = " ".join(sentences) or f"{name} is one of my contacts."
    text = "\n\n".join((told, *_texts(contents, "note")))
    when = next(iter(_texts(contents, "rev")), None) or file.date
    if when is None:
        context.problems.leave_out(file.name, "no_date", text)
        return True
    item = next(iter(_texts(contents, "uid")), str(number))
    messages.add(
        item, author=context.person, participants=(), date=when, text=text, kind="note", label=f"contact {number}"
    )
    return False


def _sentences(contents: dict[str, list[Any]], who: str, whose: str) -> Iterator[str]:
    """Yield what a card says of somebody."""
    verb = "work" if who == "I" else "works"
    places, titles = _texts(contents, "org"), [*_texts(contents, "title"), *_texts(contents, "role")]
    if places or titles:
        article = "an" if titles and titles[0][0].lower() in "aeiou" else "a"
        post = f" as {article} {titles[0]}" if titles else ""
        yield f"{who} {verb}{f' at {places[0]}' if places else ''}{post}."
    for kind, value in _related(contents):
        yield sentence(f"{whose} {kind} is {value}")
    for key, event in (("bday", "birthday"), ("anniversary", "anniversary")):
        for value in _texts(contents, key):
            yield sentence(f"{whose} {event} is {_day(value)}")
    for key, what in (("nickname", "nickname"), ("tel", "phone number"), ("email", "mail address"), ("adr", "address")):
        for value in _texts(contents, key):
            yield sentence(f"{whose} {what} is {value}")


def _related(contents: dict[str, list[Any]]) -> Iterator[tuple[str, str]]:
    """Yield the relatives and what they are, which Apple says in another line of the same group."""
    labels = {line.group: str(line.value) for line in contents.get("x-ablabel", ())}
    for key in RELATED & contents.keys():
        for line in contents[key]:
            label = labels.get(line.group, "") if line.group else ""
            apples = APPLE_LABEL.fullmatch(label)
            kinds = [kind for kind in line.params.get("TYPE", ()) if kind.lower() not in ("pref", "text", "uri")]
            kind = (apples[1] if apples else label) or (kinds[0] if kinds else key.removeprefix("x-"))
            value = " ".join(str(line.value).split())
            if value and not value.startswith("urn:"):
                yield ("relative" if kind in ("related", "abrelatednames") else kind.lower()), value


def _texts(contents: dict[str, list[Any]], key: str) -> list[str]:
    """Return the values of a property as text: of an organisation with its departments, of an address with commas."""
    found = []
    for line in contents.get(key, ()):
        value = line.value
        parts = value if isinstance(value, list) else str(value).split("\n") if key == "adr" else [value]
        text = ", ".join(" ".join(str(part).split()).strip(" ,") for part in parts if str(part).strip(" ,"))
        text = str(value).strip() if key == "note" else text.removeprefix("tel:").removeprefix("mailto:")
        if text:
            found.append(text)
    return found


def _day(written: str) -> str:
    """Return a birthday in words, without the year where there is none; as it is, where it is no date."""
    try:
        if found := DATE.match(written):
            year, month, number = map(int, found.groups())
            return day(date(year, month, number)) if year != NO_YEAR else f"{number} {date(LEAP_YEAR, month, 1):%B}"
        if found := WITHOUT_YEAR.match(written):
            month, number = map(int, found.groups())
            return f"{number} {date(LEAP_YEAR, month, 1):%B}"
    except ValueError:
        pass
    return written


IMPORTER = Importer(suffixes=frozenset({".vcf"}), read=read, contained=True)
