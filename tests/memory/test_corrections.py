"""Corrections win, whatever was extracted, in whatever order they are written."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from mealign.memory.corrections import apply_corrections, correct, unmatched
from mealign.memory.supersede import supersede
from mealign.records import Corrections, Evidence, Fact, When
from tests.memory.test_memory import ORDER, PERSON, fact


def corrections(**sections: list[dict[str, object]]) -> Corrections:
    """Number the entries as lines, as the reader of the file does."""
    numbers = iter(range(1, 100))
    return Corrections.model_validate(
        {name: [{"line": next(numbers), **entry} for entry in entries] for name, entries in sections.items()}
    )


def span(document: str, start: int, end: int) -> Evidence:
    return Evidence(document_id=document, start=start, end=end)


@pytest.mark.parametrize(
    "entry",
    [
        {"fact": "f1"},
        {"statement": "  nadia LIKE\n tea. "},
        {"evidence": [span("d1", 4, 9)]},
        {"evidence": [span("d9", 0, 9), span("d1", 0, 1)]},
    ],
)
def test_a_fact_is_dropped_by_id_statement_or_quotation(entry: dict[str, object]) -> None:
    facts = [fact(1), fact(2, value="milk")]
    assert apply_corrections(facts, corrections(drop=[entry])) == facts[1:]


@pytest.mark.parametrize("evidence", [span("d1", 5, 9), span("d2", 0, 5)])
def test_a_quotation_elsewhere_drops_nothing(evidence: Evidence) -> None:
    assert apply_corrections([fact(1)], corrections(drop=[{"evidence": [evidence]}])) == [fact(1)]


def test_a_changed_fact_keeps_its_id_and_is_certain() -> None:
    told = When(expression="in May", start=date(2024, 5, 1), end=date(2024, 5, 31))
    before = fact(1, "live in", "Utrecht", entities=(PERSON, "Utrecht"), when=told)
    change = {"fact": "f1", "object": "Ghent", "statement": "Nadia lives in Ghent.", "valid_from": date(2024, 3, 1)}
    (after,) = apply_corrections([before], corrections(change=[change]))
    assert (after.id, after.evidence, after.relation) == (before.id, before.evidence, before.relation)
    assert (after.object, after.statement, after.valid_from) == ("Ghent", "Nadia lives in Ghent.", date(2024, 3, 1))
    assert after.entities == (PERSON, "Ghent")
    assert after.confidence == 1.0
    assert after.when is None, "the day that the user gives outweighs the one that was told"


def test_names_of_one_person_become_one_and_statements_stay_as_said() -> None:
    facts = [
        fact(1, subject="Ilse", entities=("Ilse", "Bart")),
        fact(2, subject="Bart", entities=("Bart", "Ilsje", "Ilse Verhoeven")),
    ]
    same = {"names": ["Ilse", "Ilsje"], "is": "Ilse Verhoeven"}
    first, second = apply_corrections(facts, corrections(same=[same]))
    assert (first.subject, first.entities) == ("Ilse Verhoeven", ("Ilse Verhoeven", "Bart"))
    assert (second.subject, second.entities) == ("Bart", ("Bart", "Ilse Verhoeven"))
    assert [first.statement, second.statement] == [facts[0].statement, facts[1].statement]


def test_superseding_is_worked_out_again() -> None:
    """Utrecht, Ghent, Paris: without Ghent it is Paris that ends Utrecht; were Ghent Utrecht, nothing would end it."""
    facts = [fact(1, "live in", "Utrecht"), fact(2, "live in", "Ghent"), fact(3, "live in", "Paris")]
    extracted = supersede(facts, order=ORDER)
    dropped = correct(extracted, corrections(drop=[{"fact": "f2"}]), order=ORDER)
    assert [(made.id, made.superseded_by) for made in dropped] == [("f1", "f3"), ("f3", None)]
    changed = correct(extracted, corrections(change=[{"fact": "f3", "object": "Ghent"}]), order=ORDER)
    assert [made.superseded_by for made in changed] == ["f2", None, None]
    assert changed[1].valid_to is None
    assert correct(extracted, Corrections(), order=ORDER) == extracted


def test_a_name_that_two_facts_share_lets_one_end_the_other() -> None:
    facts = [fact(1, "live in", "Utrecht", subject="Ilse"), fact(2, "live in", "Ghent", subject="Ilse Verhoeven")]
    (early, late) = correct(facts, corrections(same=[{"names": ["Ilse"], "is": "Ilse Verhoeven"}]), order=ORDER)
    assert early.superseded_by == late.id


def test_entries_that_concern_no_fact_are_named_by_line() -> None:
    given_corrections = corrections(
        drop=[{"fact": "f1"}, {"fact": "f9"}, {"statement": "Nadia likes milk."}],
        change=[{"fact": "f2", "statement": "Nadia likes milk."}, {"fact": "f8", "object": "x"}],
        same=[{"names": ["Nobody"], "is": "Nemo"}, {"names": ["Nadia"], "is": PERSON}],
    )
    assert unmatched([fact(1), fact(2)], given_corrections) == [2, 5, 6]


@pytest.mark.parametrize(
    "sections",
    [
        {"change": [{"fact": "f1", "object": "a"}, {"fact": "f1", "object": "b"}]},
        {"same": [{"names": ["a"], "is": "b"}, {"names": ["b"], "is": "c"}]},
        {"same": [{"names": [], "is": "b"}]},
        {"change": [{"fact": "f1"}]},
        {"drop": [{}]},
        {"drop": [{"fact": "f1", "statement": "x"}]},
    ],
)
def test_corrections_that_cannot_be_meant_so_do_not_exist(sections: dict[str, list[dict[str, object]]]) -> None:
    with pytest.raises(ValidationError):
        corrections(**sections)


NAMES = st.sampled_from(["Ilse", "Bart", "Nadia", "Tea", "Ghent"])
IDS = st.sampled_from([f"f{number}" for number in range(1, 7)])
STATEMENTS = st.sampled_from(["A.", "B.", "C."])
SPANS = st.builds(span, st.sampled_from(["d1", "d2", "d3"]), st.integers(0, 4), st.integers(5, 9))
FACTS = st.lists(
    st.builds(
        fact,
        st.integers(1, 6),
        st.sampled_from(["like", "live in", "hate"]),
        NAMES,
        subject=NAMES,
        statement=STATEMENTS,
        entities=st.lists(NAMES, max_size=3),
    ),
    unique_by=lambda made: made.id,
    max_size=6,
)
DROPS = st.one_of(
    st.builds(lambda value: {"fact": value}, IDS),
    st.builds(lambda value: {"statement": value}, STATEMENTS),
    st.builds(lambda value: {"evidence": [value]}, SPANS),
)
CHANGES = st.fixed_dictionaries(
    {"fact": IDS},
    optional={"subject": NAMES, "object": NAMES | st.just(""), "statement": STATEMENTS, "relation": st.just("love")},
).filter(lambda entry: len(entry) > 1)
SAME = st.lists(NAMES, min_size=2, max_size=5, unique=True).flatmap(
    lambda names: st.sampled_from(
        [[{"names": names[1:], "is": names[0]}], [{"names": names[:1], "is": names[1]}, *_rest(names[2:])]]
    )
)


def _rest(names: list[str]) -> list[dict[str, object]]:
    return [{"names": names, "is": "Somebody"}] if names else []


CORRECTIONS = st.builds(
    lambda drop, change, same: {"drop": drop, "change": change, "same": same},
    st.lists(DROPS, max_size=3),
    st.lists(CHANGES, max_size=4, unique_by=lambda entry: entry["fact"]),
    st.just([]) | SAME,
)


@given(FACTS, CORRECTIONS)
@settings(deadline=None)  # the first example loads the dictionary of word forms
def test_applying_twice_is_applying_once(facts: list[Fact], sections: dict[str, list[dict[str, object]]]) -> None:
    made = corrections(**sections)
    once = apply_corrections(facts, made)
    assert apply_corrections(once, made) == once
    again = correct(facts, made, order=ORDER)
    assert correct(again, made, order=ORDER) == again


@given(FACTS, CORRECTIONS)
def test_a_dropped_fact_never_appears(facts: list[Fact], sections: dict[str, list[dict[str, object]]]) -> None:
    made = corrections(**sections)
    left = correct(facts, made, order=ORDER)
    for entry in made.drop:
        assert not any(kept.id == entry.fact or kept.statement == entry.statement for kept in left)
        gone = {extracted.id for extracted in facts if extracted.statement == entry.statement}
        assert not gone & {kept.id for kept in left}
    assert {kept.id for kept in left} <= {extracted.id for extracted in facts}


@given(FACTS, CORRECTIONS, st.randoms(use_true_random=False))
def test_the_order_of_entries_does_not_matter(
    facts: list[Fact], sections: dict[str, list[dict[str, object]]], random: object
) -> None:
    shuffled = {name: random.sample(entries, len(entries)) for name, entries in sections.items()}  # type: ignore[attr-defined]
    assert correct(facts, corrections(**sections), order=ORDER) == correct(facts, corrections(**shuffled), order=ORDER)
