"""The text around a fact: its paragraph, behind what came before it."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mealign.memory.passages import REACH, passages_of
from mealign.records import Document, Evidence, Fact

MOMENT = datetime(2024, 3, 13, 18, 0)


def message(number: int, author: str, text: str, moment: datetime) -> Document:
    return Document.create(
        source=f"chat.json#m{number}", author=author, participants=("Ann", "Bo"), created_at=moment, kind="message",
        text=text,
    )  # fmt: skip


def at(document: Document, words: str) -> Fact:
    start = document.text.index(words)
    return Fact(
        id="f", subject="Ann", relation="be", object="", statement="Ann is.", valid_from=None, confidence=1,
        evidence=Evidence(document_id=document.id, start=start, end=start + len(words)),
    )  # fmt: skip


def test_a_reply_stands_behind_what_it_answers() -> None:
    question = message(1, "Bo", "How was the class?", MOMENT)
    answer = message(2, "Ann", "It was fun.", MOMENT + timedelta(minutes=5))
    (passage,) = passages_of([at(answer, "It was fun.")], [answer, question])
    assert passage.text == "Bo: How was the class?\nAnn: It was fun."
    assert passage.written == MOMENT.date()


def test_the_next_morning_is_another_conversation() -> None:
    question = message(1, "Bo", "How was the class?", MOMENT)
    answer = message(2, "Ann", "It was fun.", MOMENT + timedelta(hours=13))
    (passage,) = passages_of([at(answer, "It was fun.")], [question, answer])
    assert passage.text == "Ann: It was fun."


def test_another_chat_of_the_same_moment_is_not_before_it() -> None:
    other = Document.create(
        source="other.json#m1", author="Ann", participants=("Ann", "Cy"), created_at=MOMENT, kind="message", text="Hi."
    )
    answer = message(2, "Ann", "It was fun.", MOMENT + timedelta(minutes=1))
    assert passages_of([at(answer, "fun")], [other, answer])[0].text == "Ann: It was fun."


def test_a_paragraph_of_a_note_stands_behind_the_one_before() -> None:
    note = Document.create(
        source="a.md", author="Ann", created_at=MOMENT, kind="note", text="One came.\n\nTwo went.\n\nThree stayed."
    )
    assert passages_of([at(note, "Three")], [note])[0].text == "Two went.\nThree stayed."
    assert passages_of([at(note, "One")], [note])[0].text == "One came."


def test_of_a_long_paragraph_only_the_surroundings_are_taken_at_word_boundaries() -> None:
    text = f"{'before ' * 200}HERE {'after ' * 200}".strip()
    note = Document.create(source="a.md", author="Ann", created_at=MOMENT, kind="note", text=text)
    (passage,) = passages_of([at(note, "HERE")], [note])
    assert set(passage.text.split()) == {"before", "HERE", "after"}
    assert len(passage.text) <= 2 * REACH + len("HERE")


def test_a_fact_without_its_document_is_refused() -> None:
    note = Document.create(source="a.md", author="Ann", created_at=MOMENT, kind="note", text="One.")
    with pytest.raises(KeyError):
        passages_of([at(note, "One")], [])


@given(st.lists(st.text(min_size=1, max_size=60), min_size=1, max_size=4).map("\n\n".join), st.data())
def test_any_span_lies_in_its_passage(text: str, data: st.DataObject) -> None:
    note = Document.create(source="a.md", author="Ann", created_at=MOMENT, kind="note", text=text)
    start = data.draw(st.integers(0, len(text) - 1))
    fact = at(note, text[0]).model_copy(
        update={
            "evidence": Evidence(document_id=note.id, start=start, end=data.draw(st.integers(start + 1, len(text))))
        }
    )
    assert passages_of([fact], [note])[0].written == MOMENT.date()
