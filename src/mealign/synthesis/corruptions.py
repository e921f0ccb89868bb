"""Answers that are wrong by construction: one edit of the facts, so it is known why they are wrong."""

from __future__ import annotations

import calendar
import random
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import date, timedelta
from functools import lru_cache
from itertools import chain

from mealign.answers import abstained, normalise
from mealign.records import ABSTENTION, Candidate, Corruption, Fact, Task, content_id

DAY = re.compile(
    r"\b(\d{1,2}) (January|February|March|April|May|June|July|August|September|October|November|December) (\d{4})\b"
)
MONTH = re.compile(
    r"\b(January|February|March|April|May|June|July|August|September|October|November|December) (\d{4})\b"
)
YEAR = re.compile(r"\b(19|20)(\d{2})\b")
MONTHS = list(calendar.month_name)
MAX_WORDS = 10

MAX_ADDED_WORDS = 4
_OPPOSITES = {"Yes": "No", "No": "Yes"}
_ASKING = frozenset(normalise("what who where when which why how does did do is was are has have had kind of now I my"))

Edit = tuple[str, tuple[str, ...]]
"""A corrupted answer and the ids of the facts from which its wrong part was taken."""


def corrupt(task: Task, *, facts: Mapping[str, Fact], n: int, seed: int) -> list[Candidate]:
    """Build up to ``n`` wrong answers to a task, by different edits where possible.

    - ``wrong_object``: the value of another fact of the same relation, or one of the same shape; No for Yes.
    - ``superseded``: the earlier value, where the task's fact replaced one.
    - ``other_person``: the value that the same relation has for somebody else.
    - ``wrong_date``: the reference's date, moved.
    - ``invention``: for an unanswerable question, the value of the fact from which it was derived; for any other, the
      reference with another fact's value added, if no other edit is left.
    - ``abstention``: a needless abstention, where the prompt shows memory.

    None of them says the same as the reference, and no two say the same.
    """
    generator = random.Random(f"{seed}:{task.id}")
    built: list[Candidate] = []
    taken = {tuple(normalise(task.reference))}
    kinds = list(_EDITS.items())
    generator.shuffle(kinds)
    streams: list[tuple[Corruption, Iterator[Edit]]] = [(kind, make(task, facts, generator)) for kind, make in kinds]
    streams += [("invention", _addition(task, facts, generator))]
    while streams and len(built) < n:
        # An answer that merely says too much teaches least, so it is the last resort.
        for kind, stream in streams[:-1] or streams[-1:]:
            text, used = next(stream, ("", ()))
            if not text:
                streams.remove((kind, stream))
                continue
            key = tuple(normalise(text))
            if key and key not in taken and len(built) < n:
                taken.add(key)
                built.append(_candidate(task, kind, text, used))
    return built


def one_of_each_kind(
    task: Task, *, facts: Mapping[str, Fact], kinds: Collection[Corruption], seed: int
) -> list[Candidate]:
    """Build one wrong answer for every requested kind of edit that the task allows, the most specific kind first.

    So an earlier value counts as ``superseded`` and never as a mere ``wrong_object``. The kinds are those of
    :func:`corrupt`; none says the same as the reference, and no two say the same.
    """
    generator = random.Random(f"{seed}:{task.id}")
    taken = {tuple(normalise(task.reference))}
    built = []
    for kind in (kind for kind in _MOST_PARTICULAR_FIRST if kind in kinds):
        streams = [_EDITS[kind](task, facts, generator)]
        streams += [_addition(task, facts, generator)] if kind == "invention" else []
        for text, used in chain(*streams):
            key = tuple(normalise(text))
            if key and key not in taken:
                taken.add(key)
                built.append(_candidate(task, kind, text, used))
                break
    return built


def _candidate(task: Task, kind: Corruption, text: str, used: tuple[str, ...]) -> Candidate:
    return Candidate(
        id=content_id("candidate", task.id, kind, text),
        task_id=task.id,
        text=text,
        origin=kind,
        edit_fact_ids=used,
    )


def _wrong_object(task: Task, facts: Mapping[str, Fact], generator: random.Random) -> Iterator[Edit]:
    if task.reference in _OPPOSITES:
        yield _OPPOSITES[task.reference], task.fact_ids
        return
    if abstained(task.reference) or _is_date(task.reference):
        return
    own = _own(task, facts)
    relations = {fact.relation for fact in own}
    length = len(task.reference.split())
    rivals = _rivals(task, facts)
    same = [fact for fact in rivals if fact.relation in relations]
    alike = [fact for fact in rivals if abs(len(fact.object.split()) - length) <= 1]
    for pool in (same, alike):
        for fact in generator.sample(pool, min(len(pool), 8)):
            yield fact.object, (fact.id,)


def _superseded(task: Task, facts: Mapping[str, Fact], generator: random.Random) -> Iterator[Edit]:
    del generator
    own = {fact.id for fact in _own(task, facts)}
    reference = " ".join(normalise(task.reference))
    for fact in sorted(facts.values(), key=lambda fact: fact.id):
        if (
            fact.superseded_by in own
            and _shape(fact.object) == _shape(task.reference)
            and _is_value(fact.object)
            # The answer to a question about the past is just this value.
            and reference not in " ".join(_tokens(fact.object))
        ):
            yield fact.object, (fact.id,)


def _other_person(task: Task, facts: Mapping[str, Fact], generator: random.Random) -> Iterator[Edit]:
    if abstained(task.reference) or _shape(task.reference) in ("date", "verdict"):
        return
    own = _own(task, facts)
    subjects, relations = {fact.subject for fact in own}, {fact.relation for fact in own}
    rivals = [fact for fact in _rivals(task, facts) if fact.relation in relations and fact.subject not in subjects]
    for fact in generator.sample(rivals, min(len(rivals), 8)):
        yield fact.object, (fact.id,)


def _wrong_date(task: Task, facts: Mapping[str, Fact], generator: random.Random) -> Iterator[Edit]:
    own = tuple(fact.id for fact in _own(task, facts))
    if match := DAY.search(task.reference):
        day = date(int(match[3]), MONTHS.index(match[2]), min(int(match[1]), 28))
        for offset in generator.sample((-31, -14, -7, -3, 2, 9, 30), 4):
            moved = day + timedelta(days=offset)
            yield DAY.sub(f"{moved.day} {MONTHS[moved.month]} {moved.year}", task.reference, count=1), own
    elif match := MONTH.search(task.reference):
        for offset in generator.sample((-3, -2, -1, 1, 2), 4):
            position = int(match[2]) * 12 + MONTHS.index(match[1]) - 1 + offset
            moved_month = f"{MONTHS[position % 12 + 1]} {position // 12}"
            yield MONTH.sub(moved_month, task.reference, count=1), own
    elif match := YEAR.search(task.reference):
        for offset in generator.sample((-2, -1, 1), 2):
            yield YEAR.sub(str(int(match[0]) + offset), task.reference, count=1), own


def _invention(task: Task, facts: Mapping[str, Fact], generator: random.Random) -> Iterator[Edit]:
    if not abstained(task.reference):
        return
    shown = [facts[fact_id] for fact_id in (*task.fact_ids, *task.context_fact_ids) if fact_id in facts]
    values = [fact for fact in shown if _is_value(fact.object)]
    for fact in generator.sample(values, len(values)):
        yield fact.object, (fact.id,)


def _addition(task: Task, facts: Mapping[str, Fact], generator: random.Random) -> Iterator[Edit]:
    if abstained(task.reference) or _shape(task.reference) in ("date", "verdict"):
        return
    rivals = [fact for fact in _rivals(task, facts) if len(fact.object.split()) <= MAX_ADDED_WORDS]
    for fact in generator.sample(rivals, min(len(rivals), 8)):
        yield f"{task.reference} and {fact.object}", (fact.id,)


def _abstention(task: Task, facts: Mapping[str, Fact], generator: random.Random) -> Iterator[Edit]:
    del facts, generator
    # Without memory in the prompt, not knowing is honest; punishing it would teach the model to invent.
    if task.context_fact_ids and not abstained(task.reference):
        yield ABSTENTION, ()


_EDITS: dict[Corruption, Callable[[Task, Mapping[str, Fact], random.Random], Iterator[Edit]]] = {
    "wrong_object": _wrong_object,
    "superseded": _superseded,
    "other_person": _other_person,
    "wrong_date": _wrong_date,
    "invention": _invention,
    "abstention": _abstention,
}

_MOST_PARTICULAR_FIRST: tuple[Corruption, ...] = (
    "superseded", "other_person", "wrong_date", "wrong_object", "invention", "abstention",
)  # fmt: skip


@lru_cache(maxsize=1 << 16)
def _tokens(text: str) -> tuple[str, ...]:
    """Normalise text of facts; cached, because every task is compared with all facts."""
    return tuple(normalise(text))


def _own(task: Task, facts: Mapping[str, Fact]) -> list[Fact]:
    return [facts[fact_id] for fact_id in task.fact_ids if fact_id in facts]


def _others(task: Task, facts: Mapping[str, Fact]) -> list[Fact]:
    """Return the facts whose statement does not contain the reference, in the order of their ids."""
    reference = " ".join(normalise(task.reference))
    return [
        fact
        for fact in sorted(facts.values(), key=lambda fact: fact.id)
        if fact.id not in task.fact_ids and reference not in " ".join(_tokens(fact.statement))
    ]


def _rivals(task: Task, facts: Mapping[str, Fact]) -> list[Fact]:
    """Return the facts whose value is a plausible but wrong answer.

    A fact of the same subject and relation may also answer a general question (``What does Nadia like?``), so it counts
    only if it lacks a word of the question.
    """
    own = _own(task, facts)
    said = {(fact.subject, fact.relation) for fact in own}
    known = {token for fact in own for token in normalise(f"{fact.subject} {fact.relation}")}
    asked = set(normalise(task.question)) - known - _ASKING
    shape = _shape(task.reference)
    return [
        fact
        for fact in _others(task, facts)
        if _is_value(fact.object)
        and _shape(fact.object) == shape
        and not (task.kind == "memory_qa_self" and "'" in fact.object)  # a name where the user is addressed
        and ((fact.subject, fact.relation) not in said or asked - set(_tokens(fact.statement)))
    ]


def _shape(text: str) -> str:
    """Return what kind of answer a text is, so that a wrong one resembles the right one."""
    if _is_date(text):
        return "date"
    if text in _OPPOSITES:
        return "verdict"
    if re.match(r"[\d:.,]+", text):
        return "number"
    return "name" if text[:1].isupper() else "words"


def _is_date(text: str) -> bool:
    return bool(DAY.search(text) or MONTH.search(text) or YEAR.fullmatch(text.strip()))


def _is_value(text: str) -> bool:
    words: Sequence[str] = text.split()
    return (
        0 < len(words) <= MAX_WORDS and bool(normalise(text)) and words[0].lower() not in {"it", "that", "this", "them"}
    )
