"""What a shop and its customers do by mail in tests: connect a mailbox, write, and read what lies in one."""

from __future__ import annotations

import smtplib
import time
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default

from tiski.testing.desk import Desk
from tiski.testing.dovecot import Dovecot
from tiski.testing.ports import wait_until
from tiski.testing.postfix import Postfix

SHOP = "asiakaspalvelu@teepuoti.example"
ADA = "ada@asiakas.example"
PASSWORD = "test-mailbox-password"


def connect(desk: Desk, address: str, dovecot: Dovecot, postfix: Postfix, **changes: str) -> None:
    """Connect a mailbox by the form in the settings."""
    fields = {
        "address": address,
        "imap_host": "127.0.0.1",
        "imap_port": str(dovecot.imap_port),
        "imap_security": "none",
        "imap_user": address,
        "imap_password": PASSWORD,
        "folder": "INBOX",
        "backfill": "now",
        "smtp_host": "127.0.0.1",
        "smtp_port": str(postfix.port),
        "smtp_security": "none",
        "acknowledges": "on",
        "plus_addressing": "on",
    }
    response = desk.post("settings/mailbox/new/", **(fields | changes))
    assert response.status_code == 200, response.text[:3000]
    works = "works" if "Reading" in response.text else "toimii"
    wait_until(lambda: desk.get(mailbox_path(response.url.path)).text.count(works) >= 2, "both servers", seconds=40)


def submit(postfix: Postfix, text: str, *, to: str = SHOP, sender: str = ADA, **headers: str) -> EmailMessage:
    """Hand a mail to Postfix as a customer's mail program does."""
    mail = EmailMessage()
    mail["From"], mail["To"] = f"Ada Virtanen <{sender}>", to
    mail["Subject"] = headers.pop("subject", "Kysymys teestä")
    mail["Message-ID"] = headers.pop("message_id", f"<{time.time_ns()}@asiakas.example>")
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    with smtplib.SMTP("127.0.0.1", postfix.port) as server:
        server.send_message(mail)
    return mail


def letters(dovecot: Dovecot, address: str) -> list[EmailMessage]:
    """What lies in a mailbox, oldest first."""
    with dovecot.mailbox(address) as box:
        return [BytesParser(policy=default).parsebytes(each.obj.as_bytes()) for each in box.fetch(mark_seen=False)]


def text_of(mail: EmailMessage) -> str:
    """The plain text of a mail."""
    plain = mail.get_body(("plain",))
    assert plain is not None
    return str(plain.get_content())


def mailbox_path(path: str) -> str:
    """The path of a mailbox's page without the shop's key."""
    return path.split("/", 2)[2]
