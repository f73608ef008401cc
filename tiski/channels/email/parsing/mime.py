"""The parts of a mail: where each begins and ends in the raw bytes, and what it holds.

The standard library's parser builds the whole tree before anyone can count it: 100,000 parts cost seconds, and nested
ones end in RecursionError. This reader marks slices of the one byte string, stops at the caps, and copies a part only
to decode it.
"""

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from tiski.channels.email.parsing import headers, limits, words
from tiski.channels.email.parsing.headers import Headers
from tiski.channels.email.parsing.model import Findings

_TYPE = re.compile(rb"\s*([\w.+-]{1,80})/([\w.+-]{1,120})")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")
_STRAY_BASE64 = re.compile(rb"[^A-Za-z0-9+/=\s]")


@dataclass(slots=True)
class Part:
    """One part: its headers, its type, and the place of its body in the raw bytes."""

    headers: Headers
    type: str
    parameters: dict[str, str]
    start: int
    end: int
    depth: int
    children: list["Part"] = field(default_factory=list)

    @property
    def is_multipart(self) -> bool:
        return bool(self.children)

    def walk(self) -> Iterator["Part"]:
        """This part and all below it, in reading order."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(slots=True)
class Mail:
    """The raw bytes with the tree of parts that lie in them."""

    raw: bytes
    root: Part

    @property
    def headers(self) -> Headers:
        return self.root.headers

    def content(self, part: Part, findings: Findings) -> bytes:
        """The bytes of a part after transfer decoding; garbage is read as far as it makes sense and noted."""
        encoding = part.headers.word("content-transfer-encoding").strip("\"' ;")
        body = self.raw[part.start : part.end]
        if encoding == "base64":
            return _base64(body, findings)
        if encoding == "quoted-printable":
            return binascii.a2b_qp(body)
        if encoding not in {"", "7bit", "8bit", "binary", "7-bit", "8-bit"}:
            findings.note("transfer_encoding_unknown")
        return body


def read(raw: bytes, findings: Findings) -> Mail:
    """Find the parts of a mail. Raises Unparseable when its header block is too large."""
    raw = headers.with_line_ends(raw)
    start = len(raw) - len(raw.lstrip(b"\r\n"))
    top, body = headers.split(raw, start)
    root = _part(top, slice(body, len(raw)), 0, findings, default="text/plain")
    _divide(raw, root, findings)
    return Mail(raw, root)


def _part(found: Headers, place: slice, depth: int, findings: Findings, *, default: str) -> Part:
    value = found.first("content-type") or b""
    match = _TYPE.match(value)
    if match is None:
        if value:
            findings.note("content_type_malformed")
        return Part(found, default, {}, place.start, place.stop, depth)
    kind = f"{match[1].decode('ascii', 'replace')}/{match[2].decode('ascii', 'replace')}".lower()
    parameters = words.parameters(value[match.end() :], findings) if b"=" in value else {}
    return Part(found, kind, parameters, place.start, place.stop, depth)


def _divide(raw: bytes, root: Part, findings: Findings) -> None:
    count = 1
    waiting = [root]
    while waiting:
        part = waiting.pop()
        if not part.type.startswith("multipart/"):
            continue
        if part.depth >= limits.DEPTH:
            findings.note("nested_too_deeply")
            continue
        for place in _slices(raw, part, findings):
            if count >= limits.PARTS:
                findings.note("too_many_parts")
                return
            part.children.append(_child(raw, part, place, findings))
            count += 1
        waiting.extend(reversed(part.children))


def _child(raw: bytes, parent: Part, place: slice, findings: Findings) -> Part:
    found, body = headers.split(raw, place.start, place.stop)
    default = "message/rfc822" if parent.type == "multipart/digest" else "text/plain"
    return _part(found, slice(min(body, place.stop), place.stop), parent.depth + 1, findings, default=default)


def _slices(raw: bytes, part: Part, findings: Findings) -> Iterator[slice]:
    """Where the children of a multipart lie. A missing last boundary ends the last child at the parent's end."""
    boundary = part.parameters.get("boundary", "").rstrip()
    if not boundary:
        findings.note("boundary_missing")
        return
    # The search begins on the line end before the body, so that every boundary, also the first, follows a line end.
    line = re.compile(rb"\n--" + re.escape(boundary.encode("utf-8", "replace")) + rb"(--)?[ \t]*(?=\r?(?:\n|\Z))")

    start = -1
    for match in line.finditer(raw, max(part.start - 1, 0), part.end):
        before = match.start() - (raw[match.start() - 1 : match.start()] == b"\r")
        if start >= 0:
            yield slice(min(start, before), before)
        if match[1]:
            return
        start = raw.find(b"\n", match.end()) + 1 or part.end
    if start < 0:
        findings.note("boundary_missing")
        return
    findings.note("last_boundary_missing")
    yield slice(min(start, part.end), part.end)


def _base64(body: bytes, findings: Findings) -> bytes:
    try:
        decoded = binascii.a2b_base64(body)
    except binascii.Error:
        decoded = None
    # The fast reader stops at the first padding and skips strays silently; look twice when the sizes do not fit.
    if decoded is not None and len(decoded) * 4 >= (len(body) - body.count(b"\n") - body.count(b"\r") - 4) * 3:
        return decoded
    letters, _, rest = body.partition(b"=")
    if decoded is None or _STRAY_BASE64.search(body) or rest.strip(b"=\r\n\t "):
        findings.note("base64_damaged")
    letters = _NOT_BASE64.sub(b"", letters)
    return binascii.a2b_base64(letters[: len(letters) - (len(letters) % 4 == 1)] + b"==")
