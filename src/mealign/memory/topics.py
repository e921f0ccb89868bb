"""The topics of a person's facts: groups of similar statements, named by the words that distinguish them.

Average linkage on cosine distance determines the number of groups; it needs the distances of all pairs, so only a
sample of many facts is clustered. Every fact then joins the group with the nearest centre, if that is near enough. A
group is named by the words that are frequent in it and rare elsewhere: class-based TF-IDF (BERTopic, arXiv 2203.05794,
section 3.3).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from mealign.memory.entities import PRONOUNS, find_people, named_entities
from mealign.memory.times import MONTHS, WEEKDAYS
from mealign.records import Fact, Record

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SAMPLE = 3000
DISTANCE = 0.8
NEAR = 0.35
MIN_FACTS = 6
BLOCK = 4096
KEYWORDS = 3
PLAIN = {
    "ask", "asked", "asks", "away", "best", "better", "came", "come", "day", "days", "did", "does", "end", "gave",
    "get", "give", "goes", "going", "good", "got", "happy", "having", "inside", "just", "kind", "know", "left",
    "like", "likes", "little", "long", "look", "looked", "love", "loves", "made", "make", "makes", "month",
    "months", "morning", "need", "new", "night", "old", "really", "said", "saw", "say", "says", "sent", "spent",
    "tell", "tells", "thing", "things", "think", "thinks", "time", "times", "today", "told", "took", "used",
    "want", "wanted", "wants", "week", "weekend", "weeks", "went", "wrong", "year", "years",
}  # fmt: skip
"""Words that are frequent in anybody's notes and do not name a topic."""
WORD = re.compile(r"[^\W\d_]{3,}")


class Topic(Record):
    """Facts about one thing, the most typical first, and the words that name it."""

    name: str
    fact_ids: tuple[str, ...]


def find_topics(facts: Sequence[Fact], vectors: NDArray[np.float32]) -> tuple[Topic, ...]:
    """Group facts by what they are about, the largest group first. A fact that is not near any group is left out.

    Args:
        facts: n facts.
        vectors: embeddings of their statements, float32 of shape [n, d], rows of length 1.

    Raises:
        ValueError: facts and vectors differ in number.
    """
    if len(facts) != len(vectors):
        raise ValueError(f"{len(facts)} facts but {len(vectors)} vectors; embed the facts again")
    order = sorted(range(len(facts)), key=lambda index: facts[index].id)
    ordered = [facts[index] for index in order]
    groups = _groups(vectors[order])
    names = _names([[ordered[index].statement for index in group] for group in groups], leave_out=_name_words(facts))
    topics = (
        Topic(name=name, fact_ids=tuple(fact.id for fact in _typical_first([ordered[index] for index in group], name)))
        for name, group in zip(names, groups, strict=True)
        if name
    )
    return tuple(sorted(topics, key=lambda topic: (-len(topic.fact_ids), topic.name)))


def _typical_first(facts: Sequence[Fact], name: str) -> list[Fact]:
    """Put facts with a word of the topic's name before the rest, in both parts those nearest to the centre first."""
    keywords = set(name.split(", "))
    return sorted(
        facts, key=lambda fact: not keywords & {match[0] for match in WORD.finditer(fact.statement.casefold())}
    )


def _groups(vectors: NDArray[np.float32]) -> list[list[int]]:
    """Return the rows of each group, those nearest to its centre first."""
    import numpy as np

    if len(vectors) < MIN_FACTS:
        return []
    # What all statements share (their person, their tone) does not distinguish them.
    mean = vectors.mean(axis=0)
    sample = _unit(vectors[:: math.ceil(len(vectors) / SAMPLE)] - mean)
    # A statement that equals the mean has no direction left.
    sample = sample[sample.any(axis=1)]
    if len(sample) < MIN_FACTS or not len(centres := _centres(sample)):
        return []
    nearest, similarity = [], []
    for start in range(0, len(vectors), BLOCK):
        # Rounding keeps the block in which scores are computed from deciding ties.
        scores = np.round(_unit(vectors[start : start + BLOCK] - mean) @ centres.T, 5)
        nearest.append(scores.argmax(axis=1))
        similarity.append(scores.max(axis=1))
    group, score = np.concatenate(nearest), np.concatenate(similarity)
    found = []
    for number in range(len(centres)):
        rows = np.flatnonzero((group == number) & (score >= NEAR))
        if len(rows) >= MIN_FACTS:
            found.append([int(row) for row in rows[np.argsort(-score[rows], kind="stable")]])
    return found


def _centres(sample: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the centres [k, d] of the sample's groups, rows of length 1; isolated statements form no group."""
    import numpy as np
    from sklearn.cluster import AgglomerativeClustering

    clustering = AgglomerativeClustering(
        n_clusters=None, metric="cosine", linkage="average", distance_threshold=DISTANCE
    )
    labels = clustering.fit_predict(sample)
    sizes = np.bincount(labels)
    kept = [sample[labels == label].mean(axis=0) for label in np.flatnonzero(sizes >= MIN_FACTS)]
    return _unit(np.array(kept, dtype=np.float32).reshape(len(kept), sample.shape[1]))


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    import numpy as np

    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: NDArray[np.float32] = (rows / np.maximum(lengths, 1e-9)).astype(np.float32)
    return unit


def _names(groups: Sequence[Sequence[str]], *, leave_out: set[str]) -> list[str]:
    """Name every group of statements by its words of greatest weight ``tf(t, c) * log(1 + A / f(t))``.

    ``tf(t, c)`` counts a word in the group, ``f(t)`` in all of them, and ``A`` is the mean number of words in a group.
    Forms of a word count as one (``run``, ``running``) and are shown as the most frequent of them. A word names a group
    only if two of its statements have it, and no two groups have the same name; a group whose statements have no such
    word in common gets the empty name.
    """
    from snowballstemmer import stemmer

    stem = stemmer("english").stemWord
    counts: list[Counter[str]] = []
    spread: list[Counter[str]] = []
    forms: dict[str, Counter[str]] = {}
    for statements in groups:
        words = [list(_words(statement, leave_out)) for statement in statements]
        counts.append(Counter(stem(word) for found in words for word in found))
        spread.append(Counter(form for found in words for form in {stem(word) for word in found}))
        for word in (word for found in words for word in found):
            forms.setdefault(stem(word), Counter())[word] += 1
    total: Counter[str] = sum(counts, Counter())
    average = total.total() / max(1, len(groups))
    names: list[str] = []
    for group, statements_with in zip(counts, spread, strict=True):
        weights = {
            word: count * math.log(1 + average / total[word])
            for word, count in group.items()
            if statements_with[word] > 1
        }
        best = sorted(weights, key=lambda word: (-weights[word], word))[:KEYWORDS]
        name = ", ".join(min(forms[word], key=lambda form: (-forms[word][form], form)) for word in best)
        names.append(name if name not in names else "")
    return names


def _words(statement: str, leave_out: set[str]) -> Iterable[str]:
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    for match in WORD.finditer(statement):
        word = match[0].casefold()
        if not any(word in words for words in (ENGLISH_STOP_WORDS, PRONOUNS, PLAIN, MONTHS, WEEKDAYS, leave_out)):
            yield word


def _name_words(facts: Sequence[Fact]) -> set[str]:
    """Return the words of people's names, which would otherwise name every group in which they occur."""
    people = {*find_people(facts), *(name for names in named_entities(facts).values() for name in names if " " in name)}
    return {match[0].casefold() for name in people for match in WORD.finditer(name)}
