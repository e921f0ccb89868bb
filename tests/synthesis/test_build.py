from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from mealign.language.local import LocalModel
from mealign.records import ABSTENTION, Fact, Message, Split, Task, TaskKind
from mealign.synthesis.build import build_candidates, choose_prompts
from tests.defaults import CandidatesConfig
from tests.tasks.conftest import make_fact

SETTINGS = CandidatesConfig(n=3, max_new_tokens=4, max_prompts=6, negatives=2)
PLACES = ("Ghent", "Porto", "Lille", "Bruges", "Antwerp", "Zutphen", "Haarlem", "Deventer")


@pytest.fixture(scope="module")
def facts() -> dict[str, Fact]:
    lines = [f"P{n}|live in|{place}|P{n} lives in {place}." for n, place in enumerate(PLACES)]
    return {f"fact{n}": make_fact(line, id=f"fact{n}") for n, line in enumerate(lines)}


@pytest.fixture(scope="module")
def policy(tiny_model: Path) -> LocalModel:
    return LocalModel(tiny_model)


def task(number: int, *, split: Split = "train", kind: TaskKind = "memory_qa_third_party", shown: bool = False) -> Task:
    question = f"Where does P{number} live?"
    return Task(
        id=f"task{number}",
        kind=kind,
        family="recall",
        question=question,
        prompt=(Message(role="user", content=question),),
        reference=PLACES[number],
        fact_ids=(f"fact{number}",),
        context_fact_ids=(f"fact{number}",) if shown else (),
        split=split,
    )


def test_every_prompt_has_samples_its_reference_and_corruptions(facts: dict[str, Fact], policy: LocalModel) -> None:
    tasks = [task(0), task(1, shown=True)]
    built = build_candidates(tasks, facts=facts, model=policy, settings=SETTINGS, seed=3)
    for number in (0, 1):
        origins = Counter(candidate.origin for candidate in built.candidates if candidate.task_id == f"task{number}")
        assert origins["reference"] == 1
        assert 1 <= origins["policy"] <= SETTINGS.n
        assert sum(origins.values()) - origins["reference"] - origins["policy"] == SETTINGS.negatives
    assert built.counts["prompts"] == 2
    sampled = built.counts["policy"] + built.counts.get("empty", 0) + built.counts.get("repeated", 0)
    assert sampled == 2 * SETTINGS.n
    assert {candidate.model for candidate in built.candidates if candidate.origin == "policy"} == {policy.digest}


def test_the_same_seed_gives_the_same_candidates(facts: dict[str, Fact], policy: LocalModel) -> None:
    once, again = (
        build_candidates(tasks, facts=facts, model=policy, settings=SETTINGS, seed=3)
        for tasks in ([task(0), task(1)], [task(1), task(0)])
    )
    assert once == again
    assert len({candidate.id for candidate in once.candidates}) == len(once.candidates)


def test_no_corruption_comes_from_a_held_out_fact(facts: dict[str, Fact], policy: LocalModel) -> None:
    tasks: Sequence[Task] = [task(0), *(task(number, split="eval") for number in range(1, 7))]
    settings = CandidatesConfig(n=0, negatives=6)
    built = build_candidates(tasks, facts=facts, model=policy, settings=settings, seed=3)
    assert {candidate.task_id for candidate in built.candidates} == {"task0"}
    used = {fact_id for candidate in built.candidates for fact_id in candidate.edit_fact_ids}
    assert used == {"fact7"}


def test_only_short_answers_of_the_training_side_are_chosen() -> None:
    twisted = task(5, shown=True).model_copy(update={"family": "unanswerable", "reference": ABSTENTION})
    tasks = [task(0), task(1, split="eval"), task(2, kind="context_enhance"), task(3, shown=True), twisted]
    assert [chosen.id for chosen in choose_prompts(tasks, count=10, seed=1)] == ["task0", "task3", "task5"]


@pytest.mark.parametrize("count", [0, 1, 4])
def test_families_and_prompts_with_and_without_memory_take_turns(count: int) -> None:
    tasks = [task(number, shown=number % 2 == 0) for number in range(8)]
    chosen = choose_prompts(tasks, count=count, seed=1)
    shown = sum(bool(one.context_fact_ids) for one in chosen)
    assert len(chosen) == count
    assert abs(2 * shown - count) <= 1
