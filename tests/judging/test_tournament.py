import math
import random
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mealign.errors import MealignError
from mealign.judging.judge import Comparison, Opinion
from mealign.judging.judgement_stats import describe
from mealign.judging.outcome import merge
from mealign.judging.protocol import plan_pairs
from mealign.judging.rounds import knockout_round, meetings_of, rounds_of, swiss_round, winner_of
from mealign.judging.settings import TournamentPlan
from mealign.judging.tournament import expected_pairs, judge_candidates
from mealign.language.decisions import Estimate, Undecided
from mealign.preferences.pairs import build_preferences
from mealign.records import Candidate, Origin, Task
from tests.defaults import JudgeConfig, PreferencesConfig
from tests.judging.builders import MEMORY, candidate, task

ADAPTIVE = (TournamentPlan.swiss, TournamentPlan.knockout)


class ByText:
    """Likes the answer of the higher number: P = logistic(difference), whatever the order; keeps count of calls."""

    name = "by_text"
    digest = "judge_by_text"

    def __init__(self, says: Callable[[str, str], float | Undecided] | None = None) -> None:
        self._says = says or (lambda first, second: 1 / (1 + math.exp(int(second) - int(first))))
        self.rounds: list[int] = []

    def compare(
        self, comparisons: Sequence[Comparison], *, description: str | None = None
    ) -> list[Opinion | Undecided]:
        self.rounds.append(len(comparisons))
        said = [self._says(each.first, each.second) for each in comparisons]
        return [each if isinstance(each, Undecided) else Opinion(each) for each in said]

    def estimate(self, comparisons: Sequence[Comparison]) -> Estimate:
        return Estimate(len(comparisons), 0, 0, 0, None, None)


def field(sizes: Sequence[int], *, origin: Origin = "policy", seed: int = 0) -> tuple[list[Task], list[Candidate]]:
    """Tasks with so many candidates each, whose text is their worth; ids do not tell it."""
    tasks = [task(f"Where {number}?", "Ghent", key=f"task_{number}") for number in range(len(sizes))]
    generator = random.Random(seed)
    pool = []
    for asked, size in zip(tasks, sizes, strict=True):
        for name, worth in zip(generator.sample(range(100, 999), size), range(size), strict=True):
            pool.append(candidate(f"{asked.id}_{name}", str(worth), origin, task_id=asked.id))
    return tasks, pool


def config(plan: TournamentPlan, **limits: int) -> JudgeConfig:
    return JudgeConfig(tournament=plan, **{"max_pairs_per_task": 999, "max_tasks": 999, **limits})  # type: ignore[arg-type]


@settings(max_examples=30, deadline=None)
@given(sizes=st.lists(st.integers(0, 9), min_size=1, max_size=3), seed=st.integers(0, 99))
def test_a_knockout_spends_one_pair_less_than_there_are_candidates_and_finds_the_best(
    sizes: list[int], seed: int
) -> None:
    tasks, pool = field(sizes, seed=seed)
    judge = ByText()
    judged = judge_candidates(tasks, pool, judge, settings=config(TournamentPlan.knockout), seed=seed)
    texts = {item.id: int(item.text) for item in pool}
    for asked, size in zip(tasks, sizes, strict=True):
        assert sum(verdict.task_id == asked.id for verdict in judged.verdicts) == 2 * max(0, size - 1)
        ranked = [each for each in judged.standings if each.task_id == asked.id]
        if size > 1:
            assert texts[ranked[0].candidate_id] == size - 1
    # All tasks' meetings of a round are asked in one call.
    assert judged.rounds == len(judge.rounds) == math.ceil(math.log2(max(1, *sizes)))


@settings(max_examples=30, deadline=None)
@given(sizes=st.lists(st.integers(0, 9), min_size=1, max_size=3), seed=st.integers(0, 99))
def test_a_swiss_tournament_repeats_no_pair_and_lets_all_play(sizes: list[int], seed: int) -> None:
    tasks, pool = field(sizes, seed=seed)
    judged = judge_candidates(tasks, pool, ByText(), settings=config(TournamentPlan.swiss), seed=seed)
    met = [frozenset({verdict.first, verdict.second}) for verdict in judged.verdicts if verdict.order == "forward"]
    assert len(set(met)) == len(met)
    for asked, size in zip(tasks, sizes, strict=True):
        games = [each.pairs for each in judged.standings if each.task_id == asked.id]
        assert len(games) == (size if size > 1 else 0)
        assert sum(games) == 2 * rounds_of(TournamentPlan.swiss, size) * (size // 2)
        assert not games or max(games) - min(games) <= 1


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-3, 3), min_size=2, max_size=8), st.integers(1, 9))
def test_rounds_of_swiss_never_repeat_until_all_have_met(strengths: list[float], rounds: int) -> None:
    players = [f"p{number}" for number in range(len(strengths))]
    strength = dict(zip(players, strengths, strict=True))
    played: list[tuple[str, str]] = []
    for _ in range(rounds):
        met = swiss_round(players, played=played, strength=strength, may_meet=lambda *_: True)
        assert not set(met) & set(played)
        assert len({name for meeting in met for name in meeting}) == 2 * len(met)
        played += met
    if rounds >= 2 * len(players):
        assert len(played) == math.comb(len(players), 2)


def test_those_of_like_strength_meet_in_swiss_and_the_best_meet_last_in_a_knockout() -> None:
    strength = {"a": 3.0, "b": 2.5, "c": -2.0, "d": -3.0}
    assert swiss_round("abcd", played=[], strength=strength, may_meet=lambda *_: True) == [("a", "b"), ("c", "d")]
    first = knockout_round("abcd", strength=strength, may_meet=lambda *_: True)
    assert ("a", "b") not in first
    assert ("c", "d") not in first


@pytest.mark.parametrize(
    ("p_first", "strength", "winner"),
    [(0.9, {}, "a"), (0.1, {"a": 9.0}, "b"), (0.5, {"b": 1.0}, "b"), (None, {"a": 0.5}, "a"), (None, {}, "a")],
)
def test_who_goes_on(p_first: float | None, strength: dict[str, float], winner: str) -> None:
    assert winner_of(("a", "b"), p_first=p_first, strength=strength) == winner


@pytest.mark.parametrize("plan", TournamentPlan)
def test_no_plan_goes_past_its_limits_and_every_pair_is_counted(plan: TournamentPlan) -> None:
    tasks, pool = field([7, 7, 5])
    judged = judge_candidates(tasks, pool, ByText(), settings=config(plan, max_pairs_per_task=4, max_tasks=2), seed=1)
    by_task = {asked.id: sum(v.task_id == asked.id for v in judged.verdicts) // 2 for asked in tasks}
    assert max(by_task.values()) <= 4
    assert sum(count > 0 for count in by_task.values()) == 2
    assert judged.counts["planned"] == sum(by_task.values())
    assert sum(judged.counts.values()) == sum(math.comb(size, 2) for size in (7, 7, 5))


@pytest.mark.parametrize("plan", TournamentPlan)
def test_equal_texts_and_two_corruptions_never_meet(plan: TournamentPlan) -> None:
    asked = task("Where?", "5")
    pool = [
        candidate("r", "5", "reference"), candidate("p1", "5"), candidate("p2", "3"),
        candidate("w1", "1", "wrong_object"), candidate("w2", "2", "invention"), candidate("w3", "0", "superseded"),
    ]  # fmt: skip
    judged = judge_candidates([asked], pool, ByText(), settings=config(plan), seed=1)
    for verdict in judged.verdicts:
        assert not {verdict.first, verdict.second} <= {"w1", "w2", "w3"}
        assert not {verdict.first, verdict.second} <= {"r", "p1"}
    assert sum(judged.counts.values()) == math.comb(6, 2)


@pytest.mark.parametrize("plan", TournamentPlan)
def test_the_order_of_the_candidates_changes_nothing(plan: TournamentPlan) -> None:
    tasks, pool = field([6, 5])
    runs = [judge_candidates(tasks, each, ByText(), settings=config(plan), seed=3) for each in (pool, pool[::-1])]
    assert runs[0] == runs[1]


@pytest.mark.parametrize("plan", TournamentPlan)
def test_a_flip_never_makes_a_pair(plan: TournamentPlan) -> None:
    """Second-Me, defect 1: whatever is shown first wins, so nothing is learnt."""
    tasks, pool = field([6])
    judged = judge_candidates(tasks, pool, ByText(lambda *_: 0.9), settings=config(plan), seed=3)
    assert all(outcome.flipped for outcome in merge(judged.verdicts))
    built = build_preferences(
        tasks, pool, judged.verdicts, MEMORY, judged.standings, settings=PreferencesConfig(), seed=1
    )
    assert (built.train, built.eval) == ((), ())


@pytest.mark.parametrize("plan", ADAPTIVE)
def test_a_judge_that_decides_nothing_ends_the_tournament(plan: TournamentPlan) -> None:
    """Second-Me, defect 3."""
    tasks, pool = field([5])
    judge = ByText(lambda *_: Undecided("unreachable"))
    judged = judge_candidates(tasks, pool, judge, settings=config(plan), seed=3)
    assert judged.standings == []
    assert {verdict.error for verdict in judged.verdicts} == {"unreachable"}


@pytest.mark.parametrize("plan", TournamentPlan)
@pytest.mark.parametrize("sizes", [[1], [2], [7, 4], [8]])
def test_the_estimate_is_what_is_spent_at_most(plan: TournamentPlan, sizes: list[int]) -> None:
    tasks, pool = field(sizes)
    options = config(plan, max_pairs_per_task=20)
    expected = expected_pairs(tasks, pool, settings=options, seed=1)
    judged = judge_candidates(tasks, pool, ByText(), settings=options, seed=1)
    assert 2 * len(expected) == len(judged.verdicts)
    assert len(set(expected)) == len(expected)


def test_the_sizes_of_the_plans() -> None:
    assert [meetings_of(plan, 8) for plan in TournamentPlan] == [28, 12, 7]
    assert [meetings_of(plan, 1) for plan in TournamentPlan] == [0, 0, 0]
    assert [rounds_of(plan, 5) for plan in TournamentPlan] == [1, 3, 3]


@pytest.mark.parametrize("plan", TournamentPlan)
def test_a_candidate_without_its_task_is_reported(plan: TournamentPlan) -> None:
    with pytest.raises(MealignError, match=r"candidates\.jsonl: task_9"):
        judge_candidates(
            field([2])[0], [candidate("c", "1", task_id="task_9")], ByText(), settings=config(plan), seed=1
        )


def test_all_pairs_judges_the_plan() -> None:
    tasks, pool = field([6, 6])
    judged = judge_candidates(
        tasks, pool, ByText(), settings=config(TournamentPlan.all_pairs, max_pairs_per_task=5), seed=2
    )
    planned = plan_pairs(tasks, pool, max_pairs_per_task=5, max_tasks=999, seed=2)
    assert [(v.task_id, v.first, v.second) for v in judged.verdicts if v.order == "forward"] == [
        (pair.task_id, pair.first, pair.second) for pair in planned.pairs
    ]
    assert judged.counts == planned.counts


def test_what_the_verdicts_come_to() -> None:
    asked = task("Where?", "5")
    pool = [
        candidate("r", "5", "reference"), candidate("p", "30"), candidate("w", "100", "wrong_object"),
    ]  # fmt: skip
    judged = judge_candidates([asked], pool, ByText(), settings=config(TournamentPlan.all_pairs), seed=1)
    said = describe(judged, pool, plan="all_pairs")
    # The higher number is also the longer one, wins every time, and the reference is the least of all.
    assert (said["pairs"], said["errors"], said["consistency"], said["longer_wins"]) == (3, {}, 1.0, 1.0)
    assert said["policy_win_rate"] == pytest.approx(1.0)
    assert said["tournament"]["calls"] == len(judged.verdicts) == 6
    assert (said["tournament"]["known_order"], said["tournament"]["known_order_n"]) == (0.0, 1)
