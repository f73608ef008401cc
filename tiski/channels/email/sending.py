"""Handing a mail to the shop's SMTP server: taken, not taken, or nobody knows."""

from __future__ import annotations

import smtplib
from contextlib import suppress

from tiski.channels.email import connecting
from tiski.channels.email.errors import MailboxFault, WrongPassword
from tiski.channels.email.letters import Letter
from tiski.channels.email.mailbox import Mailbox
from tiski.conversations.contract import Accepted, OutcomeUnknown
from tiski.kernel.errors import SendFailed
from tiski.kernel.text import clean_line

OK = 250


def send(mailbox: Mailbox, letter: Letter) -> Accepted:
    """Send one mail. Raises `SendFailed` when it was not taken, `OutcomeUnknown` when the line broke after the text."""
    try:
        with connecting.smtp(mailbox) as server:
            return _hand_over(server, mailbox, letter)
    except MailboxFault as fault:
        raise SendFailed(permanent=isinstance(fault, WrongPassword), reason=str(fault)) from fault


def _hand_over(server: smtplib.SMTP, mailbox: Mailbox, letter: Letter) -> Accepted:
    try:
        _expect(*server.mail(letter.sender))
    except SendFailed:
        if letter.sender:
            raise
        # Some relays take no empty return path from a submitting client (RFC 3834 asks for one where possible).
        with suppress(smtplib.SMTPException):
            server.rset()
        _expect(*server.mail(mailbox.address))
    except (smtplib.SMTPException, OSError) as error:
        raise SendFailed(permanent=False, reason=_words(error)) from error
    try:
        _expect(*server.rcpt(letter.recipient))
    except (smtplib.SMTPException, OSError) as error:
        raise SendFailed(permanent=False, reason=_words(error)) from error
    return _send_text(server, letter)


def _send_text(server: smtplib.SMTP, letter: Letter) -> Accepted:
    try:
        code, answer = server.data(letter.content)
    except smtplib.SMTPDataError as error:
        raise SendFailed(permanent=error.smtp_code >= 500, reason=_words(error)) from error
    except (smtplib.SMTPException, OSError) as error:
        raise OutcomeUnknown("The connection broke before the mail server said whether it took the message.") from error
    _expect(code, answer)
    return Accepted(clean_line(answer.decode("utf-8", "replace"), longest=200))


def _expect(code: int, answer: bytes) -> None:
    if code in (OK, 251):
        return
    reason = f"{code} {clean_line(answer.decode('utf-8', 'replace'), longest=300)}"
    raise SendFailed(permanent=code >= 500, reason=reason)


def _words(error: BaseException) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        return f"{error.smtp_code} {clean_line(text, longest=300)}"
    return "The mail server closed the connection."
