"""Delivery failures: the machine-readable report of RFC 3464 where there is one, else the detectors of flufl.bounce."""

import email
import logging
import re
from collections.abc import Iterator
from email.message import Message
from typing import NamedTuple

from tiski.channels.email.parsing import body, charset, headers, limits
from tiski.channels.email.parsing.headers import Headers
from tiski.channels.email.parsing.mime import Mail, Part
from tiski.channels.email.parsing.model import Bounce, Findings

_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
_SMTP_CODE = re.compile(r"(?<![\d.])([45])[0-5]\d(?=[ -])")
_WORTH_READING = 512 * 1024
_MESSAGE_ID_LINE = re.compile(rb"^message-id:[ \t]*(?:\r?\n[ \t]+)?(<[^<>\s]{1,990}>)", re.IGNORECASE | re.MULTILINE)
_DETECTOR_FAILURES = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)

# The library logs every detector it tries.
logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL)


class _Recipient(NamedTuple):
    address: str
    action: str
    status: str
    reason: str


def is_report(mail: Mail) -> bool:
    """Whether the mail carries a delivery status report of its own."""
    root = mail.root
    if root.type == "multipart/report" and root.parameters.get("report-type", "").lower() == "delivery-status":
        return True
    return any(part.type == "message/delivery-status" for part in root.walk())


def read(mail: Mail, *, from_daemon: bool, findings: Findings) -> Bounce | None:
    """The failed or delayed delivery this mail tells of; None when it tells of none, or of one that went well."""
    reports = [part for part in mail.root.walk() if part.type == "message/delivery-status"]
    recipients = [found for part in reports for found in _recipients(mail, part, findings)]
    if recipients:
        return _of_the_worst(recipients, mail, findings)
    return _guessed(mail, findings) if from_daemon or is_report(mail) else None


def _recipients(mail: Mail, report: Part, findings: Findings) -> Iterator[_Recipient]:
    content = mail.content(report, findings)[: limits.HEADER_BYTES].replace(b"\r\n", b"\n")
    for block in content.strip().split(b"\n\n")[: limits.ADDRESSES]:
        fields, _ = headers.split(block + b"\n\n")
        if "final-recipient" in fields or "original-recipient" in fields or "action" in fields:
            yield _recipient(fields)


def _recipient(fields: Headers) -> _Recipient:
    named = (
        fields.first("original-recipient")
        or fields.first("final-recipient")
        or fields.first("x-actual-recipient")
        or b""
    )
    address = _text(named.partition(b";")[2] or named).strip("<> ")
    diagnostic = _text(
        (fields.first("diagnostic-code") or b"").partition(b";")[2] or fields.first("diagnostic-code") or b""
    )
    status = _status(_text(fields.first("status") or b"")) or _status(diagnostic)
    return _Recipient(address, fields.word("action").partition(" ")[0], status, diagnostic)


def _of_the_worst(recipients: list[_Recipient], mail: Mail, findings: Findings) -> Bounce | None:
    failed = [found for found in recipients if found.action.startswith(("fail", "error")) or not found.action]
    chosen = failed or [found for found in recipients if found.action == "delayed"]
    if not chosen:
        return None
    # One status mail speaks of one of our mails, which has one recipient; with several, the permanent failure matters.
    worst = max(chosen, key=lambda found: found.status.startswith("5"))
    text = _human_text(mail, findings)
    status = worst.status or _status(text)
    return Bounce(
        status=status,
        hard=bool(failed) and (status.startswith("5") or (not status and _smtp_class(worst.reason or text) == "5")),
        recipient=worst.address,
        reason=(worst.reason or _telling_line(text))[: limits.REASON_CHARACTERS],
        action="failed" if failed else "delayed",
        original_message_id=_original_message_id(mail, findings),
    )


def _guessed(mail: Mail, findings: Findings) -> Bounce | None:
    # Imported late: few mails are bounces without a report.
    from flufl.bounce import all_failures

    try:
        message: Message = email.message_from_bytes(mail.raw[:_WORTH_READING])
        temporary, permanent = all_failures(message)
    except _DETECTOR_FAILURES:
        findings.note("bounce_unreadable")
        return None
    if not temporary and not permanent:
        return None
    text = _human_text(mail, findings)
    status = _status(text)
    address = min(permanent or temporary).decode("ascii", "replace")
    known = status[:1] or _smtp_class(text)
    return Bounce(
        status=status,
        hard=bool(permanent) and known != "4",
        recipient=address,
        reason=_telling_line(text)[: limits.REASON_CHARACTERS],
        action="failed" if permanent else "delayed",
        original_message_id=_original_message_id(mail, findings),
    )


def _human_text(mail: Mail, findings: Findings) -> str:
    for part in mail.root.walk():
        if part.type == "text/plain" or (part is mail.root and not part.is_multipart):
            return body.text_of(mail, part, findings)[:_WORTH_READING]
    return ""


def _telling_line(text: str) -> str:
    """The line that says why, so far as one carries a code; else the first that says anything."""
    lines = [line.strip() for line in text.split("\n", 400)[:400] if line.strip()]
    coded = (line for line in lines if len(line) <= 1000 and (_STATUS.search(line) or _SMTP_CODE.search(line)))
    return next(coded, lines[0] if lines else "")


def _status(text: str) -> str:
    match = _STATUS.search(text)
    return ".".join(str(int(group)) for group in match.groups()) if match else ""


def _smtp_class(text: str) -> str:
    match = _SMTP_CODE.search(text)
    return match[1] if match else ""


def _original_message_id(mail: Mail, findings: Findings) -> str:
    """The id of the mail that came back, from the copy or the headers that are enclosed."""
    for part in mail.root.walk():
        if part.type in {"message/rfc822", "message/rfc822-headers", "text/rfc822-headers"}:
            fields, _ = headers.split(mail.content(part, findings)[: limits.HEADER_BYTES])
            return next(iter(headers.message_ids(fields.first("message-id"))), "")
    # Without a report the old mail stands in the text, after our own headers.
    match = _MESSAGE_ID_LINE.search(mail.raw, mail.root.start, mail.root.start + _WORTH_READING)
    return match[1].decode("ascii", "replace") if match else ""


def _text(value: bytes) -> str:
    return " ".join(charset.clean(value[: limits.REASON_CHARACTERS * 2].decode("utf-8", "replace")).split())
