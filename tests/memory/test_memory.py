"""Change over time, the bio and the one prompt format, by hand."""

from datetime import date

import pytest

from mealign.memory.context import answer_prompt
from mealign.memory.subject_mismatch import SubjectMismatch
from mealign.memory.supersede import supersede
from mealign.records import Evidence, Fact

PERSON = "Nadia Verhoeven"


def fact(number: int, relation: str = "like", value: str = "tea", *, subject: str = PERSON, **changes: object) -> Fact:
    values = {
        "id": f"f{number}",
        "subject": subject,
        "relation": relation,
        "object": value,
        "statement": f"{subject.split()[0]} {relation} {value}.",
        "valid_from": date(2024, number, 1),
        "evidence": Evidence(document_id=f"d{number}", start=0, end=5),
        "entities": (subject,),
        "confidence": 0.9,
    }
    return Fact.model_validate({**values, **changes})


def says(number: int, statement: str, relation: str, value: str, *, subject: str = PERSON) -> Fact:
    return fact(number, relation, value, subject=subject, statement=statement)


ORDER = {f"d{number}": number for number in range(1, 13)}


@pytest.mark.parametrize(
    ("earlier", "later", "closed"),
    [
        (fact(1, "live in", "Utrecht"), fact(2, "live in", "Ghent"), True),
        (fact(1, "live in", "Utrecht"), fact(2, "move to", "Ghent"), True),
        (fact(1, "live in", "Utrecht"), fact(2, "live in", "Utrecht"), False),
        (fact(1, "live in", "Utrecht"), fact(2, "live in", "Ghent", subject="Ilse"), False),
        (fact(1, "hate", "running"), fact(2, "love", "running"), True),
        (fact(1, "not like", "olives"), fact(2, "love", "olives"), True),
        (fact(1, "love", "running"), fact(2, "like", "running"), False),
        (fact(1, "love", "running"), fact(2, "hate", "swimming"), False),
        (fact(1, "buy", "a bike"), fact(2, "buy", "a car"), False),
        (
            says(1, "Nadia keeps six hives.", "keep", "six hives"),
            says(2, "Nadia keeps one hive.", "keep", "one hive"),
            True,
        ),
        (
            says(1, "Nadia keeps six hives.", "keep", "six hives"),
            says(2, "Nadia keeps one cat.", "keep", "one cat"),
            False,
        ),
        (
            says(1, "Nadia drinks coffee.", "drink", "coffee"),
            says(2, "Nadia does not drink coffee.", "not drink", "coffee"),
            True,
        ),
        (says(1, "Nadia does not eat meat.", "not eat", "meat"), says(2, "Nadia eats meat.", "eat", "meat"), True),
        (
            says(1, "Nadia drank coffee.", "drink", "coffee"),
            says(2, "Nadia did not drink coffee.", "not drink", "coffee"),
            False,
        ),
        (
            says(1, "Nadia has a red Polo.", "have", "a red Polo"),
            says(2, "Nadia sold the Polo.", "sell", "the Polo"),
            True,
        ),
        (says(1, "Nadia bought a Polo.", "buy", "a Polo"), says(2, "Nadia sold the Polo.", "sell", "the Polo"), False),
        (says(1, "Nadia has a bike.", "have", "a bike"), says(2, "Nadia sold the Polo.", "sell", "the Polo"), False),
        (
            says(1, "Nadia's rent is 1,140 euros.", "be", "1,140 euros", subject="Nadia's rent"),
            says(2, "Nadia's rent is 965 euros.", "be", "965 euros", subject="Nadia's rent"),
            True,
        ),
        (
            says(1, "Nadia's hands are cold.", "be", "cold", subject="Nadia's hands"),
            says(2, "Nadia's hands are warm.", "be", "warm", subject="Nadia's hands"),
            False,
        ),
    ],
)
def test_a_later_value_closes_the_earlier_one(earlier: Fact, later: Fact, closed: bool) -> None:
    old, new = supersede([earlier, later], order=ORDER)
    assert old.superseded_by == (later.id if closed else None)
    assert old.valid_to == (later.valid_from if closed else None)
    assert new == later


def test_the_order_of_facts_does_not_matter_to_what_is_closed() -> None:
    facts = [fact(1, "live in", "A"), fact(2, "live in", "B"), fact(3, "live in", "C")]
    forward = {made.id: made.superseded_by for made in supersede(facts, order=ORDER)}
    backward = {made.id: made.superseded_by for made in supersede(facts[::-1], order=ORDER)}
    assert forward == backward == {"f1": "f2", "f2": "f3", "f3": None}


def test_the_prompt_is_what_it_is() -> None:
    """Pinned: adapters are trained on exactly this."""
    facts = [fact(3, value="coffee"), fact(1, "live in", "Utrecht", valid_to=date(2024, 9, 1), superseded_by="f9")]
    system, user = answer_prompt("Where do I live?", person=PERSON, kind="memory_qa_self", facts=facts)
    assert system.content == (
        "You answer Nadia Verhoeven's questions about their own life. Answer in a few words. "
        "If you do not know, answer: Not mentioned.\n"
        "Memory:\n"
        "- 1 January 2024: Nadia live in Utrecht. (until 1 September 2024)\n"
        "- 1 March 2024: Nadia like coffee."
    )
    assert (user.role, user.content) == ("user", "Where do I live?")


def test_the_note_on_whom_the_memory_speaks_of_stands_behind_the_question() -> None:
    asks = {"person": PERSON, "instead": SubjectMismatch("Nadia", "Joris")}
    _, user = answer_prompt("Where do I live?", kind="memory_qa_self", facts=[fact(1)], **asks)
    assert user.content == "Where do I live?\n(In the memory this is not mentioned of Nadia; it is about Joris.)"
    # A need is no question about somebody, and without facts there is nothing that it could be about.
    for kind, facts in (("context_enhance", [fact(1)]), ("memory_qa_self", [])):
        _, user = answer_prompt("Where do I live?", kind=kind, facts=facts, **asks)
        assert user.content == "Where do I live?"


def test_a_prompt_without_facts_has_no_memory() -> None:
    system, _ = answer_prompt("Who?", person=PERSON, kind="memory_qa_third_party")
    assert "Memory" not in system.content
