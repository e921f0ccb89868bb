"""From parsed paragraphs to facts: who, what, when, and the span of text that says so.

A sentence is split into clauses; a clause with a finite verb and a subject that can be named becomes one fact. The
first person is replaced by the author, the second by the only other participant of a conversation, a third-person
pronoun by the one person just mentioned, ``my sister`` by the one sister whose name is known, and a relative time by
its date, counted from the day of writing. Questions, commands, what might be or is planned, other people's words
(:mod:`mealign.memory.reading`) and clauses without a nameable subject make no fact; a sentence of which no clause makes
one is kept as it was said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from mealign.memory.clauses import clauses, implied_subject
from mealign.memory.facts import listener, make_fact, to_when
from mealign.memory.kinship import GENDERED, PEOPLE, Gender
from mealign.memory.known_people import KnownPeople
from mealign.memory.moods import Mood, mood_of
from mealign.memory.pronouns import FORMS, UNKNOWN, antecedent, name_tokens, remembered, unnamed
from mealign.memory.reading import NO_WORD, Block, Role, windows
from mealign.memory.rewrite import FIRST, GROUP, SECOND, Rewriter, SpeakerContext, belongs_to, find_times, subject_of
from mealign.records import Document, Fact, When
from mealign.words import word_set

Token = Any

MAX_WORDS = 45
MIN_WORDS = 3
LONGEST_QUOTE = 300
"""Characters of a paragraph that is not parsed, in one quotation."""
QUOTABLE = {Role.other_language, Role.planned, Role.table}
"""What is the author's own, and cannot be read as statements."""
QUOTED = 0.5
"""The confidence of a quotation: it was said, but nothing is known of what it means."""
MAX_TOKENS = 5 * MAX_WORDS
"""Tokens of which no statement of :data:`MAX_WORDS` words can be made."""
NAMED = {"PERSON", "GPE", "LOC", "ORG", "FAC", "PRODUCT", "EVENT", "WORK_OF_ART", "NORP"}
VAGUE = {"it", "this", "that", "they", "there", "which", "who", "these", "those", "he", "she", "what", "everything"}
"""Pronouns that name nobody and nothing."""
INDEFINITE = word_set(
    "one ones other others everybody everyone somebody someone anybody anyone nobody nothing something anything people "
    "some all both another each most many none whoever here him her them you yours whatever whom else thing things "
    "guys us"
)
"""What else, as the subject of a clause, names nobody and nothing."""
POINTING = {"this", "that", "these", "those"}
UNRESOLVED = {"he", "she", "him", "her", "his", "hers", "they", "them", "their", "theirs", "it", "its", "this", "that"}
COMPLEMENTS = ("dobj", "attr", "acomp", "oprd", "dative")
CLAUSAL = ("xcomp", "ccomp")
WRITTEN_I = re.compile(r"i(?:['’].*|m|ve|ll|d)?$", re.IGNORECASE)
ENDED = re.compile(r"[.!?][\"”]?$")


class ClauseRefusal(StrEnum):
    """Why a clause, or a whole sentence, makes no fact."""

    question = "question"
    no_verb = "no_verb"
    command = "command"
    no_subject = "no_subject"
    length = "length"
    vague = "vague"
    no_word = "no_word"
    says_nothing = "says_nothing"
    quoted = "quoted"
    pasted = "pasted"
    planned = "planned"
    table = "table"
    heading = "heading"
    code = "code"
    other_language = "other_language"
    conditional = "conditional"
    uncertain = "uncertain"
    in_general = "in_general"


@dataclass(frozen=True)
class ParsedBlock:
    """A paragraph, and its parse where it is in the author's own words."""

    block: Block
    parsed: Any


def facts_in(document: Document, blocks: Sequence[ParsedBlock], people: KnownPeople) -> Iterator[Fact | ClauseRefusal]:
    """Yield the facts of one document and, for each clause or paragraph that makes none, the reason."""
    yield from (ClauseRefusal.no_word for _ in NO_WORD.finditer(document.text))
    speaker, other = people.spoken_name(document.author), None if document.kind == "prompt" else listener(document)
    spoken_to = people.spoken_name(other) if other else None
    mentioned: list[Sequence[str]] = []
    for each in blocks:
        if each.parsed is None:
            yield ClauseRefusal(each.block.role.value)
            if each.block.role in QUOTABLE:
                yield from _quotes_of(each.block, document, speaker)
            continue
        for sentence in each.parsed.sents:
            names = _names(sentence, speaker, spoken_to, people)
            genders = {**people.genders, **_genders_of(names.values())}
            context = SpeakerContext(
                speaker=speaker,
                listener=spoken_to,
                written=document.created_at.date(),
                third=_resolved(sentence, mentioned, names, genders),
                named=_relatives(sentence, document.author, people),
                quoted=frozenset(token.i for token in sentence if each.block.is_speech(token.idx)),
            )
            found = list(_facts_of(sentence, document, each.block, context, people))
            yield from found
            if not any(isinstance(fact, Fact) for fact in found) and ClauseRefusal.question not in found:
                yield from _quote(sentence, document, each.block, context, people)
            if names:
                mentioned = remembered(mentioned, list(dict.fromkeys(names.values())), genders)


def _names(sentence: Any, speaker: str, listener: str | None, people: KnownPeople) -> dict[int, str]:
    """Return of whom a sentence speaks, by position: names, and descriptions of people who are not named."""
    talking = (speaker, listener)
    found = {token.i: str(token.text) for token in name_tokens(sentence, people.certain) if token.text not in talking}
    return dict(sorted({**unnamed(sentence, speaker=speaker, but=found), **found}.items()))


def _genders_of(names: Iterable[str]) -> dict[str, Gender]:
    return {name: gender for name in names if " " in name and (gender := GENDERED.get(name.split()[-1]))}


def _resolved(
    sentence: Any, mentioned: Sequence[Sequence[str]], names: Mapping[int, str], genders: Mapping[str, Gender]
) -> dict[int, str]:
    """Resolve the sentence's third-person pronouns: position of each -> the person meant, where that one can be named.

    A pronoun that may mean somebody without a name stays.
    """
    found = {}
    for token in sentence:
        if token.pos_ == "PRON" and token.lower_ in FORMS:
            here = list(dict.fromkeys(name for position, name in names.items() if position < token.i))
            name = antecedent(token, mentioned, here, genders)
            if name and not name.startswith(UNKNOWN):
                found[token.i] = name
    return found


def _relatives(sentence: Any, author: str, people: KnownPeople) -> dict[int, str]:
    """Name the author's relatives: position of ``sister`` in a bare ``my sister`` -> the name of the one sister."""
    found = {}
    names = people.relatives.get(author, {})
    for token in sentence:
        name = names.get(token.lower_) if token.pos_ == "NOUN" else None
        if name and any(child.dep_ == "poss" and child.lower_ == "my" for child in token.children):
            beside = [*token.children, *([token.head] if token.dep_ == "compound" else [])]
            if not any(word.pos_ == "PROPN" for word in beside):
                found[token.i] = name
    return found


def _facts_of(
    sentence: Any, document: Document, block: Block, context: SpeakerContext, people: KnownPeople
) -> Iterator[Fact | ClauseRefusal]:
    parts = clauses(sentence)
    if not parts:
        yield ClauseRefusal.no_verb
    for verb, tokens in parts:
        if not tokens:
            continue
        subject = subject_of(verb)
        yield _fact(verb, tokens, subject, document, block, context, people)
        if subject is not None and subject.i not in context.quoted and (apposition := _apposition(subject)):
            yield _kinship(subject, apposition, document, block, context, people)


def _quote(
    sentence: Any, document: Document, block: Block, context: SpeakerContext, people: KnownPeople
) -> Iterator[Fact]:
    """Yield a sentence as it was said, where no clause of it is a fact and it names something."""
    tokens = [token for token in sentence if not token.is_space]
    words = [token for token in tokens if not token.is_punct]
    if len(words) < MIN_WORDS or not any(token.pos_ in ("NOUN", "PROPN", "NUM") for token in words):
        return
    times = find_times(tokens, written=context.written, people=people.certain)
    dated = next(iter(times.items()), None)
    start, end = block.traced.span(tokens[0].idx, tokens[-1].idx + len(tokens[-1].text))
    said = document.text[start:end]
    if dated:
        begin, (after, time) = dated
        at = block.traced.span(tokens[begin].idx, tokens[after - 1].idx + len(tokens[after - 1].text))[1] - start
        said = f"{said[:at]} [{time.phrase}]{said[at:]}"
    yield _said(
        document, start, end, said, speaker=context.speaker,
        when=to_when(_text(tokens[begin:after]), time) if dated else None,
        entities=_entities(tokens, context, people),
    )  # fmt: skip


def _quotes_of(block: Block, document: Document, speaker: str) -> Iterator[Fact]:
    """Yield a paragraph that is not parsed, in pieces, as it was said."""
    for low, high in windows(block.text, LONGEST_QUOTE):
        if re.search(r"\w", block.text[low:high]):
            start, end = block.traced.span(low, high)
            yield _said(document, start, end, document.text[start:end], speaker=speaker, when=None, entities=())


def _said(
    document: Document, start: int, end: int, text: str, *, speaker: str, when: When | None, entities: Sequence[str]
) -> Fact:
    said = " ".join(text.split())
    return make_fact(
        document, start, end,
        subject=document.author,
        relation="say",
        value="",
        statement=f'{speaker} said, "{said}"',
        when=when,
        entities=(document.author, *entities),
        confidence=QUOTED,
        quote=True,
    )  # fmt: skip


def _says_something(verb: Token, tokens: Sequence[Token], subject: Token | None) -> bool:
    """Whether a clause names more than its subject: "I was on a boat", but not "I was somebody else"."""
    about = {token.i for token in subject.subtree} if subject is not None else set()
    for token in tokens:
        if token.i not in about and (token.pos_ in ("NOUN", "PROPN", "NUM") or token.dep_ in ("acomp", "xcomp")):
            return True
    return verb.pos_ == "VERB" and any(child.dep_ == "prt" for child in verb.children)


def _fact(
    verb: Token,
    tokens: list[Token],
    subject: Token | None,
    document: Document,
    block: Block,
    context: SpeakerContext,
    people: KnownPeople,
) -> Fact | ClauseRefusal:
    if verb.i in context.quoted:
        return ClauseRefusal.quoted
    if verb.tag_ == "VB" and not _has_auxiliary(verb, subject):
        return ClauseRefusal.command
    mood = mood_of(verb, subject, context.quoted)
    if mood is not Mood.asserted:
        return ClauseRefusal(mood.value)
    if subject is None:
        return ClauseRefusal.no_subject
    if len(tokens) > MAX_TOKENS:
        return ClauseRefusal.length
    if not _is_clear(tokens, subject, context):
        return ClauseRefusal.vague
    times = find_times(tokens, written=context.written, people=people.certain)
    rewriter = Rewriter(tokens, context, times)
    who = _subject_text(subject, context, rewriter)
    text = rewriter.render(tokens)
    shared = implied_subject(verb)
    if shared is not None and shared not in tokens:
        text = f"{who} {text[0].lower()}{text[1:]}"
    words = text.split()
    if not MIN_WORDS <= len(words) <= MAX_WORDS:
        return ClauseRefusal.length
    if not _says_something(verb, tokens, subject):
        return ClauseRefusal.says_nothing
    relation, value = _predicate(verb, tokens, rewriter)
    dated = next(((start, end) for start, (end, _) in times.items() if belongs_to(tokens[end - 1], verb)), None)
    canonical = people.canonical(who)
    start, end = block.traced.span(tokens[0].idx, tokens[-1].idx + len(tokens[-1].text))
    inferred = _is_pronoun(subject) or _was_added(subject, document, block)
    return make_fact(
        document, start, end,
        subject=canonical,
        relation=relation,
        value=value,
        statement=f"{text[0].upper()}{text[1:]}{'' if ENDED.search(text) else '.'}",
        when=to_when(_text(tokens[slice(*dated)]), times[dated[0]][1]) if dated else None,
        entities=(canonical, *_entities(tokens, context, people)),
        confidence=_confidence(complete=bool(value), inferred=inferred),
    )  # fmt: skip


def _is_clear(tokens: Sequence[Token], subject: Token, context: SpeakerContext) -> bool:
    """Whether a clause can be understood without the text around it: its subject, and whatever it points at."""
    nobody = (VAGUE | INDEFINITE | UNRESOLVED) - ({"you"} if context.listener else set())
    named = {*context.third, *context.named}
    if subject.lower_ in nobody and subject.i not in named:
        return False
    if any(child.lower_ in POINTING for child in subject.children if child.dep_ == "det"):
        return False
    inside = {token.i for token in subject.subtree}
    for token in tokens:
        points = token.lower_ in UNRESOLVED and token.i not in named and token.i not in context.quoted
        if points and token.pos_ in ("PRON", "DET") and token.dep_ not in ("expl", "mark", "det", "relcl"):
            before = [word for word in tokens if word.i < token.i and word.pos_ in ("NOUN", "PROPN")]
            if token.i in inside or not any(_may_mean(token, word) for word in before):
                return False
    return True


def _may_mean(pronoun: Token, noun: Token) -> bool:
    """Whether a pronoun may stand for a noun before it in its clause: ``bought two bikes and sold them``."""
    if pronoun.lower_ in ("it", "its", "this", "that"):
        return bool(noun.pos_ == "NOUN" and noun.tag_ == "NN")
    if pronoun.lower_ in ("they", "them", "their", "theirs"):
        return bool(noun.tag_ in ("NNS", "NNPS") or any(child.dep_ == "conj" for child in noun.children))
    return noun.lower_ in GENDERED or noun.lemma_.lower() in PEOPLE


def _was_added(subject: Token, document: Document, block: Block) -> bool:
    """Whether the subject is an ``I`` that the text leaves out."""
    start, end = block.traced.span(subject.idx, subject.idx + 1)
    return bool(subject.lower_ == "i" and not WRITTEN_I.match(document.text[start:end]))


def _text(tokens: Sequence[Token]) -> str:
    return "".join(token.text_with_ws for token in tokens)


def _confidence(*, complete: bool, inferred: bool) -> float:
    """Return 0.9 for explicit subject, verb and complement, and less for each that is inferred or missing."""
    return round(0.9 - 0.2 * (not complete) - 0.1 * inferred, 2)


def _is_pronoun(subject: Token) -> bool:
    return subject.pos_ == "PRON" and subject.lower_ not in FIRST


def _has_auxiliary(verb: Token, subject: Token | None) -> bool:
    return subject is not None and any(child.dep_ in ("aux", "auxpass") for child in verb.children)


def _subject_text(subject: Token, context: SpeakerContext, rewriter: Rewriter) -> str:
    """Name the subject: by the name in apposition or of the relative, who the pronoun means, or the noun phrase."""
    if subject.i in context.named:
        return context.named[subject.i]
    if apposition := _apposition(subject):
        return str(" ".join(token.text for token in apposition.subtree if token.dep_ in ("compound", "appos")))
    inside = {token.i for token in subject.subtree if token.dep_ not in ("relcl", "acl")}
    phrase = [token for token in subject.subtree if token.i in inside and _before_relative(token, subject)]
    # The clause left out of "Sanne, who has the desk beside mine," leaves its commas.
    return rewriter.render(phrase).strip(" ,;:–—")


def _before_relative(token: Token, subject: Token) -> bool:
    node = token
    while node.i != subject.i:
        if node.dep_ in ("relcl", "acl", "appos"):
            return False
        node = node.head
    return True


def _apposition(subject: Token) -> Token | None:
    """Return the name in ``my sister Ilse``; None if there is none."""
    possessed = any(child.dep_ == "poss" for child in subject.children)
    for child in subject.children:
        if possessed and child.dep_ == "appos" and child.pos_ == "PROPN":
            return child
    return None


def _kinship(
    subject: Token, name: Token, document: Document, block: Block, context: SpeakerContext, people: KnownPeople
) -> Fact:
    """Make the fact that an apposition states: ``my sister Ilse`` says that Ilse is the speaker's sister."""
    who = people.canonical(" ".join(token.text for token in name.subtree if token.dep_ in ("compound", "appos")))
    role = [token for token in subject.subtree if token.i < name.left_edge.i and not token.is_punct]
    value = Rewriter(role, context, {}).render(role)
    phrase = list(subject.subtree)
    start, end = block.traced.span(phrase[0].idx, phrase[-1].idx + len(phrase[-1].text))
    return make_fact(
        document, start, end,
        subject=who,
        relation="be",
        value=value,
        statement=f"{people.spoken_name(who)} is {value}.",
        when=None,
        entities=(who, people.canonical(context.speaker)),
        confidence=0.8,
    )  # fmt: skip


def _predicate(verb: Token, tokens: Sequence[Token], rewriter: Rewriter) -> tuple[str, str]:
    """Return the relation (lemma with negation, particle and preposition) and the complement's text."""
    inside = {token.i for token in tokens}
    children = [child for child in verb.children if child.i in inside]
    relation = verb.lemma_.lower()
    if any(child.dep_ == "neg" for child in children):
        relation = f"not {relation}"
    if particle := next((child for child in children if child.dep_ == "prt"), None):
        relation = f"{relation} {particle.lower_}"
    for kind in COMPLEMENTS:
        if found := next((child for child in children if child.dep_ == kind), None):
            return relation, _phrase(found, inside, rewriter)
    for preposition in children:
        if preposition.dep_ in ("prep", "agent"):
            target = next((child for child in preposition.children if child.dep_ in ("pobj", "pcomp")), None)
            if target is not None and target.ent_type_ not in ("DATE", "TIME"):
                return f"{relation} {preposition.lower_}", _phrase(target, inside, rewriter)
    for kind in CLAUSAL:
        if found := next((child for child in children if child.dep_ == kind), None):
            return relation, _phrase(found, inside, rewriter)
    return relation, ""


def _phrase(head: Token, inside: set[int], rewriter: Rewriter) -> str:
    """Render a complement's subtree without the time expressions at its end and without later coordinated clauses."""
    tokens = [token for token in head.subtree if token.i in inside]
    while len(tokens) > 1 and (tokens[-1].is_punct or tokens[-1].ent_type_ == "DATE" or tokens[-1].pos_ == "ADP"):
        tokens.pop()
    return rewriter.render(tokens)


def _entities(tokens: Sequence[Token], context: SpeakerContext, people: KnownPeople) -> list[str]:
    inside = {token.i for token in tokens}
    names = []
    for token in tokens:
        if token.i in context.quoted:
            continue
        if token.i in context.named:
            names.append(people.canonical(context.named[token.i]))
        if token.lower_ in (*FIRST, "my", "mine", *GROUP):
            names.append(people.canonical(context.speaker))
        elif token.lower_ in (*SECOND, "your") and context.listener:
            names.append(people.canonical(context.listener))
    if tokens:
        for entity in tokens[0].sent.ents:
            if entity.label_ in NAMED and entity.start in inside:
                names.append(people.canonical(entity.text.strip().removesuffix("'s").removesuffix("’s")))
    return names
