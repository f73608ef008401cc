"""What a mail says and what it carries: its texts in reading order, and everything else as files."""

import re
from typing import NamedTuple

from tiski.channels.email.parsing import charset, headers, limits, words
from tiski.channels.email.parsing.mime import Mail, Part
from tiski.channels.email.parsing.model import Attachment, Findings
from tiski.kernel.text import clean_name

_META_CHARSET = re.compile(rb"<meta[^<>]{1,200}?charset\s*=\s*[\"']?([\w:.-]{1,40})", re.IGNORECASE)
_NEVER_SHOWN = frozenset({"text/x-amp-html", "text/watch-html"})
_NAMES = {
    "application/pdf": "attachment.pdf",
    "application/pgp-signature": "signature.asc",
    "application/pkcs7-mime": "smime.p7m",
    "application/pkcs7-signature": "smime.p7s",
    "application/x-pkcs7-mime": "smime.p7m",
    "application/x-pkcs7-signature": "smime.p7s",
    "application/zip": "attachment.zip",
    "image/gif": "image.gif",
    "image/jpeg": "image.jpg",
    "image/png": "image.png",
    "image/webp": "image.webp",
    "message/delivery-status": "delivery-status.txt",
    "text/calendar": "calendar.ics",
    "text/csv": "attachment.csv",
    "text/html": "attachment.html",
    "text/plain": "attachment.txt",
    "text/rfc822-headers": "headers.txt",
}


class Body(NamedTuple):
    """One stretch of the mail's text; both forms when the sender gave an alternative."""

    plain: str | None
    html: str | None


class Content(NamedTuple):
    """The texts in reading order, and the files."""

    bodies: tuple[Body, ...]
    attachments: tuple[Attachment, ...]


def read(mail: Mail, findings: Findings) -> Content:
    """Decode the texts and files of a mail."""
    reader = _Reader(mail, findings)
    bodies = reader.bodies(mail.root)
    return Content(tuple(bodies), tuple(reader.attachments))


def text_of(mail: Mail, part: Part, findings: Findings) -> str:
    """The decoded text of one part, its line ends and control characters put right."""
    content = mail.content(part, findings)
    declared = part.parameters.get("charset")
    if part.type == "text/html" and not declared and (meta := _META_CHARSET.search(content, 0, 4096)):
        declared = meta[1].decode("ascii")
    decoded = charset.decode(content[: limits.TEXT_CHARACTERS * 4], declared)
    if decoded.mislabelled:
        findings.note("charset_mislabelled")
    if decoded.repaired:
        findings.note("characters_repaired")
    if decoded.uncertain:
        findings.uncertain = True
        findings.note("characters_uncertain")
    text = charset.clean(decoded.text)
    if part.type != "text/html" and len(text) > limits.TEXT_CHARACTERS:
        findings.note("text_too_large")
        return text[: limits.TEXT_CHARACTERS]
    return text


class _Reader:
    def __init__(self, mail: Mail, findings: Findings) -> None:
        self.mail = mail
        self.findings = findings
        self.attachments: list[Attachment] = []
        self._has_text = False

    def bodies(self, part: Part) -> list[Body]:
        """The texts at and below a part; files found on the way are collected."""
        if part.is_multipart:
            if part.type == "multipart/encrypted":
                self.findings.note("encrypted")
            below = [body for child in part.children for body in self.bodies(child)]
            return [_alternative(below)] if part.type == "multipart/alternative" and below else below
        if part.type in _NEVER_SHOWN or (part.type.startswith("multipart/") and part.depth >= limits.DEPTH):
            return []
        disposition = part.headers.first("content-disposition") or b""
        if not self._is_text(part, disposition):
            self._attach(part, disposition)
            return []

        self._has_text = True
        text = text_of(self.mail, part, self.findings)
        if part.type == "text/html":
            return [Body(None, text)]
        if part.parameters.get("format", "").lower() == "flowed":
            text = unflowed(text, delete_space=part.parameters.get("delsp", "").lower() == "yes")
        return [Body(text, None)]

    def _is_text(self, part: Part, disposition: bytes) -> bool:
        if part.type.startswith("multipart/"):
            return True
        if part.type not in {"text/plain", "text/html"} or disposition[:10].lower() == b"attachment":
            return False
        named = b"filename" in disposition.lower() or "name" in part.parameters
        # Some mailers name even the letter itself; a named text counts as the letter only while there is no other.
        return not named or (not self._has_text and disposition[:6].lower() != b"inline")

    def _attach(self, part: Part, disposition: bytes) -> None:
        content = self.mail.content(part, self.findings)
        given = words.parameters(b";" + disposition.partition(b";")[2], self.findings) if b"=" in disposition else {}
        name = given.get("filename") or part.parameters.get("name") or ""
        content_id = part.headers.token("content-id").strip("<> ")
        self.attachments.append(
            Attachment(
                name=clean_name(name) if name.strip() else self._made_up_name(part, content),
                content_type=part.type,
                content=content,
                content_id=content_id,
                inline=disposition[:6].lower() == b"inline"
                or (bool(content_id) and disposition[:10].lower() != b"attachment"),
            )
        )

    def _made_up_name(self, part: Part, content: bytes) -> str:
        if part.type != "message/rfc822":
            return _NAMES.get(part.type, "attachment.bin")
        inner, _ = headers.split(content[: limits.HEADER_BYTES])
        return f"{clean_name(words.display(inner.first('subject'), self.findings) or 'message', longest=80)}.eml"


def _alternative(bodies: list[Body]) -> Body:
    plain = [body.plain for body in bodies if body.plain is not None]
    html = [body.html for body in bodies if body.html is not None]
    return Body("\n".join(plain) if plain else None, "\n".join(html) if html else None)


def unflowed(text: str, *, delete_space: bool = False) -> str:
    """Join the soft line breaks of format=flowed (RFC 3676): lines ending in a space go on in the next."""
    lines: list[str] = []
    paragraph: list[str] = []
    joins, depth = False, 0
    for raw in text.split("\n"):
        line = raw.lstrip(">")
        level = len(raw) - len(line)
        line = line.removeprefix(" ")
        signature = line == "-- "
        if not joins or level != depth or signature:
            lines.append("".join(paragraph))
            paragraph = [f"{'>' * level} "] if level else []
        joins = line.endswith(" ") and not signature
        paragraph.append(line[:-1] if joins and delete_space else line)
        depth = level
    lines.append("".join(paragraph))
    return "\n".join(lines[1:])
