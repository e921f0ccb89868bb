"""The shipped arms, and answers as an arm gives them."""

from collections.abc import Sequence
from typing import Literal

from mealign.records import Answer, Family
from tests.defaults import composed

ARMS = [arm.name for arm in composed().evaluation.arms]


def answers(
    arm: str,
    scores: Sequence[float],
    *,
    question_set: Literal["gold", "held_out"] = "gold",
    families: Sequence[Family] = ("recall",),
    abstained: Sequence[bool] = (False,),
    categories: Sequence[int | None] = (None,),
) -> list[Answer]:
    return [
        Answer(
            question_id=f"q{number}",
            question_set=question_set,
            arm=arm,
            family=families[number % len(families)],
            category=categories[number % len(categories)],
            answer="x",
            score=value,
            abstained=abstained[number % len(abstained)],
        )
        for number, value in enumerate(scores)
    ]
