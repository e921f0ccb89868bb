"""Every format people have, in one folder as they export it; what is broken is named and the rest is kept."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pypdf import PdfReader, PdfWriter

from mealign.compose import CONF, to_settings
from mealign.experiment import runner
from mealign.ingest.user import IngestError, IngestResult, ingest_user
from mealign.jsonl import read_json, read_records
from mealign.records import Document
from tests.defaults import IngestConfig, UserConfig

PERSON = Path(__file__).parent / "fixtures/person"
MIRA = "Mira Solberg"
ALIASES = ["Mira", "mira@example.org", "Mira 🛶"]
PDF = PERSON / "documents/lease.pdf"
DOCX = PERSON / "documents/letter.docx"
MBOX = PERSON / "mail/sent.mbox"
CHATGPT = PERSON / "chatgpt/conversations.json"
CLAUDE = PERSON / "claude/conversations.json"
TELEGRAM = PERSON / "telegram/result.json"
ANDROID = PERSON / "whatsapp/WhatsApp Chat with Tomas.txt"
IOS = PERSON / "whatsapp/_chat.txt"


def ingest(folder: Path, aliases: list[str] = ALIASES, **changes: object) -> IngestResult:
    user = UserConfig(name="mira", person=MIRA, path=str(folder), aliases=aliases)
    return ingest_user(user, IngestConfig(**{"time_zone": "Etc/UTC", **changes}), root=folder)  # type: ignore[arg-type]


def places(result: IngestResult) -> list[tuple[str, int | None, str]]:
    return [(problem.file, problem.line, problem.code) for problem in result.report.problems]


@pytest.fixture(scope="module")
def person() -> IngestResult:
    return ingest(PERSON)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one good note, beside which something else can be wrong."""
    (tmp_path / "2024-01-01 good.md").write_text("I am well.")
    return tmp_path


@pytest.mark.parametrize(
    ("source", "author", "created_at", "text"),
    [
        ("vault/Ferry.md", MIRA, datetime(2024, 3, 20), "The ferry to Askøy was late. 我在卑尔根。 انتقلت إلى بيرغن 🛳️"),
        (
            "vault/People/Tomas Hale.md", MIRA, datetime(2024, 3, 16, 10, 30, 45),
            "Tomas repairs clocks. He is allergic to `#walnuts`.",
        ),
        (
            "texts/2024-04-02 kayak.txt", MIRA, datetime(2024, 4, 2),
            "2024-04-02 is in the name.\nI bought a red kayak.",
        ),
        ("texts/leak.txt", MIRA, datetime(2024, 4, 3), "The kayak leaks."),
        (
            "documents/lease.pdf", MIRA, datetime(2024, 3, 12, 10, 15),
            "I signed the lease of Nordnes 7.\n\nThe lease ends in May 2027.",
        ),
        (
            "documents/letter.docx", MIRA, datetime(2024, 3, 11, 9, 30),
            "Letter to Ingrid\n\nI left the library in February.\n\nA cat called Pus\n\nRooms\n\n"
            "Kitchen; Harbour view\n\nYours, Mira",
        ),
        (
            "mail/sent.mbox#one@example.org", MIRA, datetime(2024, 3, 18, 9),
            "Hei Tomas,\n\nI work at the aquarium since Monday. Best regards from the penguins:\n- Pingo\n- Frode\n\n"
            "From here the bus takes ten minutes.",
        ),
        (
            "mail/sent.mbox#two@example.org", "Tomas Håle", datetime(2024, 3, 19, 10),
            "My shop is open again.\nCome by 🕐\n\nClocks",
        ),
        ("mail/sent.mbox#3", MIRA, datetime(2024, 3, 20, 10), "A café in Nordnes sells clocks."),
        (
            "chatgpt/conversations.json#c-kayak/q-new", MIRA, datetime(2024, 3, 14, 9, 0, 10, 500000),
            "How do I mend my red kayak?",
        ),
        (
            "chatgpt/conversations.json#c-kayak/a-new", "ChatGPT", datetime(2024, 3, 14, 9, 0, 12, 500000),
            "With epoxy glue.",
        ),
        (
            "chatgpt/conversations.json#c-kayak/voice", MIRA, datetime(2024, 3, 14, 9, 0, 20, 500000),
            "Thanks, I shall use glue.",
        ),
        (
            "claude/conversations.json#c-sami/h1", MIRA, datetime(2024, 5, 1, 8, 0, 0, 123456),
            "I am learning Sámi.",
        ),
        ("claude/conversations.json#c-sami/a1", "Claude", datetime(2024, 5, 1, 10, 0, 5), "Good!\n\nBures."),
        ("claude/conversations.json#c-sami/h2", MIRA, datetime(2024, 5, 1, 8, 1), "I take lessons on Fridays."),
        ("whatsapp/WhatsApp Chat with Tomas.txt#L2", "Tomas H.", datetime(2024, 1, 5, 18, 3), "Is the kayak mended?"),
        (
            "whatsapp/WhatsApp Chat with Tomas.txt#L3", MIRA, datetime(2024, 1, 5, 18, 3, 0, 1),
            "Yes!\nIt took: two evenings.\n- and a pot of glue",
        ),
        ("whatsapp/WhatsApp Chat with Tomas.txt#L7", "Tomas H.", datetime(2024, 1, 5, 18, 5), "My new clock"),
        ("whatsapp/WhatsApp Chat with Tomas.txt#L10", MIRA, datetime(2024, 1, 13, 9, 10), "I sold the piano"),
        ("whatsapp/_chat.txt#L2", "Ingrid", datetime(2024, 1, 5, 0, 3, 11), "Rehearsal moves to Tuesday 🎵"),
        ("whatsapp/_chat.txt#L4", MIRA, datetime(2024, 1, 14, 18, 3, 12), "I sing alto."),
        ("whatsapp/_chat.txt#L5", MIRA, datetime(2024, 1, 14, 18, 4), "The score"),
        ("telegram/result.json#4242/2", "Tomas", datetime(2024, 6, 1, 8), 'Did you sell "messages": [ ] the piano?'),
        ("telegram/result.json#4242/3", MIRA, datetime(2024, 6, 1, 8, 1), "Yes, to Ingrid."),
        ("telegram/result.json#4242/4", MIRA, datetime(2024, 6, 1, 8, 1), "I miss it."),
        ("telegram/result.json#4242/5", "Radio Bergen", datetime(2024, 6, 1, 10, 2), "Storm on Sunday."),
        ("telegram/result.json#77/2", MIRA, datetime(2024, 6, 2, 8), "Buy oars."),
    ],
)  # fmt: skip
def test_what_is_read_of_each_format(
    person: IngestResult, source: str, author: str, created_at: datetime, text: str
) -> None:
    (found,) = [document for document in person.documents if document.source == source]
    assert (found.author, found.created_at, found.text) == (author, created_at, text)
    kind = "prompt" if source.startswith(("chatgpt", "claude")) else "message"
    spoken = "assistant" if author in ("ChatGPT", "Claude") else kind
    assert found.kind == (spoken if "#" in source else "note")


def test_nothing_else_is_read_and_what_was_left_out_is_counted(person: IngestResult) -> None:
    assert len(person.documents) == 28
    assert person.report.ignored == {".json": 1, ".png": 1, "attachment": 1}
    assert places(person) == [("mail/sent.mbox", None, "bad_date"), ("whatsapp/_chat.txt", 6, "bad_date")]
    assert "mail 4" in person.report.problems[0].message


@pytest.mark.parametrize(
    ("source", "participants"),
    [
        ("mail/sent.mbox#one@example.org", (MIRA, "Tomas Hale", "Lund, Ingrid", "kari@example.org")),
        ("chatgpt/conversations.json#c-kayak/a-new", (MIRA, "ChatGPT")),
        ("whatsapp/_chat.txt#L4", ("Ingrid", MIRA)),
        ("telegram/result.json#4242/3", ("Tomas", MIRA)),
        ("telegram/result.json#4242/5", ("Tomas", MIRA, "Radio Bergen")),
        ("documents/lease.pdf", ()),
    ],
)
def test_who_took_part(person: IngestResult, source: str, participants: tuple[str, ...]) -> None:
    (found,) = [document for document in person.documents if document.source == source]
    assert found.participants == participants


def test_the_stage_writes_what_the_importers_read(tmp_path: Path, person: IngestResult) -> None:
    shutil.copytree(PERSON, tmp_path / "person")
    overrides = ["stage=ingest", "user=folder", "user.name=mira", f"user.person={MIRA}", "user.path=person"]
    with initialize_config_dir(str(CONF), version_base="1.3"):
        settings = to_settings(compose("config", overrides=[*overrides, "tracking=none", "ingest.time_zone=Etc/UTC"]))
    settings = replace(settings, user=replace(settings.user, aliases=ALIASES))
    runner.run(settings, root=tmp_path)
    data = tmp_path / "data/mira"
    assert read_records(data / "documents.jsonl", Document) == person.documents
    assert read_json(data / "ingest_report.json") == json.loads(json.dumps(person.report.to_json()))
    summary = read_json(data / "summaries/ingest.json")
    assert (summary["documents"], summary["ignored"]) == (28, 3)


def test_a_chat_in_which_the_person_has_another_name_is_kept_and_named(folder: Path) -> None:
    shutil.copy(ANDROID, folder / "chat.txt")
    result = ingest(folder, aliases=[])
    assert places(result) == [("chat.txt", None, "no_user")]
    assert "user.aliases" in result.report.problems[0].mend
    assert "mira" not in json.dumps(result.report.to_json())
    assert len(result.documents) == 5


def locked(path: Path) -> None:
    writer = PdfWriter(clone_from=PdfReader(PDF))
    writer.encrypt("secret", algorithm="AES-256")
    writer.write(path)


def images_only(path: Path) -> None:
    writer = PdfWriter()
    writer.add_blank_page(width=100, height=100)
    writer.write(path)


def undated(path: Path) -> None:
    writer = PdfWriter(clone_from=PdfReader(PDF))
    writer.metadata = {"/Title": "Lease"}
    writer.write(path)


def part_of(source: Path, share: float) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        data = source.read_bytes()
        path.write_bytes(data[: int(len(data) * share)])

    return write


def holding(content: str) -> Callable[[Path], object]:
    return lambda path: path.write_text(content)


@pytest.mark.parametrize(
    ("name", "write", "line", "code"),
    [
        ("a.md", holding("---\ncreated: 2024-02-30\n---\ntext"), 2, "bad_date"),
        ("a.md", holding("---\ncreated: '03/04/2024'\n---\ntext"), 2, "bad_date"),
        ("2024-01-02.md", holding("![[only an embed.png]]"), None, "empty"),
        ("a.txt", holding("no date"), None, "no_date"),
        ("a.txt", holding("30 February 2024\nno such day"), None, "no_date"),
        ("2024-02-30.txt", holding("no such day"), None, "bad_date"),
        ("a.txt", holding("\n1 April 1492\nnothing yet"), None, "no_date"),
        ("2024-01-02.txt", holding(" "), None, "empty"),
        ("a.pdf", locked, None, "encrypted"),
        ("a.pdf", images_only, None, "no_text"),
        ("a.pdf", undated, None, "no_date"),
        ("a.pdf", part_of(PDF, 0.3), None, "broken"),
        ("a.pdf", holding("not a PDF"), None, "broken"),
        ("a.docx", part_of(DOCX, 0.5), None, "broken"),
        ("a.docx", holding("not a document"), None, "broken"),
        ("a.docx", lambda path: path.write_bytes(bytes.fromhex("d0cf11e0a1b11ae1")), None, "encrypted"),
        ("a.mbox", holding("not a mailbox"), None, "no_mail"),
        ("a.mbox", holding("From a@b Mon Mar 18 09:00:00 2024\nTo: x@y\n\ntext"), None, "message"),
        ("conversations.json", holding('[{"mapping": {"x": 1}, "current_node": "x"}]'), 1, "conversation"),
        ("conversations.json", holding('[\n{"uuid": "a", "chat_messages": []}, {"uuid": "b"}]'), 2, "conversation"),
        ("conversations.json", holding('{"other": 1}'), None, "nothing"),
        ("result.json", holding('{"type": "personal_chat", "id": 1,\n"messages": [\n{"id": 1,'), 3, "cut_off"),
        ("result.json", holding('{"type": "personal_chat", "id": 1, "messages": [7]}'), 1, "message"),
        ("_chat.txt", holding("garbage"), 1, "message"),
        ("_chat.txt", holding(""), None, "nothing"),
        ("WhatsApp Chat with X.txt", holding("31/02/2024, 18:03 - Mira: text"), 1, "bad_date"),
    ],
)  # fmt: skip
def test_a_bad_file_is_named_and_the_rest_is_kept(
    folder: Path, name: str, write: Callable[[Path], object], line: int | None, code: str
) -> None:
    write(folder / name)
    result = ingest(folder, undated="refuse")
    assert places(result) == [(name, line, code)]
    assert result.report.problems[0].mend
    assert [document.source for document in result.documents] == ["2024-01-01 good.md"]


@pytest.mark.parametrize("name", ["a.txt", "a.pdf", "a.docx", "a.mbox", "conversations.json", "_chat.txt"])
def test_what_cannot_be_opened_is_named(folder: Path, name: str) -> None:
    (folder / name).symlink_to(folder / "nowhere")
    assert places(ingest(folder)) == [(name, None, "unreadable")]


@pytest.mark.parametrize("source", [PDF, DOCX, PERSON / "texts/leak.txt"])
def test_the_size_of_a_note_is_limited_and_that_of_a_chat_is_not(folder: Path, source: Path) -> None:
    shutil.copy(source, folder / f"a{source.suffix}")
    shutil.copy(MBOX, folder / "a.mbox")
    result = ingest(folder, max_bytes=15)
    assert (f"a{source.suffix}", None, "too_large") in places(result)
    assert sum(document.kind == "message" for document in result.documents) == 3


def test_a_pdf_that_only_may_not_be_printed_is_read(folder: Path) -> None:
    writer = PdfWriter(clone_from=PdfReader(PDF))
    writer.encrypt("", owner_password="secret")  # noqa: S106
    writer.write(folder / "2024-07-01 lease.pdf")
    assert ingest(folder).documents[-1].text.startswith("I signed the lease")


def test_hidden_files_and_those_of_an_open_editor_are_passed_over(folder: Path) -> None:
    shutil.copytree(PERSON / "vault/.trash", folder / "inner/.trash")
    (folder / ".secret.md").write_text("hidden")
    (folder / "~$letter.docx").write_text("owner")
    result = ingest(folder)
    assert (len(result.documents), places(result), result.report.ignored) == (1, [], {})


def test_mail_without_extension_and_in_a_folder_called_mbox(folder: Path) -> None:
    (folder / "INBOX.mbox").mkdir()
    shutil.copy(MBOX, folder / "INBOX.mbox/mbox")
    result = ingest(folder)
    assert [document.source for document in result.documents[1:]] == [
        "INBOX.mbox/mbox#one@example.org", "INBOX.mbox/mbox#two@example.org", "INBOX.mbox/mbox#3",
    ]  # fmt: skip


def mail(content_type: str, data: bytes) -> bytes:
    head = (
        "From x Mon Mar 18 09:00:00 2024\nFrom: mira@example.org\nDate: Mon, 18 Mar 2024 09:00:00 +0100\n"
        f"Content-Type: {content_type}\nContent-Transfer-Encoding: 8bit\n\n"
    )
    return head.encode() + data + b"\n"


@pytest.mark.parametrize(
    ("charset", "data", "text"),
    [
        ("iso-8859-1", "Blåbær".encode("latin-1"), "Blåbær"),
        ("us-ascii", "Blåbær 蓝莓".encode(), "Blåbær 蓝莓"),
        ("utf-8", "Blåbær".encode("cp1252"), "Blåbær"),
        ("no-such-charset", "توت".encode(), "توت"),
        ("utf-16", b"abcd", "abcd"),
    ],
)
def test_mail_whose_charset_is_unknown_or_wrong_is_read(folder: Path, charset: str, data: bytes, text: str) -> None:
    (folder / "a.mbox").write_bytes(mail(f"text/plain; charset={charset}", data))
    assert ingest(folder).documents[-1].text == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>one<!-- two --> three</p>four<br>five", "one three\nfour\nfive"),
        ("<div>I\n  row</div><blockquote>You row</blockquote>daily", "I row\ndaily"),
        ("<div>I row<div class='x gmail_quote'>You row</div></div>", "I row"),
        ("<?xml version='1.0' encoding='latin-1'?><meta charset='latin-1'><p>blåbær 蓝莓", "blåbær 蓝莓"),
        ("<title>t</title><style>p {}</style><table><tr><td>a</td> <td>b</td></tr></table>", "a b"),
        ("never <b>closed <i>anywhere", "never closed anywhere"),
    ],
)
def test_what_an_html_mail_shows(folder: Path, html: str, text: str) -> None:
    (folder / "a.mbox").write_bytes(mail("text/html; charset=utf-8", html.encode()))
    assert ingest(folder).documents[-1].text == text


@pytest.mark.parametrize("html", ["", "<!-- nothing -->", "<img src=x>", "<blockquote>You row</blockquote>"])
def test_an_html_mail_that_shows_nothing_is_named(folder: Path, html: str) -> None:
    (folder / "a.mbox").write_bytes(mail("text/html; charset=utf-8", html.encode()))
    assert [problem.message for problem in ingest(folder).report.problems] == ["mail 1 has no text"]


def test_mail_with_broken_mime_is_named_and_its_neighbours_are_kept(folder: Path) -> None:
    broken = (
        "From x Mon Mar 18 09:00:00 2024\nFrom: =?utf-8?b?///?= <\nDate: yesterday\n"
        'Content-Type: multipart/mixed; boundary="never"\nContent-Transfer-Encoding: base64\n\n--never-closed\nx\n\n'
    )
    (folder / "a.mbox").write_bytes(broken.encode() + b"\xff\xfe\n\n" + MBOX.read_bytes())
    result = ingest(folder)
    assert [document.source for document in result.documents[1:]] == [
        "a.mbox#one@example.org", "a.mbox#two@example.org", "a.mbox#4",
    ]  # fmt: skip
    assert [problem.message[:6] for problem in result.report.problems] == ["mail 1", "mail 5"]


@pytest.mark.parametrize(("source", "items"), [(CHATGPT, 3), (CLAUDE, 3)])
def test_conversations_before_a_cut_are_kept(folder: Path, source: Path, items: int) -> None:
    (conversation,) = json.loads(source.read_text())
    second = json.dumps([{**conversation, "conversation_id": "c2", "uuid": "c2"}], indent=1)[1:]
    text = json.dumps([conversation], indent=1)[:-2] + "," + second
    (folder / "conversations.json").write_text(text[:-40])
    result = ingest(folder)
    assert len(result.documents) == 1 + items
    assert [code for _, _, code in places(result)] == ["cut_off"]


@given(cut=st.integers(min_value=TELEGRAM.read_bytes().index(b"user_id"), max_value=len(TELEGRAM.read_bytes()) - 3))
@hypothesis_settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_telegram_messages_before_a_cut_are_kept(folder: Path, person: IngestResult, cut: int) -> None:
    data = TELEGRAM.read_bytes()[:cut]
    (folder / "result.json").write_bytes(data)
    result = ingest(folder)
    whole = [
        document.source.removeprefix("telegram/")
        for document in person.documents
        if document.source.startswith("telegram/")
    ]
    kept = [document.source for document in result.documents[1:]]
    assert kept == whole[: len(kept)]
    assert [code for _, _, code in places(result)].count("cut_off") == 1


def test_a_byte_order_mark_is_no_text_and_a_cut_letter_no_reason_to_drop_the_rest(folder: Path) -> None:
    whole, _, _ = TELEGRAM.read_bytes().partition(b"Bergen")
    (folder / "result.json").write_bytes(b"\xef\xbb\xbf" + whole + "ø".encode()[:1])
    result = ingest(folder)
    assert [code for _, _, code in places(result)] == ["cut_off"]
    assert len(result.documents) == 4


def test_half_an_emoji_does_not_end_the_run(folder: Path) -> None:
    chat = {"type": "personal_chat", "id": 1, "messages": [
        {"id": 1, "type": "message", "date": "2024-06-01T08:00:00", "from": "Mira", "text": "cut \ud83d"},
        {"id": 2, "type": "message", "date": "2024-06-01T08:01:00", "from": "Mira", "text": "whole \ud83d\ude80"},
    ]}  # fmt: skip
    (folder / "result.json").write_text(json.dumps(chat))
    assert [document.text for document in ingest(folder).documents[1:]] == ["cut \ufffd", "whole 🚀"]


def test_a_tree_that_turns_back_on_itself_ends(folder: Path) -> None:
    message = {"author": {"role": "user"}, "content": {"parts": ["I row."]}, "create_time": 1710406800}
    nodes = {"a": {"parent": "b", "message": {"id": "a", **message}}, "b": {"parent": "a", "message": None}}
    (folder / "conversations.json").write_text(json.dumps([{"id": "c", "mapping": nodes, "current_node": "a"}]))
    assert [document.source for document in ingest(folder).documents[1:]] == ["conversations.json#c/a"]


@pytest.mark.parametrize("time", ["1e300", "NaN", '"soon"', "-99999999999999"])
def test_a_time_that_is_none_is_named(folder: Path, time: str) -> None:
    message = f'{{"author": {{"role": "user"}}, "content": {{"parts": ["I row."]}}, "create_time": {time}}}'
    tree = f'[{{"id": "c", "current_node": "a", "mapping": {{"a": {{"message": {message}}}}}}}]'
    (folder / "conversations.json").write_text(tree)
    assert places(ingest(folder)) == [("conversations.json", 1, "bad_date")]


NAMES = (
    "a.md", "2024-01-02 a.md", "a.txt", "2024-01-02 a.txt", "_chat.txt", "a.pdf", "2024-01-02 a.pdf", "a.docx",
    "a.mbox", "conversations.json", "result.json",
)  # fmt: skip
BEGINNINGS = (
    b"", b"---\n", b"%PDF-1.4\n", b"PK\x03\x04", b"From x\n", b'[{"mapping": {', b'[{"chat_messages": [',
    b'{"type": "personal_chat", "messages": [', b"05/01/2024, 18:03 - A: ", b"[5/1/24, 6:03 PM] A: ",
    b'\xef\xbb\xbf[{"chat_messages": [{"text": "\xc3',
)  # fmt: skip
REAL = tuple(path.read_bytes() for path in (PDF, DOCX, MBOX, CHATGPT, CLAUDE, TELEGRAM, ANDROID, IOS))


def check_kept_or_reported(folder: Path, name: str, data: bytes) -> None:
    """Whatever is in a file of this name, it is kept or reported, and so is its neighbour."""
    path = folder / name
    path.write_bytes(data)
    try:
        result = ingest(folder)
    finally:
        path.unlink()
    sources = [document.source for document in result.documents]
    assert "2024-01-01 good.md" in sources
    kept = [source for source in sources if source.partition("#")[0] == name]
    assert kept or [problem for problem in result.report.problems if problem.file == name]
    for document in result.documents:
        document.model_dump_json().encode()


@given(name=st.sampled_from(NAMES), beginning=st.sampled_from(BEGINNINGS), rest=st.binary(max_size=200))
@hypothesis_settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_bytes_under_any_name_are_kept_or_reported(folder: Path, name: str, beginning: bytes, rest: bytes) -> None:
    check_kept_or_reported(folder, name, beginning + rest)


@given(
    name=st.sampled_from(NAMES), data=st.sampled_from(REAL), at=st.floats(0, 1), gone=st.integers(0, 300),
    put=st.binary(max_size=8),
)  # fmt: skip
@hypothesis_settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_real_files_with_damage_are_kept_or_reported(
    folder: Path, name: str, data: bytes, at: float, gone: int, put: bytes
) -> None:
    position = int(at * len(data))
    check_kept_or_reported(folder, name, data[:position] + put + data[position + gone :])


def test_nothing_usable_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(b"x")
    with pytest.raises(IngestError) as caught:
        ingest(tmp_path)
    assert caught.value.report.ignored == {".png": 1}
