"""The values that flow between stages: immutable, without unknown fields, one JSON object per line.

Ids are content hashes (:func:`content_id`), so lineage, caches and deletion work by key, and two runs over the same
input write the same bytes. Nothing that differs between two such runs (clock time, paths of this machine) is a field.
"""

from __future__ import annotations

import hashlib
import json
import re
from bisect import bisect_right
from datetime import date, datetime
from functools import lru_cache
from itertools import accumulate
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

ABSTENTION = "Not mentioned"
"""The reference answer of every question that the memory cannot answer."""

DocumentKind = Literal["note", "message", "prompt", "assistant", "turn"]
TaskKind = Literal["memory_qa_self", "memory_qa_third_party", "context_enhance", "context_critic"]
Family = Literal["recall", "temporal", "multi_hop", "update", "preference", "unanswerable"]
Split = Literal["train", "eval"]
Corruption = Literal["wrong_object", "superseded", "other_person", "wrong_date", "invention", "abstention"]
Origin = Literal[
    "policy", "reference", "wrong_object", "superseded", "other_person", "wrong_date", "invention", "abstention"
]
Order = Literal["forward", "reverse"]

FAMILIES: tuple[Family, ...] = get_args(Family)
TASK_KINDS: tuple[TaskKind, ...] = get_args(TaskKind)
MEMORY_KINDS: tuple[TaskKind, ...] = ("memory_qa_self", "memory_qa_third_party")
"""Questions about the memory, which are answered in a few words."""
CORRUPTIONS: tuple[Corruption, ...] = get_args(Corruption)


def content_id(prefix: str, *parts: object) -> str:
    """Stable id of a value: ``prefix`` and 16 hex digits of the SHA-256 of ``parts`` as canonical JSON.

    >>> content_id("doc", "notes/a.md", "text") == content_id("doc", "notes/a.md", "text")
    True
    """
    payload = json.dumps(parts, ensure_ascii=False, sort_keys=True, default=str)
    return f"{prefix}_{hashlib.sha256(payload.encode()).hexdigest()[:16]}"


class Record(BaseModel):
    """Base of every record: immutable, and an unknown field is an error, which does not quote the user's words."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


MEMORY_HEAD = "\nMemory:\n"
"""In a system turn, precedes the facts that are shown, one per line."""


class Message(Record):
    """One turn of a chat prompt."""

    role: Literal["system", "user", "assistant"]
    content: str


def _to_be_answered(prompt: tuple[Message, ...]) -> tuple[Message, ...]:
    roles = [message.role for message in prompt]
    if roles[-1:] != ["user"] or "system" in roles[1:]:
        raise ValueError(
            f"a prompt begins with at most one system turn and ends with the user's; this one is {roles or 'empty'}"
        )
    return prompt


Prompt = Annotated[tuple[Message, ...], AfterValidator(_to_be_answered)]
"""Turns to which an assistant answers."""


class Document(Record):
    """L0: one dated item of the user's sources.

    ``source`` is where to find it: a path relative to the user's folder, or ``file#item`` for one item of a file with
    many (``notes/2024-01-03-keys.md``, ``chat.json#m0042``, ``conv-26#D1:3``). ``author`` is who wrote the text: in a
    note, the user. ``participants`` are all who took part in its conversation, the author among them; empty for a note.
    A ``prompt`` is what the user says to a program, and ``assistant`` what the program says: context for the user's
    words, but never evidence.
    """

    id: str
    source: str
    author: str
    participants: tuple[str, ...] = ()
    created_at: datetime
    kind: DocumentKind
    text: Annotated[str, Field(min_length=1)]

    @classmethod
    def create(
        cls,
        *,
        source: str,
        author: str,
        created_at: datetime,
        kind: DocumentKind,
        text: str,
        participants: tuple[str, ...] = (),
    ) -> Self:
        """Build a document with the id of its content."""
        return cls(
            id=content_id("doc", source, author, participants, created_at.isoformat(), kind, text),
            source=source,
            author=author,
            participants=participants,
            created_at=created_at,
            kind=kind,
            text=text,
        )

    def spans_of(self, quote: str) -> list[tuple[int, int]]:
        """Return where the text contains ``quote``, ignoring differences in white space: a list of [start, end).

        In ``"It was  late. It was."`` the quote ``"It was"`` is at (0, 6) and (14, 20), ``"it was"`` nowhere.
        """
        text, begins, moved = _with_single_spaces(self.text)
        wanted = " ".join(quote.split())
        found, at = [], text.find(wanted) if wanted else -1
        while at >= 0:
            end = at + len(wanted)
            first, last = (bisect_right(begins, place) - 1 for place in (at, end - 1))
            found.append((at + moved[first], end + moved[last]))
            at = text.find(wanted, end)
        return found


@lru_cache(maxsize=1)
def _with_single_spaces(text: str) -> tuple[str, list[int], list[int]]:
    """Return a text with one space between words, where each word begins in it, and how far that is moved.

    A search in it takes time in proportion to the text, whatever is in it; one for words with any white space between
    them does not.
    """
    words = list(re.finditer(r"\S+", text))
    begins = list(accumulate((len(word[0]) + 1 for word in words[:-1]), initial=0))
    return " ".join(word[0] for word in words), begins, [w.start() - at for w, at in zip(words, begins, strict=False)]


class Evidence(Record):
    """A span of a document: ``text[start:end]`` in characters."""

    document_id: str
    start: Annotated[int, Field(ge=0)]
    end: int

    @model_validator(mode="after")
    def _span_is_not_empty(self) -> Self:
        if self.end <= self.start:
            raise ValueError(f"evidence span {self.start}:{self.end} is empty; end must be greater than start")
        return self


class When(Record):
    """A calendar time that a text names: its words, and the first and last day that they mean."""

    expression: str
    start: date
    end: date

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        if self.end < self.start:
            raise ValueError(f"a time from {self.start} to {self.end} ends before it starts")
        return self


class Fact(Record):
    """L1: one statement with the time for which it holds and the span of text that states it.

    Example: from Nadia's note of 2024-03-02 "I moved to Ghent yesterday."::

        subject="Nadia Verhoeven" relation="move to" object="Ghent"
        statement="Nadia Verhoeven moved to Ghent on 1 March 2024." valid_from=2024-03-01

    ``relation`` is the lemma of the verb with its preposition. ``when`` is the time that the statement gives for itself
    (``yesterday``), if it gives one. ``valid_from`` is the day the event happened or the statement was made;
    ``valid_to`` and ``superseded_by`` (a fact id) are set when a later fact replaces this one. ``entities`` are the
    names that the statement mentions, its subject first.

    With ``quote``, the text could not be read as a statement that stands alone (``It cost 140 euros.``): it is kept as
    somebody said it, so that it is found, and ``subject`` is who said it. Nothing is asked or concluded from it.
    """

    id: str
    subject: str
    relation: str
    object: str
    statement: str
    when: When | None = None
    valid_from: date | None
    valid_to: date | None = None
    superseded_by: str | None = None
    evidence: Evidence
    entities: tuple[str, ...] = ()
    confidence: Annotated[float, Field(ge=0.0, le=1.0)]
    quote: bool = False


Wording = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
"""Text that the user typed: not empty once stripped of white space."""


class DropFact(Record):
    """A fact to be forgotten: by its ``id``, its statement, or the spans from which it was extracted.

    ``line`` is the line of ``corrections.yaml``, here and below.
    """

    line: int
    fact: str | None = None
    statement: str | None = None
    evidence: tuple[Evidence, ...] = ()

    @model_validator(mode="after")
    def _names_one_thing(self) -> Self:
        if sum(bool(way) for way in (self.fact, self.statement, self.evidence)) != 1:
            raise ValueError("a fact is dropped by its id, by its statement, or by source and text")
        return self


class ChangeFact(Record):
    """A wrong fact: its id, and the fields that are to be changed."""

    line: int
    fact: Wording
    subject: Wording | None = None
    relation: Wording | None = None
    object: Annotated[str, StringConstraints(strip_whitespace=True)] | None = None
    statement: Wording | None = None
    valid_from: date | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.changes:
            raise ValueError("nothing is changed; give subject, relation, object, statement or valid_from")
        return self

    @property
    def changes(self) -> dict[str, Any]:
        """The new values by field."""
        values = {name: getattr(self, name) for name in ("subject", "relation", "object", "statement", "valid_from")}
        return {name: value for name, value in values.items() if value is not None}


class SamePerson(Record):
    """Names that all refer to one person, and the name to use for that person."""

    line: int
    names: Annotated[tuple[Wording, ...], Field(min_length=1)]
    person: Annotated[Wording, Field(alias="is")]

    @property
    def all_names(self) -> frozenset[str]:
        """All names of the person, including the one to use."""
        return frozenset({*self.names, self.person})


class Corrections(Record):
    """The user's corrections of the memory, which take precedence over what was extracted.

    No fact is changed twice and no name is in two entries, so the order of entries does not matter.
    """

    drop: tuple[DropFact, ...] = ()
    change: tuple[ChangeFact, ...] = ()
    same: tuple[SamePerson, ...] = ()

    @model_validator(mode="after")
    def _entries_agree(self) -> Self:
        facts = [entry.fact for entry in self.change]
        names = [name for entry in self.same for name in entry.all_names]
        if len(set(facts)) < len(facts) or len(set(names)) < len(names):
            raise ValueError("a fact is changed twice, or a name stands in two entries of `same`")
        return self

    @property
    def entries(self) -> tuple[DropFact | ChangeFact | SamePerson, ...]:
        """All entries."""
        return (*self.drop, *self.change, *self.same)


class Label(Record):
    """The user's preference between two answers to a question."""

    question: Wording
    better: Wording
    worse: Wording


class Question(Record):
    """One question with a known answer, from which no training data is made.

    ``evidence`` holds the ``source`` of every document that is needed to prove the answer. ``category`` is LoCoMo's
    (1 to 5), absent elsewhere. An unanswerable question has the answer :data:`ABSTENTION`.
    """

    id: str
    family: Family
    kind: TaskKind
    question: str
    answer: str
    variants: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    as_of: date | None = None
    category: Annotated[int, Field(ge=1, le=5)] | None = None


class Task(Record):
    """One prompt with its reference answer, made from facts.

    ``fact_ids`` are the facts on which the reference rests (the split is drawn over them); ``context_fact_ids`` are
    those shown in the prompt, empty for a prompt without memory. An unanswerable task's ``fact_ids`` are the facts from
    which its question was derived. ``question`` is the bare question, without system prompt and memory.
    """

    id: str
    kind: TaskKind
    family: Family
    question: str
    prompt: Prompt
    reference: Annotated[str, Field(min_length=1)]
    fact_ids: tuple[str, ...]
    context_fact_ids: tuple[str, ...] = ()
    split: Split


class Sampling(Record):
    """How a policy's answer was sampled."""

    temperature: float
    top_p: float
    seed: int
    index: int


class Candidate(Record):
    """One possible answer to a task.

    ``origin`` is the policy, the reference itself, or the corruption that built it from ``edit_fact_ids``. ``model`` is
    the digest of the weights that sampled it (policy only).
    """

    id: str
    task_id: str
    text: str
    origin: Origin
    edit_fact_ids: tuple[str, ...] = ()
    sampling: Sampling | None = None
    model: str | None = None


class Verdict(Record):
    """A judge's verdict about one ordered pair of candidates.

    ``first`` and ``second`` are candidate ids *as they were shown*; ``order`` says whether that is the pair's canonical
    order or its reverse. ``p_first`` is P(first is better); it is ``None`` exactly when ``error`` is set, and then
    ``raw`` is what the judge answered instead, verbatim.
    """

    id: str
    task_id: str
    judge: str
    judge_digest: str
    first: str
    second: str
    order: Order
    p_first: Annotated[float, Field(ge=0.0, le=1.0)] | None
    dimensions: dict[str, float] = {}
    rationale: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float = 0.0
    error: str | None = None
    raw: str = ""

    @model_validator(mode="after")
    def _error_or_probability(self) -> Self:
        if (self.p_first is None) != (self.error is not None):
            raise ValueError("a verdict has either p_first or error, never both and never neither")
        return self


class Standing(Record):
    """A candidate's rank among those of its task that were compared.

    ``strength`` is its Bradley-Terry log-odds against an average candidate of the task, with its ``standard_error``: i
    beats j with probability 1 / (1 + exp(strength of j - strength of i)). ``rank`` counts from 1, the best; ``pairs``
    is the number of comparisons behind it, both orders counted once.
    """

    task_id: str
    candidate_id: str
    rank: Annotated[int, Field(ge=1)]
    strength: float
    standard_error: Annotated[float, Field(gt=0.0)]
    pairs: Annotated[int, Field(ge=1)]


class Lineage(Record):
    """The origin of a preference pair, by ids."""

    task_id: str
    chosen_id: str
    rejected_id: str
    verdict_ids: tuple[str, ...]
    fact_ids: tuple[str, ...]
    document_ids: tuple[str, ...]


class Preference(Record):
    """L2: a chosen and a rejected answer to one prompt. ``margin`` in (0, 1] is 2 * |P(chosen wins) - 0.5|."""

    id: str
    family: Family
    prompt: Prompt
    chosen: Annotated[str, Field(min_length=1)]
    rejected: Annotated[str, Field(min_length=1)]
    margin: Annotated[float, Field(gt=0.0, le=1.0)]
    lineage: Lineage

    @model_validator(mode="after")
    def _answers_differ(self) -> Self:
        if not (self.chosen.strip() and self.rejected.strip()):
            raise ValueError("chosen or rejected is blank")
        if self.chosen.strip() == self.rejected.strip():
            raise ValueError("chosen and rejected are the same text")
        return self


class Answer(Record):
    """One arm's answer to one question, scored: ``score`` is in [0, 1].

    ``metrics`` holds the values of all other metrics that apply to the question; ``failed`` names those that could not
    measure this answer, with the reason.
    """

    question_id: str
    question_set: Literal["gold", "held_out"]
    arm: str
    family: Family
    category: int | None = None
    answer: str
    score: Annotated[float, Field(ge=0.0, le=1.0)]
    abstained: bool
    metrics: dict[str, float] = {}
    failed: dict[str, str] = {}
    context_fact_ids: tuple[str, ...] = ()


def canonical_json(value: Any) -> str:
    """One line of JSON with sorted keys: the same value always gives the same text."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
