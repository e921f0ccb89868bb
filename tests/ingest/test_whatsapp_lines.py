# ruff: noqa: E501
"""What WhatsApp says in between, in any language, is no speech; what people say is, however like it looks."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mealign.ingest.user import IngestResult, ingest_user
from mealign.ingest.whatsapp_lines import LANGUAGES, Program
from tests.defaults import IngestConfig, UserConfig


def ingest(folder: Path, text: str, *, name: str = "_chat.txt") -> IngestResult:
    (folder / name).parent.mkdir(exist_ok=True, parents=True)
    (folder / name).write_text(text, encoding="utf-8")
    user = UserConfig(name="mira", person="Mira", path=str(folder))
    return ingest_user(user, IngestConfig(), root=folder)


def android(*texts: str) -> str:
    return "".join(f"13/05/18, 18:{number:02} - Mira: {text}\n" for number, text in enumerate(("I row.", *texts)))


def ios(*texts: str) -> str:
    return "".join(f"[13/05/18, 18:{number:02}:00] Mira: {text}\n" for number, text in enumerate(("I row.", *texts)))


def said(result: IngestResult) -> list[str]:
    return [document.text for document in result.documents]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_phrases_of_a_language(tmp_path: Path, language: str) -> None:
    words = LANGUAGES[language]
    split = {
        key: [phrase.replace("*", "Ida Moss") for phrase in value.split("|")] for key, value in words._asdict().items()
    }
    alone = [phrase + end for key in ("deleted", "missed", "waiting") for phrase in split[key] for end in ("", ".")]
    alone += [f"<{phrase}>" for phrase in split["omitted"]] + split["omitted"]
    alone += [f"{call}. {outcome}" for call in split["calls"] + split["missed"] for outcome in split["outcomes"]]
    alone += [f"{call}. 16 min" for call in split["calls"]] + [f"{call}, \u200e1 h 2 min" for call in split["calls"]]
    alone += [f"Ida Moss.vcf ({word})" for word in split["attached"]]
    result = ingest(tmp_path, "".join(f"13/05/18, 18:00 - Mira: {text}\n" for text in ("I row.", *alone)))
    assert said(result) == ["I row."]
    assert sum(result.report.left_out["_chat.txt"].values()) == sum(map(len, alone))
    behind = [f"dale <{edited}>" for edited in split["edited"]] + [
        f"dale \u200e<{edited}.>" for edited in split["edited"]
    ]
    behind += [f"IMG-20240105-WA0001.jpg ({word})\ndale" for word in split["attached"]]
    behind += [f"<{omitted}>\ndale" for omitted in split["omitted"]]
    result = ingest(tmp_path, "".join(f"13/05/18, 18:00 - Mira: {text}\n" for text in behind))
    assert said(result) == ["dale"] * len(behind)
    marked = [f"\u200e{phrase}" for key in ("deleted", "omitted", "missed", "waiting") for phrase in split[key]]
    marked += [f"Plan.pdf • \u200e3 pages \u200e{phrase}" for phrase in split["omitted"]]
    result = ingest(tmp_path, ios(*marked))
    assert said(result) == ["I row."]


PROGRAM = [
    # Languages that are not in the table.
    "IMG-20240105-WA0001.jpg (tiedosto qqq)",
    "\u200eVID-20240105-WA0001.mp4 (qqq)",
    "PTT-20240105-WA0001.opus (qqq qqq)",
    "STK-20240105-WA0012.webp (qqq)",
    "<qqq qqq qqq>",
    "<קקק קקק>",
    "<qqq: 00000012-PHOTO-2024-01-05-18-03-11.jpg>",
    "qqq: https://maps.google.com/?q=51.2,3.7",
    "location: https://maps.google.com/?q=-1,2",
    "Location: Bar (https://foursquare.com/v/4b0588)",
    "Standort: https://maps.google.com/?q=1.25,2.5",
    "POLL:\nWhere to?\nOPTION: Leeds (2 votes)\nOPTION: Hull (0 votes)",
    "UMFRAGE:\nWohin?\nOPTION: Leeds (2 Stimmen)\nOPTION: Hull (0 Stimmen)",
    "\u200eENCUESTA:\n\u200e¿Adónde?\n\u200eOPCIÓN: Leeds (\u200e2 votos)\n\u200eOPCIÓN: Hull (\u200e0 votos)",
    "null",
    "",
    "Voice call. 16 min • 3 joined",
    "Voice call. 1:02:03",
    "Video call. 1 hr 2 min",
    "This message was deleted by admin +44 7700 900123",
    "Missed voice call. Tap to call back",
    "Llamada de voz. Sin respuesta",
    "Diese Nachricht wurde gelöscht.",
    "Vous avez supprimé ce message",
]


@pytest.mark.parametrize("form", [android, ios])
@pytest.mark.parametrize("text", PROGRAM)
def test_what_the_program_says(tmp_path: Path, form: object, text: str) -> None:
    result = ingest(tmp_path, form(text, "I ski."))  # type: ignore[operator]
    assert said(result) == ["I row.", "I ski."]
    assert result.report.problems == ()


MARKED = [
    "\u200eqqq qqq",
    "\u200eTom qqq qqq",
    "\u200ePOLL:\n\u200eWhere?\n\u200eOPTION: A (\u200e2 votes)",
    "Plan.pdf • \u200e3 qq \u200eDokument weggelassen",
    "\u200e<attached: 12-a.jpg>",
]


@pytest.mark.parametrize("text", MARKED)
def test_what_ios_marks(tmp_path: Path, text: str) -> None:
    assert said(ingest(tmp_path, ios(text))) == ["I row."]


SPEECH = [
    "This message was deleted by mistake, sorry",
    "Missed call, sorry, I was asleep",
    "Video call. At five?",
    "Voice call tomorrow",
    "see plan.pdf (page 2)",
    "I <3 you",
    "<hugs>",
    "a < b > c",
    "x <y@example.org>",
    "is it <b>bold</b>?",
    "Media omitted the story",
    "null and void",
    "https://maps.google.com/?q=1,2",
    "Menu:\nsoup\nfish (2 pieces)\nand cake",
    "Edited",
    "Editado",
    "Deleted",
    "I edited this message",
    "image",
    "POLL: who comes?",
    "Shopping:\nsoon\nfish: cod (2 of them)\nmeat: beef (3 of them)",
    "location: the harbour",
    "Call. Me.",
    "Video call.",
    "Call.",
    "Video call. Now",
    "Videoanruf?",
    "已编辑",
    "No answer",
    "Sin respuesta",
    "waiting for this message to come",
    "He said <hm> and left",
    "plan (final).pdf",
    "16 min",
    "Tap to call back",
    "see <this one>",
]


@pytest.mark.parametrize("text", SPEECH)
def test_what_people_say_is_kept(tmp_path: Path, text: str) -> None:
    for form in (android, ios):
        result = ingest(tmp_path, form(text))
        assert said(result) == ["I row.", text]
        assert result.report.left_out == {}


@pytest.mark.parametrize(
    ("text", "caption"),
    [
        ("\u200ePlan.pdf • \u200e3 pages \u200e<attached: 00012-Plan.pdf>\nread it", "read it"),
        ("\u200e<attached: 00012-a.jpg>\nread it", "read it"), ("read it \u200e<qqq: 00012-a.jpg>", "read it"),
        ("read it \u200eimage omitted", "read it"), ("\u200eimage omitted\nread it", "read it"), ("<Media omitted>\nread it\nnow", "read it\nnow"),
        ("DOC-20240105-WA0001.pdf (file attached)\nPlan for May.pdf\nread it", "read it"), ("Plan.pdf (file attached)\nread it", "read it"),
    ],
)  # fmt: skip
def test_a_caption_is_kept(tmp_path: Path, text: str, caption: str) -> None:
    result = ingest(tmp_path, ios(text))
    assert said(result) == ["I row.", caption]
    assert set(result.report.left_out["_chat.txt"]) == {"attachment_mark"}


def test_a_mention_is_a_name(tmp_path: Path) -> None:
    result = ingest(tmp_path, ios("Ask @\u2068Tom H.\u2069 or @\u2068+44 7700 900123\u2069!"))
    assert said(result) == ["I row.", "Ask @Tom H. or @+44 7700 900123!"]
    assert result.report.left_out == {"_chat.txt": {"direction_mark": 4}}


def test_marks_of_an_unknown_language_are_learned(tmp_path: Path) -> None:
    text = android(
        "one <qqq qqq qqq>", "two <qqq qqq qqq>", "IMG-20240105-WA0001.jpg (qq qq)", "my plan.pdf (qq qq)\nread it"
    )
    assert said(ingest(tmp_path, text)) == ["I row.", "one", "two", "read it"]
    text = ios("one \u200eqqq qqq", "two \u200eqqq qqq", "three \u200eonly once")
    assert said(ingest(tmp_path, text)) == ["I row.", "one", "two", "three \u200eonly once"]


LINES = [
    "Messages and calls are end-to-end encrypted. No one outside of this chat can read them.",
    "Mira created group “Boats: the sequel”",
    'Tom changed the subject from "Boats: one" to "Boats: two"',
    "Tom hat den Betreff zu „Boote: zwei“ geändert",
    "Tomas a changé le sujet en « Bateaux : deux »",
    "Tom qqq 「船: 二」",
    "+44 7700 900123 left",
    "You're now an admin",
    "Tom将主题改为“船: 二”",
    "Tom がグループ名を「船: 二」に変更しました",
    "Tom bytte ämnet till ”Båtar: två”",
    "Tom пригласил вас",
]


@pytest.mark.parametrize("line", LINES)
def test_a_line_without_an_author(tmp_path: Path, line: str) -> None:
    result = ingest(tmp_path, f"{android()}14/05/18, 18:00 - {line}\n14/05/18, 18:01 - Ida: yes\n")
    assert said(result) == ["I row.", "yes"]
    assert result.report.left_out == {"_chat.txt": {"program_line": len(line)}}
    assert result.documents[0].participants == ("Mira", "Ida")


NAMES = {
    'Jim "Jimbo" Hale': 'Jim "Jimbo" Hale', "“Auntie” Jo": "“Auntie” Jo", "+44 7700 900123": "+44 7700 900123", "\u202a+44\u00a07700\u00a0900\u2011123\u202c": "+44 7700 900-123",
    "~\u202fIngrid": "Ingrid", "De Vries, Jan": "De Vries, Jan", "Dr. Hale": "Dr. Hale", "The Boss": "The Boss", "O'Brien": "O'Brien", 'יו"ר הוועד': 'יו"ר הוועד',
    "«Tata»": "«Tata»", "Bob 5\" pipe": "Bob 5\" pipe", "added": "added", "Tom left": "Tom left", "Anna 🛶 (work)": "Anna 🛶 (work)", "a:b": "a:b", "1234": "1234", "Jan van 't Hof": "Jan van 't Hof", "Jan van ‘t Hof": "Jan van ‘t Hof", "D’Arcy": "D’Arcy", "“Oma“": "“Oma“", "”Mormor”": "”Mormor”",
    "👩\u200d👩\u200d👧": "👩\u200d👩\u200d👧", "Mr. - Smith": "Mr. - Smith", "[Ops] Bart": "[Ops] Bart", "@tom": "@tom", "10:30 Bar": "10:30 Bar", "„Omi“": "„Omi“",
}  # fmt: skip


@pytest.mark.parametrize("form", ["[13/05/18, 18:00:00] ", "13/05/18, 18:00 - "])
@pytest.mark.parametrize("name", NAMES)
def test_a_name_stays_whole(tmp_path: Path, form: str, name: str) -> None:
    result = ingest(tmp_path, f"{form}Mira: I row.\n{form}{name}: I ski: a lot.\n")
    assert [(document.author, document.text) for document in result.documents][1:] == [(NAMES[name], "I ski: a lot.")]


def test_who_writes_often_has_any_name(tmp_path: Path) -> None:
    text = "".join(f'13/05/18, 18:00 - Tom "the boat: {number}\n' for number in range(4))
    assert {document.author for document in ingest(tmp_path, text).documents} == {'Tom "the boat'}


FIRST = "13/05/18, 18:00 - Mira: one\n13/05/18, 18:01 - Tom: two\n13/05/18, 18:01 - Tom: two\n"
MORE = "13/05/18, 18:01 - Tom: two\n13/05/18, 18:02 - Mira: and\n14/05/18, 18:02 - Ida: three\n14/05/18, 18:02 - Ida: three\n"


def test_exports_of_one_chat_hold_each_message_once(tmp_path: Path) -> None:
    ingest(tmp_path, FIRST, name="a/_chat.txt")
    result = ingest(tmp_path, FIRST, name="b/_chat.txt")
    assert said(result) == ["one", "two", "two"]
    assert result.report.left_out == {"b/_chat.txt": {"seen_before": 9}}
    # A later export: one more person, and what was said twice is in it once.
    result = ingest(tmp_path, MORE, name="b/_chat.txt")
    assert said(result) == ["one", "two", "two", "and", "three", "three"]
    assert result.report.left_out == {"b/_chat.txt": {"seen_before": 3}}
    assert result.report.problems == ()


def test_what_is_said_in_two_chats_stays(tmp_path: Path) -> None:
    for name in ("Tom", "Ida"):
        text = f"13/05/18, 18:00 - Mira: Happy new year!\n13/05/18, 18:01 - {name}: You too!\n"
        result = ingest(tmp_path, text, name=f"{name}/_chat.txt")
    assert len(result.documents) == 4
    assert result.report.left_out == {}


@given(st.text(st.sampled_from("ab <>()[]:.•\u200e\n,qIMG-20240105-WA01.jpg")), st.booleans())
@hypothesis_settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_every_character_is_kept_or_counted(text: str, marks: bool) -> None:
    program = Program()
    program.learn(text)
    kept, left_out = program.speech(text, marks=marks)
    seen = "".join((kept, *(words for _, words in left_out)))
    assert sum(not c.isspace() for c in seen) >= sum(not c.isspace() for c in text)
    assert all(reason in {"poll", "program_line", "edit_mark", "attachment_mark"} for reason, _ in left_out)
