import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mealign.errors import MealignError
from mealign.judging.evidence import EvidenceJudge
from mealign.judging.protocol import judge_pairs, plan_pairs
from mealign.language.decisions import Undecided
from mealign.preferences.pairs import PreferenceSet, build_preferences
from mealign.records import ABSTENTION, FAMILIES, Candidate, Standing, Task, Verdict
from tests.defaults import PreferencesConfig
from tests.judging.builders import MEMORY, ScriptedJudge, both_orders, candidate, task

WHERE = task("Where did Nadia move to?", "Ghent", shown=["ghent"])
POOL = [
    candidate("c1", "Ghent", "reference"),
    candidate("c2", "Utrecht", "superseded", facts=["utrecht"]),
    candidate("c3", "to Ghent", "policy"),
    candidate("c4", "ghent.", "policy"),
    candidate("c5", "Antwerp", "policy"),
]
ALL = PreferencesConfig(min_margin=0.1, max_pairs=99, max_pairs_per_task=99, eval_share=0.0)


def build(
    verdicts: list[Verdict],
    *,
    tasks: list[Task] | None = None,
    pool: list[Candidate] | None = None,
    options: PreferencesConfig = ALL,
    seed: int = 1,
) -> PreferenceSet:
    return build_preferences(tasks or [WHERE], pool or POOL, verdicts, MEMORY, settings=options, seed=seed)


def test_a_clear_verdict_becomes_a_pair_with_its_lineage() -> None:
    built = build(both_orders("c2", "c1", 0.2, 0.9))
    (pair,) = built.train
    assert (pair.chosen, pair.rejected, pair.family, pair.prompt) == ("Ghent", "Utrecht", "recall", WHERE.prompt)
    # P(c2) is 0.2 and 1 - 0.9 = 0.1: 0.15, a margin of 2 * 0.35.
    assert pair.margin == pytest.approx(0.7)
    assert (pair.lineage.task_id, pair.lineage.chosen_id, pair.lineage.rejected_id) == (WHERE.id, "c1", "c2")
    assert pair.lineage.verdict_ids == ("verdict_task_1_c2_c1_forward", "verdict_task_1_c1_c2_reverse")
    assert pair.lineage.fact_ids == ("fact_ghent", "fact_utrecht")
    assert pair.lineage.document_ids == ("doc_ghent", "doc_utrecht")
    assert (built.counts, built.origins) == ({"pairs": 1}, {"reference over superseded": 1})


@pytest.mark.parametrize(
    ("first", "second", "forward", "reverse", "reason"),
    [
        ("c1", "c2", None, 0.1, "judge_error"),
        ("c1", "c2", 0.9, None, "judge_error"),
        ("c1", "c2", 0.9, 0.9, "flip"),
        ("c1", "c2", 0.9, 0.5, "flip"),
        ("c1", "c2", 0.5, 0.5, "tie"),
        ("c1", "c2", 0.54, 0.46, "tie"),
        ("c1", "c4", 0.9, 0.1, "duplicate"),
    ],
)
def test_what_makes_no_pair_is_counted(
    first: str, second: str, forward: float | None, reverse: float | None, reason: str
) -> None:
    """Second-Me, defects 1 to 4."""
    built = build(both_orders(first, second, forward, reverse))
    assert (built.train, built.eval) == ((), ())
    assert built.counts == {reason: 1, "pairs": 0}


@pytest.mark.parametrize(("forward", "reverse", "pairs"), [(0.5625, 0.4375, 1), (0.56, 0.44, 0)])
def test_the_margin_at_its_threshold_is_enough(forward: float, reverse: float, pairs: int) -> None:
    options = PreferencesConfig(min_margin=0.125, eval_share=0.0)
    assert build(both_orders("c1", "c2", forward, reverse), options=options).counts["pairs"] == pairs


@pytest.mark.parametrize("p_first", [None, 0.5])
def test_a_judge_that_never_decides_makes_no_pair(p_first: float | None) -> None:
    """Second-Me, defects 2 and 3: sample 0 is not preferred to sample 2 for want of a verdict."""
    verdicts = [v for loser in ("c2", "c3", "c5") for v in both_orders("c1", loser, p_first, p_first)]
    built = build(verdicts)
    assert built.counts == {"judge_error" if p_first is None else "tie": 3, "pairs": 0}


def test_a_judge_that_likes_what_it_sees_first_makes_no_pair() -> None:
    """Second-Me, defect 1."""
    pairs = plan_pairs([WHERE], POOL, max_pairs_per_task=99, max_tasks=9, seed=1).pairs
    verdicts = judge_pairs([WHERE], POOL, ScriptedJudge(lambda *_: 0.8), pairs=pairs, description="judge")
    assert build(verdicts).counts == {"flip": len(pairs), "pairs": 0}


def test_two_texts_meet_once_whoever_wrote_them() -> None:
    """Second-Me, defect 4. "Ghent" (c1) and "ghent." (c4) say the same; the clearest verdict stands."""
    verdicts = [
        *both_orders("c4", "c5", 0.7, 0.3),
        *both_orders("c3", "c5", 0.8, 0.2),
        *both_orders("c1", "c5", 0.9, 0.1),
    ]
    assert [pair.lineage.chosen_id for pair in sorted(build(verdicts).train, key=lambda pair: -pair.margin)] == [
        "c1", "c3",
    ]  # fmt: skip
    one = build(verdicts, options=PreferencesConfig(max_pairs_per_task=1, eval_share=0.0))
    assert [pair.lineage.chosen_id for pair in one.train] == ["c1"]
    assert one.counts == {"duplicate": 1, "over_task_limit": 1, "pairs": 1}


def test_two_texts_never_make_a_pair_in_both_directions() -> None:
    built = build([*both_orders("c1", "c5", 0.9, 0.1), *both_orders("c4", "c5", 0.3, 0.7)])
    assert [(pair.chosen, pair.rejected) for pair in built.train] == [("Ghent", "Antwerp")]
    assert built.counts == {"duplicate": 1, "pairs": 1}


@pytest.mark.parametrize(
    ("shown", "chosen", "rejected", "taught"),
    [
        (["ghent", "cake"], ABSTENTION, "Antwerp", False),
        (["ghent", "cake"], "Ghent", ABSTENTION, True),
        (["cake"], ABSTENTION, "Antwerp", True),
        (["cake"], "Ghent", ABSTENTION, False),
        ([], ABSTENTION, "Antwerp", False),
        ([], "Ghent", ABSTENTION, False),
        ([], "Ghent", "Antwerp", True),
        ([], "Nonetheless Ghent", "Antwerp", True),
        ([], "None of them but Ghent", "Antwerp", True),
    ],
)
def test_an_abstention_teaches_only_where_it_is_right_or_the_answer_was_shown(
    shown: list[str], chosen: str, rejected: str, taught: bool
) -> None:
    """The table of the module; and an answer that holds "None" stays (Second-Me, defect 10)."""
    asked = task("Where did Nadia move to?", "Ghent", shown=shown)
    pool = [candidate("c1", chosen), candidate("c2", rejected)]
    built = build(both_orders("c1", "c2", 0.9, 0.1), tasks=[asked], pool=pool)
    assert built.counts == ({"pairs": 1} if taught else {"abstention": 1, "pairs": 0})


@pytest.mark.parametrize("shown", [[], ["ghent"]])
def test_of_a_question_without_an_answer_the_verdict_stands(shown: list[str]) -> None:
    asked = task("Where did Bart move to?", shown=shown)
    pool = [candidate("c1", ABSTENTION, "reference"), candidate("c2", "Ghent", "invention", facts=["ghent"])]
    assert build(both_orders("c1", "c2", 0.9, 0.1), tasks=[asked], pool=pool).train[0].chosen == ABSTENTION


def test_the_text_of_an_error_is_in_no_pair() -> None:
    """Second-Me, defect 16."""

    def script(first: str, second: str) -> float | Undecided:
        if "Utrecht" in (first, second):
            return Undecided("unreachable", raw="the server is gone")
        return 0.9 if first == "Ghent" else 0.1

    pool = POOL[:2] + POOL[4:]
    pairs = plan_pairs([WHERE], pool, max_pairs_per_task=9, max_tasks=9, seed=1).pairs
    verdicts = judge_pairs([WHERE], pool, ScriptedJudge(script), pairs=pairs, description="judge")
    built = build(verdicts)
    assert [(pair.chosen, pair.rejected) for pair in built.train] == [("Ghent", "Antwerp")]
    assert built.counts == {"judge_error": 2, "pairs": 1}


def families(sizes: dict[str, int]) -> tuple[list[Task], list[Candidate], list[Verdict]]:
    """Tasks of each family with one clear pair each; a later task's is clearer."""
    tasks, pool, verdicts = [], [], []
    for family, size in sizes.items():
        for index in range(size):
            key = f"{family}_{index}"
            asked = task("Where?", "Ghent", facts=[], family=family, key=key)  # type: ignore[arg-type]
            tasks.append(asked)
            pool += [candidate(f"{key}_{text}", text, task_id=key) for text in ("good", "bad")]
            p_first = 0.8 + index / 100
            verdicts += both_orders(f"{key}_good", f"{key}_bad", p_first, 1 - p_first, task_id=key)
    return tasks, pool, verdicts


def test_a_frequent_family_does_not_crowd_out_the_others() -> None:
    tasks, pool, verdicts = families({"recall": 9, "temporal": 2, "update": 1})
    options = PreferencesConfig(max_pairs=6, eval_share=0.0)
    built = build_preferences(tasks, pool, verdicts, MEMORY, settings=options, seed=1)
    assert sorted(pair.lineage.task_id for pair in built.train) == [
        "recall_6", "recall_7", "recall_8", "temporal_0", "temporal_1", "update_0",
    ]  # fmt: skip
    assert built.counts == {"over_limit": 6, "pairs": 6}


def test_the_split_keeps_a_question_on_one_side_with_and_without_memory() -> None:
    """Second-Me, defect 8."""
    tasks, pool, verdicts = [], [], []
    for index in range(40):
        for shown in ([], ["ghent"]):
            key = f"task_{index}_{len(shown)}"
            tasks.append(task("Where?", "Ghent", facts=[str(index)], shown=shown, key=key))
            pool += [candidate(f"{key}_{text}", text, task_id=key) for text in ("good", "bad")]
            verdicts += both_orders(f"{key}_good", f"{key}_bad", 0.9, 0.1, task_id=key)
    known = [MEMORY[0].model_copy(update={"id": f"fact_{index}"}) for index in range(40)]
    options = PreferencesConfig(max_pairs=200, eval_share=0.3)
    built = build_preferences(tasks, pool, verdicts, known, settings=options, seed=1)
    held_out = {pair.lineage.fact_ids for pair in built.eval}
    assert len(built.train) + len(built.eval) == 80
    assert 4 <= len(held_out) <= 20
    assert not held_out & {pair.lineage.fact_ids for pair in built.train}


@pytest.mark.parametrize(
    ("lost", "file"), [("tasks", "tasks.jsonl"), ("pool", "candidates.jsonl"), ("facts", "memory/facts.jsonl")]
)
def test_verdicts_about_something_else_are_reported(lost: str, file: str) -> None:
    given = {"tasks": [WHERE], "pool": POOL, "facts": MEMORY} | {lost: []}
    verdicts = both_orders("c1", "c2", 0.9, 0.1)
    with pytest.raises(MealignError, match=rf"{file}: .* which is not there"):
        build_preferences(
            given["tasks"], given["pool"], verdicts, given["facts"], settings=ALL, seed=1  # type: ignore[arg-type]
        )  # fmt: skip


TEXTS = ["Ghent", "ghent.", "to Ghent", "Utrecht", "Antwerp", ABSTENTION, "I don't know", "1 March 2024", "None"]


@st.composite
def judged(draw: st.DrawFn) -> tuple[list[Task], list[Candidate], list[Verdict]]:
    tasks, pool, verdicts = [], [], []
    for index in range(draw(st.integers(1, 4))):
        key = f"task_{index}"
        shown = draw(st.sampled_from([[], ["ghent"], ["cake"]]))
        family = draw(st.sampled_from(FAMILIES))
        tasks.append(task("Where?", "Ghent", shown=shown, family=family, key=key))
        texts = draw(st.lists(st.sampled_from(TEXTS), min_size=2, max_size=4))
        group = [candidate(f"{key}_{position}", text, task_id=key) for position, text in enumerate(texts)]
        pool += group
        p_first = st.none() | st.sampled_from([0.0, 0.1, 0.4, 0.5, 0.52, 0.9, 1.0])
        for one, other in pairwise(group):
            verdicts += both_orders(one.id, other.id, draw(p_first), draw(p_first), task_id=key)
    return tasks, pool, verdicts


@settings(max_examples=80)
@given(
    given_=judged(),
    options=st.builds(
        PreferencesConfig,
        min_margin=st.sampled_from([0.0, 0.1, 0.9]),
        max_pairs=st.integers(0, 5),
        max_pairs_per_task=st.integers(1, 3),
        eval_share=st.sampled_from([0.0, 0.5]),
    ),
    seed=st.integers(0, 5),
)
def test_what_holds_for_any_verdicts(
    given_: tuple[list[Task], list[Candidate], list[Verdict]], options: PreferencesConfig, seed: int
) -> None:
    tasks, pool, verdicts = given_
    built = build(verdicts, tasks=tasks, pool=pool, options=options, seed=seed)
    pairs = (*built.train, *built.eval)
    assert sum(built.counts.values()) == len(verdicts) // 2
    assert built.counts["pairs"] == len(pairs) == sum(built.origins.values()) <= options.max_pairs
    assert not {pair.lineage.task_id for pair in built.train} & {pair.lineage.task_id for pair in built.eval}
    for pair in pairs:
        assert pair.chosen != pair.rejected
        assert pair.margin >= options.min_margin
        assert len(pair.lineage.verdict_ids) == 2
    shuffle = random.Random(seed)
    pools = [shuffle.sample(items, len(items)) for items in (tasks, pool, verdicts)]
    assert build(pools[2], tasks=pools[0], pool=pools[1], options=options, seed=seed) == built


def test_from_candidates_to_pairs_with_the_evidence_judge() -> None:
    pairs = plan_pairs([WHERE], POOL, max_pairs_per_task=99, max_tasks=9, seed=1).pairs
    judge = EvidenceJudge(MEMORY)
    built = build(judge_pairs([WHERE], POOL, judge, pairs=pairs, description="judge"))
    said = {(pair.chosen.lower().strip("."), pair.rejected) for pair in built.train}
    assert said == {(good, bad) for good in ("ghent", "to ghent") for bad in ("Utrecht", "Antwerp")}


@pytest.mark.parametrize("weakest", ["c2", "c5"])
def test_of_two_pairs_as_clear_the_answers_that_stand_further_apart_come_first(weakest: str) -> None:
    verdicts = [*both_orders("c1", "c2", 0.9, 0.1), *both_orders("c1", "c5", 0.9, 0.1)]
    standings = [
        Standing(task_id=WHERE.id, candidate_id=key, rank=rank, strength=strength, standard_error=1.0, pairs=1)
        for key, rank, strength in (("c1", 1, 1.0), ("c2" if weakest == "c5" else "c5", 2, 0.0), (weakest, 3, -1.0))
    ]
    options = PreferencesConfig(max_pairs_per_task=1, eval_share=0.0)
    built = build_preferences([WHERE], POOL, verdicts, MEMORY, standings, settings=options, seed=1)
    assert [pair.lineage.rejected_id for pair in built.train] == [weakest]


def test_a_standing_makes_no_pair_of_what_both_orders_do_not_say() -> None:
    standings = [
        Standing(task_id=WHERE.id, candidate_id=key, rank=rank, strength=3.0 - rank, standard_error=1.0, pairs=1)
        for rank, key in enumerate(("c1", "c2"), start=1)
    ]
    verdicts = both_orders("c1", "c2", 0.9, 0.9)
    built = build_preferences([WHERE], POOL, verdicts, MEMORY, standings, settings=ALL, seed=1)
    assert built.counts == {"flip": 1, "pairs": 0}
