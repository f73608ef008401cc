"""One mail from raw bytes to `Parsed`: the order in which the readers of this package work."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from tiski.channels.email.parsing import (
    address,
    authentication,
    away,
    body,
    bounce,
    classify,
    dedupe,
    headers,
    html_text,
    language,
    limits,
    mime,
    phrases,
    quotes,
    words,
)
from tiski.channels.email.parsing.address import Sender
from tiski.channels.email.parsing.body import Body
from tiski.channels.email.parsing.classify import Verdict
from tiski.channels.email.parsing.html_text import Line, Role
from tiski.channels.email.parsing.mime import Mail
from tiski.channels.email.parsing.model import (
    Address,
    Authentication,
    Bounce,
    Findings,
    Kind,
    Parsed,
    Request,
    Unparseable,
)
from tiski.channels.email.parsing.quotes import Split
from tiski.kernel.text import SANITISER_VERSION, keep_inline_images, render_untrusted_html, text_to_html

_ENVELOPE_FIELDS = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-forwarded-to")
_LETTER_FIELDS = (
    "from",
    "to",
    "subject",
    "date",
    "message-id",
    "received",
    "return-path",
    "content-type",
    "mime-version",
)


class _Recipients(NamedTuple):
    reply_to: tuple[Address, ...]
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    delivered_to: tuple[str, ...]


class _Identity(NamedTuple):
    date: datetime | None
    message_id: str
    made: bool
    in_reply_to: str
    references: tuple[str, ...]
    thread_index: str
    dedupe_key: str


class _Texts(NamedTuple):
    text: str
    split: Split
    html: str
    html_safe: str
    remote_images: int


class _Judged(NamedTuple):
    """Who wrote, what kind of mail it is, and who vouches for it."""

    sender: Sender
    subject: str
    bounce: Bounce | None
    verdict: Verdict
    authentication: Authentication


def parse(request: Request) -> Parsed:
    """Read one mail. Raises Unparseable when it is empty or beyond the caps; everything lesser ends up in `errors`."""
    raw = request.raw
    if not raw.strip(b"\0\r\n\t "):
        raise Unparseable("empty")
    if len(raw) > limits.RAW_BYTES:
        raise Unparseable("too_large")
    findings = Findings()
    mail = mime.read(raw, findings)
    if not any(name in mail.headers for name in _LETTER_FIELDS):
        raise Unparseable("not_a_mail")
    return _read(request, mail, findings)


def _read(request: Request, mail: Mail, findings: Findings) -> Parsed:
    judged = _judged(request, mail, findings)
    content = body.read(mail, findings)
    texts = _texts(content.bodies, findings, is_forward=phrases.forwards(judged.subject))
    recipients = _recipients(mail, findings)
    identity = _identity(mail, findings)
    return Parsed(
        sender=judged.sender.address,
        quarantine=judged.sender.quarantine,
        reply_to=recipients.reply_to,
        to=recipients.to,
        cc=recipients.cc,
        delivered_to=recipients.delivered_to,
        subject=judged.subject,
        is_forward=phrases.forwards(judged.subject),
        date=identity.date,
        message_id=identity.message_id,
        message_id_made=identity.made,
        in_reply_to=identity.in_reply_to,
        references=identity.references,
        thread_index=identity.thread_index,
        dedupe_key=identity.dedupe_key,
        text=texts.text,
        visible_text=texts.split.visible,
        signature=texts.split.signature,
        html=texts.html,
        html_safe=texts.html_safe,
        remote_images=texts.remote_images,
        sanitiser_version=SANITISER_VERSION,
        attachments=content.attachments,
        kind=judged.verdict.kind,
        reasons=judged.verdict.reasons,
        suppress_ack=judged.verdict.suppress_ack,
        bounce=judged.bounce,
        away_until=_away_until(judged.verdict, texts.text, identity.date),
        language=language.hint(texts.split.visible),
        authentication=judged.authentication,
        uncertain_characters=findings.uncertain,
        errors=findings.codes,
    )


def _judged(request: Request, mail: Mail, findings: Findings) -> _Judged:
    fields = mail.headers
    sender = address.sender(fields.all("from"), findings)
    if sender.quarantine:
        findings.note(sender.quarantine)
    compared = sender.address.canonical if sender.address else ""
    subject = words.display(fields.first("subject"), findings)[: limits.SUBJECT_CHARACTERS]
    bounced = _bounce(mail, compared, subject, findings)
    verdict = classify.classify(
        fields,
        sender=compared,
        subject=subject,
        is_bounce=bounced is not None,
        is_own=bool(compared) and compared in {address.canonical(own) for own in request.own_addresses},
    )
    vouched = authentication.authenticate(
        request.raw,
        fields,
        sender_domain=compared.rpartition("@")[2],
        authserv_ids=request.authserv_ids,
        dkim_keys=request.dkim_keys,
    )
    return _Judged(sender, subject, bounced, verdict, vouched)


def _away_until(verdict: Verdict, text: str, sent: datetime | None) -> date | None:
    if verdict.kind is not Kind.OUT_OF_OFFICE:
        return None
    return away.until(text, written=sent.date() if sent else None)


def _recipients(mail: Mail, findings: Findings) -> _Recipients:
    fields = mail.headers
    to = address.recipients(fields.all("to"), findings)
    # Where the mail servers delivered it: an address that carries our token may stand here alone.
    envelope = [value for name in _ENVELOPE_FIELDS for value in fields.all(name)[:20]]
    delivered_to = dict.fromkeys(found.canonical for found in address.recipients(envelope, findings, most=50))
    return _Recipients(
        address.recipients(fields.all("reply-to"), findings, most=10),
        to,
        address.recipients(fields.all("cc"), findings, most=limits.ADDRESSES - len(to)),
        tuple(delivered_to),
    )


def _identity(mail: Mail, findings: Findings) -> _Identity:
    fields = mail.headers
    sent = headers.date(fields.first("date"))
    if sent is None:
        findings.note("date_unreadable" if "date" in fields else "date_missing")
    key = dedupe.key_of(fields, mail.raw[mail.root.start :])
    own = headers.message_ids(fields.first("message-id"))
    return _Identity(
        sent,
        own[0] if own else dedupe.made_message_id(key),
        not own,
        next(iter(headers.message_ids(fields.first("in-reply-to"))), ""),
        headers.message_ids(fields.first("references")),
        fields.token("thread-index"),
        key,
    )


def _bounce(mail: Mail, sender: str, subject: str, findings: Findings) -> Bounce | None:
    daemon = classify.from_a_daemon(mail.headers, sender, words.display(mail.headers.first("from"), findings))
    if not daemon and not bounce.is_report(mail):
        return None
    # An answer from someone on holiday may come with an empty return path; it failed nothing.
    guess = daemon and not classify.says_out_of_office(subject)
    return bounce.read(mail, from_daemon=guess, findings=findings)


def _texts(bodies: Sequence[Body], findings: Findings, *, is_forward: bool) -> _Texts:
    html_lines = [_html_lines(part, findings) for part in bodies]
    text = "\n\n".join(_text(part, lines) for part, lines in zip(bodies, html_lines, strict=True)).strip()
    split = quotes.split(_lines(bodies, html_lines), is_forward=is_forward)
    if not any(part.html is not None for part in bodies):
        return _Texts(text, split, "", "", 0)

    html = "<br>\n".join(
        part.html if part.html is not None else str(text_to_html(part.plain or ""))[: limits.HTML_CHARACTERS]
        for part in bodies
    )
    if len(html) > limits.HTML_CHARACTERS:
        findings.note("html_too_large")
    clean = render_untrusted_html(html, images=keep_inline_images)
    if clean.simplified:
        findings.note("html_simplified")
    return _Texts(text, split, html[: limits.HTML_CHARACTERS], str(clean.html), clean.remote_images)


def _text(part: Body, lines: list[Line] | None) -> str:
    """The plain text as sent; where it says nothing, the text of the HTML."""
    if part.plain is not None and (part.plain.strip() or not lines):
        return part.plain
    return "\n".join(line.text for line in lines or ())


def _html_lines(part: Body, findings: Findings) -> list[Line] | None:
    """The lines of the HTML, where they are needed: there is no plain text, or the markup may show where quotes are."""
    if part.html is None:
        return None
    if len(part.html) > limits.HTML_CHARACTERS:
        findings.note("html_too_large")
    html = part.html[: limits.HTML_CHARACTERS]
    if part.plain and part.plain.strip() and not html_text.marks_quotes(html):
        return None
    return html_text.lines(html)


def _lines(bodies: Sequence[Body], html_lines: Sequence[list[Line] | None]) -> list[Line]:
    """The lines in which quotes are looked for: of the HTML where it marks its quotes, else of the plain text."""
    lines: list[Line] = []
    for part, marked in zip(bodies, html_lines, strict=True):
        if lines:
            lines.append(Line(""))
        structured = marked is not None and any(line.role is not Role.OWN for line in marked)
        if part.plain is None or structured or (marked and not part.plain.strip()):
            lines += marked or []
        else:
            lines += quotes.lines_of(part.plain)
    return lines
