"""LifeBench (arXiv 2603.03781): what one invented person's phone holds, and questions about their year.

The folder is that of one person. What the generator knows of them (``persona.json``) and what it says of each item
(``summarized_info``) would give answers away and is not read. Notes, the texts they sent and what they told the
assistant are the person's own words; calls, the calendar, contacts and photos are told in sentences; what other people
and programs say keeps its author.
"""

from __future__ import annotations

import calendar
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from mealign.errors import ConfigError
from mealign.ingest.dates import ImplausibleDateError, parse_date
from mealign.ingest.files import SourceFile
from mealign.ingest.importing import ImportContext, Messages
from mealign.ingest.json_arrays import LIST, elements
from mealign.ingest.text import is_folder, read_text
from mealign.ingest.wording import period, sentence
from mealign.records import ABSTENTION, Document, DocumentKind, Family, Question

PHONE = "phone_data"
QUESTIONS = "QA/QA_clean.json"
ASSISTANT = "Assistant"
FAMILIES: Mapping[str, Family] = {
    "Information Extraction": "recall",
    "Multi-hop reasoning": "multi_hop",
    "Nondeclarative": "preference",  # habits and traits
    "Temporal and Knowledge Updating": "temporal",
    "Unanswerable": "unanswerable",
}
ANNOTATIONS = ("summarized_info",)
UNUSED = {
    "contact": ("idNumber",),
    "photo": ("imageTag", "shoot_mode", "image_size", "title"),
    "push": ("push_status", "jump_path"),
}
"""Fields that say nothing of the person's life, or, a number of identity, are nobody's business."""
OUTGOING = frozenset({"send", "issue", "dial", "dial out", "call out", "caller", "calling party", "initiate", "exhale"})
"""How the translated items say that the person sent or called."""
INCOMING = frozenset({"receive", "answering"})
LABEL = re.compile(r"\s*([^:：\n]{1,40})[:：]\s*")
IN_BRACKETS = re.compile(r"\s*\(([^()]*)\)")
FIRST_PERSON = re.compile(r"\b(?:I|[Mm]y|[Mm]e)\b")
MONTH = re.compile(r"(\d{4})-(\d{2})")
PRONOUNS = {"male": ("him", "His"), "female": ("her", "Her")}
NOTHING = frozenset({"", "none", "null", "unknown"})


@dataclass
class _Phone:
    """What has been read so far. ``sources`` has the documents of each item, for questions; ``names`` who is who."""

    context: ImportContext
    documents: list[Document] = field(default_factory=list)
    sources: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    def name_of(self, written: str) -> str:
        """Return the full name of somebody whom the phone calls by a nickname or relation that only one contact has."""
        name = self.context.name_of(written)
        return self.names.get(name.casefold(), name)


@dataclass(frozen=True)
class _Item:
    """One item of the phone: its kind, its values and where it stands."""

    kind: str
    value: Mapping[str, Any]
    messages: Messages
    line: int
    id: str

    def text(self, key: str) -> str:
        """Return a value as text; "" where there is none."""
        value = self.value.get(key)
        text = "" if value is None else str(value).strip()
        return "" if text.casefold() in NOTHING else text

    def add(
        self,
        text: str,
        *,
        date: object,
        part: str = "",
        author: str | None = None,
        participants: tuple[str, ...] = (),
        kind: DocumentKind = "note",
    ) -> None:
        """Add a document; one of the person's notes, unless said otherwise."""
        self.messages.add(
            f"{self.id}{part}",
            author=author or self.messages.context.person,
            participants=participants,
            date=date,
            text=text,
            kind=kind,
            line=self.line,
            label=f"the {self.kind} {self.id}",
        )


def read_lifebench(folder: Path, context: ImportContext) -> tuple[list[Document], list[Question]]:
    """Read a person's phone as documents, and the questions.

    Raises:
        ConfigError: there is no phone in the folder.
    """
    if not is_folder(folder / PHONE):
        raise ConfigError(f"user.path={folder}: it has no folder {PHONE}; name the folder of one of LifeBench's people")
    phone = _Phone(context)
    # Contacts come first, for they say who is meant by a nickname, and last, for they are dated by all others.
    contacts = Messages(_file(folder, "contact"), context)
    known = list(_items(contacts.file, "contact", phone, contacts))
    for item in known:
        _learn_contact(item, phone)
    for kind, read in READERS.items():
        _read(_file(folder, kind), kind, read, phone)
    _add_contacts(known, contacts, phone)
    return phone.documents, list(_questions(folder, phone))


def digest_of_lifebench(folder: Path, digest_of_file: Callable[[Path], str]) -> str:
    """Return the digests of the files that :func:`read_lifebench` reads."""
    files = [*(_file(folder, kind).path for kind in ("contact", *READERS)), folder / QUESTIONS]
    return " ".join(digest_of_file(path) for path in files)


def _file(folder: Path, kind: str) -> SourceFile:
    return SourceFile(folder / PHONE / f"{kind}.json", f"{PHONE}/{kind}.json")


def _items(file: SourceFile, kind: str, phone: _Phone, messages: Messages) -> Iterator[_Item]:
    problems = phone.context.problems
    if not os.path.lexists(file.path):
        problems.add(file.name, None, "unreadable", f"there is no such file: no {kind} is read", "fetch the data again")
        return
    text = read_text(file.path, file.name, problems, phone.context.settings, limit="max_export_bytes", may_be_cut=True)
    seen: dict[str, int] = {}
    for element in elements(text, LIST, file.name, problems) if text else ():
        value = element.value
        if not isinstance(value, dict) or value.get("phone_id") is None:
            problems.add(file.name, element.line, "message", "this is no item with a phone_id", "fetch the file again")
            continue
        number = str(value["phone_id"])
        seen[number] = seen.get(number, 0) + 1
        if seen[number] > 1:
            message = f"the {kind} {number} has the id of one that came before"
            problems.add(file.name, element.line, "duplicate_id", message, "none needed: both are kept")
        for key in ANNOTATIONS:
            problems.leave_out(file.name, "annotation", str(value.get(key) or ""))
        for key in UNUSED.get(kind, ()):
            problems.leave_out(file.name, "program_field", str(value.get(key) or ""))
        yield _Item(kind, value, messages, element.line, number if seen[number] == 1 else f"{number}~{seen[number]}")


def _read(file: SourceFile, kind: str, read: Callable[[_Item, _Phone], None], phone: _Phone) -> None:
    messages = Messages(file, phone.context)
    for item in _items(file, kind, phone, messages):
        before = len(messages.documents)
        read(item, phone)
        added = [document.source for document in messages.documents[before:]]
        # Of two items with one id, the first is enough to prove an answer.
        phone.sources.setdefault((kind, str(item.value["phone_id"])), added)
    phone.documents += messages.documents


def _learn_contact(item: _Item, phone: _Phone) -> None:
    """Remember a contact's nickname and relation; those of several people mean none of them."""
    name = item.text("name")
    for other in {item.text("nickname").casefold(), item.text("relation").casefold()} - {""}:
        phone.names[other] = other if phone.names.get(other, name) != name else name


def _note(item: _Item, phone: _Phone) -> None:
    title, content = item.text("title"), item.text("content")
    item.add(f"# {title}\n\n{content}" if title and content else title or content, date=item.text("datetime"))


def _sms(item: _Item, phone: _Phone) -> None:
    context, partner = phone.context, phone.name_of(item.text("contactName"))
    sent = item.text("message_type").casefold() in OUTGOING
    author = context.person if sent else partner
    called = {*context.names, "me", "i"} if sent else {name.casefold() for name in _spellings(item, phone)}
    text, label = item.text("message_content"), LABEL.match(item.text("message_content"))
    if label and label[1].strip().casefold() in called:
        context.problems.leave_out(item.messages.file.name, "speaker_label", label[0])
        text = text[label.end() :]
    people = tuple(dict.fromkeys(name for name in (context.person, partner) if name))
    item.add(text, date=item.text("datetime"), author=author, participants=people, kind="message")


def _spellings(item: _Item, phone: _Phone) -> set[str]:
    """Return what a contact may be called: with and without what stands in brackets, the nickname and the relation."""
    written = item.text("contactName")
    name = phone.name_of(written)
    inside = IN_BRACKETS.findall(written)
    others = {other for other, full in phone.names.items() if full == name}
    return {written, name, IN_BRACKETS.sub("", written), *inside, *others} - {""}


def _call(item: _Item, phone: _Phone) -> None:
    partner, kind = phone.name_of(item.text("contactName")), item.text("call_type").casefold()
    when = item.text("datetime")
    verb = "I called {}" if kind in OUTGOING else "{} called me" if kind in INCOMING else "I had a call with {}"
    said = [f"{verb.format(partner)} by telephone."] if partner else []
    if lasted := item.text("duration"):
        said.append(f"The call lasted {f'{lasted} seconds' if lasted.isdigit() else lasted}.")
    item.add(" ".join(said), date=when)


def _calendar(item: _Item, phone: _Phone) -> None:
    start, end = _moment(item.text("start_time"), phone), _moment(item.text("end_time"), phone)
    when = f", {period(start, end)}" if start else ""
    title = item.text("title").rstrip(".")
    text = "\n\n".join(filter(None, (sentence(f"{title}{when}") if title else "", item.text("description"))))
    # An entry is about the day on which it stands, not about that on which it was typed.
    item.add(text, date=start or item.text("start_time") or item.text("datetime"))


def _moment(written: str, phone: _Phone) -> datetime | None:
    try:
        return parse_date(written, phone.context.settings)
    except ImplausibleDateError:
        return None


def _photo(item: _Item, phone: _Phone) -> None:
    caption, place = item.text("caption"), item.value.get("location")
    shown = [phone.name_of(str(name)) for name in item.value.get("faceRecognition") or () if str(name).strip()]
    keys = ("poi", "streetNumber", "streetName", "district", "city", "province")
    where = [str(place[key]) for key in keys if place.get(key)] if isinstance(place, dict) else []
    where = [part for part in where if part.casefold() not in NOTHING]
    written = item.text("ocrText")
    lines = [
        sentence(f"I took a photo: {caption}") if caption else "",
        sentence(f"In the photo: {', '.join(shown)}") if shown else "",
        sentence(f"Taken at {', '.join(where)}") if where else "",
    ]
    quote = "\n\n" + "\n".join(f"> {line}" for line in written.splitlines()) if written else ""
    item.add(" ".join(filter(None, lines)) + quote, date=item.text("datetime"))


def _push(item: _Item, phone: _Phone) -> None:
    text = "\n".join(filter(None, (item.text("title"), item.text("content"))))
    source = item.text("source") or "Notification"
    people = (phone.context.person, source)
    item.add(text, date=item.text("datetime"), author=source, participants=people, kind="assistant")


def _agent_chat(item: _Item, phone: _Phone) -> None:
    """Read the turns in their order; only the day is known, so each is a second after the one before."""
    start, turns = _moment(item.text("date"), phone), item.value.get("conversation")
    said = [
        (f"/{number}{role}", role, str(turn[role].get("content") or ""))
        for number, turn in enumerate(turns.values() if isinstance(turns, dict) else (), start=1)
        for role in ("user", "assistant")
        if isinstance(turn, dict) and isinstance(turn.get(role), dict)
    ]
    person = phone.context.person
    for position, (part, role, text) in enumerate(said):
        item.add(
            text,
            date=start + timedelta(seconds=position) if start else item.text("date"),
            part=part,
            author=person if role == "user" else ASSISTANT,
            participants=(person, ASSISTANT),
            kind="prompt" if role == "user" else "assistant",
        )


def _add_contacts(known: list[_Item], messages: Messages, phone: _Phone) -> None:
    """Tell who is who: each contact as known from the first day of the phone, for it has no date of its own."""
    if not known:
        return
    problems = phone.context.problems
    days = [document.created_at for document in phone.documents]
    message = "contacts have no dates; they are dated by the first dated item"
    problems.add(messages.file.name, None, "guessed_date", message, "none needed: they are kept")
    for item in known:
        before = len(messages.documents)
        item.add(_introduced(item), date=min(days, default=None))
        added = [document.source for document in messages.documents[before:]]
        phone.sources.setdefault((item.kind, str(item.value["phone_id"])), added)
    phone.documents += messages.documents


def _introduced(item: _Item) -> str:
    name, relation, nickname = item.text("name"), item.text("relation"), item.text("nickname")
    them, their = PRONOUNS.get(item.text("gender").casefold(), ("them", "Their"))
    private, work = item.text("personalEmail"), item.text("workEmail")
    lines = [
        f"{name} is my {relation[0].lower()}{relation[1:]}." if name and relation else sentence(name),
        f"I call {them} {nickname}." if nickname and nickname != name else "",
        f"{their} phone number is {item.text('phoneNumber')}." if item.text("phoneNumber") else "",
        f"{their} mail address is {private}." if private else "",
        f"{their} mail address at work is {work}." if work else "",
    ]
    return " ".join(filter(None, lines))


def _questions(folder: Path, phone: _Phone) -> Iterator[Question]:
    """Yield the questions. Choices are part of one that has them, and the answer is what the right one says."""
    file = SourceFile(folder / QUESTIONS, QUESTIONS)
    if not os.path.lexists(file.path):
        return
    problems, settings = phone.context.problems, phone.context.settings
    text = read_text(file.path, file.name, problems, settings, limit="max_export_bytes")
    for number, element in enumerate(elements(text, LIST, file.name, problems) if text else (), start=1):
        try:
            yield _question(element.value, number, element.line, file, phone)
        except (AttributeError, LookupError, TypeError, ValueError):
            message = f"question {number} is not in LifeBench's format"
            problems.add(file.name, element.line, "question", message, "fetch the file again")


def _question(entry: Mapping[str, Any], number: int, line: int, file: SourceFile, phone: _Phone) -> Question:
    family = FAMILIES[entry["question_type"]]
    sources: list[str] = []
    unknown = 0
    for item in entry.get("evidence") or ():
        found = phone.sources.get((str(item["type"]), str(item["id"])), ())
        sources += found
        unknown += not found
    if unknown:
        message = f"question {number} names {unknown} items as evidence that no document holds"
        phone.context.problems.add(file.name, line, "evidence", message, "none needed: the question is kept without")
    choices = {str(choice["option"]): str(choice["content"]).strip() for choice in entry.get("options") or ()}
    question, answer = str(entry["question"]).strip(), str(entry["answer"]).strip()
    listed = "; ".join(f"{letter}: {content}" for letter, content in choices.items())
    return Question(
        id=f"lifebench#q{number:03d}",
        family=family,
        kind="memory_qa_self" if FIRST_PERSON.search(question) else "memory_qa_third_party",
        question=f"{question} ({listed})" if listed else question,
        answer=ABSTENTION if family == "unanswerable" else choices.get(answer, answer),
        evidence=tuple(dict.fromkeys(sources)),
        as_of=_last_day(str(entry["ask_time"])),
    )


def _last_day(month: str) -> date:
    """Return the last day of a month, which is when its questions are asked.

    Raises:
        ValueError: it is none.
    """
    if not (found := MONTH.match(month)):
        raise ValueError("not a month")
    year, number = int(found[1]), int(found[2])
    return date(year, number, calendar.monthrange(year, number)[1])


READERS: Mapping[str, Callable[[_Item, _Phone], None]] = {
    "note": _note, "sms": _sms, "call": _call, "calendar": _calendar, "photo": _photo, "push": _push,
    "agent_chat": _agent_chat,
}  # fmt: skip
