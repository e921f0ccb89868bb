"""What a question finds: by meaning, by words, by the people and times it names, by what facts have in common."""

import zlib
from collections.abc import Sequence
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from mealign.memory.passages import Passage
from mealign.memory.search import SEEDS, FactIndex, embed
from mealign.records import Evidence, Fact
from tests.memory.builders import index_of

PERSON = "Nadia Verhoeven"


def fact(number: int, statement: str, *, subject: str = PERSON, **changes: object) -> Fact:
    values = {
        "id": f"f{number:04d}",
        "subject": subject,
        "relation": "say",
        "object": "",
        "statement": statement,
        "valid_from": date(2024, 6, 1),
        "evidence": Evidence(document_id=f"d{number}", start=0, end=5),
        "entities": (subject,),
        "confidence": 0.9,
    }
    return Fact.model_validate({**values, **changes})


def meaningless(texts: Sequence[str]) -> NDArray[np.float32]:
    """Embed every text alike, so that only words, names and times tell facts apart."""
    return np.ones((len(texts), 4), dtype=np.float32) / 2


def by_hash(texts: Sequence[str]) -> NDArray[np.float32]:
    """Embed equal texts alike and others anyhow: float32 of shape [n, 8], rows of length 1."""
    rows = [np.random.default_rng(zlib.crc32(text.encode())).normal(size=8) for text in texts]
    vectors = np.array(rows, dtype=np.float32).reshape(-1, 8)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def found(facts: Sequence[Fact], query: str, *, k: int = 3, **options: object) -> list[str]:
    return [made.id for made in index_of(facts, meaningless).search([query], k=k, **options)[0]]  # type: ignore[arg-type]


GARDEN = [
    fact(1, "Nadia planted tulips."),
    fact(2, "Nadia repaired the kitchen tap."),
    fact(3, "Bart sold his boat.", subject="Bart Molenaar"),
    fact(4, "Ilse bakes bread.", subject="Ilse"),
]


def test_words_find_their_fact_whatever_their_ending() -> None:
    assert found(GARDEN, "When was the planting of the tulip?", k=1) == ["f0001"]


def test_meaning_finds_what_no_word_does() -> None:
    def encode(texts: Sequence[str]) -> NDArray[np.float32]:
        return np.array([[1, 0] if "boat" in text or "vessel" in text else [0, 1] for text in texts], dtype=np.float32)

    assert index_of(GARDEN, encode).search(["a vessel"], k=1)[0][0].id == "f0003"


def test_the_passage_finds_a_statement_that_says_too_little() -> None:
    facts = [fact(1, "Nadia said that it was fun."), fact(2, "Nadia said that it was dull.")]
    passages = [
        Passage(text="Bart: How was the pottery class?\nNadia: It was fun.", written=date(2024, 6, 1)),
        Passage(text="Bart: How was the dentist?\nNadia: It was dull.", written=date(2024, 6, 1)),
    ]
    index = FactIndex(facts, passages, embed(facts, passages, meaningless), meaningless)
    assert index.search(["How was the pottery class?"], k=1)[0] == [facts[0]]


def test_who_is_named_is_meant() -> None:
    assert found(GARDEN, "And Bart?", k=1) == ["f0003"]
    assert found(GARDEN, "What of Bart Molenaar?", k=1) == ["f0003"]


def test_a_time_in_the_question_prefers_what_was_told_or_began_then() -> None:
    facts = [
        fact(number, "Nadia had a quiet month.", valid_from=date(2024, number, 5), id=f"f{number}")
        for number in range(1, 7)
    ]
    assert found(facts, "What happened in March 2024?", k=1) == ["f3"]
    assert found(facts, "What happened last month?", k=1, as_of=date(2024, 6, 20)) == ["f5"]


def test_a_good_fact_lifts_those_that_share_a_rare_entity_with_it() -> None:
    """``Lisbon`` stands in the fact that the words find and in one other; the other comes before its equals."""
    others = [fact(number, "Something else happened.", subject=f"S{number}") for number in range(100, 200)]
    direct = fact(1, "Tom plays in a band called Fado Noir.", subject="Tom", entities=("Tom", "Lisbon"))
    joined = fact(199, "A very different thing.", subject="Other", entities=("Other", "Lisbon"))
    assert len(others) > SEEDS
    assert found([*others[:-1], direct, joined], "Which band is Fado Noir?", k=2) == ["f0001", "f0199"]


def test_a_superseded_fact_comes_after_its_equal_and_stays_findable() -> None:
    facts = [fact(1, "Nadia lives here.", superseded_by="f0002"), fact(2, "Nadia lives here.")]
    assert found(facts, "Where does Nadia live?") == ["f0002", "f0001"]


def test_equal_facts_come_in_the_order_of_their_ids() -> None:
    facts = [fact(number, "Nadia likes tea.") for number in (3, 1, 2)]
    assert found(facts, "tea") == ["f0001", "f0002", "f0003"]


def test_excluded_and_future_facts_are_left_out() -> None:
    facts = [fact(number, "Nadia likes tea.", valid_from=date(2024, number, 1)) for number in (1, 2, 3)]
    assert found(facts, "tea", exclude={"f0001"}) == ["f0002", "f0003"]
    assert found(facts, "tea", as_of=date(2024, 2, 1)) == ["f0001", "f0002"]


def test_no_queries_and_no_facts_find_nothing() -> None:
    assert index_of(GARDEN, meaningless).search([], k=3) == []
    assert index_of([], meaningless).search(["tea"], k=3) == [[]]


def test_facts_without_their_vectors_are_refused() -> None:
    with pytest.raises(ValueError, match=r"1 facts but 1 passages and 2 vectors"):
        FactIndex(GARDEN[:1], [Passage("x", date(2024, 1, 1))], np.ones((2, 2, 4), dtype=np.float32), meaningless)


WORDS = st.lists(st.sampled_from(["tea", "boat", "Bart", "moved", "in", "May", "2024", "", "🎶", "北京"]), max_size=5)


@given(
    statements=st.lists(WORDS.map(lambda words: " ".join(("Nadia", *words))), min_size=1, max_size=12),
    queries=st.lists(WORDS.map(" ".join), min_size=1, max_size=4),
    k=st.integers(1, 15),
    order=st.randoms(use_true_random=False),
)
def test_a_search_is_the_same_whatever_the_order_of_facts_and_the_queries_beside_it(
    statements: list[str], queries: list[str], k: int, order: object
) -> None:
    facts = [fact(number, statement) for number, statement in enumerate(statements)]
    shuffled = list(facts)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    together = index_of(facts, by_hash).search(queries, k=k)
    apart = [index_of(shuffled, by_hash).search([query], k=k)[0] for query in queries]
    assert together == apart
    assert all(len({made.id for made in result}) == len(result) == min(k, len(facts)) for result in together)
