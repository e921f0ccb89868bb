"""From a fact to its clause, by the dependency parse of its statement."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mealign.names import short_name
from mealign.progress import track
from mealign.records import Fact
from mealign.tasks.dates import TimePhrase, take_time_phrase, written
from mealign.tasks.grammar import (
    BE,
    FIRST_PERSON,
    RECIPIENTS,
    SECOND_PERSON,
    Answers,
    Clause,
    Constituent,
    Phrase,
    Role,
    Unparsed,
    Word,
    say,
)
from mealign.tasks.lexicon import (
    DROPPED_ADVERBS,
    HOLIDAYS,
    MOTION_VERBS,
    PEOPLE_NOUNS,
    PLACE_NOUNS,
    REPORTING_VERBS,
    STATIVE_VERBS,
)
from mealign.tasks.statements import people_in, tidy
from mealign.words import word_set

_AUXILIARIES = {
    "ca": "can", "wo": "will", "sha": "shall", "'ll": "will", "'ve": "have", "'re": "are", "'m": "am", "’ll": "will",
    "’ve": "have", "’re": "are",
}  # fmt: skip
_PRONOUNS = {
    "subject": ("I", "you"),
    "object": ("me", "you"),
    "possessive": ("my", "your"),
    "alone": ("mine", "yours"),
}
"""What replaces the user's name in the first and in the second person."""

_HEDGES = frozenset(
    {"nearly", "almost", "hardly", "barely", "never", "supposedly", "would", "could", "might", "should", "'d"}
)
_RECENT = frozenset({"now", "nowadays", "currently"})
_TITLES = frozenset({"Mr", "Mrs", "Ms", "Miss", "Dr", "Oma", "Opa", "Aunt", "Uncle", "Grandma", "Grandpa", "Van", "De"})
_AT_PEOPLE = word_set("look laugh smile shout wave nod point yell stare")
_TO_PEOPLE = word_set("talk speak listen wave turn lose propose explain introduce apologise apologize say belong")
_MISREAD_LEMMAS = {"hat": "hate", "bath": "bathe", "bit": "bite", "ca": "can", "found": "find", "hop": "hope"}
_CLOCK = re.compile(r"\d{1,2}[:.]\d{2}|noon|midnight|half past \w+|\w+ o'clock", re.IGNORECASE)
_INDEFINITE = frozenset({"a", "an", "some", "any", "no", "this", "that", "these", "those"})
_KNOWN_AUXILIARIES = BE | word_set(
    "be been being have has had do does did will would can could may might shall should must"
)
_SKIPPED = frozenset({"relcl", "advcl", "parataxis", "npadvmod"})
_IDIOMS = word_set("way case course fact example least once end all first last hand")
_NO_KINDS = word_set("cream thing things sort bit lot pair cup glass piece time times way day days")
_FREQUENCY = re.compile(r"^(?:every|each|once|twice|three times|several times|daily|weekly)\b", re.IGNORECASE)


def load_parser(folder: Path | None) -> Any:
    """Load spaCy's English pipeline; ``None`` means the installed ``en_core_web_sm``.

    Its tokeniser is configured to keep ``thought-provoking`` whole: as three words it would become a verb with an
    object.
    """
    import spacy
    from spacy.util import compile_infix_regex

    pipeline = spacy.load("en_core_web_sm" if folder is None else folder)
    infixes = [pattern for pattern in pipeline.Defaults.infixes if "--" not in pattern and "(?:-|" not in pattern]
    pipeline.tokenizer.infix_finditer = compile_infix_regex(infixes).finditer
    return pipeline


def parse_clauses(
    facts: Sequence[Fact], *, person: str, nlp: Any, speakers: Collection[str] = (), batch_size: int = 128
) -> list[Clause | Unparsed]:
    """Parse the statement of every fact, in the order given.

    The time phrase is taken out first, which makes the parse of what is left more reliable. ``speakers`` are names of
    people, whatever the parser thinks they are.
    """
    sentences = [tidy(fact, person=person) for fact in facts]
    bare = [take_time_phrase(sentence or "") for sentence in sentences]
    texts = [text for text, _ in bare]
    docs = list(track(nlp.pipe(texts, batch_size=batch_size), "read facts", total=len(texts)))
    people = people_in(docs, facts, person=person, speakers=speakers)
    subjects = {fact.subject.split()[0] for fact in facts}
    return [
        _ClauseParser(doc, fact, user=short_name(person), people=people, subjects=subjects).clause(when)
        if sentence
        else Unparsed("uncertain")
        for doc, fact, sentence, (_, when) in zip(docs, facts, sentences, bare, strict=True)
    ]


class _ClauseParser:
    """Turns one parsed statement into a clause."""

    def __init__(self, doc: Any, fact: Fact, *, user: str, people: set[str], subjects: set[str]) -> None:
        self._doc = doc
        self._fact = fact
        self._user = user
        self._names = people
        self._certain = people & subjects
        self._subject: Any = None

    def clause(self, when: TimePhrase | None) -> Clause | Unparsed:
        """Return the main clause, or why there is none."""
        sentences = [sentence for sentence in self._doc.sents if len(sentence) > 2]
        if len(sentences) != 1:
            return Unparsed("more_than_one_sentence")
        root = sentences[0].root
        subjects = [child for child in root.lefts if child.dep_ in ("nsubj", "nsubjpass")]
        if root.pos_ not in ("VERB", "AUX") or not subjects:
            return Unparsed("no_clause")
        if root.lemma_ in REPORTING_VERBS and not any(child.dep_ == "dobj" for child in root.rights):
            return Unparsed("reported_speech")
        if root.lemma_ == "say" or any(
            child.dep_ == "ccomp" and root.lemma_ in REPORTING_VERBS for child in root.rights
        ):
            return Unparsed("reported_speech")
        if any(child.lower_ in _HEDGES for child in root.lefts):
            return Unparsed("hedged")
        if any(token.lower_ in ("so", "such") and token.dep_ in ("advmod", "predet", "amod") and token.i > root.i
               for token in self._doc):  # fmt: skip
            return Unparsed("exclamation")
        if any(token.pos_ == "PRON" and token.dep_ in ("nsubj", "nsubjpass", "poss") for token in
               [subjects[0], *subjects[0].lefts]):  # fmt: skip
            return Unparsed("pronoun_subject")
        if any(child.dep_ in ("csubj", "expl") for child in root.children):
            return Unparsed("no_clause")
        if subjects[0].pos_ not in ("NOUN", "PROPN") or any(
            child.lower_ in _INDEFINITE or child.dep_ == "nummod" for child in subjects[0].lefts
        ):
            return Unparsed("indefinite_subject")
        self._subject = subjects[0]
        problem = self._wrong_subject(root)
        if problem:
            return Unparsed(problem)
        subject = self._words(self._subject_phrase())
        auxiliaries = [self._auxiliary(token) for token in root.lefts if token.dep_ in ("aux", "auxpass")]
        if not set(auxiliaries) <= _KNOWN_AUXILIARIES or root.lower_.startswith(("wanna", "gonna", "gotta")):
            return Unparsed("unknown_auxiliary")
        return Clause(
            fact=self._fact,
            subject=subject,
            subject_head=self._subject.lemma_.lower(),
            subject_is_user=self._is_user(self._subject),
            subject_is_person=self._is_person(self._subject),
            subject_name=self._subject.text if self._subject.text in self._names and len(subject) == 1 else "",
            plural=self._subject.tag_ in ("NNS", "NNPS") or any(t.dep_ == "conj" for t in self._subject.children),
            auxiliaries=tuple(auxiliaries),
            negated=any(token.dep_ == "neg" for token in root.children),
            verb=root.text.lower() if not root.ent_type_ else root.text,
            lemma=_lemma(root),
            past=root.tag_ == "VBD",
            parts=tuple(self._parts(root)),
            when=when or self._day_of_writing(root),
            recent=any(token.lower_ in _RECENT for token in root.children),
        )

    def _subject_phrase(self) -> list[Any]:
        """Return a name without modifiers: the parser tends to attach ``On Sundays`` to the ``Nadia`` that follows."""
        token = self._subject
        if token.text not in self._names or any(child.dep_ in ("conj", "poss", "det") for child in token.children):
            return self._noun_phrase(token)
        titled = [t for t in token.lefts if t.i == token.i - 1 and (t.text in self._names or t.text in _TITLES)]
        return [*titled, token]

    def _day_of_writing(self, root: Any) -> TimePhrase | None:
        """Return the time of a past event that names none: the day on which it was told."""
        if root.tag_ != "VBD" or _lemma(root) in STATIVE_VERBS or self._fact.valid_from is None:
            return None
        if any(token.ent_type_ in ("DATE", "TIME") for token in self._doc):  # "for 34 years", "when I was a child"
            return None
        return TimePhrase(preposition="on", answer=written(self._fact.valid_from))

    def _wrong_subject(self, root: Any) -> str | None:
        """Return why the clause has the wrong subject, or one that is its object too; None if it has the right one."""
        named = self._fact.subject.split()[0]
        if (
            self._fact.subject[:1].isupper()
            and named in self._names
            and not any(token.text == named for token in self._subject.subtree)
        ):
            return "another_subject"
        for token in self._doc:
            again = token.text == self._subject.text and self._subject.pos_ == "PROPN" and token.i != self._subject.i
            if again and token.dep_ in ("dobj", "pobj", "attr", "dative", "appos", "npadvmod", "oprd"):
                return "speaks_of_itself"
        return None

    def _parts(self, root: Any) -> Iterable[Constituent]:
        for child in root.rights:
            if child.dep_ in ("punct", "cc"):
                continue
            if child.dep_ == "conj" and child.pos_ in ("VERB", "AUX"):
                return
            yield from self._part(child, root)

    def _part(self, token: Any, verb: Any) -> Iterable[Constituent]:
        match token.dep_:
            case "neg" | "aux" | "auxpass" | "dep" | "intj" | "mark":
                return
            case "prt":
                yield Constituent("verb", self._words([token]))
            case "dobj" if any(t.dep_ in ("dobj", "dative") for t in token.head.rights if t.i > token.i):
                yield self._noun_part("recipient", token)
            case "dative" if token.pos_ != "ADP":
                yield self._noun_part("recipient", token)
            case "dobj":
                yield self._noun_part("object", token)
            case "attr":
                yield self._noun_part("attribute", token)
            case "prep" | "dative" | "agent":
                yield from self._prepositional(token, verb)
            case "acomp" | "oprd":
                yield from self._state(token, verb)
            case "xcomp":
                yield from self._activity(token, verb)
            case "ccomp":
                yield Constituent("state", self._words(list(token.subtree)), lead="", head=token.lemma_.lower())
            case "advcl" if token.tag_ == "VBG" and token.i == verb.i + 1:
                yield from self._activity(token, verb)
            case "advcl":
                yield from self._reason(token)
            case "npadvmod":
                text = self._words(list(token.subtree))
                if _FREQUENCY.match(say(text, "third")):
                    yield Constituent("frequency", text)
                elif token.ent_type_ not in ("DATE", "TIME"):
                    yield Constituent("verb", text)
            case "advmod":
                own = [t for t in token.subtree if t.i <= token.i]
                if token.lower_ not in (*DROPPED_ADVERBS, "ago"):
                    yield Constituent("verb", self._words(own))
                for child in token.rights:
                    if child.dep_ == "prep":
                        yield from self._prepositional(child, verb)
            case _:
                return

    def _noun_part(self, role: Role, token: Any, lead: str = "") -> Constituent:
        tokens = self._noun_phrase(token)
        left = [child for child in token.lefts if child.dep_ in ("amod", "compound") and child.pos_ != "PROPN"]
        number = next((child for child in token.lefts if child.dep_ == "nummod"), None)
        determiner = any(child.lower_ in ("the", "this", "that") or child.dep_ == "poss" for child in token.lefts)
        after_number = [t.text for t in tokens if number is not None and t.i > number.i]
        plain = not determiner and number is None and all(t.dep_ != "conj" for t in tokens)
        kind = token.text if left and plain and all(t.tag_ != "VBG" for t in left) else ""
        kind = "" if kind.lower() in _NO_KINDS else kind
        named = next((c for c in token.children if c.dep_ == "acl" and c.lemma_ in ("name", "call")), None)
        name = [t.text for t in named.subtree if t.i > named.i] if named is not None else []
        return Constituent(
            role,
            self._words(tokens),
            lead=lead,
            head=token.lemma_.lower(),
            answers=self._answers(token),
            count=number.text if number is not None and after_number not in ([], ["more"]) else "",
            noun=" ".join(after_number),
            kind=kind,
            name=" ".join(name),
            pronoun=token.pos_ == "PRON",
        )

    def _prepositional(self, token: Any, verb: Any) -> Iterable[Constituent]:
        if token.lower_ == "because":
            yield Constituent("reason", self._words(list(token.subtree)))
            return
        noun = next((child for child in token.rights if child.dep_ in ("pobj", "pcomp")), None)
        inner = next((child for child in token.rights if child.dep_ == "prep"), None)
        if noun is None and inner is not None:  # "out of the house"
            noun = next((child for child in inner.rights if child.dep_ == "pobj"), None)
        if noun is None:
            return
        lead = " ".join(
            t.lower_ for t in self._doc[token.i : noun.left_edge.i] if t.dep_ in ("prep", "advmod", "dative", "agent")
        )
        words = self._words(self._noun_phrase(noun))
        if lead == "at" and (clock := _CLOCK.search(say(words, "third"))):
            yield Constituent("clock", (Word.same(clock[0]),), lead=lead)
            return
        if noun.lower_ in HOLIDAYS or (lead in ("from", "to") and noun.like_num):
            return
        if lead == "at" and (noun.like_num or noun.lower_ == "half"):
            return
        if noun.lemma_.lower() in _IDIOMS and not any(
            child.dep_ in ("amod", "poss", "prep") for child in noun.children
        ):
            return
        if noun.ent_type_ in ("DATE", "TIME") or noun.lemma_ in ("week", "month", "year", "day", "hour", "minute"):
            if lead == "for" and any(_is_amount(child) for child in noun.children):
                yield Constituent("duration", words, lead=lead)
            return
        part = self._noun_part("prepositional", noun, lead or token.lower_)
        if noun.dep_ == "pcomp":
            part = replace(part, words=self._words(list(noun.subtree)), kind="", count="")
        yield replace(part, answers="place") if self._is_place(noun, lead, verb) else part

    def _is_place(self, noun: Any, lead: str, verb: Any) -> bool:
        """Decide by verbs and prepositions such as ``to`` and ``in``: the parser's place names are unreliable."""
        if noun.lemma_.lower() in PEOPLE_NOUNS or noun.pos_ == "VERB" or noun.tag_ == "CD":
            return False
        if noun.pos_ == "PROPN" and (lead in ("in", "near") or (lead == "at" and verb.lemma_ not in _AT_PEOPLE)):
            return True
        unsure = noun.pos_ == "PROPN" and noun.text not in self._certain
        named = unsure and lead == "to" and verb.lemma_ not in _TO_PEOPLE | RECIPIENTS["to"]
        if self._is_person(noun) and not named:
            return False
        return (
            named or (lead in ("to", "into") and verb.lemma_ in MOTION_VERBS) or (lead == "on" and noun.pos_ == "PROPN")
        )

    def _state(self, token: Any, verb: Any) -> Iterable[Constituent]:
        """Yield an adjective: its own words are one part, its complement (``allergic to peanuts``) is another."""
        own = [t for t in token.lefts if t.dep_ in ("advmod", "neg", "det", "amod", "compound", "poss")] + [token]
        hanging = [child for child in token.rights if child.dep_ in ("prep", "xcomp", "ccomp")]
        chained = [child for child in token.rights if child.dep_ in ("cc", "conj")]
        if chained and not hanging:
            own += [t for child in chained for t in child.subtree]
        yield Constituent(
            "verb" if hanging else "state", self._words(sorted(own, key=lambda t: t.i)), head=token.lemma_.lower()
        )
        for child in hanging:
            yield from self._part(child, verb)

    def _activity(self, token: Any, verb: Any) -> Iterable[Constituent]:
        """Yield a chained verb: ``wants to buy a car`` can be asked for the car and, as a whole, for what is wanted."""
        start = [t for t in token.lefts if t.dep_ in ("aux", "neg", "auxpass", "advmod", "mark")]
        if token.pos_ not in ("VERB", "AUX"):
            yield from self._state(token, verb)
            return
        yield Constituent("activity", self._words([*start, token]), head=token.tag_, lemma=_lemma(token))
        yield from self._parts(token)

    def _reason(self, token: Any) -> Iterable[Constituent]:
        marks = [t.lower_ for t in token.lefts if t.dep_ == "mark"]
        infinitive = any(t.lower_ == "to" and t.dep_ == "aux" for t in token.lefts)
        if "because" in marks or infinitive:
            words = self._words(list(token.subtree))
            yield Constituent("reason", words)

    def _noun_phrase(self, token: Any) -> list[Any]:
        tokens = sorted(_phrase_tokens(token), key=lambda t: t.i)
        while tokens and (tokens[-1].is_punct or tokens[-1].dep_ == "cc") and tokens[-1].text not in "\"')”’":
            tokens.pop()
        return tokens

    def _answers(self, token: Any) -> Answers:
        if self._is_person(token):
            return "person"
        if token.ent_type_ in ("GPE", "LOC", "FAC") or token.lemma_.lower() in PLACE_NOUNS:
            return "place"
        return "thing"

    def _is_person(self, token: Any) -> bool:
        if token.lemma_.lower() in PEOPLE_NOUNS:
            return True
        around = {child.lower_ for child in token.lefts}
        return token.text in self._names and not around & (PLACE_NOUNS | {"the"})

    def _is_user(self, token: Any) -> bool:
        return bool(token.text == self._user)

    def _auxiliary(self, token: Any) -> str:
        if token.lower_ in ("'s", "’s"):
            return "has" if token.head.tag_ == "VBN" and token.dep_ == "aux" else "is"
        if token.lower_ in ("'d", "’d"):
            return "had" if token.head.tag_ == "VBN" else "would"
        return str(_AUXILIARIES.get(token.lower_, token.lower_))

    def _words(self, tokens: Sequence[Any]) -> Phrase:
        words: list[Word] = []
        chosen = {token.i for token in tokens}
        for token in sorted(tokens, key=lambda t: t.i):
            if token.tag_ == "POS" and words and token.i - 1 in chosen:
                words[-1] = self._possessive(words[-1], token)
                continue
            space = bool(token.whitespace_) or token.i + 1 not in chosen
            words.append(self._word(token, space))
        return tuple(words)

    def _word(self, token: Any, space: bool) -> Word:
        text = token.text
        if (
            token.i == 0
            and token.text not in self._names
            and (token.pos_ == "DET" or (token.pos_ != "PROPN" and not token.ent_type_))
        ):
            text = text if text.isupper() and len(text) > 1 else text[0].lower() + text[1:]
        if self._is_user(token):
            return Word(text, *_PRONOUNS[_position(token)], space)
        if token.tag_ == "VBZ" and any(child.dep_ == "nsubj" and self._is_user(child) for child in token.lefts):
            return Word(text, FIRST_PERSON.get(text, _lemma(token)), SECOND_PERSON.get(text, _lemma(token)), space)
        if token.lower_ == "was" and any(child.dep_ == "nsubj" and self._is_user(child) for child in token.lefts):
            return Word(text, text, "were", space)
        return Word.same(text, space=space)

    def _possessive(self, word: Word, token: Any) -> Word:
        if word.first != word.third:
            alone = token.head.dep_ != "poss"
            return Word(
                word.third + token.text, *_PRONOUNS["alone" if alone else "possessive"], bool(token.whitespace_)
            )
        text = word.third + token.text
        return Word.same(text, space=bool(token.whitespace_))


def _position(name: Any) -> str:
    whole = name.head if name.dep_ == "conj" else name
    finite = not any(child.lower_ == "to" and child.dep_ == "aux" for child in whole.head.lefts)
    return "subject" if whole.dep_ in ("nsubj", "nsubjpass") and finite else "object"


def _lemma(verb: Any) -> str:
    # The lemmatiser takes some verbs for auxiliaries and calls them "be".
    if verb.lemma_ == "be" and verb.lower_ not in (*BE, "be", "been", "being"):
        return str(verb.lower_.removesuffix("s"))
    lemma = str(verb.lemma_.lower())
    return _MISREAD_LEMMAS.get(lemma, lemma)


def _is_amount(token: Any) -> bool:
    return token.dep_ == "nummod" or token.lower_ in ("a", "an", "several", "many", "few")


def _phrase_tokens(token: Any) -> list[Any]:
    """Return a noun's words without the clauses that depend on it."""
    tokens = [token]
    for child in token.children:
        if child.dep_ in _SKIPPED or (child.dep_ == "acl" and len(list(child.subtree)) > 4):
            continue
        if child.dep_ == "conj" and child.pos_ in ("VERB", "AUX") and token.pos_ not in ("VERB", "AUX"):
            continue
        tokens += _phrase_tokens(child)
    return tokens
