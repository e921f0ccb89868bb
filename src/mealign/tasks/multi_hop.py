"""Questions that need two facts or more: a person described by another fact, a list, the order of two events."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from mealign.names import short_name
from mealign.records import Fact
from mealign.tasks.dates import TimePhrase, day_of
from mealign.tasks.grammar import Clause, Voice, predicate, say, say_subject
from mealign.tasks.lexicon import PEOPLE_NOUNS
from mealign.tasks.questions import Draft, Skipped, content_words, make_draft, problem

MAX_LISTED = 4
MAX_BRIDGES = 2
_LISTABLE = frozenset({"object", "in", "at", "to", "subject", "event", "activity", "with", "about", "from", "time"})


def bridges(clauses: Mapping[str, Clause], drafts: Sequence[Draft], *, person: str) -> Iterator[Draft | Skipped]:
    """Ask about a person by what another fact says about them: ``Where does Nadia's sister work?``."""
    descriptions = _descriptions(clauses.values(), person)
    about: dict[str, list[Draft]] = defaultdict(list)
    for draft in drafts:
        if (
            draft.clause.subject_name
            and not draft.clause.subject_is_user
            and draft.asks not in ("subject", "relative", "event")
        ):
            about[draft.clause.subject_name].append(draft)
    for name, known in descriptions.items():
        for position, draft in enumerate(about.get(name, ())):
            others = [description for description in known if description.fact.id != draft.clause.fact.id]
            roles = [description for description in others if not description.third.startswith("the person")]
            # Descriptions take turns from question to question, so that no fact is used in all of them.
            chosen = roles[:1] + [others[(position + shift) % len(others)] for shift in range(min(2, len(others)))]
            for description in list(dict.fromkeys(chosen))[:MAX_BRIDGES]:
                yield _bridge(draft, name, description)


def lists(groups: Mapping[tuple[str, ...], Sequence[Draft]]) -> list[Draft]:
    """Ask for all answers to a question that several facts answer: ``What did Nadia paint?``: ``a lake, a horse``."""
    made = []
    for (_, _, asks), group in groups.items():
        if asks not in _LISTABLE:
            continue
        same: dict[str, list[Draft]] = defaultdict(list)
        for draft in group:
            same[draft.third.lower()].append(draft)
        for drafts in same.values():
            made += _list(drafts)
    return made


def orders(clauses: Mapping[str, Clause], *, seed: int) -> list[Draft]:
    """Ask which of two dated events came first; every event is used once."""
    events: dict[str, list[Clause]] = defaultdict(list)
    for clause in clauses.values():
        if _is_dated_event(clause):
            events[clause.fact.subject].append(clause)
    made = []
    for subject in sorted(events):
        chosen = sorted(events[subject], key=lambda clause: clause.fact.id)
        random.Random(f"{seed}:{subject}").shuffle(chosen)
        pairs = zip(chosen[::2], chosen[1::2], strict=False)
        made += [draft for one, other in pairs if (draft := _order(one, other)) is not None]
    return made


class _Description:
    """How one fact describes a person without the name, in two voices."""

    def __init__(self, fact: Fact, third: str, first: str) -> None:
        self.fact = fact
        self.third = third
        self.first = first


def _descriptions(clauses: Iterable[Clause], person: str) -> dict[str, list[_Description]]:
    """Return descriptions that fit exactly one person: ``Nadia's sister``, ``the person who gave Nadia the fern``."""
    found: dict[str, list[_Description]] = defaultdict(list)
    for clause in clauses:
        if clause.negated or clause.fact.superseded_by is not None:
            continue
        for name, description in _describe(clause, short_name(person)):
            found[name].append(description)
    owners: dict[str, set[str]] = defaultdict(set)
    for name, known in found.items():
        for description in known:
            owners[description.third].add(name)
    return {
        name: [description for description in known if len(owners[description.third]) == 1]
        for name, known in sorted(found.items())
    }


def _describe(clause: Clause, user: str) -> Iterator[tuple[str, _Description]]:
    subject = say(clause.subject, "third")
    role = re.fullmatch(rf"{re.escape(user)}'s ((?:[\w-]+ )?(?P<role>[\w-]+)),? (?P<name>[A-Z][\w-]+)", subject)
    if role and role["role"] in PEOPLE_NOUNS:
        yield role["name"], _Description(clause.fact, f"{user}'s {role[1]}", f"my {role[1]}")
    for part in clause.parts:
        text = say(part.words, "third")
        if clause.copular and part.role == "attribute" and not clause.past:
            if text.startswith(f"{user}'s ") and clause.subject_name:
                yield subject, _Description(clause.fact, text, say(part.words, "first"))
            elif subject.startswith(f"{user}'s ") and part.answers == "person" and _is_name(text):
                yield text, _Description(clause.fact, subject, say(clause.subject, "first"))
    mentioned = content_words(predicate(clause, voice="third"))
    if clause.subject_name and not clause.subject_is_user and not clause.copular and clause.past and len(mentioned) > 2:
        voices = [f"the person who {predicate(clause, voice=voice, at_most=2)}" for voice in ("third", "first")]
        yield subject, _Description(clause.fact, voices[0], voices[1])


def _bridge(draft: Draft, name: str, description: _Description) -> Draft | Skipped:
    pattern = re.compile(rf"\b{re.escape(name)}\b(?!')")
    if len(pattern.findall(draft.third)) != 1 or name in draft.answer:
        return Skipped("bridge_not_replaceable")
    if content_words(draft.answer) & content_words(description.third):
        return Skipped("answer_in_question")
    return make_draft(
        draft.clause,
        family="multi_hop",
        asks=f"{draft.asks} of",
        question={
            "third": pattern.sub(lambda _: description.third, draft.third),
            "first": pattern.sub(lambda _: description.first, draft.first or draft.third),
        },
        answer={"third": draft.answer, "second": draft.second or draft.answer},
        fact_ids=(description.fact.id, draft.clause.fact.id),
    )


def _list(drafts: Sequence[Draft]) -> list[Draft]:
    answers: dict[str, Draft] = {}
    for draft in drafts:
        answers.setdefault(draft.answer.lower(), draft)
    chosen = list(answers.values())
    if not 2 <= len(chosen) <= MAX_LISTED or len({draft.fact_ids for draft in chosen}) < len(chosen):
        return []
    if any("," in draft.answer for draft in chosen):
        return []
    first = chosen[0]
    third = ", ".join(draft.answer for draft in chosen)
    if len(third.split()) > 3 * MAX_LISTED:
        return []
    personal = all(draft.first for draft in chosen)
    return [
        Draft(
            family="multi_hop",
            asks=f"{first.asks}s",
            third=first.third,
            answer=third,
            first=first.first if personal else "",
            second=", ".join(draft.second for draft in chosen) if personal else "",
            fact_ids=tuple(fact_id for draft in chosen for fact_id in draft.fact_ids),
            clause=first.clause,
        )
    ]


def _is_dated_event(clause: Clause) -> bool:
    return (
        clause.past
        and not clause.negated
        and not clause.copular
        and clause.subject_is_person
        and isinstance(clause.when, TimePhrase)
        and clause.when.preposition == "on"
        and day_of(clause.when.answer) is not None
        and 2 < len(predicate(clause, voice="third", at_most=2).split()) <= 7
    )


def _order(one: Clause, other: Clause) -> Draft | None:
    days = [day_of(clause.when.answer) for clause in (one, other) if clause.when is not None]
    if len(days) < 2 or days[0] is None or days[1] is None or days[0] == days[1]:
        return None
    first = one if days[0] < days[1] else other
    voices: tuple[Voice, ...] = ("third", "first")
    told = {voice: [_told(clause, voice) for clause in (one, other)] for voice in (*voices, "second")}
    if problem(told["third"][0], told["third"][1]) or content_words(told["third"][0]) == content_words(
        told["third"][1]
    ):
        return None
    position = 0 if first is one else 1
    question = {voice: f"What happened first: {told[voice][0]} or {told[voice][1]}?" for voice in voices}
    personal = one.subject_is_user
    return Draft(
        family="multi_hop",
        asks="order",
        third=question["third"],
        answer=told["third"][position],
        first=question["first"] if personal else "",
        second=told["second"][position] if personal else "",
        fact_ids=(one.fact.id, other.fact.id),
        clause=first,
    )


def _told(clause: Clause, voice: Voice) -> str:
    return f"{say_subject(clause, voice)} {predicate(clause, voice=voice, at_most=2)}"


def _is_name(text: str) -> bool:
    return bool(re.fullmatch(r"[A-Z][\w-]+(?: [A-Z][\w-]+)?", text))
