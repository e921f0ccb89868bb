import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mealign.answers import normalise
from mealign.evaluation.metrics.score import measure
from mealign.records import ABSTENTION, FAMILIES, Family, Question


def ask(
    answer: str, *, family: Family = "recall", category: int | None = None, variants: tuple[str, ...] = ()
) -> Question:
    return Question(
        id="q1", family=family, kind="memory_qa_self", question="?", answer=answer, variants=variants, category=category
    )  # fmt: skip


def test_the_best_accepted_answer_counts() -> None:
    assert measure(ask("in March 2024", variants=("spring", "March")), "march") == 1.0


def test_an_abstention_earns_nothing_where_there_is_an_answer() -> None:
    assert measure(ask("to the sea"), "The notes do not say that she went to the sea") == 0.0


def test_a_gold_answer_may_sound_like_an_abstention() -> None:
    assert measure(ask("she did not say why"), "She did not say why.") == 1.0


@pytest.mark.parametrize(("answer", "value"), [("I don't know", 1.0), ("Ghent", 0.0), ("", 0.0)])
def test_unanswerable(answer: str, value: float) -> None:
    assert measure(ask(ABSTENTION, family="unanswerable"), answer) == value


@pytest.mark.parametrize(
    ("category", "gold", "answer", "value"),
    [
        # gold parts: "red car" finds itself (1), "blue boat" finds "boat" (2 * 1 / 3): mean 5/6
        (1, "red car, blue boat", "boat, red car", 5 / 6),
        (1, "red car, blue boat", "car", 1 / 3),
        (2, "7 May 2023", "May 2023", 0.8),
        (3, "Yes; she likes books", "yes", 1.0),
        (4, "Sweden", "from Sweden", 2 / 3),
        (4, "not mentioned here", "not mentioned here", 1.0),
        (5, ABSTENTION, "It is Not Mentioned.", 1.0),
        (5, ABSTENTION, "no information available", 1.0),
        (5, ABSTENTION, "I don't know", 0.0),  # LoCoMo knows two phrases only
    ],
)
def test_locomo_rules(category: int, gold: str, answer: str, value: float) -> None:
    family: Family = "unanswerable" if category == 5 else "recall"
    assert measure(ask(gold, family=family, category=category), answer) == pytest.approx(value)


@given(st.text(max_size=30), st.text(max_size=30), st.integers(1, 5) | st.none(), st.sampled_from(FAMILIES))
def test_a_score_lies_between_nothing_and_one(gold: str, answer: str, category: int | None, family: Family) -> None:
    assert 0.0 <= measure(ask(gold, family=family, category=category), answer) <= 1.0


def test_locomo_gold_answers_score_one(locomo_path: Path) -> None:
    for conversation in json.loads(locomo_path.read_text()):
        for row in conversation["qa"]:
            if row["category"] == 5:
                continue
            gold = str(row["answer"])
            said = gold.split(";")[0] if row["category"] == 3 else gold
            # Gold answers hold empty parts (", ,") and articles alone, which score nothing by LoCoMo's own rule.
            if all(normalise(part) for part in (said.split(",") if row["category"] == 1 else [said])):
                assert measure(ask(gold, category=row["category"]), said) == pytest.approx(1.0)
