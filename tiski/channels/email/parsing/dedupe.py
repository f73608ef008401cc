"""The key by which two copies of one mail are recognised, read from the raw bytes alone (channels.md 3.1, point 9).

It is needed before the mail is stored, so before the child parses it: safe on any bytes, linear, and it never raises.
"""

import hashlib
import re

from tiski.channels.email.parsing import headers
from tiski.channels.email.parsing.headers import Headers
from tiski.channels.email.parsing.model import Unparseable

_SPACE = re.compile(rb"\s+")


def dedupe_key(raw: bytes) -> str:
    """64 hexadecimal digits over Message-ID, From, Date, Subject and body; other headers do not count."""
    return keys(raw)[0]


def keys(raw: bytes) -> tuple[str, str]:
    """Both the key of the mail and that of its headers, which are read once."""
    raw = headers.with_line_ends(raw)
    found, body = _split(raw)
    return key_of(found, raw[body:]), key_of(found, b"")


def head_key(raw: bytes) -> str:
    """The same over the headers alone: what a folder tells of a mail without sending it."""
    return key_of(_split(headers.with_line_ends(raw))[0], b"")


def key_of(found: Headers, body: bytes) -> str:
    """The key of a mail whose headers have been read already."""
    digest = hashlib.sha256()
    for name in ("message-id", "from", "date", "subject"):
        digest.update(_SPACE.sub(b" ", found.first(name) or b"").strip() + b"\n")
    digest.update((body.replace(b"\r\n", b"\n") if b"\r\n" in body else body).rstrip())
    return digest.hexdigest()


def _split(raw: bytes) -> tuple[Headers, int]:
    try:
        return headers.split(raw, len(raw) - len(raw.lstrip(b"\r\n")))
    except Unparseable:
        return Headers({}), 0


def made_message_id(key: str) -> str:
    """A Message-ID for a mail that came without one."""
    return f"<{key[:32]}@no-message-id.invalid>"
