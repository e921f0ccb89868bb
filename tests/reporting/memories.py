"""A small memory made by hand, with texts that would break a careless page."""

from collections.abc import Sequence
from datetime import date, datetime

from mealign.memory.profile import BioSentence, Profile
from mealign.memory.topics import Topic
from mealign.records import Document, Evidence, Fact
from mealign.reporting.memory_content import Memory

PERSON = "Nadia Verhoeven"
HOSTILE = "<script>window.broken = true</script></script><!-- \u2028 ]]> & \" ' 🚲 é \u202e"


def document(source: str, text: str, *, day: int = 1) -> Document:
    return Document.create(source=source, author=PERSON, created_at=datetime(2024, 3, day), kind="note", text=text)


def fact(
    identity: str,
    source: Document,
    span: str,
    statement: str,
    *,
    entities: Sequence[str] = (PERSON,),
    **changes: object,
) -> Fact:
    start = source.text.index(span)
    values = {
        "id": f"fact_{identity}",
        "subject": entities[0],
        "relation": "tell",
        "object": "something",
        "statement": statement,
        "valid_from": source.created_at.date(),
        "evidence": Evidence(document_id=source.id, start=start, end=start + len(span)),
        "entities": tuple(entities),
        "confidence": 0.9,
    }
    return Fact.model_validate({**values, **changes})


BIKE = document("notes/bike.md", "🚲🚲 Good day.\nI ride a blue Koga to work.\nBart came along.")
TRAIN = document("notes/train.md", "I go to work by train with Bart now.", day=20)
BREAKING = document("notes/<b>odd</b>.md", f"Bart wrote {HOSTILE} on the wall.", day=5)
FACTS = (
    fact(
        "aa01", BIKE, "I ride a blue Koga to work", "Nadia rides a blue Koga to work.", entities=(PERSON, "Koga"),
        relation="ride", object="a blue Koga", valid_to=date(2024, 3, 20), superseded_by="fact_ab02",
    ),
    fact("ab02", TRAIN, TRAIN.text, "Nadia goes to work by train with Bart.", entities=(PERSON, "Bart Molenaar")),
    fact("ba03", BIKE, "Bart came along", "Bart told Nadia a joke.", entities=("Bart Molenaar", PERSON)),
    fact("bb04", BREAKING, HOSTILE, f"Bart wrote {HOSTILE} there.", entities=("Bart Molenaar", "<b>Koga</b>", PERSON)),
)  # fmt: skip


def memory(facts: Sequence[Fact] = FACTS, documents: Sequence[Document] = (BIKE, TRAIN, BREAKING)) -> Memory:
    profile = Profile(
        person=PERSON,
        bio=(
            BioSentence(
                text="Nadia goes to work by train.", first_person="I go to work by train.", fact_ids=("fact_ab02",)
            ),
        ),
        topics=(Topic(name=f"work, {HOSTILE}", fact_ids=("fact_ab02", "fact_aa01")),),
        people=(("Bart Molenaar", 3),),
    )
    return Memory(facts=facts, documents={each.id: each for each in documents}, profile=profile)
