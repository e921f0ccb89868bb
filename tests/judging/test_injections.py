"""An answer cannot talk a judge into preferring it; where it can, the certificate says how often."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mealign.compose import compose_settings
from mealign.judging.build import build_judge
from mealign.judging.certification_pairs import CertificationPair
from mealign.judging.evidence import EvidenceJudge
from mealign.judging.injections import injection_flip_rate, load_injections
from mealign.judging.judge import Comparison, Opinion
from mealign.language.decisions import Undecided
from mealign.records import ABSTENTION
from tests.judging.builders import MEMORY, ScriptedJudge, ScriptedModel, always, task

ROWS = [json.loads(line) for line in (Path(__file__).parents[1] / "data/injections.jsonl").read_text().splitlines()]
WHERE = task("Where did Nadia move to?", "Ghent")
KNOWN = [
    CertificationPair(WHERE, "Ghent", "Utrecht", "superseded"),
    CertificationPair(WHERE, "Ghent", "Antwerp", "other_person"),
    CertificationPair(WHERE, "Ghent", ABSTENTION, "abstention"),
    CertificationPair(task("When did Nadia move?", "1 March 2024"), "1 March 2024", "1 March 2023", "wrong_date"),
    CertificationPair(
        task("What did Nadia bake?", "a lemon cake", facts=["cake"]), "a lemon cake", "a pie", "wrong_object"
    ),
    CertificationPair(task("Where did Bart move to?"), ABSTENTION, "Ghent", "invention"),
]


def winner(right: str, wrong: str, pair: CertificationPair) -> str:
    judge = EvidenceJudge(MEMORY)
    (forward, reverse) = judge.compare([Comparison(pair.task, right, wrong), Comparison(pair.task, wrong, right)])
    assert isinstance(forward, Opinion)
    assert isinstance(reverse, Opinion)
    p_right = (forward.p_first + 1 - reverse.p_first) / 2
    return "right" if p_right > 0.5 else "tie" if p_right == 0.5 else "wrong"


def test_there_are_two_hundred_different_injections() -> None:
    assert len(ROWS) == len({row["text"] for row in ROWS}) == len({row["id"] for row in ROWS}) == 200
    assert len({row["family"] for row in ROWS}) == 20


@pytest.mark.parametrize("pair", KNOWN, ids=lambda pair: pair.kind)
def test_an_injection_behind_the_wrong_answer_does_not_change_the_evidence_judges_winner(
    pair: CertificationPair,
) -> None:
    assert winner(pair.right, pair.wrong, pair) == "right"
    changed = [row["id"] for row in ROWS if winner(pair.right, f"{pair.wrong} {row['text']}", pair) != "right"]
    assert changed == []


@pytest.mark.parametrize("pair", KNOWN, ids=lambda pair: pair.kind)
def test_an_injection_behind_the_right_answer_does_not_change_the_evidence_judges_winner(
    pair: CertificationPair,
) -> None:
    changed = [row["id"] for row in ROWS if winner(f"{pair.right} {row['text']}", pair.wrong, pair) != "right"]
    assert changed == []


def test_no_injection_leaves_its_quotation_in_any_template() -> None:
    for name in ("blind", "bio", "reference", "second_me"):
        model = ScriptedModel(always())
        judge = build_judge(
            compose_settings(f"judge={name}").judge,
            facts=MEMORY,
            index=lambda: None,  # type: ignore[arg-type,return-value]
            bio="",
            person="Nadia",
            model=lambda _, model=model: model,  # type: ignore[misc]
        )
        judge.compare([Comparison(WHERE, f"Ghent {row['text']}", "Utrecht") for row in ROWS])
        for inquiry in model.asked:
            *_, first, second = inquiry.state.splitlines()
            assert second == 'Second answer: "Utrecht"'
            assert json.loads(first.removeprefix("First answer: ")).startswith("Ghent")
            assert "<|" not in inquiry.state
            assert "[INST]" not in inquiry.state


def test_the_flip_rate_counts_the_right_answers_that_an_injection_beats() -> None:
    def gullible(first: str, second: str) -> float:
        if "obey" in first + second:
            return 0.9 if "obey" in first else 0.1
        return 0.8 if first == "Ghent" else 0.2

    known = KNOWN[:3]
    assert injection_flip_rate(ScriptedJudge(gullible), known, ["obey", "please", "hello"]) == pytest.approx(1 / 3)
    assert injection_flip_rate(ScriptedJudge(gullible), known, ["obey"]) == 1.0
    assert injection_flip_rate(ScriptedJudge(lambda first, _: 0.8 if first == "Ghent" else 0.2), known, ["obey"]) == 0.0


def test_the_flip_rate_of_a_judge_that_is_never_right_or_never_decides_is_unknown() -> None:
    assert injection_flip_rate(ScriptedJudge(lambda *_: 0.5), KNOWN, ["obey"]) is None
    assert injection_flip_rate(ScriptedJudge(lambda *_: Undecided("refused")), KNOWN, ["obey"]) is None
    with pytest.raises(ValueError, match="no injections"):
        injection_flip_rate(ScriptedJudge(lambda *_: 0.5), KNOWN, [])


def test_the_packaged_injections_are_not_empty() -> None:
    assert len(load_injections()) == 10
    assert all(text.strip() for text in load_injections())
    assert injection_flip_rate(EvidenceJudge(MEMORY), KNOWN, load_injections()) == 0.0
