"""Facts extracted by a language model, and accepted only where the document states them.

The model is asked about one document at a time and quotes, for every fact, the words that state it. A fact whose
quotation is not in the document is refused; first persons, names and times are resolved here, not by the model.
Instructions in a document are text like any other: all that can come back is a fact, and a fact needs its quotation.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache as cached
from importlib.resources import files
from itertools import islice
from pathlib import Path
from string import Template
from typing import Any

from pydantic import ValidationError

from mealign.language.chat import TextModel, without_role_tokens
from mealign.language.egress import Personal
from mealign.language.prices import tokens_of
from mealign.language.replies import ask
from mealign.language.settings import LlmConfig
from mealign.memory.facts import document_order, listener, make_fact, oldest_first, sorted_facts, to_when
from mealign.memory.known_people import KnownPeople
from mealign.memory.quotations import Voices, bears, clauses_around, holds, last_named, read, sentence_around
from mealign.memory.reading import windows
from mealign.memory.rewrite import FIRST, GROUP, PREPOSITIONS, SECOND
from mealign.memory.statements import ENDED, MAX_WORDS, VAGUE
from mealign.memory.supersede import supersede
from mealign.memory.times import Time, format_day, resolve
from mealign.names import short_name
from mealign.records import Document, Fact, Message, Record

WINDOW = 4000
"""Characters of a document that one request shows; a longer document takes several requests."""
MAX_CHARACTERS = 400
MAX_ENTITIES = 20
MAX_FACTS = 200
"""Facts of one reply: no four thousand characters state more."""
MAX_PLACES = 10
"""Of the places where a quotation stands, the most that are looked at."""
AROUND = 1000
"""Characters before and behind a quotation within which its sentence, and who is named before it, are sought."""
CONFIDENCE = 0.8
"""The quotation is certain, what the model made of it is not."""

PRONOUNS = VAGUE | {"him", "her", "them", "himself", "herself", "itself", "themselves", "someone", "somebody"}
EMPTY = PRONOUNS | FIRST | SECOND | {"a", "an", "the", "something", "thing", "things", "anything", "nothing"}
LEADING = (*PREPOSITIONS, "before", "after", "of", "to", "than")
WORD = re.compile(r"[^\W_]+")
MY = re.compile(r"^my\b", re.IGNORECASE)
PRONOUN = re.compile(r"^(?:he|she|they|it)\b", re.IGNORECASE)
QUOTED = re.compile(r"\"[^\"]*\"|“[^”]*”")
FIRST_PERSON = re.compile(r"\b(?:I|me|[Mm]y|myself|[Ww]e|us|[Oo]urs?|ourselves)\b")
FUTURE = re.compile(
    r"\b(?:will|shall|going to|gonna|(?:plan|want|hope)s? to|in \w+ (?:day|week|month|year)s?)\b|['’]ll\b",
    re.IGNORECASE,
)
PAST = re.compile(r"\b(?:since|was|were|had|did|\w+ed)\b", re.IGNORECASE)


class ExtractedFact(Record):
    """One fact as a model is asked to give it."""

    subject: str
    relation: str
    object: str
    statement: str
    span: str
    when: str | None
    entities: tuple[str, ...]


class ExtractedFacts(Record):
    """A model's whole answer about one document."""

    facts: tuple[ExtractedFact, ...]


class StatementRefusal(StrEnum):
    """Why something that a model stated is not taken as a fact."""

    malformed = "malformed"
    empty = "empty"
    too_long = "too_long"
    not_in_document = "not_in_document"
    unnamed_subject = "unnamed_subject"
    first_person = "first_person"
    says_nothing = "says_nothing"
    beyond_quotation = "beyond_quotation"
    duplicate = "duplicate"
    too_many = "too_many"


@dataclass(frozen=True)
class LlmExtraction:
    """The facts, and counts of what the model answered.

    ``replies`` counts the models' answers (``read``, ``empty``, ``malformed``), ``refused`` their facts by reason,
    ``reservations`` what was left out of facts that were kept: times that cannot be resolved or are not in the
    document, names that it does not mention.
    """

    facts: list[Fact]
    asked: int
    cached: int
    replies: dict[str, int]
    refused: dict[str, int]
    reservations: dict[str, int]

    def counts(self) -> dict[str, Any]:
        """Return everything but the facts and what depends on earlier runs."""
        return {key: value for key, value in vars(self).items() if key not in ("facts", "asked", "cached")}


@dataclass(frozen=True)
class Window:
    """``text[start:end]`` of a document: what one request shows."""

    document: Document
    start: int
    end: int

    @property
    def text(self) -> str:
        """What it shows."""
        return self.document.text[self.start : self.end]


def extract_with_llm(
    documents: Sequence[Document], *, person: str, model: TextModel, settings: LlmConfig, cache: Path
) -> LlmExtraction:
    """Extract facts from all documents, oldest first, with later changes marked.

    Args:
        documents: notes, messages or turns, in any order.
        person: full name of the user.
        model: reads the documents.
        settings: the length and size of a reply, and its temperature.
        cache: folder of the replies; a request that has one is not sent again.

    Raises:
        MealignError: the model cannot answer. No answer of its raises an error.
    """
    people = KnownPeople.of(
        {person, *(name for document in documents for name in (document.author, *document.participants))}
    )
    spoken = [document for document in oldest_first(documents) if document.kind != "assistant"]
    windows = [window for document in spoken for window in _windows(document)]
    replies = ask(
        model,
        [_prompt(window, person) for window in windows],
        request_schema(ExtractedFacts, ExtractedFacts="Reply", ExtractedFact="Said"),
        cache=cache,
        max_new_tokens=settings.max_new_tokens,
        temperature=settings.temperature,
        max_reply_bytes=settings.max_reply_bytes,
        description="read documents",
        personal=[Personal(documents=(window.document.id,), tokens=tokens_of(window.text)) for window in windows],
    )
    outcomes: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    reservations: Counter[str] = Counter()
    facts: dict[tuple[str, ...], Fact] = {}
    for window, text in zip(windows, replies.texts, strict=True):
        items = read_items(text, "facts")
        outcomes["empty" if not text.strip() else "malformed" if items is None else "read"] += 1
        refused.update([StatementRefusal.too_many] * (len(items or ()) - MAX_FACTS))
        for item in (items or ())[:MAX_FACTS]:
            fact = _fact(item, window, people, reservations, known=facts)
            if isinstance(fact, StatementRefusal):
                refused[fact] += 1
            else:
                facts |= dict.fromkeys(_keys(fact), fact)
    order = document_order(documents)
    found = sorted_facts({fact.id: fact for fact in facts.values()}.values(), order)
    return LlmExtraction(
        facts=supersede(found, order=order),
        asked=replies.asked,
        cached=replies.cached,
        replies=dict(sorted(outcomes.items())),
        refused=dict(sorted(refused.items())),
        reservations=dict(sorted(reservations.items())),
    )


@cached
def template(name: str) -> Template:
    """Return a prompt's template (a file of ``templates/``)."""
    return Template(files("mealign.memory").joinpath("templates", name).read_text(encoding="utf-8").strip())


def request_schema(reply: type[Record], **names: str) -> dict[str, Any]:
    """Return the JSON schema of a reply, as it stands in the request.

    Replies are kept under the hash of their whole request, so renaming a class must not change the schema. For the same
    reason the docstrings of these classes, which become descriptions in the schema, stay as they are.

    Args:
        reply: what the model is asked for.
        names: the name in the schema for each class that has another one there.
    """
    text = json.dumps(reply.model_json_schema())
    for name, requested in names.items():
        text = re.sub(rf"\b{name}\b", requested, text)
    schema: dict[str, Any] = json.loads(text)
    return schema


def read_items(text: str, key: str) -> list[Any] | None:
    """Return the list under ``key`` of the JSON object in a reply; None when there is no such object.

    Text around the object (a code fence, a polite sentence) is ignored.
    """
    try:
        value, _ = json.JSONDecoder().raw_decode(text, text.index("{"))
    except (ValueError, RecursionError):
        return None
    items = value.get(key)
    return items if isinstance(items, list) else None


def _windows(document: Document) -> Iterator[Window]:
    return (Window(document, start, end) for start, end in windows(document.text, WINDOW))


def _prompt(window: Window, person: str) -> tuple[Message, ...]:
    document = window.document
    spoken_to = listener(document)
    values = {
        "person": person,
        "author": document.author,
        "listener": f' "You" and "your" mean {short_name(spoken_to)}.' if spoken_to else "",
        "written": format_day(document.created_at.date()),
        # A text cannot hold its own hash, so it cannot end its own quotation.
        "fence": document.id.removeprefix("doc_"),
        "text": window.text,
    }
    # Names come from exports, so they are no safer than the text.
    safe = {key: without_role_tokens(value) for key, value in values.items()}
    return (
        Message(role="system", content=template("extract.system.txt").substitute(safe)),
        Message(role="user", content=template("extract.user.txt").substitute(safe)),
    )


def _keys(fact: Fact) -> tuple[tuple[str, ...], ...]:
    """Return what identifies a fact within its document: who does what, and the statement."""
    document = fact.evidence.document_id
    return (
        (document, fact.subject.casefold(), fact.relation, fact.object.casefold()),
        (document, fact.statement.casefold()),
    )


def _fact(
    item: Any, window: Window, people: KnownPeople, reservations: Counter[str], *, known: Mapping[tuple[str, ...], Fact]
) -> Fact | StatementRefusal:
    extracted = _checked(item)
    if isinstance(extracted, StatementRefusal):
        return extracted
    document = window.document
    found = (span for span in document.spans_of(extracted.span) if window.start <= span[0] and span[1] <= window.end)
    spans = list(islice(found, MAX_PLACES))
    if not spans:
        return StatementRefusal.not_in_document
    subject = _name(extracted.subject, document, people)
    if subject is None:
        return StatementRefusal.unnamed_subject
    if not _words(extracted.object) - EMPTY - _words(subject):
        return StatementRefusal.says_nothing

    def made(start: int, end: int, entities: Sequence[str]) -> Fact:
        time = _time(extracted.when, (start, end), document) if extracted.when else None
        return make_fact(
            document, start, end,
            subject=subject,
            relation=extracted.relation.replace("_", " ").lower(),
            value=extracted.object,
            statement=_sentence(extracted.statement, extracted.when, time),
            when=to_when(extracted.when, time) if extracted.when and time else None,
            entities=(subject, *entities),
            confidence=CONFIDENCE,
        )  # fmt: skip

    if any(key in known for key in _keys(made(*spans[0], ()))):
        return StatementRefusal.duplicate
    span = next(filter(None, (_bearing(extracted, subject, span, document, people) for span in spans)), None)
    if span is None:
        return StatementRefusal.beyond_quotation
    spoken = f"{extracted.statement} {document.text[slice(*span)]}"
    names = [_mentioned(name, spoken, document, people) for name in extracted.entities]
    fact = made(*span, [name for name in names if name])
    if extracted.when and fact.when is None:
        reservations["time"] += 1
    reservations.update("entity" for name in names if name is None)
    return fact


def _bearing(
    extracted: ExtractedFact, subject: str, quoted: tuple[int, int], document: Document, people: KnownPeople
) -> tuple[int, int] | None:
    """Return the span that bears a fact: the quotation, with the rest of its clause that the fact needs.

    None where it does not bear the statement, or subject, relation and object say another thing. Most of the words must
    be in the quotation itself.
    """
    low, text = _surroundings(document, quoted)
    start, end = quoted[0] - low, quoted[1] - low
    author, other = people.canonical(document.author), listener(document)
    group = GROUP["we"].format(short_name(document.author))
    names = {**people.full_names, document.author: author, group: f"{author} and others"}
    voices = Voices(
        names,
        first=None if _is_quoted(text, start) else author,
        second=people.canonical(other) if other else None,
        third=last_named(text[:start], names, but=author),
    )
    time = _time(extracted.when, quoted, document) if extracted.when else None
    whens = [str(extracted.when), time.phrase] if time else []
    who = read(subject, Voices(names))
    statement = read(_untimed(PRONOUN.sub(lambda _: subject, extracted.statement, 1), whens), Voices(names))
    parts = read(f"{subject} {extracted.relation.replace('_', ' ')} {extracted.object}", Voices(names))
    if not holds(statement, who, Voices(names)):
        return None
    for begin, close in clauses_around(text, start, end):
        clause = read(_untimed(text[begin:close], whens), voices)
        borne = bears(clause, statement, voices)
        if borne and holds(clause, parts, voices):
            places = [(begin + word.start, begin + word.end) for word in borne if word.person is None]
            if 2 * sum(start <= first and last <= end for first, last in places) < max(1, len(places)):
                return None
            ends = [(begin + word.start, begin + word.end) for word in borne]
            return low + min(start, *(first for first, _ in ends)), low + max(end, *(last for _, last in ends))
    return None


def _surroundings(document: Document, span: tuple[int, int]) -> tuple[int, str]:
    """Return the text around a span, and where it begins in the document."""
    low = max(0, span[0] - AROUND)
    return low, document.text[low : span[1] + AROUND]


def _is_in_sentence(when: str, span: tuple[int, int], document: Document) -> bool:
    low, text = _surroundings(document, span)
    begin, end = sentence_around(text, span[0] - low, span[1] - low)
    return " ".join(when.split()).lower() in " ".join(text[begin:end].split()).lower()


def _is_quoted(text: str, position: int) -> bool:
    """Whether a place is inside quotation marks, where somebody else may speak."""
    paragraph = text[text.rfind("\n\n", 0, position) + 1 : position]
    return paragraph.count('"') % 2 == 1 or paragraph.count("“") > paragraph.count("”")


def _untimed(text: str, whens: Iterable[str]) -> str:
    """Blank out expressions of time with their prepositions; everything else stays in its place.

    What negates or qualifies is no time, whatever a model calls it: ``may`` is not May.
    """
    for when in whens:
        words = r"\s+".join(map(re.escape, when.split()))
        phrase = rf"(?:\b(?:{'|'.join(LEADING)})\s+)?(?<!\w){words}(?!\w)"
        text = re.sub(
            phrase,
            lambda match: match[0] if read(match[0], Voices()).operators else " " * len(match[0]),
            text,
            flags=re.IGNORECASE,
        )
    return text


def _checked(item: Any) -> ExtractedFact | StatementRefusal:
    """Return the item with single spaces, if it can be a fact at all."""
    try:
        extracted = ExtractedFact.model_validate(item)
    except ValidationError:
        return StatementRefusal.malformed
    fields = {name: " ".join(value.split()) for name, value in extracted if isinstance(value, str)}
    if not all(_words(fields[name]) for name in ("subject", "relation", "statement")):
        return StatementRefusal.empty
    # A single word may be in a document by chance.
    if len(fields["span"].split()) < 2 or not _words(fields["span"]):
        return StatementRefusal.empty
    if max(len(text) for text in (*fields.values(), *extracted.entities)) > MAX_CHARACTERS:
        return StatementRefusal.too_long
    if len(fields["statement"].split()) > MAX_WORDS or len(extracted.entities) > MAX_ENTITIES:
        return StatementRefusal.too_long
    if FIRST_PERSON.search(QUOTED.sub(" ", fields["statement"])):
        return StatementRefusal.first_person
    return extracted.model_copy(update=fields)


def _words(text: str) -> set[str]:
    return {word.lower() for word in WORD.findall(text)}


def _name(name: str, document: Document, people: KnownPeople) -> str | None:
    """Return whom or what a name means in this document; None for a pronoun that needs its context."""
    speaker, lower = short_name(document.author), name.lower()
    if lower in FIRST:
        return document.author
    if lower in ("we", "us"):
        return GROUP[lower].format(speaker)
    if lower in SECOND:
        other = listener(document)
        return people.canonical(other) if other else None
    if lower in PRONOUNS:
        return None
    return people.canonical(MY.sub(lambda _: f"{speaker}'s", name))


def _mentioned(name: str, spoken: str, document: Document, people: KnownPeople) -> str | None:
    """Return the full name behind an entity; None where the statement and its evidence do not mention it."""
    given = " ".join(name.split())
    full = _name(given, document, people)
    if full is None:
        return None
    known = [full, short_name(full)] if full in people.full_names.values() else []
    told = " ".join(spoken.split())
    mentions = (re.search(rf"(?<!\w){re.escape(each)}(?!\w)", told, re.IGNORECASE) for each in (given, *known) if each)
    return full if any(mentions) else None


def _time(when: str, span: tuple[int, int], document: Document) -> Time | None:
    """Return the calendar time of an expression; None where it is not in the sentence, or is not such a time."""
    if not _is_in_sentence(when, span, document):
        return None
    told, written = document.text[span[0] : span[1]], document.created_at.date()
    future = FUTURE.search(told) is not None
    try:
        time = resolve(when, written, future=future)
        if time and time.start > written and not future and PAST.search(f"{when} {told}"):
            # In August, "it happened in September" means last year's.
            return resolve(f"{when} {written.year - 1}", written) or time
    except (ValueError, OverflowError):
        # Years outside the calendar: "May 0000".
        return None
    return time


def _sentence(statement: str, when: str | None, time: Time | None) -> str:
    """Write the statement as a sentence, with the date in place of the time expression.

    In a note of 13 March 2024, ``Ilse started last Friday`` becomes ``Ilse started on 8 March 2024.``
    """
    if when and time:
        phrase = rf"(?:\b({'|'.join(LEADING)}) )?(?<!\w){re.escape(when)}(?!\w)"
        statement = re.sub(phrase, lambda match: _phrase(match[1], when, time), statement, flags=re.IGNORECASE)
    return f"{statement[0].upper()}{statement[1:]}{'' if ENDED.search(statement) else '.'}"


def _phrase(before: str | None, when: str, time: Time) -> str:
    """Return the date with its preposition: the original one, unless that only fitted the replaced expression."""
    first = when.split()[0].lower()
    leading = before or (first if first in PREPOSITIONS else "on")
    preposition = time.preposition if leading.lower() in ("on", "in", "at") else leading
    return f"{preposition} {time.phrase}".strip()
