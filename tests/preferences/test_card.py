from mealign.judging.certificate import measure
from mealign.judging.certification_pairs import CertificationPair
from mealign.judging.examination import ExaminedPair
from mealign.judging.judge import Opinion
from mealign.language.decisions import Undecided
from mealign.preferences.card import render_card
from mealign.preferences.pairs import build_preferences
from mealign.records import Verdict
from tests.defaults import PreferencesConfig
from tests.judging.builders import MEMORY, both_orders, candidate, task

WHERE = task("Where did Nadia move to?", "Ghent", shown=["ghent"])
POOL = [
    candidate("c1", "Ghent", "reference"),
    candidate("c2", "Utrecht", "superseded", facts=["utrecht"]),
    candidate("c3", "Rome", "policy"),
]


def said(p_right: float | None, kind: str = "superseded") -> ExaminedPair:
    """What a judge said of one known pair, whichever answer came first; nothing for None."""
    pair = CertificationPair(WHERE, "Ghent", "Utrecht", kind)
    if p_right is None:
        return ExaminedPair(pair, Undecided("refused"), Undecided("refused"))
    return ExaminedPair(pair, Opinion(p_right), Opinion(1.0 - p_right))


def card(verdicts: list[Verdict], examined: list[ExaminedPair], *, missing: str | None = None) -> str:
    options = PreferencesConfig(eval_share=0.0)
    built = build_preferences([WHERE], POOL, verdicts, MEMORY, settings=options, seed=1)
    return render_card(built, judge="scripted", certificate=measure(examined), missing=missing)


def test_the_card_tells_counts_shape_and_certificate() -> None:
    verdicts = [
        *both_orders("c1", "c2", 0.9, 0.1),
        *both_orders("c1", "c3", 0.75, 0.25),
        *both_orders("c2", "c3", 0.9, 0.9),
    ]
    text = card(verdicts, [said(0.9), said(0.25, "user")])
    for line in (
        "2 pairs to train on, 0 held out, split by the facts behind them.",
        "| flip | 1 |",
        "| pairs | 2 |",
        "| recall | 2 |",
        "| reference over superseded | 1 |",
        "| reference over policy | 1 |",
        "Margin: mean 0.650, median 0.650.",
        "Characters, median: 5 chosen, 5.5 rejected. The chosen answer is the longer one in 50% of the pairs.",
        "| superseded | 1.000 | 0.000 | 1 |",
        "| user | 0.000 | 0.000 | 1 |",
    ):
        assert line in text.splitlines()
    # Confidence 0.9 and right, 0.75 and wrong: (0.1 + 0.75) / 2.
    assert "n = 2), same winner in both orders 1.000, calibration error 0.425;" in text
    assert "On the 1 pairs that the user labelled it agrees in 0.000" in text


def test_the_card_holds_no_text_of_the_user() -> None:
    text = card(both_orders("c1", "c2", 0.9, 0.1), [said(0.9)])
    for private in ("Ghent", "Utrecht", "Nadia"):
        assert private not in text


def test_a_card_of_nothing() -> None:
    text = card([], [])
    assert "0 pairs to train on, 0 held out" in text
    assert "There was no pair whose answer is known" in text
    assert "Margin" not in text


def test_a_judge_that_only_failed_has_no_consistency() -> None:
    text = card(both_orders("c1", "c2", None, None), [said(None)])
    assert "Accuracy 0.000 (95 % interval 0.000 to 0.793, n = 1), same winner in both orders unknown," in text


def test_a_judge_that_falls_short_is_named_as_such() -> None:
    assert "**Not certified, and used all the same** (preferences.allow_uncertified): why." in card(
        [], [said(0.1)], missing="why"
    )
    assert "Not certified" not in card([], [said(0.9)])
