"""Questions that the memory does not answer, each derived from one that it does answer.

The memory then holds facts that look like an answer: another person's, another day's, or the same event without the
detail. Every fact is checked conservatively for an answer after all.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from functools import lru_cache

import snowballstemmer

from mealign.names import short_name
from mealign.records import ABSTENTION, Fact
from mealign.tasks.dates import day_of, written
from mealign.tasks.grammar import Clause, Voice, ask, say, say_subject
from mealign.tasks.questions import Draft, Skipped, content_words, make_draft
from mealign.words import word_set

KNOWN_SHARE = 0.02
"""People are asked about if at least this share of all drafts about people is about them."""

_STEMMER = snowballstemmer.stemmer("english")
_GENDERED = re.compile(r"\b(?:he|she|him|her|his|hers|himself|herself)\b", re.IGNORECASE)
_WEAK = frozenset(
    {"nice", "new", "day", "time", "year", "week", "first", "last", "people", "person", "before", "really"}
)
_SHARED = word_set("go eat watch visit see travel hike walk cook bake cycle swim paint attend celebrate")
_OWNED = word_set("buy order")
_OFFSETS = (5, -6, 9, -11, 16, -19)


def other_people(drafts: Sequence[Draft], facts: Sequence[Fact], *, person: str) -> list[Draft]:
    """Ask about one person what only another person's fact says."""
    user = short_name(person)
    counts = Counter(draft.clause.subject_name for draft in drafts)
    named = sum(count for name, count in counts.items() if name)
    people = sorted(name for name, count in counts.items() if name and count > max(1, KNOWN_SHARE * named))
    stems = {name: [_stems(fact.statement) for fact in facts if _mentions(fact, name)] for name in people}
    made = []
    for draft in drafts:
        if draft.asks in ("subject", "relative", "likes", "feeling") or not draft.clause.subject_is_person:
            continue
        owner = _owner(draft, user, people)
        if owner is None or _GENDERED.search(draft.third):
            continue
        spoken_of = f"{draft.third} {draft.clause.fact.statement}"
        # Questions are moved to the user first: "When did I ...?" must not always have an answer.
        for name in [user, *_rotated(people, draft)] if user in people else _rotated(people, draft):
            if name == owner or re.search(rf"\b{re.escape(name)}\b", spoken_of):
                continue
            twisted = _of_another(draft, owner, name, user)
            if not _may_answer(twisted.third, stems[name], names={owner, name}):
                made.append(twisted)
                break
    return made


def unsaid_details(clauses: Mapping[str, Clause], facts: Sequence[Fact]) -> Iterator[Draft | Skipped]:
    """Ask for what nobody wrote down: the price, the shop, the company, the reason."""
    said = [_stems(fact.statement) for fact in facts]
    for clause in clauses.values():
        if not clause.past or clause.negated or clause.copular or not clause.subject_is_person or not clause.parts:
            continue
        mine = _stems(clause.fact.statement)
        if sum(len(mine & other) >= max(3, len(mine) // 2) for other in said) > 1:
            continue  # another fact is about the same and may have the detail
        yield from _details(clause)


def other_days(clauses: Mapping[str, Clause], facts: Sequence[Fact]) -> list[Draft]:
    """Ask what happened on a day about which no fact says anything."""
    taken = {fact.valid_from for fact in facts} | {day_of(fact.statement) for fact in facts}
    made = []
    for clause in clauses.values():
        day = day_of(clause.when.answer) if clause.when is not None and clause.when.preposition == "on" else None
        if day is None or not clause.past or not clause.subject_is_person:
            continue
        free = next((moved for offset in _OFFSETS if (moved := day + timedelta(days=offset)) not in taken), None)
        if free is None:
            continue
        asked = {voice: f"What did {say_subject(clause, voice)} do on {written(free)}?" for voice in ("third", "first")}
        made.append(_unanswerable(clause, "other_day", asked["third"], asked["first"]))
    return made


def _details(clause: Clause) -> Iterator[Draft | Skipped]:
    roles = {part.role for part in clause.parts}
    leads = {part.lead for part in clause.parts}
    voices: tuple[Voice, ...] = ("third", "first")
    things = [part for part in clause.parts if part.role == "object"]
    if clause.lemma in _OWNED and things:
        thing = things[0]
        yield _checked(
            clause,
            "price",
            {v: f"How much did {say_subject(clause, v)} pay for {say(thing.words, v)}?" for v in voices},
        )
        if not leads & {"at", "from", "in"}:
            yield _checked(clause, "shop", {v: ask(clause, "Where", voice=v, at_most=1) for v in voices})
    if clause.lemma in _SHARED and "with" not in leads and not clause.plural:
        yield _checked(clause, "company", {v: ask(clause, "Who", voice=v, tail="with", at_most=1) for v in voices})
    if "reason" not in roles and "for" not in leads:
        yield _checked(clause, "unsaid_reason", {v: ask(clause, "Why", voice=v, at_most=2) for v in voices})


def _checked(clause: Clause, asks: str, question: dict[Voice, str]) -> Draft | Skipped:
    return make_draft(
        clause, family="unanswerable", asks=asks, question=question, answer={"third": ABSTENTION, "second": ABSTENTION}
    )


def _unanswerable(clause: Clause, asks: str, third: str, first: str) -> Draft:
    personal = first if first != third else ""
    return Draft(
        family="unanswerable",
        asks=asks,
        third=third,
        answer=ABSTENTION,
        first=personal,
        second=ABSTENTION if personal else "",
        fact_ids=(clause.fact.id,),
        clause=clause,
    )


def _owner(draft: Draft, user: str, people: Sequence[str]) -> str | None:
    """Return the only person whom the question names and who can be replaced by another; None for none or several."""
    named = [name for name in {user, *people} if re.search(rf"\b{re.escape(name)}\b", draft.third)]
    return named[0] if len(named) == 1 else None


def _rotated(people: Sequence[str], draft: Draft) -> list[str]:
    """Rotate the people by the fact's id, so that all of them are asked about."""
    if not people:
        return []
    start = int(draft.fact_ids[0][-4:], 16) % len(people)
    return [*people[start:], *people[:start]]


def _of_another(draft: Draft, owner: str, name: str, user: str) -> Draft:
    third = re.sub(rf"\b{re.escape(owner)}\b", lambda _: name, draft.third)
    first = _as_user(third, user) if name == user else ""
    return _unanswerable(draft.clause, "other_person", third, first or third)


def _as_user(question: str, user: str) -> str:
    """``Where does Nadia work?`` becomes ``Where do I work?``."""
    question = re.sub(rf"\b{re.escape(user)}'s\b", "my", question)
    verbs = {"does": "do", "is": "am", "has": "have"}
    return re.sub(
        rf"\b(\w+) {re.escape(user)}\b", lambda match: f"{verbs.get(match[1], match[1])} I", question, count=1
    )


def _mentions(fact: Fact, name: str) -> bool:
    return re.search(rf"\b{re.escape(name)}\b", fact.statement) is not None


def _may_answer(question: str, known: Sequence[set[str]], *, names: set[str]) -> bool:
    asked = {stem for stem in _stems(question) if stem not in {_stem(name.lower()) for name in names}}
    needed = max(1, (len(asked) + 1) // 2)
    return not asked or any(len(asked & stems) >= needed for stems in known)


def _stems(text: str) -> set[str]:
    return {_stem(word) for word in content_words(text) - _WEAK if not word.isdigit()}


@lru_cache(maxsize=100_000)
def _stem(word: str) -> str:
    return str(_STEMMER.stemWord(word))
