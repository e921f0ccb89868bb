import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mealign.judging.evidence import EvidenceJudge, FactLookup, score_answer
from mealign.judging.judge import Comparison, Opinion
from mealign.records import Task
from tests.judging.builders import MEMORY, fact, task

WHERE = task("Where did Nadia move to?", "Ghent")
WHEN = task("When did Nadia move to Ghent?", "1 March 2024")
EGGS = task("How many eggs did Nadia use?", "three", facts=["cake"])
CAKE = task("What did Nadia bake?", "a lemon cake", facts=["cake"])
UNKNOWN = task("Where did Bart move to?")
LIKES = task("Does Nadia live in Ghent?", "Yes")
CHOICE = task("What happened first: Nadia moved to Ghent or Nadia baked a lemon cake?", "Nadia moved to Ghent",
              facts=["ghent", "cake"])  # fmt: skip
PERSON = task("Who moved with Farah?", "you")


@pytest.fixture(scope="module")
def judge() -> EvidenceJudge:
    return EvidenceJudge(MEMORY)


@pytest.mark.parametrize(
    ("asked", "better", "worse"),
    [
        (WHERE, "Ghent", "Antwerp"),
        (WHERE, "Ghent", "Utrecht"),
        (WHERE, "To Ghent, with Farah.", "To Utrecht, with Farah."),
        (WHERE, "Ghent", "Ghent or Antwerp"),
        (WHERE, "Not mentioned", "Antwerp"),
        (WHERE, "Ghent", "I don't know."),
        (CAKE, "Not mentioned", "a library"),
        (WHEN, "2024-03-01", "2024-04-01"),
        (WHEN, "March 2024", "March 2023"),
        (WHEN, "March 1st, 2024", "March 2024"),
        (WHEN, "on 1 March", "on 12 March"),
        (WHEN, "I do not remember.", "12 March 2024"),
        (EGGS, "3", "4"),
        (EGGS, "three", "two"),
        (CAKE, "a cake with lemon", "an apple pie"),
        (CAKE, "lemon cake", "Lemon"),
        (UNKNOWN, "Not mentioned", "Ghent"),
        (UNKNOWN, "The notes do not say.", "He moved to Antwerp in 2023."),
        (LIKES, "Yes, she does.", "No, she does not."),
        (LIKES, "Yes", "Not mentioned"),
        (CHOICE, "Nadia moved to Ghent first", "Nadia baked a lemon cake"),
        (CHOICE, "Not mentioned", "She baked a lemon cake"),
        (PERSON, "It was you.", "Bart"),
    ],
)
def test_the_better_answer_wins_in_both_orders(judge: EvidenceJudge, asked: Task, better: str, worse: str) -> None:
    forward, reverse = _compare(judge, asked, better, worse), _compare(judge, asked, worse, better)
    assert forward.p_first > 0.5 > reverse.p_first
    assert forward.p_first + reverse.p_first == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("asked", "one", "other"),
    [
        (WHEN, "1 March 2024", "2024-03-01"),
        (EGGS, "3", "three"),
        (WHERE, "Ghent", "to Ghent."),
        (UNKNOWN, "Not mentioned", "I don't know."),
        (UNKNOWN, "Ghent", "Antwerp"),
        (WHERE, "Antwerp", "Bruges"),
    ],
)
def test_answers_that_say_the_same_tie(judge: EvidenceJudge, asked: Task, one: str, other: str) -> None:
    assert _compare(judge, asked, one, other).p_first == 0.5


def test_the_total_by_hand() -> None:
    # Content of "lemon tart", without the question's words: lemon, tart. One of two is expected (lemon, cake):
    # F1 = 2 * 1 / (2 + 2) = 0.5. "tart" is in no fact: unsupported = 1/2.
    score = score_answer(CAKE, "lemon tart", memory=FactLookup(MEMORY))
    assert (score.supported, score.contradicted, score.unsupported, score.length) == (0.5, 0.0, 0.5, 0.0)
    assert score.total == pytest.approx(0.25 + 0.75 * 0.5 - 0.2 * 0.5)


def test_a_wrong_name_by_hand() -> None:
    # "Antwerp" is another person's fact: all names wrong, the word counts half as unsupported; 0.25 - 0.5 - 0.1 < 0.
    score = score_answer(WHERE, "Antwerp", memory=FactLookup(MEMORY))
    assert (score.supported, score.contradicted, score.unsupported, score.total) == (0.0, 1.0, 0.5, 0.0)


def test_the_probability_by_hand(judge: EvidenceJudge) -> None:
    # A right answer scores 1, a needless abstention 0.25.
    opinion = _compare(judge, WHERE, "Ghent", "Not mentioned")
    assert opinion.p_first == pytest.approx(1 / (1 + math.exp(-6 * 0.75)))
    assert opinion.dimensions["first_total"] == 1.0
    assert opinion.dimensions["second_abstained"] == 1.0


def test_a_value_that_no_longer_holds_is_a_contradiction_without_any_name_in_it() -> None:
    memory = FactLookup(
        (
            fact("tea", "Nadia drinks black tea.", "black tea", superseded_by="cocoa"),
            fact("cocoa", "Nadia drinks hot cocoa.", "hot cocoa"),
        )
    )
    now = task("What does Nadia drink?", "hot cocoa", facts=["cocoa"])
    before = task("What did Nadia drink before?", "black tea", facts=["tea"])
    assert score_answer(now, "black tea", memory=memory).contradicted == 1.0
    assert score_answer(before, "hot cocoa", memory=memory).contradicted == 1.0
    assert score_answer(before, "black tea", memory=memory).total == 1.0


def test_what_the_facts_also_say_does_no_harm_beside_the_answer() -> None:
    score = score_answer(WHERE, "Ghent, on 1 March 2024, with Farah", memory=FactLookup(MEMORY))
    assert score.contradicted == 0.0


def test_a_word_that_opens_the_answer_is_no_name_where_the_person_writes_it_in_lower_case() -> None:
    memory = FactLookup((*MEMORY, fact("walk", "Bart likes walking.")))
    assert score_answer(WHERE, "Walking", memory=memory).contradicted == 0.0
    assert score_answer(WHERE, "Bruges", memory=memory).contradicted == 1.0


@pytest.mark.parametrize("answer", ["", "...", "the", "Nonetheless", "None"])
def test_an_answer_that_says_nothing_is_worse_than_an_abstention(answer: str) -> None:
    assert score_answer(WHERE, answer, memory=FactLookup(MEMORY)).total < 0.25
    assert score_answer(UNKNOWN, answer, memory=FactLookup(MEMORY)).total == 0.0


def test_none_inside_an_answer_does_not_drop_it() -> None:
    """Second-Me, defect 10."""
    assert score_answer(WHERE, "Nonetheless Ghent", memory=FactLookup(MEMORY)).supported > 0


def test_length_is_no_merit(judge: EvidenceJudge) -> None:
    """Second-Me, defect 18."""
    padding = " which is a wonderful and very comprehensive story full of empathy for everybody in her whole life"
    assert _compare(judge, WHERE, "Ghent", "Ghent" + padding).p_first > 0.9
    assert _compare(judge, UNKNOWN, "Not mentioned", "Not mentioned" + padding).p_first > 0.5


def test_a_forgotten_fact_is_no_crash(judge: EvidenceJudge) -> None:
    gone = task("Where did Nadia move to?", "Ghent", facts=["gone"])
    assert _compare(judge, gone, "Ghent", "Antwerp").p_first > 0.5


def test_the_rationale_names_the_facts(judge: EvidenceJudge) -> None:
    rationale = _compare(judge, WHERE, "Ghent", "Antwerp").rationale
    assert rationale == "first: agrees with fact_ghent in ghent; second: contradicts fact_ghent in antwerp"


def test_the_digest_depends_on_what_decides() -> None:
    changed = fact("ghent", "Nadia Verhoeven moved to Ghent on 2 March 2024 with Farah.", "Ghent")
    assert EvidenceJudge(MEMORY).digest == EvidenceJudge(MEMORY[::-1]).digest
    assert EvidenceJudge(MEMORY).digest != EvidenceJudge([MEMORY[0], changed, *MEMORY[2:]]).digest


@given(st.text(max_size=60), st.sampled_from([WHERE, WHEN, EGGS, UNKNOWN, LIKES, CHOICE, PERSON]))
def test_every_part_of_a_score_is_a_share(text: str, asked: Task) -> None:
    score = score_answer(asked, text, memory=_MEMORY)
    parts = (score.total, score.supported, score.contradicted, score.unsupported, score.abstained, score.length)
    assert all(0.0 <= part <= 1.0 for part in parts)


_MEMORY = FactLookup(MEMORY)


def _compare(judge: EvidenceJudge, asked: Task, first: str, second: str) -> Opinion:
    [opinion] = judge.compare([Comparison(asked, first, second)])
    assert isinstance(opinion, Opinion)
    return opinion
