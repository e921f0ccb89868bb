"""What needs two facts, and what no fact answers."""

import re
from collections.abc import Mapping
from typing import Any

from mealign.records import ABSTENTION, Fact
from mealign.tasks.clause_parser import parse_clauses
from mealign.tasks.grammar import Clause
from mealign.tasks.multi_hop import bridges, orders
from mealign.tasks.pool import make_pool
from mealign.tasks.questions import Draft, draft_questions
from mealign.tasks.unanswerable import other_days, other_people, unsaid_details
from mealign.tasks.update import ended, updates
from tests.tasks.conftest import PERSON, Read, make_fact


def single(clauses: Mapping[str, Clause]) -> list[Draft]:
    return [made for clause in clauses.values() for made in draft_questions(clause) if isinstance(made, Draft)]


def by_question(made: object) -> dict[str, Draft]:
    return {draft.third: draft for draft in made if isinstance(draft, Draft)}  # type: ignore[attr-defined]


def test_a_bridge_names_the_person_by_their_role(clauses: dict[str, Clause]) -> None:
    made = by_question(bridges(clauses, single(clauses), person=PERSON))
    draft = made["Where does Nadia's sister work?"]
    assert (draft.answer, draft.first) == ("a hospital in Porto", "Where does my sister work?")
    assert len(draft.fact_ids) == 2


def test_a_bridge_names_the_person_by_what_they_did(clauses: dict[str, Clause]) -> None:
    made = by_question(bridges(clauses, single(clauses), person=PERSON))
    assert made["What did the person who gave Nadia a fern sell to a farmer?"].answer == "the old van"


def test_two_facts_of_one_question_make_a_list_and_a_latest_one(read: Read) -> None:
    lines = [
        "Nadia Verhoeven|paint|a lake|Nadia painted a lake on 1 March 2024.",
        "Nadia Verhoeven|paint|a horse|Nadia painted a horse on 2 May 2024.",
    ]
    clauses = [read(line.split("|")[3]) for line in lines]
    facts = [clause.fact for clause in clauses if isinstance(clause, Clause)]
    pool = make_pool(facts, clauses, person=PERSON, seed=1)
    found = {(draft.family, draft.third): draft.answer for draft in pool.drafts}
    assert found["multi_hop", "What did Nadia paint?"] == "a lake, a horse"
    assert found["update", "What did Nadia paint most recently?"] == "a horse"
    assert found["recall", "What did Nadia paint on 1 March 2024?"] == "a lake"
    assert not [draft for draft in pool.drafts if draft.family == "recall" and not draft.dated]


def test_of_two_events_the_earlier_came_first(clauses: dict[str, Clause]) -> None:
    for draft in orders(clauses, seed=3):
        days = [clauses[fact_id].when for fact_id in draft.fact_ids]
        assert None not in days
        assert draft.answer in draft.third


def test_a_superseded_fact_is_asked_about_as_the_past(read: Read) -> None:
    new = read("Nadia lives in Ghent.")
    assert isinstance(new, Clause)
    old = read("Nadia lives in Antwerp.", superseded_by=new.fact.id)
    assert isinstance(old, Clause)
    made = by_question(updates({old.fact.id: old, new.fact.id: new}))
    answers = {question: draft.answer for question, draft in made.items()}
    assert answers == {
        "Where does Nadia live now?": "Ghent",
        "Where did Nadia live before Ghent?": "Antwerp",
        "Does Nadia still live in Antwerp?": "No",
    }
    assert made["Where did Nadia live before Ghent?"].first == "Where did I live before Ghent?"
    assert not [draft for draft in draft_questions(old) if isinstance(draft, Draft)]


def test_the_move_itself_dates_what_was_before(read: Read) -> None:
    new = read("Nadia moved to Ghent on 1 March 2024.")
    assert isinstance(new, Clause)
    old = read("Nadia lives in Antwerp.", superseded_by=new.fact.id)
    assert isinstance(old, Clause)
    made = by_question(updates({old.fact.id: old, new.fact.id: new}))
    draft = made["Where did Nadia live before moving to Ghent?"]
    assert (draft.first, draft.answer) == ("Where did I live before moving to Ghent?", "Antwerp")


def test_what_was_stopped_is_no_longer_done(read: Read) -> None:
    clause = read("Nadia stopped drinking coffee on 1 March 2024.")
    assert isinstance(clause, Clause)
    assert by_question(ended({"": clause}))["Does Nadia still drink coffee?"].answer == "No"


def test_nobody_is_asked_what_their_own_facts_answer(facts: list[Fact], clauses: dict[str, Clause]) -> None:
    made = other_people(single(clauses), facts, person=PERSON)
    assert made
    assert "When did Tom move to Ghent?" not in {draft.third for draft in made if "Joris" in draft.third}
    for draft in made:
        assert draft.answer == ABSTENTION
        assert draft.family == "unanswerable"
    assert "When did Joris move to Ghent?" not in {draft.third for draft in made}  # he moved, to Lille


def test_a_twisted_question_can_be_the_users_own(facts: list[Fact], clauses: dict[str, Clause]) -> None:
    first = {draft.first for draft in other_people(single(clauses), facts, person=PERSON)} - {""}
    assert "Where did I win a medal?" in first


def test_who_spoke_is_a_person_whatever_the_parser_takes_the_name_for(nlp: Any) -> None:
    facts = [
        make_fact("Gina|be|pumped|Gina is pumped for the festival."),
        make_fact("Gina|open|a shop|Gina opened a shop in Ghent."),
        make_fact("Gina|order|mirrors|Gina ordered mirrors for the studio."),
        make_fact("Nadia Verhoeven|read|a novel|Nadia Verhoeven read a novel on the train."),
    ]

    def asked_of_others(*speakers: str) -> set[str]:
        read = parse_clauses(facts, person=PERSON, nlp=nlp, speakers=speakers)
        clauses = {clause.fact.id: clause for clause in read if isinstance(clause, Clause)}
        return {draft.third for draft in other_people(single(clauses), facts, person=PERSON)}

    assert not asked_of_others("mum", "+32 470 12 34 56")
    assert "What did Nadia open?" in asked_of_others("Gina Romano")


def test_the_price_of_a_bought_thing_was_not_written_down(facts: list[Fact], clauses: dict[str, Clause]) -> None:
    questions = by_question(unsaid_details(clauses, facts))
    assert "How much did Nadia pay for a red bike?" in questions
    assert "Where did Nadia buy a red bike?" not in questions  # the market is written down
    assert "Why did Nadia visit the town museum?" not in questions  # so is the reason


def test_other_days_are_free_of_facts(facts: list[Fact], clauses: dict[str, Clause]) -> None:
    statements = " ".join(fact.statement for fact in facts)
    made = other_days(clauses, facts)
    assert made
    for draft in made:
        day = re.search(r"\d+ \w+ \d{4}", draft.third)
        assert day
        assert day[0] not in statements
