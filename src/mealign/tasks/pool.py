"""All question drafts over a person's facts: single-fact ones made unambiguous, multi-fact and unanswerable ones."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from mealign.records import Fact
from mealign.tasks.grammar import Clause, Unparsed, say
from mealign.tasks.multi_hop import bridges, lists, orders
from mealign.tasks.questions import Draft, Skipped, content_words, draft_questions, with_time
from mealign.tasks.unanswerable import other_days, other_people, unsaid_details
from mealign.tasks.update import current, ended, latest, updates


@dataclass(frozen=True)
class Pool:
    """Every draft that was kept, and how many were not made, by reason."""

    drafts: tuple[Draft, ...]
    skipped: dict[str, int]


def make_pool(facts: Sequence[Fact], read: Sequence[Clause | Unparsed], *, person: str, seed: int) -> Pool:
    """Make every draft of every family; ``read`` is the clause of each fact, in the order of the facts."""
    skipped: Counter[str] = Counter()
    clauses: dict[str, Clause] = {}
    for fact, clause in zip(facts, read, strict=True):
        if isinstance(clause, Unparsed):
            skipped[f"fact:{clause.reason}"] += 1
        else:
            clauses[fact.id] = clause
    single = _keep((made for clause in clauses.values() for made in draft_questions(clause)), skipped)
    groups = _competing(single)
    plain, lost = _unambiguous(single, groups)
    skipped["question:ambiguous"] += lost
    several = [*lists(groups), *latest(groups)]
    changed = _keep([*updates(clauses), *ended(clauses), *current(plain)], skipped)
    joined = _keep(bridges(clauses, plain, person=person), skipped)
    ordered = orders(clauses, seed=seed)
    twisted = [
        *other_people(plain, facts, person=person),
        *_keep(unsaid_details(clauses, facts), skipped),
        *other_days(clauses, facts),
    ]
    drafts = _unique([*plain, *changed, *joined, *several, *ordered, *twisted])
    return Pool(tuple(drafts), dict(sorted(skipped.items())))


def _keep(made: Iterable[Draft | Skipped], skipped: Counter[str]) -> list[Draft]:
    kept = []
    for draft in made:
        if isinstance(draft, Skipped):
            skipped[f"question:{draft.reason}"] += 1
        else:
            kept.append(draft)
    return kept


Groups = Mapping[tuple[str, ...], Sequence[Draft]]


def _competing(drafts: Sequence[Draft]) -> dict[tuple[str, ...], list[Draft]]:
    """Group the drafts that ask for the same part of the same subject and verb."""
    groups: dict[tuple[str, ...], list[Draft]] = defaultdict(list)
    for draft in drafts:
        subject = "" if draft.asks == "subject" else say(draft.clause.subject, "third").lower()
        groups[subject, draft.clause.lemma, draft.asks].append(draft)
    return groups


def _unambiguous(drafts: Sequence[Draft], groups: Groups) -> tuple[list[Draft], int]:
    """Keep a draft if no other fact answers its question differently; else add the day, or drop it."""
    kept, lost = [], 0
    for group in groups.values():
        for draft in group:
            if not _rivals(draft, group):
                kept.append(draft)
                continue
            dated = with_time(draft)
            same_day = [rival for rival in _rivals(draft, group) if rival.clause.when == draft.clause.when]
            if dated is None or same_day:
                lost += 1
            else:
                kept.append(dated)
    order = {id(draft.clause): position for position, draft in reversed(list(enumerate(drafts)))}
    return sorted(kept, key=lambda draft: order[id(draft.clause)]), lost


def _rivals(draft: Draft, group: Sequence[Draft]) -> list[Draft]:
    asked = content_words(draft.third)
    return [
        other
        for other in group
        if other.fact_ids != draft.fact_ids
        and other.answer.lower() != draft.answer.lower()
        and asked <= content_words(other.third)
    ]


def _unique(drafts: Sequence[Draft]) -> list[Draft]:
    """Keep one draft of the same question: two facts that say the same would count twice."""
    seen: dict[str, Draft] = {}
    for draft in drafts:
        seen.setdefault(draft.third.lower(), replace(draft, first=draft.first))
    return list(seen.values())
