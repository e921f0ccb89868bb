"""Calendars, address books and the messengers' exports: one folder with each format, and damage to each."""

import json
from datetime import datetime
from pathlib import Path

import pytest

from mealign.ingest.files import SourceFile
from mealign.ingest.importers import clippings, google_chat, icalendar, imessage, meta, sms, vcard
from mealign.ingest.importers.sms import _Mended
from mealign.ingest.importing import ImportContext, Importer, contact_key
from mealign.ingest.user import IngestResult, ingest_user
from mealign.records import Document
from tests.defaults import IngestConfig, UserConfig

SOURCES = Path(__file__).parent / "fixtures/sources"
MIRA = "Mira Solberg"
TOM = "Tom Moss"
EVENT = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:"
USER = UserConfig(name="m", person=MIRA, aliases=["Mira", "mira@example.org"], path=str(SOURCES))


@pytest.fixture(scope="module")
def result() -> IngestResult:
    return ingest_user(USER, IngestConfig(), root=SOURCES)


def read(importer: Importer, path: Path) -> tuple[list[Document], ImportContext]:
    context = ImportContext.of(USER, IngestConfig())
    return importer.read(SourceFile(path, path.name), context), context


@pytest.mark.parametrize(
    ("source", "author", "moment", "text"),
    [
        (
            "2024-03-02 contacts.vcf#me", MIRA, "2024-03-01T10:00:00",
            "My mother is Solveig. My mail address is mira@example.org.",
        ),
        (
            "2024-03-02 contacts.vcf#tom", MIRA, "2024-03-01T10:00:00",
            "Tom Moss works at Harbour Clocks, Repairs as a clockmaker. Tom Moss's spouse is Ida Moe. Tom Moss's "
            "birthday is 5 March 1980. Tom Moss's phone number is +47 400 01 234. Tom Moss's mail address is "
            "tom@example.org. Tom Moss's address is Nordnes 7, Bergen, 5005, Norway.\n\nWe met in Oslo.",
        ),
        (
            "2024-03-02 contacts.vcf#2", MIRA, "2024-03-02T00:00:00",
            "Åse's birthday is 24 December. Åse's phone number is 40005678.",
        ),
        (
            "calendar.ics#dentist", MIRA, "2024-03-05T10:00:00",
            "Dentist, 5 March 2024, 10:00 to 10:30, at Sint-Jan.\n\nBring the card.\nI am afraid.",
        ),
        (
            "calendar.ics#choir", MIRA, "2024-03-06T19:00:00",
            "Choir, 6 March 2024, 19:00 to 21:00. It repeats every 2 weeks on Wednesday and Friday until 5 June 2024. "
            "With Ida Moe and Tom Moss.\n\n> I bring the notes.\n> \n> Ida",
        ),
        ("calendar.ics#choir/20240320T1900", MIRA, "2024-03-21T19:00:00", "Choir, 21 March 2024, 19:00 (cancelled)."),
        ("calendar.ics#trip", MIRA, "2024-04-01T00:00:00", "Trip to Bergen, 1 April 2024 to 3 April 2024."),
        ("calendar.ics#tax", MIRA, "2024-04-30T00:00:00", "Send the tax form. Due on 30 April 2024."),
        ("sms-20240310.xml#1710061200000", TOM, "2024-03-10T09:00:00", "Is the clock there? 🕰"),
        ("sms-20240310.xml#1710061260000", MIRA, "2024-03-10T09:01:00", "Yes, I have it."),
        ("sms-20240310.xml#1710061320000", "Bank", "2024-03-10T09:02:00", "Your code is 1234."),
        ("sms-20240310.xml#1710061400000", MIRA, "2024-03-10T09:03:20", "I sing with you both."),
        ("sms-20240310.xml#1710061500000", "Åse", "2024-03-10T09:05:00", "Choir\nI come too."),
        ("signal/Tom/chat.md#2024-03-05T15:05:10/1", MIRA, "2024-03-05T15:05:10", "Yes, to Ingrid.\nIt was sad."),
        ("signal/Tom/chat.md#2024-03-05T15:06:00/1", "Tom", "2024-03-05T15:06:00", "Good."),
        ("signal/Tom/data.json#2024-03-07T09:00:00/1", MIRA, "2024-03-07T09:00:00", "I bought a cello."),
        ("signal-cli/messages.jsonl#2024-03-06 10:00:00+00:00/1", TOM, "2024-03-06T10:00:00", "I fish."),
        ("signal-cli/messages.jsonl#2024-03-06 10:01:00+00:00/1", MIRA, "2024-03-06T10:01:00", "I row."),
        ("imessage/+4740001234.txt#2024-03-05T17:29:42/1", TOM, "2024-03-05T17:29:42", "Do you still sing?"),
        ("imessage/+4740001234.txt#2024-03-05T17:30:00/1", MIRA, "2024-03-05T17:30:00", "I sing alto.\n\nAnd I play."),
        ("imessage/+4740001234.txt#2024-03-05T17:31:00/1", MIRA, "2024-03-05T17:31:00", "Alto, on Tuesdays."),
        ("messenger/message_1.json#1709632860000/1", MIRA, "2024-03-05T10:01:00", "I liked the café 😀"),
        ("messenger/message_1.json#1709632800000/1", "José Pérez", "2024-03-05T10:00:00", "How was it?"),
        ("messenger/Tom_7.json#1709632000000/1", TOM, "2024-03-05T09:46:40", "I mend clocks."),
        ("google/messages.json#x/a/a", TOM, "2024-03-05T10:00:00", "Is the kayak red?"),
        ("google/messages.json#x/a/b", MIRA, "2024-03-05T10:01:00", "It is blue."),
        ("google/messages.json#x/a/c", "Drive", "2024-03-05T10:02:00", "A file was shared."),
        ("My Clippings.txt#2", MIRA, "2024-03-05T10:01:00", "# The Sea (Ola Nordmann)\n\nI have seen it in Bergen."),
        ("My Clippings.txt#3", MIRA, "2024-03-06T11:00:00", "# Das Meer (Ola Nordmann)\n\nI read this in the train."),
        ("html/note.html", MIRA, "2024-03-05T10:00:00", "Kayak\n\nI mended the kayak in Askøy.\n\ntar\n\nglue"),
        ("html/2024-03-06 Notebook.html", MIRA, "2024-03-06T00:00:00", "# The Sea\n\nI have seen it."),
        ("diary.epub", MIRA, "2024-03-08T00:00:00", "I saw the sea in Askøy.\n\n\n\nIt was cold."),
    ],
)  # fmt: skip
def test_each_item_is_a_document_of_its_author(
    result: IngestResult, source: str, author: str, moment: str, text: str
) -> None:
    document = next(document for document in result.documents if document.source == source)
    assert (document.author, document.text) == (author, text)
    assert document.created_at == datetime.fromisoformat(moment)


def test_programs_are_no_evidence_and_nothing_else_is_kept(result: IngestResult) -> None:
    assert {document.author for document in result.documents if document.kind == "assistant"} == {"Bank", "Drive"}
    assert len(result.documents) == 34


def test_what_is_not_kept_is_counted_or_named(result: IngestResult) -> None:
    assert result.report.codes == {"book": 1, "message": 1, "time_zone": 4, "web_page": 1}
    assert result.report.ignored == {"attachment": 3}
    assert result.report.left_out == {
        "2024-03-02 contacts.vcf": {"program_field": 27},
        "My Clippings.txt": {"highlight": 27},
        "book.epub": {"book": 41},
        "calendar.ics": {"incomplete": 9, "program_field": 7},
        "google/messages.json": {"quoted_message": 17},
        "html/2024-03-06 Notebook.html": {"highlight": 21},
        "html/note.html": {"quotation": 13},
        "html/page.html": {"web_page": 19},
        "imessage/+4740001234.txt": {"attachment_mark": 43, "program_line": 80, "reaction": 29, "repeated": 18},
        "messenger/message_1.json": {"program_line": 45, "reaction": 1, "shared": 19},
        "signal/Tom/chat.md": {"attachment_mark": 23, "quoted_message": 25, "reaction": 11},
        "signal/Tom/data.json": {"quoted_message": 17},
        "sms-20240310.xml": {"draft": 17},
    }


@pytest.mark.parametrize(
    ("one", "other"),
    [("+47 400 01 234", "004740001234"), ("tel:+4740001234", "40001234"), ("A@b.example", "mailto:a@B.example")],
)
def test_a_number_or_address_is_known_in_its_spellings(one: str, other: str) -> None:
    context = ImportContext.of(USER, IngestConfig())
    context.add_contact(TOM, one)
    same = contact_key(one) == contact_key(other)
    assert context.name_of("T", other) == (TOM if same else "T")
    assert same or other == "40001234"


def test_a_number_that_two_people_share_names_none() -> None:
    context = ImportContext.of(USER, IngestConfig())
    context.add_contact(TOM, "+4740001234")
    context.add_contact("Ida", "+4740001234")
    assert context.name_of("+4740001234") == "+4740001234"


@pytest.mark.parametrize("size", range(1, 60))
def test_emoji_in_two_references_are_mended_wherever_a_block_ends(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from io import BytesIO

    monkeypatch.setattr(sms, "BLOCK", size)
    stream = _Mended(BytesIO(b"ab&#55357;&#56832;c&#11;d&#55357;e&#128512;&amp;&#"))
    parts = list(iter(stream.read, b""))
    assert b"".join(parts).decode() == "ab😀c\ufffdd\ufffde&#128512;&amp;&#"


@pytest.mark.parametrize(
    ("importer", "name", "content", "kept", "code"),
    [
        (sms.IMPORTER, "s.xml", '<smses><sms address="1" date="1709632000000" type="2" body="I."/><sms', 1, "cut_off"),
        (sms.IMPORTER, "s.xml", '<!DOCTYPE a [<!ENTITY b "c">]><smses><sms body="&b;"/></smses>', 0, "broken"),
        (sms.IMPORTER, "s.xml", '<smses><sms address="1" date="soon" type="2" body="I row."/></smses>', 0, "message"),
        (icalendar.IMPORTER, "c.ics", f"{EVENT}20240305\nSUMMARY:a\nEND:VEVENT\nBEGIN:VEV", 1, "cut_off"),
        (icalendar.IMPORTER, "c.ics", "BEGIN:VCALENDAR\nfoo\nEND:VCALENDAR\n", 0, "broken"),
        (icalendar.IMPORTER, "c.ics", f"{EVENT}2024\nSUMMARY:a\nEND:VEVENT\nEND:VCALENDAR\n", 0, "message"),
        (vcard.IMPORTER, "2024-01-01.vcf", "BEGIN:VCARD\nFN:A\nEND:VCARD\nBEGIN:VCARD\nFN:B", 1, "cut_off"),
        (vcard.IMPORTER, "c.vcf", "BEGIN:VCARD\nFN:A\nEND:VCARD\n", 0, "no_date"),
        (imessage.IMPORTER, "i.txt", "Mar 05, 2024  5:29:42 PM\nMe\nI.\nFeb 31, 2024  5:29:42 PM\nI", 1, "bad_date"),
        (meta.IMPORTER, "m.json", '{"messages": [{"sender_name": "A", "content": "I row."}]}', 0, "message"),
        (meta.IMPORTER, "m.json", '{"participants": 3, "messages": [3, {"content": ["I row."]', 0, "message"),
        (google_chat.IMPORTER, "g.json", '{"messages": [{"creator": 3, "text": "I row."}, 5]}', 0, "message"),
        (clippings.IMPORTER, "k.txt", "B\n- Your Note | Added on some day\n\nI row.\n==========", 0, "bad_date"),
    ],
)  # fmt: skip
def test_damage_is_named_and_the_rest_is_kept(
    tmp_path: Path, importer: Importer, name: str, content: str, kept: int, code: str
) -> None:
    path = tmp_path / name
    path.write_text(content)
    documents, context = read(importer, path)
    assert len(documents) == kept
    assert code in {problem.code for problem in context.problems.items}


def test_contacts_without_a_date_still_name_people(tmp_path: Path) -> None:
    (tmp_path / "zz.vcf").write_text("BEGIN:VCARD\nFN:Tom Moss\nTEL:+4740001234\nEND:VCARD\n")
    message = {"sender_name": "+47 400 01 234", "timestamp_ms": 1709632000000, "content": "I row."}
    (tmp_path / "a.json").write_text(json.dumps({"participants": [{"name": "Mira"}], "messages": [message]}))
    user = UserConfig(name="m", person="Mira", path=str(tmp_path))
    result = ingest_user(user, IngestConfig(), root=tmp_path)
    assert [document.author for document in result.documents] == [TOM]
    assert result.report.codes == {"no_date": 1, "time_zone": 1}


@pytest.mark.parametrize(
    "text",
    ["# Diary\n[2024-01-01] I rowed.", "Mar 05, 2024 was a fine day.\nI rowed.", "Title\n- a list\n==========\nI row."],
)
def test_what_only_resembles_an_export_is_a_note(tmp_path: Path, text: str) -> None:
    for suffix in (".md", ".txt"):
        (tmp_path / f"2024-01-01{suffix}").write_text(text)
    result = ingest_user(UserConfig(name="m", person="Mira", path=str(tmp_path)), IngestConfig(), root=tmp_path)
    assert [document.kind for document in result.documents] == ["note", "note"]
