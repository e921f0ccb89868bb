"""The eighteen defects of the reference (Second-Me), as far as they concern judging: one test each.

7 (the format of the DPO prompt), 8 (no evaluation split) and 9 (gradient accumulation) do not concern judging; they are
tested with training and preferences.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mealign.compose import compose_settings
from mealign.judging.build import build_judge
from mealign.judging.evidence import EvidenceJudge
from mealign.judging.judge import Comparison, Opinion
from mealign.judging.outcome import merge
from mealign.judging.pairwise import PairwiseJudge
from mealign.judging.protocol import PlannedPair, judge_pairs, plan_pairs
from mealign.judging.settings import TEMPLATES
from mealign.judging.templates import load_template
from mealign.language.decisions import Undecided
from mealign.records import TASK_KINDS, Verdict, canonical_json
from tests.judging.builders import MEMORY, ScriptedJudge, ScriptedModel, always, candidate, task

WHERE = task("Where did Nadia move to?", "Ghent")
POOL = [candidate("c1", "Ghent", "reference"), candidate("c2", "Utrecht", "superseded", facts=["utrecht"])]
PAIR = PlannedPair(WHERE.id, "c1", "c2")


def asked(model: ScriptedModel, *overrides: str, bio: str = "Lives in Ghent.", person: str = "Nadia") -> PairwiseJudge:
    judge = build_judge(
        compose_settings(*overrides).judge,
        facts=MEMORY,
        index=lambda: None,  # type: ignore[arg-type,return-value]
        bio=bio,
        person=person,
        model=lambda _: model,
    )
    assert isinstance(judge, PairwiseJudge)
    return judge


def verdicts_of(judge: ScriptedJudge | EvidenceJudge | PairwiseJudge) -> list[Verdict]:
    return judge_pairs([WHERE], POOL, judge, pairs=[PAIR], description="judge")


def test_one_fixed_order() -> None:
    """Defect 1: every pair is asked in both orders, and a judge that likes the first place names no winner."""
    verdicts = verdicts_of(ScriptedJudge(lambda *_: 0.75))
    assert [(v.first, v.second, v.order) for v in verdicts] == [("c1", "c2", "forward"), ("c2", "c1", "reverse")]
    (outcome,) = merge(verdicts)
    assert outcome.flipped
    assert outcome.winner is None


@pytest.mark.parametrize("said", [0.5, Undecided("unreachable")])
def test_a_pair_out_of_ties_or_errors(said: float | Undecided) -> None:
    """Defect 2: where all is tied or nothing is decided, there is no winner."""
    (outcome,) = merge(verdicts_of(ScriptedJudge(lambda *_: said)))
    assert (outcome.winner, outcome.margin) == (None, 0.0)


def test_an_error_becomes_a_tie_or_loses_the_run() -> None:
    """Defect 3: undecided is recorded as that, word for word, and the other pairs have their verdicts."""

    def script(first: str, second: str) -> float | Undecided:
        return Undecided("malformed", raw="C") if "Utrecht" in (first, second) else 0.8

    pool = [*POOL, candidate("c3", "Antwerp", "other_person")]
    pairs = [PAIR, PlannedPair(WHERE.id, "c1", "c3")]
    verdicts = judge_pairs([WHERE], pool, ScriptedJudge(script), pairs=pairs, description="judge")
    assert [(v.p_first, v.error, v.raw) for v in verdicts] == [(None, "malformed", "C")] * 2 + [(0.8, None, "")] * 2


def test_wins_are_keyed_by_text() -> None:
    """Defect 4: samples with the same text are no pair, and verdicts name candidates by id."""
    pool = [candidate("p1", "Ghent"), candidate("p2", "Ghent"), candidate("p3", "Brussels")]
    plan = plan_pairs([WHERE], pool, max_pairs_per_task=9, max_tasks=9, seed=1)
    assert {(pair.first, pair.second) for pair in plan.pairs} == {("p1", "p3"), ("p2", "p3")}
    assert plan.counts["duplicate"] == 1
    verdicts = judge_pairs([WHERE], pool, ScriptedJudge(lambda *_: 0.6), pairs=plan.pairs, description="judge")
    assert len({verdict.id for verdict in verdicts}) == 4


def test_name_and_bio_are_constants() -> None:
    """Defect 5: they are the user's."""
    model = ScriptedModel(always())
    asked(model, "judge=bio", bio="Paints.", person="Ilse").compare([Comparison(WHERE, "a", "b")])
    assert model.asked[0].state.startswith('About Ilse: "Paints."')


@pytest.mark.parametrize("kind", TASK_KINDS)
def test_a_kind_of_data_lacks_keys(kind: str) -> None:
    """Defect 6: every template has questions for every kind of task."""
    model = ScriptedModel(always())
    other = WHERE.model_copy(update={"kind": kind})
    for path in TEMPLATES.rglob("*.md"):
        values = dict.fromkeys(("person", "question", "first", "second", "bio", "reference", "evidence"), "x")
        assert load_template(path).inquiry(other.kind, values).questions
    asked(model, "judge=second_me").compare([Comparison(other, "a", "b")])
    assert model.asked[0].questions


@pytest.mark.parametrize("answer", ["None", "Nonetheless, Ghent", "null", "N/A"])
def test_answers_that_contain_none_are_dropped(answer: str) -> None:
    """Defect 10: whatever an answer says, it is judged."""
    model = ScriptedModel(always())
    (opinion,) = asked(model, "judge=bio").compare([Comparison(WHERE, answer, "Utrecht")])
    assert isinstance(opinion, Opinion)
    assert json.dumps(answer) in model.asked[0].state


def test_every_prompt_gets_the_last_ones_notes() -> None:
    """Defect 11: in a batch each comparison is shown its own question, answers and evidence."""

    class Index:
        def search(self, queries: list[str], *, k: int) -> list[list[object]]:
            return [[fact for fact in MEMORY if fact.object == query] for query in queries]

    model = ScriptedModel(always())
    judge = build_judge(
        compose_settings("judge=retrieval").judge,
        facts=MEMORY,
        index=lambda: Index(),  # type: ignore[arg-type,return-value]
        bio="",
        person="Nadia",
        model=lambda _: model,
    )
    judge.compare([Comparison(task(fact.object), f"a {fact.id}", "b") for fact in MEMORY])
    for fact, inquiry in zip(MEMORY, model.asked, strict=True):
        shown = [other.id for other in MEMORY if json.dumps(other.statement) in inquiry.state]
        assert shown == [fact.id]
        assert f'"a {fact.id}"' in inquiry.state


def test_two_passes_write_the_same_file() -> None:
    """Defect 12: every judge of conf/ has a name, and thus a folder, of its own."""
    conf = Path(__file__).resolve().parents[2] / "conf/judge"
    names = [compose_settings(f"judge={path.stem}").judge.name for path in conf.glob("*.yaml")]
    assert sorted(names) == sorted(path.stem for path in conf.glob("*.yaml"))


def test_the_language_is_replaced_for_ever() -> None:
    """Defect 13: asking in another language changes no file, and asking in the first again gives the first again."""
    before = {path: path.read_bytes() for path in TEMPLATES.rglob("*.md")}
    instructions = []
    for language in ("English", "German", "English"):
        model = ScriptedModel(always())
        asked(model, "judge=bio", f"judge.language={language}").compare([Comparison(WHERE, "a", "b")])
        instructions.append(model.asked[0].questions["verdict"].instructions)
    assert instructions[0] == instructions[2] != instructions[1]
    assert {path: path.read_bytes() for path in TEMPLATES.rglob("*.md")} == before


def test_the_key_is_in_the_source() -> None:
    """Defect 14: a judge's settings hold the name of an environment variable and have no place for a key."""
    server = compose_settings("judge=bio").judge.server
    assert [name for name in vars(server) if "key" in name] == ["api_key_env"]


def test_confidence_is_a_list_position() -> None:
    """Defect 15: P(first) is what the model says, and the same whatever the place in the batch."""
    shares = {"Ghent": 0.9, "Brussels": 0.6, "Antwerp": 0.2}
    model = ScriptedModel(
        lambda inquiry: always(0, next(p for a, p in shares.items() if f'"{a}"' in inquiry.state))(inquiry)
    )
    judge = asked(model, "judge=bio")
    for order in (list(shares), list(shares)[::-1]):
        opinions = judge.compare([Comparison(WHERE, answer, "Utrecht") for answer in order])
        assert [each.p_first for each in opinions] == [shares[answer] for answer in order]  # type: ignore[union-attr]


def test_the_text_of_an_error_is_stored_as_an_answer() -> None:
    """Defect 16: what a judge said instead of a verdict stands in ``raw`` alone, with no probability beside it."""
    for verdict in verdicts_of(ScriptedJudge(lambda *_: Undecided("refused", raw="Error 500"))):
        assert verdict.p_first is None
        assert "Error 500" not in canonical_json(verdict.model_dump(exclude={"raw"}))


def test_no_seed_and_no_cost() -> None:
    """Defect 17: the same input gives the same bytes, in another process too, and what it took is counted."""
    script = (
        "from tests.judging.test_second_me import *; import sys;"
        "sys.stdout.write(''.join(v.model_dump_json() for v in verdicts_of(EvidenceJudge(MEMORY))))"
    )
    runs = []
    for seed in ("1", "2"):
        environment = {"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)}
        command = [sys.executable, "-c", script]
        run = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        runs.append(run.stdout)
    assert runs[0] == runs[1] == "".join(v.model_dump_json() for v in verdicts_of(EvidenceJudge(MEMORY)))
    verdicts = verdicts_of(ScriptedJudge(lambda *_: 0.6))
    assert [(v.prompt_tokens, v.completion_tokens, v.cost_usd) for v in verdicts] == [(7, 1, 0.5)] * 2


def test_length_is_rewarded() -> None:
    """Defect 18: padding gains nothing with the evidence judge, and every template says that length is no merit."""
    padded = "Ghent, and it is a very nice and large town with many bridges and much else to see"
    (opinion,) = EvidenceJudge(MEMORY).compare([Comparison(WHERE, padded, "Ghent")])
    assert isinstance(opinion, Opinion)
    assert opinion.p_first < 0.5
    for path in (TEMPLATES / "English").glob("*.md"):
        assert "Length" in load_template(path).text
