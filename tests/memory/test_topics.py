"""Topics on made-up vectors (where the groups are known) and on the packaged embedder."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mealign.memory import topics as module
from mealign.memory.topics import find_topics
from mealign.records import Fact
from tests.memory.handmade import fact

SUBJECTS = {
    "bees": "the beekeeper opened a hive of honey bees number {}",
    "running": "Nadia went running in running shoes for {} kilometres",
    "bread": "the baker made a sourdough bread with {} grams of flour",
}


def grouped(each: int, dimensions: int = 16, noise: float = 0.05) -> tuple[list[Fact], NDArray[np.float32]]:
    """Return facts about three things and vectors that lie around three axes."""
    random = np.random.default_rng(0)
    facts, rows = [], []
    for axis, sentence in enumerate(SUBJECTS.values()):
        for number in range(each):
            facts.append(fact(f"f{axis}-{number:05d}", sentence.format(number) + "."))
            rows.append(np.eye(dimensions)[axis] + noise * random.normal(size=dimensions))
    vectors = np.array(rows, dtype=np.float32)
    return facts, vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_groups_are_found_and_named_by_what_sets_them_apart() -> None:
    facts, vectors = grouped(12)
    found = find_topics(facts, vectors)
    assert [len(topic.fact_ids) for topic in found] == [12, 12, 12]
    names = {topic.fact_ids[0][:2]: topic.name for topic in found}
    assert "bees" in names["f0"]
    assert "running" in names["f1"]
    assert "bread" in names["f2"]
    assert not any("nadia" in name for name in names.values())


def test_the_order_of_facts_changes_nothing() -> None:
    facts, vectors = grouped(10)
    order = np.random.default_rng(1).permutation(len(facts))
    assert find_topics([facts[index] for index in order], vectors[order]) == find_topics(facts, vectors)


def test_what_fits_nowhere_stays_out() -> None:
    facts, vectors = grouped(10)
    alone = fact("x", "a comet passed.")
    row = np.eye(16, dtype=np.float32)[15:]
    found = find_topics([*facts, alone], np.concatenate([vectors, row]))
    assert len(found) == 3
    assert all("x" not in topic.fact_ids for topic in found)


def test_of_many_facts_a_sample_is_clustered_and_all_are_assigned(monkeypatch: pytest.MonkeyPatch) -> None:
    facts, vectors = grouped(400)
    whole = find_topics(facts, vectors)
    monkeypatch.setattr(module, "SAMPLE", 150)
    monkeypatch.setattr(module, "BLOCK", 64)
    sampled = find_topics(facts, vectors)
    assert [sorted(topic.fact_ids) for topic in sampled] == [sorted(topic.fact_ids) for topic in whole]


@settings(deadline=None)
@given(st.integers(0, 12), st.integers(0, 5))
def test_no_fact_is_in_two_topics(count: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    rows = random.normal(size=(count, 4)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    facts = [fact(f"f{number}", f"word{'abc'[number % 3]} again.") for number in range(count)]
    ids = [identity for topic in find_topics(facts, rows) for identity in topic.fact_ids]
    assert len(ids) == len(set(ids))
    assert set(ids) <= {each.id for each in facts}


def test_equal_vectors_make_one_topic_or_none_and_never_fail() -> None:
    facts = [fact(f"f{number}", "the same heron again.") for number in range(8)]
    assert len(find_topics(facts, np.tile(np.eye(4, dtype=np.float32)[0], (8, 1)))) <= 1


def test_facts_without_their_vectors_are_refused() -> None:
    with pytest.raises(ValueError, match="1 facts but 2 vectors"):
        find_topics([fact("f1", "Nadia ran.")], np.eye(2, dtype=np.float32))


@pytest.mark.numerical
def test_real_embeddings_tell_bees_from_bread(embedder_path: Path) -> None:
    from mealign.language.embed import Embedder

    facts, _ = grouped(8)
    found = find_topics(facts, Embedder(embedder_path).encode([each.statement for each in facts]))
    assert {frozenset(identity[:2] for identity in topic.fact_ids) for topic in found} == {
        frozenset({"f0"}), frozenset({"f1"}), frozenset({"f2"}),
    }  # fmt: skip
