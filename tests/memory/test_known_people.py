"""Who is who, and that a document's facts depend on nothing but what its own words touch."""

from datetime import datetime
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mealign.memory.extract import extract_facts
from mealign.memory.known_people import KnownPeople, NameMentions
from mealign.records import Document, Fact

NADIA = "Nadia Verhoeven"

TEXTS = (
    "My sister Ilse sings in Ghent. She bought a red coat.",
    "My sister moved to Lisbon yesterday.",
    "Ilse Verhoeven sold her boat. I live in Utrecht.",
    "I met Koen. He drives a tram.",
    "Koen came by, and he brought soup. I live in Groningen now.",
    "Mum called. She is well.",
    "My sister's cat is called Greta.",
    "Koen is tired, and she is not.",
)


def notes(*texts: str) -> list[Document]:
    return [
        Document.create(
            source=f"notes/{number}.md",
            author=NADIA,
            created_at=datetime(2024, 3, 1 + number),
            kind="note",
            text=text,
        )
        for number, text in enumerate(texts)
    ]


ALL = notes(*TEXTS)


def read(documents: list[Document], parser: Path, memo: dict[str, str] | None = None) -> list[Fact]:
    return extract_facts(documents, person=NADIA, parser=parser, memo=memo).facts


def test_a_full_name_said_anywhere_is_the_person_everywhere(parser_path: Path) -> None:
    facts = read(notes("Sarah bought a red coat.", "I saw Sarah Miller at the market."), parser_path)
    assert facts[0].subject == "Sarah Miller"
    assert "Sarah Miller" in facts[1].entities


def test_my_sister_is_the_one_sister_with_a_name(parser_path: Path) -> None:
    named, unnamed = notes("My sister Ilse sings in Ghent.", "My sister sold the boat.")
    fact = next(made for made in read([named, unnamed], parser_path) if made.evidence.document_id == unnamed.id)
    assert (fact.subject, fact.statement) == ("Ilse", "Nadia's sister Ilse sold the boat.")


def test_my_sister_is_nobody_in_particular_when_there_are_two(parser_path: Path) -> None:
    documents = notes("My sister Ilse works in Ghent.", "My sister Eva works in Ghent.", "My sister sold the boat.")
    assert read(documents, parser_path)[-1].statement == "Nadia's sister sold the boat."


def test_somebody_elses_sister_is_not_mine(parser_path: Path) -> None:
    facts = read(notes("Bart's sister Ilse sings in Ghent.", "My sister sold the boat."), parser_path)
    assert facts[-1].statement == "Nadia's sister sold the boat."


def test_who_is_only_mentioned_leaves_the_first_name_to_who_speaks() -> None:
    known = KnownPeople.of(["Bart Molenaar"], [(NADIA, NameMentions(names=("Bart Simpson", "Lisa Simpson")))])
    assert [known.canonical(name) for name in ("Bart", "Lisa")] == ["Bart Molenaar", "Lisa Simpson"]


def test_a_contrary_vote_leaves_the_gender_open() -> None:
    votes = [
        NameMentions(votes=(("Kim", "he", 2), ("Bo", "she", 1))),
        NameMentions(votes=(("Kim", "she", 1), ("Bo", "she", 1))),
    ]
    assert KnownPeople.of([], [(NADIA, found) for found in votes]).genders == {"Bo": "she"}


SUBSETS = st.lists(st.sampled_from(ALL), min_size=1, max_size=6, unique_by=lambda document: document.id)
FIXTURE = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@given(documents=SUBSETS, order=st.randoms(use_true_random=False))
@FIXTURE
def test_notes_added_in_any_order_give_the_same_memory(
    documents: list[Document], order: object, parser_path: Path
) -> None:
    memo: dict[str, str] = {}
    added: list[Document] = []
    shuffled = list(documents)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    for document in shuffled:
        added.append(document)
        grown = read(added, parser_path, memo)
    assert grown == read(documents, parser_path)


@given(documents=SUBSETS, more=st.sampled_from(ALL))
@FIXTURE
def test_deleting_a_note_undoes_adding_it_exactly(documents: list[Document], more: Document, parser_path: Path) -> None:
    memo: dict[str, str] = {}
    rest = [document for document in documents if document.id != more.id]
    before = read(rest, parser_path, memo)
    with_it = read([*rest, more], parser_path, memo)
    assert {fact.evidence.document_id for fact in with_it} <= {document.id for document in [*rest, more]}
    assert read(rest, parser_path, memo) == before


@given(documents=SUBSETS)
@FIXTURE
def test_every_span_is_a_part_of_its_document_and_says_its_time(documents: list[Document], parser_path: Path) -> None:
    texts = {document.id: document.text for document in documents}
    for fact in read(documents, parser_path):
        span = texts[fact.evidence.document_id][fact.evidence.start : fact.evidence.end]
        assert span
        assert span in texts[fact.evidence.document_id]
        assert fact.when is None or fact.when.expression in span


def test_a_new_note_is_the_only_one_that_is_read(parser_path: Path) -> None:
    memo: dict[str, str] = {}
    old, new = notes("I live in Utrecht.", "Bart works at the harbour.", "I sold the boat.")[:2], notes(*TEXTS[:4])[3]
    assert extract_facts(old, person=NADIA, parser=parser_path, memo=memo).documents_read == 2
    assert extract_facts([*old, new], person=NADIA, parser=parser_path, memo=memo).documents_read == 1
    assert extract_facts([*old, new], person=NADIA, parser=parser_path, memo=memo).documents_read == 0


def test_a_note_that_says_something_new_about_a_name_has_its_other_mentions_read_again(parser_path: Path) -> None:
    memo: dict[str, str] = {}
    mention, other, news = notes("My sister sold the boat.", "I like tea.", "My sister Ilse sings in Ghent.")
    read([mention, other], parser_path, memo)
    extraction = extract_facts([mention, other, news], person=NADIA, parser=parser_path, memo=memo)
    assert extraction.documents_read == 2
    assert extraction.facts[0].subject == "Ilse"
