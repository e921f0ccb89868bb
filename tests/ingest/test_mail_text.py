"""A mail's own words: quotations, their introductions and signatures go, and nothing of the sender's own does."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mealign.ingest.mail_text import own_text

INTRODUCTIONS = (Path(__file__).parent / "fixtures/introductions.txt").read_text().removesuffix("\n").split("\n====\n")
"""What the programs of all languages write above a mail that they answer or forward without marking its lines."""


@pytest.mark.parametrize("introduction", INTRODUCTIONS)
def test_what_follows_an_introduction_is_anothers(introduction: str) -> None:
    left_out = Counter[str]()
    others = f"{introduction}\n\nI live in Hull. I have two cats.\n"
    assert own_text(f"I moved to Leeds.\n\n{others}", left_out) == "I moved to Leeds."
    characters = sum(len(line) for line in others.split("\n") if line.strip())
    assert left_out.total() == characters
    assert left_out["quoted_mail"] > characters - 50


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
        "Hi Tom,\n\nmany news.\n\n--- The move ---\nI moved to Leeds.\n\n--- The boat ---\nI bought a boat.",
        "I like tea.\n________________________________\nI bought a bike.",
        "I like tea.\n----- 2024 -----\nI bought a bike.",
        "-- Monday --\nI swam.\n-- Tuesday --\nI rowed.",
        "I was on the train in 2024 and wrote:\na letter.",
        "On 4 March 2024 at 10:00 I wrote in my diary:\nI am tired.",
        "On 4 March 2024 at 10:00 I wrote:\nI am tired.",
        "Am 4. März 2024 um 10:00 schrieb ich:\nIch bin müde.",
        "The meeting is on 4 March 2024 at 10:00:\nplease come.",
        "My address since 4 March 2024 is mira@example.org:\nplease use it.",
        "From: the station it is ten minutes.\nCome by!",
        "To do on 5 March 2024:\n- call tom@example.org\n- buy bread\n\nI am well.",
        "Tom wrote in 2024:\nnothing. I wrote more.",
        "=== News ===\nI moved.\n***\nI bought a bike.",
        "Sent from my old desk in Leeds, this mail is long.\nI bought a bike.",
        "Agenda:\nDate: Monday\nPlace: Leeds\nI bring tea.",
        "De: weg naar Hull is lang.\nIk kom om 5 uur.",
        "On 4 March 2024 at 10:00 the doctor said:\nrest.",
        "Le 4 mars 2024 à 10:00 j'ai écrit :\nje suis fatiguée.",
        "El 4 de marzo de 2024 a las 10:00 yo escribí:\nhola.",
        "---- Ingredients ----\nflour\n---- Method ----\nI bake.",
        "-- My message to you --\nI moved.",
        "To: whom it may concern\nI moved.\nI swim.",
        "My dates:\nFrom: 4 March\nTo: 8 March\nI am in Leeds.",
        "I bought two things:\n\n----------\n\n1. a bike\n2. a boat",
        "Name: Mira\nAge: 5\nCity: Leeds\nI live there.",
        "Best regards from Ghent, where I live since May.\nI like it.",
        "My list:\n- soup\n- bread\n\nI bought a bike.",
        "Call me at 5:\nit is urgent",
        "--- \nnot a signature",
    ],
)
def test_what_only_resembles_it_stays(mail: str) -> None:
    assert own_text(mail) == mail


def test_a_sentence_before_a_quotation_stays() -> None:
    assert own_text("He said in 2023:\n> Never.") == "He said in 2023:"


@pytest.mark.parametrize(
    "mark",
    ["Sent from my iPhone", "Von meinem iPhone gesendet", "Envoyé de mon iPhone", "Enviado desde mi iPhone",
     "Inviato da iPhone", "Verstuurd vanaf mijn iPhone", "Отправлено с iPhone", "iPhoneから送信", "发自我的 iPhone",
     "Get Outlook for Android<https://aka.ms/AAb9ysg>", "Lähetetty iPhonesta", "나의 iPhone에서 보냄"],
)  # fmt: skip
def test_the_mark_of_a_device_goes_and_what_is_below_stays(mark: str) -> None:
    left_out = Counter[str]()
    assert own_text(f"Text.\n\n{mark}\n\nMore.", left_out) == "Text.\n\n\nMore."
    assert left_out == {"signature": len(mark)}


def test_a_line_of_two_dashes_in_the_middle_is_no_signature() -> None:
    mail = "Text.\n--\n" + "\n".join(["I row."] * 20)
    assert own_text(mail) == mail


PIECES = ("I row.", "> a", "-- ", "--", "", "On 4 Mar 2024 at 10:00, Tom <t@example.org> wrote:", "From: Tom",
          "To: Mira", "Sent: Monday", "----- Original Message -----", "_____", "Sent from my iPhone",
          "It said:")  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=30))
def test_every_line_is_kept_or_counted(lines: list[str]) -> None:
    left_out = Counter[str]()
    own = own_text("\n".join(lines), left_out)
    kept = sum(map(len, own.split("\n")))
    # A kept line loses no more than the white space at the ends of the mail.
    assert sum(len(line.strip()) for line in lines) <= kept + left_out.total() <= sum(map(len, lines))


@given(st.lists(st.text(st.sampled_from("ab 1é中"), min_size=1, max_size=20)))
def test_lines_without_marks_all_stay(lines: list[str]) -> None:
    assert own_text("\n".join(lines)) == "\n".join(lines).strip()
