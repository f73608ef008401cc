"""Mails as a shop gets them, the same every time: plain, 21 KB HTML, with files, replies, bounces."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime

SHOP = "asiakaspalvelu@teepuoti.example"
STARTED = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
WEIGHTS = {"plain": 40, "html": 25, "reply": 20, "file": 10, "bounce": 5}
SENTENCES = (
    "Tilasin viime viikolla sata grammaa senchaa ja kaksi kuppia, mutta paketista puuttui toinen kuppi.",
    "Milloin jasmiinihelmet palaavat varastoon? Ostaisin niitä lahjaksi.",
    "Hej! Kan jag byta teet mot en annan sort om paketet är oöppnat?",
    "Could you tell me whether the strainer fits the small pot?",
    "Kiitos jo etukäteen, ja mukavaa viikonloppua koko tiimille!",
)
ROW = (
    '<tr><td style="padding:8px;font-family:Arial,sans-serif;color:#333333"><p>{0}</p>'
    '<a href="https://kauppa.example/tee/{1}" style="color:#2f5d46">Sencha {1}</a></td>'
    '<td align="right"><img src="https://kuvat.example/{1}.png" width="120" alt="">{1},90 €</td></tr>\n'
)


def corpus(count: int, *, seed: int = 11) -> Iterator[bytes]:
    """So many raw mails; a reply names a mail of the same customer that came before it."""
    draw = random.Random(seed)
    kinds = draw.choices(list(WEIGHTS), weights=list(WEIGHTS.values()), k=count)
    known: list[tuple[str, int]] = []
    for number, kind in enumerate(kinds):
        sender = f"asiakas{draw.randrange(count)}@posti.example"
        if kind == "bounce":
            yield _bounce(number)
            continue
        mail = _mail(draw, number, sender, draw.choice(SENTENCES)[:50])
        if kind == "reply" and known:
            _answer(mail, draw, known)
        elif kind == "html":
            mail.set_content(_words(draw, 8))
            mail.add_alternative(_page(draw), subtype="html")
        else:
            mail.set_content(_words(draw, 5))
        if kind == "file":
            mail.add_attachment(
                draw.randbytes(40_000), maintype="image", subtype="jpeg", filename=f"kuppi-{number}.jpg"
            )
        known.append((str(mail["From"].addresses[0].addr_spec), number))
        yield mail.as_bytes()


def _mail(draw: random.Random, number: int, sender: str, subject: str) -> EmailMessage:
    mail = EmailMessage()
    at = STARTED + timedelta(seconds=number)
    mail["Received"] = f"from posti.example by mx.teepuoti.example with ESMTPS id {number}; {format_datetime(at)}"
    mail["Date"], mail["Message-ID"] = format_datetime(at), message_id(number)
    user, _at, domain = sender.partition("@")
    mail["From"] = Address("Ada Virtanen" if number % 2 else "Åke Lindqvist", user, domain)
    mail["To"], mail["Subject"] = SHOP, subject
    return mail


def message_id(number: int) -> str:
    """The name the sender gave to a mail of the corpus."""
    return f"<mail-{number}@posti.example>"


def _answer(mail: EmailMessage, draw: random.Random, known: Sequence[tuple[str, int]]) -> None:
    sender, before = draw.choice(known[-200:])
    mail.replace_header("From", sender)
    mail["In-Reply-To"] = mail["References"] = message_id(before)
    mail.replace_header("Subject", f"Re: {mail['Subject']}")
    quoted = "\n".join(f"> {line}" for line in _words(draw, 6).splitlines())
    mail.set_content(f"{_words(draw, 3)}\nsu 22. marrask. 2026 klo 10.00 Teepuoti <{SHOP}> kirjoitti:\n\n{quoted}\n")


def _words(draw: random.Random, sentences: int) -> str:
    return "\n".join(draw.choice(SENTENCES) for _ in range(sentences)) + "\n"


def _page(draw: random.Random) -> str:
    rows = "".join(ROW.format(draw.choice(SENTENCES), number) for number in range(52))
    return f'<html><head><style>p {{ margin: 0 }}</style></head><body><table width="600">\n{rows}</table></body></html>'


def _bounce(number: int) -> bytes:
    return (
        f"Received: from mx.posti.example by mx.teepuoti.example id b{number}; Sun, 22 Nov 2026 08:00:00 +0000\r\n"
        "From: Mail Delivery System <MAILER-DAEMON@mx.posti.example>\r\nReturn-Path: <>\r\n"
        f"To: {SHOP}\r\nSubject: Undelivered Mail Returned to Sender\r\nDate: Sun, 22 Nov 2026 08:00:00 +0000\r\n"
        f"Message-ID: <bounce-{number}@mx.posti.example>\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="raja"\r\n\r\n'
        "--raja\r\nContent-Type: text/plain\r\n\r\nYour message could not be delivered.\r\n"
        "--raja\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.posti.example\r\n\r\n"
        f"Final-Recipient: rfc822; asiakas{number}@posti.example\r\nAction: failed\r\nStatus: 5.1.1\r\n"
        "Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n\r\n"
        f"--raja\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <gone-{number}@teepuoti.example>\r\n"
        f"From: {SHOP}\r\nTo: asiakas{number}@posti.example\r\n\r\n--raja--\r\n"
    ).encode()
