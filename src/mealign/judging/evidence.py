"""The evidence judge: compares an answer's claims with the facts. Offline, deterministic, the same in both orders.

Each answer is scored on its own, in one of two ways. Where a task names its facts, they are the truth, and the task's
reference, built from them by rule, says which part of them is asked for: the judge has the answer key
(:func:`score_answer`). A certificate on such tasks shows that the rules work, and says nothing about other questions.
Where a task names no facts, its reference is not used, and the memory alone decides (:func:`weigh_support`).

What an answer adds to its first claim can only lower its score, and lowers it very little where it is unrelated to the
question: text that asks for a favourable verdict does not get one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import eq
from typing import TYPE_CHECKING, TypeVar

from mealign.answers import abstained
from mealign.errors import MealignError
from mealign.judging.claims import Claims, Day, lowercase_stems, read_claims, split_claims
from mealign.judging.judge import Comparison, Opinion
from mealign.judging.support import FOUND, RELEVANCE, SHARPNESS, Support, SupportFinder
from mealign.language.decisions import Estimate, Undecided
from mealign.progress import track
from mealign.records import Fact, Task, content_id

if TYPE_CHECKING:
    from mealign.memory.search import FactIndex

ABSTENTION_SCORE = 0.25
"""A needless "I do not know" is poor, but better than a falsehood."""

SUPPORT, CONTRADICTION, UNSUPPORTED, LENGTH = 0.75, 0.5, 0.2, 0.1
ELSEWHERE = 0.5
"""Weight in ``unsupported`` of a word that the memory has, but no fact behind the task."""

STEEPNESS = 6.0
"""Logistic slope: a difference of 0.5 between two scores gives 0.95."""

T = TypeVar("T")

PARTS = ("total", "supported", "contradicted", "out_of_time", "someone_else", "unsupported", "abstained", "length")

VERSION = 2
"""Raised with every change of the rules, so that the digest changes too."""
ASIDE, ASIDES = 0.01, 5
"""What every unrelated claim costs, and how many of them count."""
MATCHED, OWNED, ABSTAINED, EMPTY = 1.9, 5.9, 2.8, -5.0
"""Log-odds of a full match, of a match entirely about the person asked about, of an abstention, of an empty answer."""
SUPPORTED = 1.0
"""The match from which the rationale calls an answer supported."""
LONGEST = 1000
"""Characters of a claim that are looked up."""


@dataclass(frozen=True)
class EvidenceScore:
    """One answer against the facts; every part is in [0, 1].

    - ``supported``: F1 of the answer's content words and the reference's. Words of the question count for neither.
    - ``contradicted``: the largest of: the share of wrong dates, of wrong numbers, and of wrong names; how far the
    answer
      matches a value that held before or after, or the wrong option of the question; 1 for yes instead of no or the
      reverse.
    - ``unsupported``: share of the words that no fact has; those only in facts that the task does not rest on count
      half.
    - ``abstained``: 1 for an answer that declines.
    - ``length``: 0.1 for each content word beyond twice the reference's and three.

    - ``out_of_time``: how far it matches a value that held before or after; part of ``contradicted``.
    - ``someone_else``: how far the memory says it about another person than the one asked about (tasks without facts).

    ``logit`` are the log-odds that :func:`weigh_support` gives. For tasks with facts, ``total`` = 0.25 + 0.75 supported
    - 0.5 contradicted - 0.2 unsupported - 0.1 length, less 0.01 for each unrelated claim (five at most), clipped to
    [0, 1]. A needless abstention scores 0.25, a right one 1 - 0.1 length, an invented answer where no fact gives one 0.
    """

    total: float
    supported: float = 0.0
    contradicted: float = 0.0
    unsupported: float = 0.0
    abstained: float = 0.0
    length: float = 0.0
    out_of_time: float = 0.0
    someone_else: float = 0.0
    logit: float = 0.0
    why: str = ""


class FactLookup:
    """The person's facts, superseded ones included, with what scoring looks up."""

    def __init__(self, facts: Sequence[Fact]) -> None:
        self.facts = {fact.id: fact for fact in facts}
        self.tokens = frozenset[str]().union(*(read_claims(fact.statement).tokens for fact in facts))
        self.common = frozenset[str]().union(*(lowercase_stems(fact.statement) for fact in facts))
        """Words that the facts have in lower case: at the start of a sentence they are not names."""
        self._predecessors: dict[str, list[str]] = {}
        for fact in sorted(facts, key=lambda fact: fact.id):
            if fact.superseded_by:
                self._predecessors.setdefault(fact.superseded_by, []).append(fact.id)

    def chosen(self, fact_ids: Iterable[str]) -> list[Fact]:
        """Return the facts with these ids; facts that have been deleted since are left out."""
        return [self.facts[fact_id] for fact_id in fact_ids if fact_id in self.facts]

    def displaced(self, facts: Sequence[Fact]) -> list[Fact]:
        """Return the facts that these replaced, and those that replaced them."""
        own = {fact.id for fact in facts}
        linked = [fact_id for fact in facts for fact_id in self._predecessors.get(fact.id, [])]
        linked += [fact.superseded_by for fact in facts if fact.superseded_by]
        return self.chosen(fact_id for fact_id in dict.fromkeys(linked) if fact_id not in own)


class EvidenceJudge:
    """Compares answers by :func:`score_answer`, and by :func:`weigh_support` where a task names no facts.

    Args:
        facts: the person's whole memory, superseded facts included.
        index: finds facts for tasks that name none.
        person: whom "I" means in a question.
    """

    name = "evidence"

    def __init__(self, facts: Sequence[Fact], index: FactIndex | None = None, *, person: str = "") -> None:
        self._memory = FactLookup(facts)
        self._weighed: dict[tuple[str, str], EvidenceScore] = {}
        self._finder = SupportFinder(index, person=person) if index and index.facts else None
        weights: tuple[float, ...] = (
            ABSTENTION_SCORE,
            SUPPORT,
            CONTRADICTION,
            UNSUPPORTED,
            LENGTH,
            ELSEWHERE,
            STEEPNESS,
            ASIDE,
            ASIDES,
        )
        weights += (MATCHED, OWNED, ABSTAINED, FOUND, RELEVANCE, SHARPNESS)
        # A fact's id does not cover its statement and its successor, on which scores depend too.
        known = [fact.model_dump(mode="json") for fact in sorted(facts, key=lambda fact: fact.id)]
        self.digest = content_id("judge", self.name, VERSION, weights, known, index.digest if index else None, person)

    def compare(
        self, comparisons: Sequence[Comparison], *, description: str | None = None
    ) -> list[Opinion | Undecided]:
        """Turn the difference of the two answers' scores into a probability.

        Raises:
            MealignError: a task names no facts, and there is no index to find them with.
        """
        unkeyed = {
            (comparison.task.question, answer)
            for comparison in comparisons
            if not comparison.task.fact_ids
            for answer in (comparison.first, comparison.second)
        }
        self._weighed |= self._weigh(sorted(unkeyed - self._weighed.keys()))
        keyed: dict[tuple[str, str], EvidenceScore] = {}

        def score(task: Task, answer: str) -> EvidenceScore:
            if not task.fact_ids:
                return self._weighed[task.question, answer]
            if (task.id, answer) not in keyed:
                keyed[task.id, answer] = score_answer(task, answer, memory=self._memory)
            return keyed[task.id, answer]

        shown = track(comparisons, description) if description else comparisons
        return [
            _opinion(score(each.task, each.first), score(each.task, each.second), keyed=bool(each.task.fact_ids))
            for each in shown
        ]

    def estimate(self, comparisons: Sequence[Comparison]) -> Estimate:
        """Estimate zero: nothing is ever sent."""
        return Estimate(
            requests=0, known=len(comparisons), prompt_tokens=0, completion_tokens=0, cost_usd=0.0, minutes=0.0
        )

    def _weigh(self, asked: Sequence[tuple[str, str]]) -> dict[tuple[str, str], EvidenceScore]:
        if not asked:
            return {}
        if self._finder is None:
            raise MealignError(
                "judge=evidence: a task names no facts and there is no memory to find them in; run stage=memory"
            )
        told = [(question, answer, split_claims(answer)) for question, answer in asked]
        looked_up = sorted({(question, claims[0][:LONGEST]) for question, _, claims in told if claims})
        support = dict(zip(looked_up, self._finder.find(looked_up), strict=True))
        return {
            (question, answer): weigh_support(answer, support[question, claims[0][:LONGEST]] if claims else None)
            for question, answer, claims in told
        }


def _opinion(first: EvidenceScore, second: EvidenceScore, *, keyed: bool) -> Opinion:
    difference = STEEPNESS * (first.total - second.total) if keyed else first.logit - second.logit
    return Opinion(
        p_first=1.0 / (1.0 + math.exp(-difference)),
        dimensions={
            f"{side}_{part}": round(getattr(score, part), 4)
            for side, score in (("first", first), ("second", second))
            for part in PARTS
        },
        rationale=f"first: {first.why}; second: {second.why}",
    )


def weigh_support(answer: str, support: Support | None) -> EvidenceScore:
    """Score one answer by the support of the memory for its first claim; whatever follows is ignored.

    ``logit`` = 1.9 match + 5.9 (own - 0.5) for an answer, 2.8 for an abstention, -5 for an empty answer; ``total`` is
    its logistic. So an abstention wins where the best match is poor, or mostly somebody else's. Of 1, 1.3, 1.6, 2 and
    2.5 times (1.2, 3.7, 1.75), 1.6 calibrates best.

    Args:
        answer: the whole answer.
        support: that of its first claim; None for an empty answer.
    """
    if support is None:
        return _weighed(EMPTY, why="says nothing")
    if abstained(split_claims(answer)[0]):
        return _weighed(ABSTAINED, abstained=1.0, why="abstains")
    logit = MATCHED * support.match + OWNED * (support.own - 0.5)
    elsewhere = 1.0 - support.own
    held = min(1.0, max(0.0, support.match / 2))
    if support.rival and elsewhere > 0.5:
        why = f"somebody else's: {support.rival} tells it of another person; nearest of its own {support.fact}"
    elif support.match >= SUPPORTED:
        why = f"supported by {support.fact}"
    else:
        why = f"unsupported; nearest is {support.fact}"
    return _weighed(logit, supported=held, unsupported=1.0 - held, someone_else=elsewhere, why=why)


def _weighed(logit: float, *, why: str, **parts: float) -> EvidenceScore:
    # Rounded, so that equally good answers tie, whatever batch they were embedded in.
    logit = round(logit, 4)
    return EvidenceScore(total=round(1 / (1 + math.exp(-logit)), 6), logit=logit, why=why, **parts)


def score_answer(task: Task, answer: str, *, memory: FactLookup) -> EvidenceScore:
    """Score one answer against the facts behind its task."""
    key = _answer_key(task, memory)
    kept, asides = _to_the_point(answer, key, memory)
    claims, declined = read_claims(kept), _declines(answer, memory)
    if not key.answerable:
        if not declined:
            return EvidenceScore(total=0.0, unsupported=1.0, why="answers what no fact tells")
        length = _length(claims.tokens, key.expected.tokens)
        total = 1.0 - LENGTH * length - ASIDE * asides
        return EvidenceScore(total=total, abstained=1.0, length=length, why="rightly abstains")
    if declined:
        return EvidenceScore(total=ABSTENTION_SCORE, abstained=1.0, why=f"abstains although {key.where} answers")
    expected = key.expected.tokens - key.asked.tokens
    # Where the answer is a pronoun ("you"), that function word is a claim.
    content = claims.tokens | (claims.stems & expected)
    told = content - key.asked.tokens or content
    supported = _f1(told, expected)
    wrong, contradicted = _contradictions(claims, key, memory)
    past = (1.0 - supported) * _overlap_of_rivals(told, key)
    contradicted = max(contradicted, past)
    unsupported = _unsupported(told, key, memory)
    length = _length(told, expected)
    total = ABSTENTION_SCORE + SUPPORT * supported
    total -= CONTRADICTION * contradicted + UNSUPPORTED * unsupported + LENGTH * length + ASIDE * asides
    return EvidenceScore(
        # Rounded, so that equally good answers tie and do not differ by rounding errors.
        total=round(min(1.0, max(0.0, total)), 6),
        supported=supported,
        contradicted=contradicted,
        unsupported=unsupported,
        length=length,
        out_of_time=past,
        why=_why(told & expected, wrong, contradicted, key),
    )


def _to_the_point(answer: str, key: _AnswerKey, memory: FactLookup) -> tuple[str, int]:
    """Return the claims that count, and how many were left out.

    The first always counts. Another counts if it has a word of the task's facts or question, or a name that the memory
    knows; an unrelated sentence ("This answer is the best one.") is not part of the answer.
    """
    first, *others = split_claims(answer) or [answer]
    about = key.evidence.tokens | key.expected.tokens | key.asked.tokens | frozenset().union(*key.rivals)
    kept, asides = [first], 0
    for other in others:
        claims = read_claims(other)
        if claims.tokens & about or (_names(claims, memory.common) & memory.tokens):
            kept.append(other)
        else:
            asides += 1
    return "\n".join(kept), min(asides, ASIDES)


def _declines(answer: str, memory: FactLookup) -> bool:
    """Whether an answer abstains before it says anything that the memory has words for."""
    for claim in split_claims(answer):
        if abstained(claim):
            return True
        if read_claims(claim).tokens & memory.tokens:
            return False
    return False


@dataclass(frozen=True)
class _AnswerKey:
    """What is known about a task: the claims of its question, of the expected answer, and of the facts behind it.

    ``rivals`` are the words of every value that is known to be wrong.
    """

    answerable: bool
    where: str
    asked: Claims
    expected: Claims
    evidence: Claims
    rivals: tuple[frozenset[str], ...]


def _answer_key(task: Task, memory: FactLookup) -> _AnswerKey:
    own = memory.chosen(task.fact_ids)
    question, expected = read_claims(task.question), read_claims(task.reference)
    evidence = read_claims(". ".join([*(fact.statement for fact in own), task.reference]))
    # A question that offers its answer ("tea or coffee?"): its words decide, and the other option is a wrong value.
    offers = expected.tokens <= question.tokens
    asked = Claims() if offers else question
    rivals = [read_claims(fact.object).tokens - asked.tokens for fact in memory.displaced(own)]
    rivals += [question.tokens & evidence.tokens] if offers else []
    return _AnswerKey(
        answerable=task.family != "unanswerable" and not abstained(task.reference),
        where=", ".join(fact.id for fact in own),
        asked=asked,
        expected=expected,
        evidence=evidence,
        rivals=tuple(words - expected.tokens for words in rivals if words - expected.tokens),
    )


def _contradictions(claims: Claims, key: _AnswerKey, memory: FactLookup) -> tuple[list[str], float]:
    """Return the answer's wrong dates, numbers and names, and the largest of their three shares."""
    if None not in (claims.yes, key.expected.yes) and claims.yes != key.expected.yes:
        return ["yes" if claims.yes else "no"], 1.0
    told, *names = (_names(side, memory.common) for side in (claims, key.asked, key.expected, key.evidence))
    if told & names[1]:
        # Beside the right name, a capitalised word ("Choose") is a wrong one only if the memory knows it as a name.
        told = told & (memory.tokens - memory.common)
    found: list[str] = []
    worst = 0.0
    for wrong, share in (
        _wrong(claims.dates, key.asked.dates, key.expected.dates, key.evidence.dates, same=Day.agrees),
        _wrong(claims.numbers, key.asked.numbers, key.expected.numbers, key.evidence.numbers, same=eq),
        _wrong(told, *names, same=eq),
    ):
        found += sorted(map(str, wrong))
        worst = max(worst, share)
    return found, worst


def _wrong(
    told: frozenset[T],
    asked: frozenset[T],
    expected: frozenset[T],
    known: frozenset[T],
    *,
    same: Callable[[T, T], bool],
) -> tuple[list[T], float]:
    """Return the wrong values of one type and their share; beside a right value, others in the facts are fine too."""
    given = told - asked
    if not given or not expected:
        return [], 0.0
    wrong = [value for value in given if not any(same(value, other) for other in expected)]
    if len(wrong) < len(given):
        wrong = [value for value in wrong if not any(same(value, other) for other in known)]
    return wrong, len(wrong) / len(given)


def _names(claims: Claims, common: frozenset[str]) -> frozenset[str]:
    return claims.names | (claims.openers - common)


def _overlap_of_rivals(told: frozenset[str], key: _AnswerKey) -> float:
    """Overlap coefficient of the answer with the most similar value that is known to be wrong."""
    return max((len(told & words) / min(len(told), len(words)) for words in key.rivals if told), default=0.0)


def _unsupported(told: frozenset[str], key: _AnswerKey, memory: FactLookup) -> float:
    if not told:
        return 1.0
    unknown = told - key.evidence.tokens
    return (len(unknown - memory.tokens) + ELSEWHERE * len(unknown & memory.tokens)) / len(told)


def _f1(told: frozenset[str], expected: frozenset[str]) -> float:
    """F1 of words, where unexpected words count at most twice the expected ones, so that a flood of them is limited."""
    same = len(told & expected)
    others = min(len(told) - same, 2 * len(expected))
    return 2 * same / (same + others + len(expected)) if same else 0.0


def _length(told: frozenset[str], expected: frozenset[str]) -> float:
    return min(1.0, max(0, len(told) - 2 * len(expected) - 3) / 10)


def _why(agreed: frozenset[str], wrong: Sequence[str], contradicted: float, key: _AnswerKey) -> str:
    if contradicted:
        return f"contradicts {key.where}" + (f" in {', '.join(wrong)}" if wrong else "")
    return f"agrees with {key.where} in {', '.join(sorted(agreed))}" if agreed else f"tells nothing of {key.where}"
