import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mealign.errors import MealignError
from mealign.judging.protocol import PlannedPair, judge_pairs, plan_pairs
from mealign.language.decisions import Undecided, UndecidedKind
from mealign.records import Candidate, Origin, Task
from tests.judging.builders import ScriptedJudge, candidate, task

WHERE = task("Where did Nadia move to?", "Ghent")
POOL = [
    candidate("c1", "Ghent", "reference"),
    candidate("c2", "Utrecht", "superseded", facts=["utrecht"]),
    candidate("c3", "Antwerp", "other_person", facts=["job"]),
    *(candidate(f"p{index}", text) for index, text in enumerate(["a flat", "in Ghent", "the ghent", "Brussels"])),
]


def plan(tasks: list[Task], pool: list[Candidate], *, per_task: int = 99, max_tasks: int = 99, seed: int = 3):  # type: ignore[no-untyped-def]
    return plan_pairs(tasks, pool, max_pairs_per_task=per_task, max_tasks=max_tasks, seed=seed)


def test_every_pair_is_planned_or_counted() -> None:
    # 7 candidates: 21 pairs. "the ghent" says the same as "Ghent"; the two corruptions are never compared.
    planned = plan([WHERE], POOL)
    assert planned.counts == {"both_constructed": 1, "duplicate": 1, "planned": 19}
    assert len(set(planned.pairs)) == 19


@pytest.mark.parametrize("limit", [1, 2, 6])
def test_known_pairs_are_judged_however_many_the_policy_wrote(limit: int) -> None:
    planned = plan([WHERE], POOL, per_task=limit)
    assert planned.counts == {"both_constructed": 1, "duplicate": 1, "over_limit": 19 - limit, "planned": limit}
    assert any({pair.first, pair.second} <= {"c1", "c2", "c3"} for pair in planned.pairs)


def test_the_kinds_of_pairs_take_turns() -> None:
    origin = {item.id: item.origin if item.origin in ("policy", "reference") else "made" for item in POOL}
    four = plan([WHERE], POOL, per_task=4).pairs
    kinds = {frozenset({origin[pair.first], origin[pair.second]}) for pair in four}
    assert len(kinds) == 4


def test_tasks_over_the_limit_are_counted() -> None:
    tasks = [task("Where?", "Ghent", key=f"task_{index}") for index in range(5)]
    pool = [candidate(f"{item.id}_{text}", text, task_id=item.id) for item in tasks for text in ("a1", "b1", "c1")]
    planned = plan(tasks, pool, max_tasks=2)
    assert planned.counts == {"planned": 6, "task_over_limit": 9}


def test_a_candidate_without_its_task_is_reported() -> None:
    with pytest.raises(MealignError, match=r"candidates\.jsonl: task_9"):
        plan([WHERE], [candidate("c1", "Ghent", task_id="task_9")])


@settings(max_examples=40)
@given(
    texts=st.lists(
        st.tuples(st.sampled_from(["policy", "reference", "wrong_object", "invention"]), st.text("ab. ", max_size=3)),
        max_size=8,
    ),
    limit=st.integers(1, 5),
    seed=st.integers(0, 9),
)
def test_the_plan_depends_on_no_order_and_counts_every_pair(
    texts: list[tuple[Origin, str]], limit: int, seed: int
) -> None:
    tasks = [task("Where?", "Ghent", key=f"task_{index}") for index in range(2)]
    pool = [
        candidate(f"c{index}", text, origin, task_id=tasks[index % 2].id) for index, (origin, text) in enumerate(texts)
    ]
    planned = plan(tasks, pool, per_task=limit, seed=seed)
    shuffled = random.Random(seed).sample(pool, len(pool))
    assert set(plan(tasks[::-1], shuffled, per_task=limit, seed=seed).pairs) == set(planned.pairs)
    sizes = [sum(item.task_id == asked.id for item in pool) for asked in tasks]
    assert sum(planned.counts.values()) == sum(size * (size - 1) // 2 for size in sizes)


@pytest.mark.parametrize("kind", ["malformed", "refused", "too_long", "unreachable"])
def test_what_is_undecided_is_recorded_word_for_word_and_the_rest_is_judged(kind: UndecidedKind) -> None:
    def script(first: str, second: str) -> float | Undecided:
        return Undecided(kind, raw="I would rather not") if "Utrecht" in (first, second) else 0.8

    pairs = [PlannedPair(WHERE.id, "c1", "c2"), PlannedPair(WHERE.id, "c1", "c3")]
    verdicts = judge_pairs([WHERE], POOL, ScriptedJudge(script), pairs=pairs, description="judge")
    assert [(verdict.p_first, verdict.error) for verdict in verdicts] == [(None, kind)] * 2 + [(0.8, None)] * 2
    assert [verdict.raw for verdict in verdicts] == ["I would rather not"] * 2 + [""] * 2


@pytest.mark.parametrize("nonsense", [float("nan"), -0.1, 1.5, float("inf")])
def test_a_probability_that_is_none_is_a_mistake_of_the_program(nonsense: float) -> None:
    pairs = [PlannedPair(WHERE.id, "c1", "c2")]
    with pytest.raises(ValueError, match="no probability"):
        judge_pairs([WHERE], POOL, ScriptedJudge(lambda *_: nonsense), pairs=pairs, description="judge")


def test_a_mistake_of_the_program_is_not_taken_for_a_failure_of_the_judge() -> None:
    pairs = [PlannedPair(WHERE.id, "c1", "unknown")]
    with pytest.raises(KeyError):
        judge_pairs([WHERE], POOL, ScriptedJudge(lambda *_: 0.5), pairs=pairs, description="judge")
