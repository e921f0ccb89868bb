"""Questions about what changed, from a fact and the one that replaced it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date

from mealign.memory.inflection import inflect
from mealign.tasks.dates import day_of
from mealign.tasks.grammar import Clause, Voice, ask, predicate, say_subject
from mealign.tasks.questions import Draft, Skipped, draft_questions, make_draft

MAX_COMPARED = 4
_DATED = frozenset({"object", "in", "at", "to", "with", "from", "activity"})
_PAST = {"does": "did", "do": "did", "is": "was", "are": "were", "am": "was", "has": "had", "have": "had"}


def updates(clauses: Mapping[str, Clause]) -> Iterator[Draft | Skipped]:
    """Ask, for every superseded fact, what holds now, what held before, and whether the old still holds."""
    for old in clauses.values():
        new = clauses.get(old.fact.superseded_by or "")
        if new is None:
            continue
        made = [*_aligned(old, new), *_before_event(old, new), *_still(old, new)]
        yield from made or [Skipped("change_not_aligned")]


def ended(clauses: Mapping[str, Clause]) -> Iterator[Draft | Skipped]:
    """Ask ``Does Nadia still drink coffee?`` about what somebody stopped or used to do."""
    for clause in clauses.values():
        chained = next((index for index, part in enumerate(clause.parts) if part.role == "activity"), None)
        if (
            chained != 0
            or clause.parts[0].lemma == "be"
            or not clause.past
            or clause.negated
            or clause.lemma not in ("stop", "quit", "use")
        ):
            continue
        activity = clause.parts[0]
        base = replace(clause, past=False, lemma=activity.lemma, parts=clause.parts[1:], auxiliaries=())
        questions: dict[Voice, str] = {
            voice: ask(base, "", voice=voice, subject=f"{say_subject(base, voice)} still", at_most=2)
            for voice in ("third", "first")
        }
        yield make_draft(
            clause, family="update", asks="still", question=questions, answer={"third": "No", "second": "No"}
        )


def current(drafts: Sequence[Draft]) -> Iterator[Draft | Skipped]:
    """Ask ``Where does Nadia work now?`` where the statement itself says ``now``."""
    for draft in drafts:
        if draft.clause.recent and not draft.clause.past and draft.asks not in ("time", "likes", "feeling"):
            yield make_draft(
                draft.clause,
                family="update",
                asks=f"{draft.asks} now",
                question={"third": _with(draft.third, "now"), "first": _with(draft.first or draft.third, "now")},
                answer={"third": draft.answer, "second": draft.second or draft.answer},
            )


def latest(groups: Mapping[tuple[str, ...], Sequence[Draft]]) -> list[Draft]:
    """Ask ``What did Nadia paint most recently?`` where several dated facts answer the bare question."""
    made = []
    for (_, _, asks), group in groups.items():
        same: dict[str, list[Draft]] = defaultdict(list)
        for draft in group:
            if asks in _DATED and draft.clause.past and not draft.clause.negated and _day(draft) is not None:
                same[draft.third].append(draft)
        for question, drafts in same.items():
            made += _latest(question, sorted(drafts, key=lambda draft: (_day(draft) or date.min, draft.fact_ids)))
    return made


def _latest(question: str, drafts: Sequence[Draft]) -> list[Draft]:
    if (
        len({draft.fact_ids for draft in drafts}) < 2
        or _day(drafts[-1]) == _day(drafts[-2])
        or len(drafts) > MAX_COMPARED
    ):
        return []
    last, personal = drafts[-1], all(draft.first for draft in drafts)
    if last.answer.lower() in {draft.answer.lower() for draft in drafts[:-1]}:
        return []
    return [
        replace(
            last,
            family="update",
            asks=f"{last.asks} latest",
            third=_with(question, "most recently"),
            first=_with(last.first, "most recently") if personal else "",
            second=last.second if personal else "",
            fact_ids=tuple(draft.fact_ids[0] for draft in reversed(drafts)),
        )
    ]


def _day(draft: Draft) -> date | None:
    return day_of(draft.clause.when.answer) if draft.clause.when is not None else None


def _aligned(old: Clause, new: Clause) -> Iterator[Draft | Skipped]:
    """Ask ``Where does Nadia live now?`` and ``Where did Nadia live before Ghent?``."""
    olds = {(d.asks, d.third): d for d in _drafts(old)}
    for current in _drafts(new):
        past = olds.get((current.asks, current.third))
        if past is None or past.answer.lower() == current.answer.lower() or current.family == "temporal":
            continue
        ids = (old.fact.id, new.fact.id)
        if not new.past:
            yield make_draft(
                new,
                family="update",
                asks=f"{current.asks} now",
                question={"third": _with(current.third, "now"), "first": _with(current.first or current.third, "now")},
                answer={"third": current.answer, "second": current.second or current.answer},
                fact_ids=ids,
            )
        if current.asks not in ("likes", "feeling", "count"):
            before = {"third": f"before {current.answer}", "first": f"before {current.second or current.answer}"}
            yield make_draft(
                old,
                family="update",
                asks=f"{current.asks} before",
                question={
                    "third": _with(_past(past.third), before["third"]),
                    "first": _with(_past(past.first or past.third), before["first"].replace("your ", "my ")),
                },
                answer={"third": past.answer, "second": past.second or past.answer},
                fact_ids=ids,
            )


def _before_event(old: Clause, new: Clause) -> Iterator[Draft | Skipped]:
    """Ask ``Where did Nadia live before moving to Ghent?``."""
    if not new.past or new.negated or new.fact.subject != old.fact.subject:
        return
    for past in _drafts(old):
        if past.family == "temporal" or past.asks in ("likes", "feeling"):
            continue
        moved = replace(new, verb=inflect(new.lemma, "VBG"))
        questions: dict[Voice, str] = {
            "third": _with(_past(past.third), f"before {predicate(moved, voice='third', at_most=1)}"),
            "first": _with(_past(past.first or past.third), f"before {predicate(moved, voice='first', at_most=1)}"),
        }
        yield make_draft(
            old,
            family="update",
            asks=f"{past.asks} before",
            question=questions,
            answer={"third": past.answer, "second": past.second or past.answer},
            fact_ids=(old.fact.id, new.fact.id),
        )


def _still(old: Clause, new: Clause) -> Iterator[Draft | Skipped]:
    if old.past or old.negated or old.copular or old.auxiliaries:
        return
    voices: tuple[Voice, ...] = ("third", "first")
    questions = {
        voice: ask(old, "", voice=voice, subject=f"{say_subject(old, voice)} still", at_most=2) for voice in voices
    }
    yield make_draft(
        old,
        family="update",
        asks="still",
        question=questions,
        answer={"third": "No", "second": "No"},
        fact_ids=(old.fact.id, new.fact.id),
    )


def _drafts(clause: Clause) -> list[Draft]:
    """Return the clause's drafts as if nothing had replaced it."""
    current = replace(clause, fact=clause.fact.model_copy(update={"superseded_by": None}))
    return [draft for draft in draft_questions(current) if isinstance(draft, Draft)]


def _past(question: str) -> str:
    """``Where does Nadia live?`` becomes ``Where did Nadia live?``."""
    return re.sub(
        r"\b(does|do|is|are|am|has|have)\b", lambda match: _PAST[match[1]], question, count=1, flags=re.IGNORECASE
    )


def _with(question: str, tail: str) -> str:
    return f"{question.rstrip('?')} {tail}?"
