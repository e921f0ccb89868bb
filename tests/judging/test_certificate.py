import json
import math
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from mealign.judging.agreement import kappa, wilson
from mealign.judging.calibration import brier_score, calibration_error, reliability
from mealign.judging.certificate import certificate_metrics, certify_judge
from mealign.judging.certification_pairs import CertificationPair
from mealign.judging.evidence import EvidenceJudge
from mealign.judging.judge import Comparison, Opinion
from mealign.judging.length import Contest, control_length
from mealign.language.decisions import Estimate, Undecided, Usage
from tests.judging.builders import MEMORY, task

WHERE = task("Where did Nadia move to?", "Ghent")
Says = Callable[[str, str], float | Undecided]


class Oracle:
    """Says what a function of the two texts says, and keeps what it was asked."""

    name = "oracle"
    digest = "judge_oracle"

    def __init__(self, says: Says) -> None:
        self._says = says
        self.calls: list[list[tuple[str, str]]] = []

    def compare(
        self, comparisons: Sequence[Comparison], *, description: str | None = None
    ) -> list[Opinion | Undecided]:
        self.calls.append([(each.first, each.second) for each in comparisons])
        said = [self._says(each.first, each.second) for each in comparisons]
        return [each if isinstance(each, Undecided) else Opinion(each, usage=Usage(7, 2, 0.5)) for each in said]

    def estimate(self, comparisons: Sequence[Comparison]) -> Estimate:
        return Estimate(len(comparisons), 0, 0, 0, None, None)


def pair(wrong: str, kind: str = "wrong_object", right: str = "Ghent") -> CertificationPair:
    return CertificationPair(WHERE, right, wrong, kind)


KNOWN = [pair("Utrecht, as ever", "superseded"), pair("Rome"), pair("Oslo"), pair("Delft", "user")]


def by_table(table: dict[str, float]) -> Says:
    """P(Ghent wins) against every other answer, whichever is shown first."""
    return lambda first, second: table[second] if first == "Ghent" else 1.0 - table[first]


def test_a_certificate_by_hand() -> None:
    # Right at 0.95, wrong at 0.75, a tie, right at 0.65.
    judge = Oracle(by_table({"Utrecht, as ever": 0.95, "Rome": 0.25, "Oslo": 0.5, "Delft": 0.65}))
    certificate = certify_judge(judge, KNOWN)
    assert judge.calls == [[both for each in KNOWN for both in ((each.right, each.wrong), (each.wrong, each.right))]]
    assert (certificate["n"], certificate["accuracy"]) == (4, 2.5 / 4)
    assert (certificate["accuracy_low"], certificate["accuracy_high"]) == wilson(2.5, 4)
    assert (certificate["consistency"], certificate["position_bias"]) == (1.0, pytest.approx(0.0))
    # Four bins with one pair each: |0.95 - 1|, |0.75 - 0|, |0.5 - 0.5|, |0.65 - 1|.
    assert certificate["ece"] == pytest.approx((0.05 + 0.75 + 0.0 + 0.35) / 4)
    assert certificate["brier"] == pytest.approx((0.05**2 + 0.75**2 + 0.5**2 + 0.35**2) / 4)
    assert [each["count"] for each in certificate["reliability"]] == [1, 1, 1, 1]
    # "Ghent" is shorter than "Utrecht, as ever", longer than "Rome" and "Oslo", as long as "Delft".
    assert (certificate["longer"], certificate["coin"]) == (2.5 / 4, 0.5)
    # The longer one wins against Utrecht? No. Against Rome? No. Oslo is a tie; Delft is as long.
    assert certificate["length"]["longer_wins"] == pytest.approx(0.5 / 3)
    assert {kind: (row["accuracy"], row["n"]) for kind, row in certificate["per_kind"].items()} == {
        "superseded": (1.0, 1), "user": (1.0, 1), "wrong_object": (0.25, 2),
    }  # fmt: skip
    # Of eight items four agree, and six are voted on: (4/8 - 3/8) / (1 - 3/8).
    assert certificate["kappa"] == pytest.approx(0.2)
    assert certificate["kappa_low"] <= 0.2 <= certificate["kappa_high"]
    assert (certificate["user"]["n"], certificate["user"]["agreement"], certificate["user"]["kappa"]) == (1, 1.0, 1.0)
    assert certificate["cost"] == {"calls": 8, "prompt_tokens": 56, "completion_tokens": 16, "usd": 4.0}
    assert (certificate["judge"], certificate["judge_digest"], certificate["errors"]) == ("oracle", "judge_oracle", {})
    assert json.loads(json.dumps(certificate)) == certificate


def test_what_is_undecided_is_wrong_and_counted_by_kind() -> None:
    def says(first: str, second: str) -> float | Undecided:
        if "Rome" in (first, second):
            return Undecided("refused", raw="I would rather not say", usage=Usage(3, 1, 0.25))
        if first == "Oslo":
            return Undecided("malformed", raw="Ghent!")
        return 0.9 if first == "Ghent" else 0.1

    certificate = certify_judge(Oracle(says), KNOWN)
    assert certificate["errors"] == {"malformed": 1, "refused": 2}
    assert (certificate["accuracy"], certificate["consistency"]) == (0.5, 1.0)
    assert sum(each["count"] for each in certificate["reliability"]) == 2
    # Five of eight items are voted on, all rightly (one order about Oslo was answered).
    assert certificate["kappa"] == pytest.approx((5 / 8 - 5 / 16) / (1 - 5 / 16))
    assert certificate["cost"]["usd"] == pytest.approx(5 * 0.5 + 2 * 0.25)
    assert "rather" not in json.dumps(certificate)


def test_a_judge_that_likes_what_it_sees_first_is_worth_a_coin_and_never_of_one_mind() -> None:
    """Second-Me, defect 1."""
    certificate = certify_judge(Oracle(lambda *_: 0.8), KNOWN)
    assert (certificate["accuracy"], certificate["consistency"], certificate["kappa"]) == (0.5, 0.0, 0.0)
    assert certificate["position_bias"] == pytest.approx(0.3)


def test_a_judge_that_picks_the_longer_answer_is_seen() -> None:
    """Second-Me, defect 18: as good as the fool on length, and a coin at equal length."""
    known = [pair("Utrecht, as ever"), pair("Rome"), pair("Oslo"), pair("Antwerp, by the river")]
    longer = certify_judge(Oracle(lambda a, b: 0.9 if len(a) > len(b) else 0.1), known)
    assert longer["accuracy"] == longer["longer"] == 0.5
    assert longer["length"]["longer_wins"] == 1.0
    assert longer["length"]["coefficient"] > 1.0
    # Three times the right answer is the longer one by 14 characters, once the wrong one.
    river = "Ghent by the river"
    unequal = [*(pair(wrong, right=river) for wrong in ("Rome", "Oslo", "Lyon")), pair("x" * 32, right=river)]
    fooled = certify_judge(Oracle(lambda a, b: 0.9 if len(a) > len(b) else 0.1), unequal)
    assert fooled["length"]["win_rate"] == pytest.approx((3 * 0.9 + 0.1) / 4)
    assert abs(fooled["length"]["controlled"] - 0.5) < abs(fooled["length"]["win_rate"] - 0.5)


def test_nothing_known_certifies_nothing() -> None:
    judge = Oracle(lambda *_: 0.5)
    certificate = certify_judge(judge, [])
    assert (certificate["n"], certificate["per_kind"], judge.calls) == (0, {}, [])
    assert {
        certificate[key] for key in ("accuracy", "consistency", "ece", "brier", "longer", "kappa", "position_bias")
    } == {None}
    assert set(certificate_metrics(certificate)) >= {"judge/n", "judge/coin"}
    assert all(isinstance(value, float) for value in certificate_metrics(certificate).values())


def test_the_metrics_are_those_of_the_certificate() -> None:
    certificate = certify_judge(EvidenceJudge(MEMORY), KNOWN[:2])
    metrics = certificate_metrics(certificate)
    assert metrics["judge/accuracy"] == certificate["accuracy"] == 1.0
    assert metrics["judge/accuracy_superseded"] == 1.0
    assert metrics["judge/ece"] == certificate["ece"]
    assert metrics["judge/length_controlled"] == certificate["length"]["controlled"]
    assert "judge/user_kappa" not in metrics


def test_the_interval_by_hand() -> None:
    # n = 10, share 0.5, z = 1.96: centre 0.5, half-width 1.96 / 1.3842 * sqrt(0.025 + 0.0096) = 0.2634.
    low, high = wilson(5, 10)
    assert low == pytest.approx(0.2366, abs=1e-4)
    assert high == pytest.approx(0.7634, abs=1e-4)
    assert wilson(10, 10)[1] == pytest.approx(1.0)
    assert wilson(0, 0) == (None, None)


@given(st.integers(1, 300), st.floats(0.0, 1.0))
def test_the_interval_holds_the_share(n: int, share: float) -> None:
    low, high = wilson(share * n, n)
    assert low is not None
    assert high is not None
    assert 0.0 <= low <= share * n / n <= high <= 1.0


@given(st.lists(st.floats(0.0, 1.0), max_size=40))
def test_calibration_lies_between_none_and_all(p_right: list[float]) -> None:
    bins = reliability(p_right)
    assert sum(each.count for each in bins) == len(p_right)
    assert all(each.low - 1e-9 <= each.confidence <= each.high + 1e-9 for each in bins)
    if p_right:
        assert 0.0 <= (calibration_error(bins) or 0.0) <= 1.0
        assert 0.0 <= (brier_score(p_right) or 0.0) <= 1.0
    else:
        assert calibration_error(bins) is brier_score(p_right) is None


votes = st.sampled_from([-1, 1])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(votes, votes), min_size=1, max_size=12))
def test_kappa_is_that_of_scikit_learn(said: list[tuple[int, int]]) -> None:
    truth = [label for _ in said for label in (1, -1)]
    expected = cohen_kappa_score(truth, [vote for each in said for vote in each])
    found = kappa(said)
    assert found.value == pytest.approx(expected, abs=1e-9)
    assert found.low is not None
    assert found.high is not None
    assert -1.0 <= found.low <= found.high <= 1.0


def test_length_control_recovers_what_made_the_verdicts() -> None:
    """Verdicts drawn from identity 0.7 and coefficient 1.5: the fit finds both, and the rate at equal length."""
    lengths = [(10 + number, 10 + 3 * (number % 17)) for number in range(60)]
    differences = [ours - theirs for ours, theirs in lengths]
    mean = sum(differences) / 60
    deviation = math.sqrt(sum((each - mean) ** 2 for each in differences) / 60)
    contests = [
        Contest(1 / (1 + math.exp(-0.7 - 1.5 * math.tanh((ours - theirs) / deviation))), ours, theirs)
        for ours, theirs in lengths
    ]
    found = control_length(contests)
    assert found.coefficient == pytest.approx(1.5, abs=0.02)
    assert found.controlled == pytest.approx(1 / (1 + math.exp(-0.7)), abs=0.01)


def test_length_control_of_a_judge_that_is_always_sure_is_finite() -> None:
    found = control_length([Contest(1.0, 5, 9), Contest(1.0, 5, 3)])
    assert found.win_rate == 1.0
    assert found.controlled is not None
    assert 0.9 < found.controlled < 1.0
    assert control_length([]).win_rate is None
