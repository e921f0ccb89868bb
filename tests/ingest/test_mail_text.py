"""A mail's own words: quotations, their introductions and signatures go, and nothing of the sender's own does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mealign.ingest.mail_text import own_text


@pytest.mark.parametrize(
    ("mail", "own"),
    [
        ("Yes.\n\nOn 4 March 2024, Bart wrote:\n> Where?\n>> What?", "Yes."),
        ("Yes.\n\nOn Mon, 4 Mar 2024, Bart Lund\n<bart77@example.org> wrote:\n\n> Where?", "Yes."),
        ("Ja.\n\nAm 04.03.24 um 10:12 schrieb Bart:\n> Wo?", "Ja."),
        ("Ja.\n\nOp ma 4 mrt om 10:12 schreef Bart <b@example.org>:\n> Waar?", "Ja."),
        ("是的。\n\n在 2024年3月4日，Bart <b@example.org> 写道：\n> 哪里？", "是的。"),
        ("On 4 Mar 2024 Bart wrote:\n> Where?\n\nIn Ghent.\n\n> And the cat?\n\nWith me.", "In Ghent.\n\n\nWith me."),
        ("Text.\n-- \nAda\nEngines Ltd", "Text."),
        ("Text.\n\nSent from my phone", "Text."),
        ("Text.\n\n-----Original Message-----\nFrom: Bart\n\nWhere?", "Text."),
        ("Text.\n\n---------- Forwarded message ---------\nFrom: Bart", "Text."),
        ("Text.\n________________________________\nFrom: Bart", "Text."),
        ("Text.\n\nVon: Bart\nGesendet: Montag\nAn: Ada\n\nWo?", "Text."),
        ("Text.\n\n*From:* Bart <b@example.org>\n*Date:* Monday\n*To:* Ada\n\nWhere?", "Text."),
    ],
)
def test_what_is_not_the_senders_own_goes(mail: str, own: str) -> None:
    assert own_text(mail) == own


@pytest.mark.parametrize(
    "mail",
    [
        "Best regards from Ghent, where I live since May.\nI like it.",
        "My list:\n- soup\n- bread\n\nI bought a bike.",
        "I was on the train in 2024 and wrote:\na letter.",
        "From: the station it is ten minutes.\nCome by!",
        "Call me at 5:\nit is urgent",
        "--- \nnot a signature",
    ],
)
def test_what_only_resembles_it_stays(mail: str) -> None:
    assert own_text(mail) == mail


def test_a_sentence_before_a_quotation_stays() -> None:
    assert own_text("He said in 2023:\n> Never.") == "He said in 2023:"


@given(st.lists(st.text(st.sampled_from("ab 1é中"), min_size=1, max_size=20)))
def test_lines_without_marks_all_stay(lines: list[str]) -> None:
    assert own_text("\n".join(lines)) == "\n".join(lines).strip()
