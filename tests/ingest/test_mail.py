"""Mailboxes: whose mail it is, which parts are its own text, and what is counted instead."""

from pathlib import Path

import pytest

from mealign.ingest.files import SourceFile
from mealign.ingest.importers import mail
from mealign.ingest.importing import ImportContext
from mealign.records import Document
from tests.defaults import IngestConfig, UserConfig

HEAD = "From x\nFrom: {sender}\nTo: Mira <mira@example.org>\nDate: Mon, 4 Mar 2024 10:00:00 +0000\n"
MIRA = "Mira <mira@example.org>"


def read(tmp_path: Path, *mails: str) -> tuple[list[Document], dict[str, int]]:
    path = tmp_path / "a.mbox"
    path.write_text("\n".join(mails))
    context = ImportContext.of(UserConfig(name="m", person="Mira", path=str(tmp_path)), IngestConfig())
    documents = mail.read(SourceFile(path, "a.mbox"), context)
    return documents, {reason: number for (_, reason), number in context.problems.left_out.items()}


def html(body: str) -> str:
    return HEAD.format(sender=MIRA) + f"Content-Type: text/html\n\n{body}\n"


def test_two_people_of_one_first_name_are_told_apart_by_their_addresses(tmp_path: Path) -> None:
    senders = ("Anna <anna@a.example>", "Anna <anna@b.example>", "Tom Moss <t@a.example>", "Tom Moss <t@b.example>")
    documents, _ = read(
        tmp_path, *(HEAD.format(sender=sender) + "\nI row.\n" for sender in (*senders, "Ida <i@a.example>"))
    )
    assert [document.author for document in documents] == [
        "anna@a.example",
        "anna@b.example",
        "Tom Moss",
        "Tom Moss",
        "Ida",
    ]


@pytest.mark.parametrize(
    ("body", "own", "left_out"),
    [
        ("<p>I row.</p><blockquote>I ski.</blockquote><p>I swim.</p>", "I row.\n\nI swim.", {"quoted_mail": 6}),
        (
            '<p>I row.</p><div class="gmail_quote"><div class="gmail_attr">On 4 Mar Tom wrote:</div>'
            "<blockquote>I ski.</blockquote><div>I swim.</div></div>",
            "I row.\n\nI swim.", {"quoted_mail": 25},
        ),
        ('<p>I row.</p><div class="gmail_quote">--- Forwarded ---<br>I ski.</div>', "I row.", {"quoted_mail": 23}),
        ('<p>I row.</p><div class="gmail_signature">Mira, Leeds</div>', "I row.", {"signature": 11}),
        (
            "<p>I row.</p><hr><div><b>From:</b> Tom<br><b>Sent:</b> Monday<br><b>To:</b> Mira<br></div><p>I ski.</p>",
            "I row.", {"quoted_mail": 35},
        ),
        ("<style>p{}</style><p>I row.</p>", "I row.", {}),
    ],
)  # fmt: skip
def test_html(tmp_path: Path, body: str, own: str, left_out: dict[str, int]) -> None:
    documents, counted = read(tmp_path, html(body))
    assert [document.text for document in documents] == [own]
    assert counted == left_out


def test_every_part_is_read_once_and_attachments_are_counted(tmp_path: Path) -> None:
    parts = [
        "Content-Type: multipart/alternative; boundary=in\n\n--in\nContent-Type: text/plain\n\nI row.\n"
        "--in\nContent-Type: text/html\n\n<p>I row.</p>\n--in--",
        "Content-Type: image/png\nContent-Disposition: inline\n\nxx",
        "Content-Type: text/plain\n\nI swim.",
        "Content-Type: text/plain\nContent-Disposition: attachment; filename=a.txt\n\nI ski.",
        "Content-Type: message/rfc822\n\nFrom: a@b.example\nSubject: x\n\nI fly.",
    ]
    body = "".join(f"--out\n{part}\n" for part in parts)
    head = HEAD.format(sender=MIRA) + "Subject: Sports\nContent-Type: multipart/mixed; boundary=out\n\n"
    documents, counted = read(tmp_path, f"{head}{body}--out--\n")
    assert [document.text for document in documents] == ["I row.\n\nI swim."]
    assert counted == {"subject": 6, "attachment": len("I ski.") + len("I fly.")}
