"""The instance's own mail: to agents, never to customers. Through the owner's TISKI_SMTP_URL, else printed."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from ipaddress import ip_address
from smtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException
from typing import TextIO
from urllib.parse import parse_qs, unquote, urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend

from tiski.kernel.errors import SendFailed
from tiski.kernel.ids import uuid7

TIMEOUT = 20
STANDARD_PORTS = {"smtp": 587, "smtps": 465}
WIDTH = 78


class BadMailServer(ValueError):
    """TISKI_SMTP_URL cannot be read; the sentence says what it should look like."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where system mail leaves: `starttls` upgrades a plain connection, `tls` begins encrypted."""

    host: str
    port: int
    username: str
    password: str
    starttls: bool
    tls: bool


def send_system_mail(to: str, subject: str, body: str) -> None:
    """Send a plain-text letter, or print it when there is no mail server. Raises `SendFailed`."""
    letter = EmailMessage(
        subject=" ".join(subject.split()),
        body=body,
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[to],
        headers={"Auto-Submitted": "auto-generated", "Message-ID": f"<{uuid7()}@{_domain()}>"},
    )
    if not settings.TISKI_SMTP_URL:
        print_letter(letter, sys.stdout)
        return
    _send(letter, mail_server(settings.TISKI_SMTP_URL))


def mail_server(url: str) -> MailServer:
    """Read `smtp://user:password@host:587` (STARTTLS), `smtps://...` (TLS) or `smtp://host:25?tls=off`.

    On the same machine, plain `smtp://` does without TLS. Raises `BadMailServer`.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as bad:
        raise BadMailServer("TISKI_SMTP_URL has no readable port. Write it as smtp://user:password@host:587.") from bad
    if parts.scheme not in STANDARD_PORTS or not parts.hostname:
        raise BadMailServer("TISKI_SMTP_URL is not a mail server's address. Write it as smtp://user:password@host:587.")
    plain = parse_qs(parts.query).get("tls") == ["off"] or _is_this_machine(parts.hostname)
    return MailServer(
        host=parts.hostname,
        port=port or STANDARD_PORTS[parts.scheme],
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        starttls=parts.scheme == "smtp" and not plain,
        tls=parts.scheme == "smtps",
    )


def print_letter(letter: EmailMessage, out: TextIO) -> None:
    """Show a letter to whoever runs Tiski in a terminal, framed so that it can be found between other lines."""
    rule = "-" * WIDTH
    head = f"To: {', '.join(letter.to)}\nSubject: {letter.subject}"
    out.write(f"\n{rule}\nMail (printed because TISKI_SMTP_URL is not set)\n{head}\n\n{letter.body}\n{rule}\n")
    out.flush()


def _send(letter: EmailMessage, server: MailServer) -> None:
    """Errors are told without the server's own words, which like to contain addresses and passwords."""
    letter.connection = EmailBackend(
        host=server.host,
        port=server.port,
        username=server.username,
        password=server.password,
        use_tls=server.starttls,
        use_ssl=server.tls,
        timeout=TIMEOUT,
    )
    try:
        letter.send()
    except SMTPRecipientsRefused as refused:
        raise _refused(next(iter(refused.recipients.values()))[0]) from None
    except SMTPResponseException as refused:
        raise _refused(refused.smtp_code) from None
    except (SMTPException, OSError) as failed:
        raise SendFailed(
            permanent=False, reason=f"the mail server could not be used ({type(failed).__name__})"
        ) from None


def _refused(code: int) -> SendFailed:
    return SendFailed(permanent=500 <= code < 600, reason=f"the mail server refused it with {code}")


def _domain() -> str:
    return urlsplit(settings.TISKI_BASE_URL).hostname or "localhost"


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
