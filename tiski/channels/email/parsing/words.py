"""Words inside header fields: encoded words (RFC 2047) and parameters, plain or in pieces (RFC 2231)."""

import binascii
import re
from itertools import groupby
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from tiski.channels.email.parsing import charset, limits
from tiski.channels.email.parsing.model import Findings

_ENCODED = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?\r\n]*)\?=")
_FOLDING = re.compile(r"[\r\n\t ]+")
_DIRECTION = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_PARAMETER = re.compile(rb';\s*([^\s=;"]{1,80})\s*=\s*("(?:[^"\\]|\\.)*"|[^;]*)', re.DOTALL)
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
_PIECE = re.compile(r"([^*]+)(?:\*(\d{1,3}))?(\*)?")


class _Word(NamedTuple):
    charset: str
    content: bytes


class _Piece(NamedTuple):
    """One parameter as written; `position` is -1 when it is not numbered, `percent` says its bytes are escaped."""

    name: str
    position: int
    percent: bool
    content: bytes


def display(value: bytes | None, findings: Findings) -> str:
    """A header field as one line for people: encoded words read, foreign bytes guessed, no steering characters."""
    if not value:
        return ""
    text = decode_words(raw_text(value, findings), findings)
    text = _FOLDING.sub(" ", charset.clean(text)).strip()
    return text if text.isascii() else _DIRECTION.sub("", text)


def raw_text(value: bytes, findings: Findings) -> str:
    """A header field as text, its encoded words left as they are."""
    if value.isascii():
        return value.decode("ascii")
    decoded = charset.decode(value)
    if decoded.uncertain:
        findings.uncertain = True
    return decoded.text


def decode_words(text: str, findings: Findings) -> str:
    """Replace encoded words; white space between two of them does not count."""
    if "=?" not in text:
        return text
    pieces: list[str | _Word] = []
    at = 0
    for match in _ENCODED.finditer(text):
        between = text[at : match.start()]
        if between and not (pieces and isinstance(pieces[-1], _Word) and between.isspace()):
            pieces.append(between)
        pieces.append(_Word(match[1].partition("*")[0].lower(), _content(match[2], match[3])))
        at = match.end()
    pieces.append(text[at:])
    return "".join(_read(pieces, findings))


def _read(pieces: list[str | _Word], findings: Findings) -> list[str]:
    texts: list[str] = []
    # Senders cut a long word anywhere, also inside a character: neighbours of one charset are joined before decoding.
    for label, group in groupby(pieces, key=lambda piece: piece.charset if isinstance(piece, _Word) else None):
        members = list(group)
        if label is None:
            texts.extend(piece for piece in members if isinstance(piece, str))
            continue
        decoded = charset.decode(b"".join(piece.content for piece in members if isinstance(piece, _Word)), label)
        if decoded.uncertain:
            findings.uncertain = True
        texts.append(decoded.text)
    return texts


def _content(encoding: str, written: str) -> bytes:
    encoded = written.encode("utf-8")
    if encoding in "qQ":
        return binascii.a2b_qp(encoded, header=True)
    try:
        return binascii.a2b_base64(encoded.rstrip(b"=") + b"==")
    except binascii.Error:
        return encoded


def parameters(value: bytes, findings: Findings) -> dict[str, str]:
    """The parameters of a field such as Content-Type by lower-case name; pieces are joined first, then read as text."""
    found: list[_Piece] = []
    for match in _PARAMETER.finditer(value[: limits.PARAMETER_BYTES]):
        piece = _PIECE.fullmatch(match[1].decode("ascii", "replace").lower())
        if piece is not None:
            found.append(_Piece(piece[1], int(piece[2] or -1), bool(piece[3]), _unquoted(match[2])))

    read: dict[str, str] = {}
    for name, group in groupby(
        sorted(found, key=lambda piece: (piece.name, piece.position)), key=lambda piece: piece.name
    ):
        read[name] = _joined(list(group), findings)
    return read


def _unquoted(written: bytes) -> bytes:
    written = written.strip()
    if len(written) >= 2 and written[:1] == b'"' == written[-1:]:
        return _ESCAPED.sub(rb"\1", written[1:-1])
    return written.strip(b'"')


def _joined(pieces: list[_Piece], findings: Findings) -> str:
    numbered = [piece for piece in pieces if piece.position >= 0]
    extended = [piece for piece in pieces if piece.position < 0 and piece.percent]
    # Senders write "filename=" beside "filename*=" for old readers; the extended form carries the letters.
    chosen = numbered or extended[:1] or pieces[:1]
    if not any(piece.percent for piece in chosen):
        return decode_words(raw_text(b"".join(piece.content for piece in chosen), findings), findings)

    label, whole = "", b""
    for at, piece in enumerate(chosen):
        content = piece.content
        if piece.percent and at == 0 and content.count(b"'") >= 2:
            named, _, content = content.split(b"'", 2)
            label = named.decode("ascii", "replace")
        whole += unquote_to_bytes(content) if piece.percent else content
    decoded = charset.decode(whole, label or None)
    if decoded.uncertain:
        findings.uncertain = True
    return decoded.text
