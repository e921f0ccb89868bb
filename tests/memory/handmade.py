"""Facts made by hand, for the tests of the graph, topics and the profile."""

from datetime import date

from mealign.records import Evidence, Fact

PERSON = "Nadia Verhoeven"


def fact(
    identity: str,
    statement: str,
    *entities: str,
    relation: str = "see",
    value: str = "a heron",
    day: date | None = date(2024, 1, 1),
    **changes: object,
) -> Fact:
    """Build a fact whose subject is its first entity, the person unless others are named."""
    names = entities or (PERSON,)
    values = {
        "id": identity,
        "subject": names[0],
        "relation": relation,
        "object": value,
        "statement": statement,
        "valid_from": day,
        "evidence": Evidence(document_id="d1", start=0, end=5),
        "entities": names,
        "confidence": 0.9,
    }
    return Fact.model_validate({**values, **changes})
