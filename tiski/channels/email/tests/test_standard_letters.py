"""Letters written by the standard library are read back as they were meant."""

from email.message import EmailMessage
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import SMTP

from hypothesis import given
from hypothesis import strategies as st

from tiski.channels.email.parsing.model import Parsed, Request
from tiski.channels.email.parsing.reading import parse
from tiski.kernel.text import clean_name

LETTERS = st.characters(categories=["L", "N", "P", "Zs"], exclude_characters="\xa0¤Ã")
LINE = st.text(LETTERS, max_size=60).map(str.strip)
TEXT = st.lists(LINE, max_size=12).map(lambda lines: "\n".join(lines).strip())
SUBJECT = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=70)
NAME = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=40)


def read(message: EmailMessage) -> Parsed:
    return parse(Request(raw=message.as_bytes(policy=SMTP)))


def letter(text: str, *, subject: str = "Tilaus", name: str = "Ada") -> EmailMessage:
    message = EmailMessage()
    message["From"] = f'"{name}" <ada@example.org>'
    message["To"] = "tuki@teepuoti.example"
    message["Subject"] = subject
    message["Date"] = "Mon, 16 Nov 2026 12:01:00 +0200"
    message.set_content(text)
    return message


@given(TEXT, SUBJECT, NAME)
def test_text_subject_and_name_arrive(text: str, subject: str, name: str) -> None:
    mail = read(letter(text, subject=subject, name=name))

    assert mail.text == text
    assert mail.subject == subject
    assert mail.sender is not None
    assert mail.sender.name == name
    assert mail.errors == ()


@given(TEXT.filter(bool), st.binary(max_size=300), NAME)
def test_alternatives_and_files_arrive(text: str, content: bytes, name: str) -> None:
    message = letter(text)
    message.add_alternative("<p>Hei <b>Mia</b></p>", subtype="html")
    message.add_attachment(content, maintype="application", subtype="pdf", filename=f"{name}.pdf")
    message.add_attachment("toinen", filename="toinen.txt")

    mail = read(message)

    assert mail.text == text
    assert mail.html_safe.strip() == "<p>Hei <b>Mia</b></p>"
    assert [(file.name, file.content) for file in mail.attachments] == [
        (clean_name(f"{name}.pdf"), content),
        ("toinen.txt", b"toinen\r\n"),
    ]
    assert mail.errors == ()


@given(st.lists(st.sampled_from(["mixed", "alternative", "related", "signed"]), min_size=1, max_size=9), TEXT)
def test_text_is_found_at_any_reasonable_depth(kinds: list[str], text: str) -> None:
    part: MIMEBase = MIMEText(text, "plain", "utf-8")
    for kind in kinds:
        outer = MIMEMultipart(kind)
        outer.attach(part)
        part = outer
    part["From"] = "ada@example.org"
    part["Date"] = "Mon, 16 Nov 2026 12:01:00 +0200"

    mail = parse(Request(raw=part.as_bytes()))

    assert mail.text == text
    assert mail.errors == ()
