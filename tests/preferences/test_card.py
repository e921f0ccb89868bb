from mealign.config import PreferencesConfig
from mealign.judging.certificate import certify
from mealign.judging.outcome import merge
from mealign.preferences.card import render_card
from mealign.preferences.pairs import build_preferences
from mealign.records import Candidate, Verdict
from tests.judging.builders import MEMORY, both_orders, candidate, task

WHERE = task("Where did Nadia move to?", "Ghent", shown=["ghent"])
POOL = [
    candidate("c1", "Ghent", "reference"),
    candidate("c2", "Utrecht", "superseded", facts=["utrecht"]),
    candidate("c3", "Rome", "policy"),
]


def card(verdicts: list[Verdict], pool: list[Candidate]) -> str:
    options = PreferencesConfig(eval_share=0.0)
    built = build_preferences([WHERE], pool, verdicts, MEMORY, settings=options, seed=1)
    return render_card(built, judge="scripted", certificate=certify(merge(verdicts), pool))


def test_the_card_tells_counts_shape_and_certificate() -> None:
    verdicts = [
        *both_orders("c1", "c2", 0.9, 0.1),
        *both_orders("c1", "c3", 0.75, 0.25),
        *both_orders("c2", "c3", 0.9, 0.9),
    ]
    text = card(verdicts, POOL)
    for line in (
        "2 pairs to train on, 0 held out, split by the facts behind them.",
        "| flip | 1 |",
        "| pairs | 2 |",
        "| recall | 2 |",
        "| reference over superseded | 1 |",
        "| reference over policy | 1 |",
        "Margin: mean 0.650, median 0.650.",
        "Characters, median: 5 chosen, 5.5 rejected. The chosen answer is the longer one in 50% of the pairs.",
        "| superseded | 1.000 | 1 |",
    ):
        assert line in text.splitlines()
    assert "Accuracy 1.000 (95 % interval 0.207 to 1.000, n = 1), same winner in both orders 0.667;" in text


def test_the_card_holds_no_text_of_the_user() -> None:
    text = card(both_orders("c1", "c2", 0.9, 0.1), POOL)
    for private in ("Ghent", "Utrecht", "Nadia"):
        assert private not in text


def test_a_card_of_nothing() -> None:
    text = card([], POOL)
    assert "0 pairs to train on, 0 held out" in text
    assert "None of the judged pairs had a known answer." in text
    assert "Margin" not in text


def test_a_judge_that_only_failed_has_no_consistency() -> None:
    text = card(both_orders("c1", "c2", None, None), POOL)
    assert "Accuracy 0.000 (95 % interval 0.000 to 0.793, n = 1), same winner in both orders unknown;" in text
