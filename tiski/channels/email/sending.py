"""Handing a mail to the shop's SMTP server: taken, not taken, or nobody knows (RFC 5321)."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from contextlib import contextmanager

from tiski.channels.email import connecting, refusing
from tiski.channels.email.connecting import GuardedSmtp
from tiski.channels.email.letters import Letter
from tiski.channels.email.mailbox import Mailbox
from tiski.conversations.contract import Accepted, OutcomeUnknown
from tiski.kernel.errors import SendFailed
from tiski.kernel.text import clean_line

SECONDS = 45.0
TAKEN = frozenset({250, 251})
GO_ON = 354


def send(mailbox: Mailbox, letter: Letter) -> Accepted:
    """Send one mail within 45 seconds.

    Raises `SendFailed` when it was not taken, `OutcomeUnknown` when the line broke after the text was handed over, and
    a `MailboxFault` when there was no server to hand it to.
    """
    with connecting.smtp(mailbox, within=SECONDS) as server:
        _address(server, mailbox, letter)
        return _hand_over(server, letter)


def _address(server: GuardedSmtp, mailbox: Mailbox, letter: Letter) -> None:
    """Sender and recipient. A relay that takes no return path but the mailbox's own gets that one.

    Automatic mail should have an empty one (RFC 3834), and bounces come back best to an address of their own, but some
    servers let nobody but themselves write so.
    """
    try:
        _envelope(server, letter.sender, letter.recipient)
    except SendFailed as failure:
        if letter.sender == mailbox.address or not failure.permanent:
            raise
        with _faults():
            server.rset()
        _envelope(server, mailbox.address, letter.recipient)


def _envelope(server: GuardedSmtp, sender: str, recipient: str) -> None:
    options = []
    if not recipient.isascii():
        if not server.has_extn("smtputf8"):
            raise SendFailed(permanent=True, reason=refusing.no_such_letters())
        server.command_encoding = "utf-8"
        options = ["SMTPUTF8", "BODY=8BITMIME"]
    with _faults():
        _expect(*server.mail(sender, options))
        _expect(*server.rcpt(recipient))


def _hand_over(server: GuardedSmtp, letter: Letter) -> Accepted:
    with _faults():
        code, answer = server.docmd("DATA")
        if code != GO_ON:
            raise SendFailed(permanent=code >= 500, reason=refusing.in_words(code, _text(answer)))
        # As long as the last dot is not out, the server cannot have taken the mail.
        server.send(_with_dots(letter.content))
    try:
        code, answer = server.getreply()
    except (smtplib.SMTPException, OSError) as error:
        raise OutcomeUnknown(refusing.broke_off()) from error
    _expect(code, answer)
    return Accepted(clean_line(_text(answer), longest=200))


def _with_dots(content: bytes) -> bytes:
    """The text as it travels: lines that begin with a dot get another, a dot alone ends it (RFC 5321 4.5.2)."""
    lines = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n").removesuffix(b"\n").split(b"\n")
    return b"".join((b"." + line if line.startswith(b".") else line) + b"\r\n" for line in lines) + b".\r\n"


def _expect(code: int, answer: bytes) -> None:
    if code not in TAKEN:
        raise SendFailed(permanent=code >= 500, reason=refusing.in_words(code, _text(answer)))


@contextmanager
def _faults() -> Iterator[None]:
    try:
        yield
    except (smtplib.SMTPException, OSError) as error:
        raise SendFailed(permanent=False, reason=refusing.closed()) from error


def _text(answer: bytes) -> str:
    return answer.decode("utf-8", "replace")
