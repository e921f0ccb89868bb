"""How far a memory supports an answer to a question whose right answer is not known.

An answer is supported when a fact that is found for the question also contains the answer, in words or meaning. It is
somebody else's when question and answer together best fit what was said by, or about, another person than the one whom
the question names: the trap in an unanswerable question is a fact about the wrong person.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mealign.memory.search import FactIndex

FOUND = 30
"""Number of a question's best facts in which its answer is looked for."""
RELEVANCE = 0.1
"""Weight of one standard deviation of a fact's relevance, relative to the two matches, which are shares."""
SHARPNESS = 10.0
"""How much the best matches outweigh the others in deciding whose they are."""
SELF = re.compile(r"\b(?:i|me|my|mine|myself)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Support:
    """The memory's support for one answer.

    - ``match``: maximum over the question's facts of the share of the answer's words, weighted by rarity, in its
      passage, plus the cosine of answer and fact, less a tenth of the number of standard deviations by which the fact
      is less relevant to the question than the first one. At most 2.
    - ``own``: the share of the person asked about in the facts, weighted by how well they fit question and answer
      together, in [0, 1]; 0.5 where the question names nobody, or everybody.
    - ``fact``: the id of the fact that matches; ``rival``: that of another person's fact that fits best.
    """

    match: float
    own: float
    fact: str
    rival: str | None = None


class SupportFinder:
    """Finds the support of answers in an index.

    Args:
        index: the person's facts; there is at least one.
        person: whom "I" and "my" in a question mean; empty where nobody is meant.
    """

    def __init__(self, index: FactIndex, *, person: str = "") -> None:
        import numpy as np
        from scipy.sparse import csr_array

        from mealign.memory.search import content_words

        self._index = index
        self._person = person
        self._owners = [
            passage.speaker or fact.subject for fact, passage in zip(index.facts, index.passages, strict=True)
        ]
        self._names = sorted(set(self._owners))
        wide = content_words([passage.text for passage in index.passages])
        own = content_words(
            [f"{passage.own} {fact.statement}" for fact, passage in zip(index.facts, index.passages, strict=True)]
        )
        self._column = {word: at for at, word in enumerate(sorted({word for words in wide + own for word in words}))}

        def holds(texts: Sequence[Sequence[str]]) -> Any:
            pairs = [(row, self._column[word]) for row, words in enumerate(texts) for word in sorted(set(words))]
            rows, columns = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
            return csr_array(
                (np.ones(len(pairs), dtype=np.float32), (rows, columns)), shape=(len(texts), len(self._column))
            ).tocsc()

        self._wide, self._own = holds(wide), holds(own)
        frequency = np.asarray(self._wide.sum(axis=0)).ravel()
        self._rarity = np.log((len(index.facts) + 1) / (frequency + 0.5))
        self._unknown = float(np.log((len(index.facts) + 1) / 0.5))

    def find(self, asked: Sequence[tuple[str, str]]) -> list[Support]:
        """Return the support of every (question, answer), in their order."""
        from mealign.memory.search import content_words

        if not asked:
            return []
        questions = sorted({question for question, _ in asked})
        relevance = dict(zip(questions, self._index.relevance(questions), strict=True))
        words = dict(zip(questions, content_words(questions), strict=True))
        found: list[Support] = []
        for start in range(0, len(asked), 256):
            batch = asked[start : start + 256]
            answers = [answer for _, answer in batch]
            alone = self._index.similarity(answers)
            together = self._index.similarity([f"{question} {answer}" for question, answer in batch])
            for at, ((question, _), told) in enumerate(zip(batch, content_words(answers), strict=True)):
                found.append(
                    self._support(
                        question,
                        told,
                        words[question],
                        relevance[question],
                        (alone[0][at], alone[1][at]),
                        (together[0][at], together[1][at]),
                    )
                )
        return found

    def _support(
        self,
        question: str,
        told: Sequence[str],
        asked: Sequence[str],
        relevance: NDArray[np.float32],
        alone: tuple[NDArray[np.float32], NDArray[np.float32]],
        together: tuple[NDArray[np.float32], NDArray[np.float32]],
    ) -> Support:
        import numpy as np

        new = [word for word in dict.fromkeys(told) if word not in set(asked)] or list(dict.fromkeys(told))
        best = np.argsort(-np.round(relevance, 3), kind="stable")[:FOUND]
        match = RELEVANCE * (relevance - relevance.max()) + self._share(new, self._wide) + np.maximum(*alone)
        top = best[int(np.argmax(np.round(match[best], 4)))]
        owned = self._owned(question)
        fact = self._index.facts[top].id
        if owned.all() or not owned.any():
            return Support(float(match[top]), 0.5, fact)
        naming = {word for name in self._names for word in self._stems(name)}
        both = [word for word in dict.fromkeys((*asked, *told)) if word not in naming and word in self._column]
        fits = 2 * self._share(both, self._own) + together[0] + together[1]
        weights = np.exp(SHARPNESS * (fits - fits.max()))
        rival = int(np.argmax(np.where(owned, -np.inf, np.round(fits, 4))))
        own = float(weights[owned].sum() / weights.sum())
        return Support(float(match[top]), own, fact, self._index.facts[rival].id)

    def _share(self, words: Sequence[str], holds: Any) -> NDArray[np.float64]:
        """Return the share of the words, weighted by rarity, in each fact's text: shape [n]."""
        import numpy as np

        known = [self._column[word] for word in words if word in self._column]
        weights = self._rarity[known]
        total = float(weights.sum()) + self._unknown * (len(words) - len(known))
        if not known or total <= 0:
            return np.zeros(holds.shape[0])
        return np.asarray(holds[:, known] @ weights) / total

    def _owned(self, question: str) -> NDArray[np.bool_]:
        """Return which facts are about the people whom a question names: shape [n]."""
        import numpy as np

        words = {word for word in re.findall(r"\w+", question) if word[0].isupper() and len(word) > 2}
        named = {name for name in self._names if any(_is_name(word, name) for word in words)}
        if self._person and SELF.search(question):
            named.add(self._person)
        return np.array([owner in named for owner in self._owners])

    @staticmethod
    def _stems(name: str) -> list[str]:
        from mealign.memory.search import content_words

        return content_words([name])[0]


def _is_name(word: str, name: str) -> bool:
    """Whether a word is a first name, or a short form of it ("Mel" for Melanie)."""
    first = name.split()[0] if name.split() else ""
    return first[:1].isupper() and first.lower().startswith(word.lower())
