"""The header block of a mail or a part: found, unfolded and looked up by name, within the cap and in linear time."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_tz

from tiski.channels.email.parsing import limits
from tiski.channels.email.parsing.model import Unparseable

_BLANK_LINE = re.compile(rb"\n\r?\n")
_NAME = re.compile(rb"[!-9;-~]{1,100}[ \t]*")
_MESSAGE_ID = re.compile(rb"<[^<>\x00-\x08\x0e-\x1f\x7f]{1,990}>")
_BARE_MESSAGE_ID = re.compile(rb"[^\x00-\x20\x7f<>@,;]{1,500}@[^\x00-\x20\x7f<>@,;]{1,400}")
_SPACE = re.compile(rb"\s+")
_UNPRINTABLE = re.compile("[^\x20-\x7e]")


class Headers:
    """The fields of one block as received: unfolded bytes by lower-case name, topmost first."""

    __slots__ = ("_fields",)

    def __init__(self, fields: Mapping[str, list[bytes]]) -> None:
        self._fields = fields

    def __bool__(self) -> bool:
        return bool(self._fields)

    def __contains__(self, name: str) -> bool:
        return name in self._fields

    def all(self, name: str) -> list[bytes]:
        """Every value of the field, topmost first."""
        return self._fields.get(name, [])

    def first(self, name: str) -> bytes | None:
        """The topmost value, or None."""
        values = self._fields.get(name)
        return values[0] if values else None

    def token(self, name: str) -> str:
        """The topmost value of a field that holds printable ASCII, without anything else; at most 500 characters."""
        value = self.first(name)
        return _UNPRINTABLE.sub("", value[:500].decode("ascii", "replace")).strip() if value else ""

    def word(self, name: str) -> str:
        """The topmost value in lower case, for fields that hold a keyword; empty when absent."""
        value = self.first(name)
        return value[:1000].decode("ascii", "replace").strip().lower() if value else ""


def with_line_ends(raw: bytes) -> bytes:
    """Make lines findable in mails whose line ends were damaged on the way; all others come back untouched."""
    if b"\n" not in raw:
        return raw.replace(b"\r", b"\n")
    return raw.replace(b"\r\r\n", b"\r\n") if b"\r\r\n" in raw else raw


def split(raw: bytes, start: int = 0, end: int | None = None) -> tuple[Headers, int]:
    """The headers of `raw[start:end]` and where the body begins.

    The block ends at a blank line, or, in mails that lack one, before the first line that is no header. Raises
    Unparseable when the block is larger than the cap.
    """
    end = len(raw) if end is None else end
    if start >= end:
        return Headers({}), end
    if raw[start : start + 1] == b"\n" or raw[start : start + 2] == b"\r\n":
        return Headers({}), raw.index(b"\n", start) + 1

    blank = _BLANK_LINE.search(raw, start, min(end, start + limits.HEADER_BYTES + 3))
    block_end, body = (blank.start() + 1, blank.end()) if blank else (min(end, start + limits.HEADER_BYTES + 3), end)
    fields, stopped = _fields(raw[start:block_end])
    if stopped is not None:
        return Headers(fields), start + stopped
    if not blank and end - start > limits.HEADER_BYTES:
        raise Unparseable("headers_too_large")
    return Headers(fields), body


def _fields(block: bytes) -> tuple[dict[str, list[bytes]], int | None]:
    """The fields, and the offset of the first line that cannot belong to a header block."""
    fields: dict[str, list[bytes]] = {}
    values: list[bytes] | None = None
    folded: list[bytes] = []
    offset = 0
    for line in block.split(b"\n"):
        if line[:1] in {b" ", b"\t"}:
            folded.append(line)
        elif line not in {b"", b"\r"}:
            name, colon, value = line.partition(b":")
            if not colon or not _NAME.fullmatch(name):
                if offset == 0 and line.startswith((b"From ", b">From ")):
                    offset += len(line) + 1
                    continue
                _close(values, folded)
                return fields, offset
            _close(values, folded)
            values = fields.setdefault(name.decode("ascii").strip().lower(), [])
            folded = [value]
        offset += len(line) + 1
    _close(values, folded)
    return fields, None


def _close(values: list[bytes] | None, folded: list[bytes]) -> None:
    if values is not None:
        values.append(folded[0].strip() if len(folded) == 1 else b"".join(folded).replace(b"\r", b"").strip())


def date(value: bytes | None) -> datetime | None:
    """The Date field in UTC, or None when it is missing or means nothing. A missing time zone is read as UTC."""
    if not value:
        return None
    try:
        parts = parsedate_tz(value[:200].decode("ascii", "replace"))
        if parts is None:
            return None
        return datetime(*parts[:6], tzinfo=UTC) - timedelta(seconds=parts[9] or 0)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


def message_ids(value: bytes | None) -> tuple[str, ...]:
    """The ids of Message-ID, In-Reply-To or References in angle brackets, without white space folded into them."""
    if not value:
        return ()
    found = [_SPACE.sub(b"", match) for match in _MESSAGE_ID.findall(value)]
    if not found:
        found = [b"<%s>" % match for match in _BARE_MESSAGE_ID.findall(value)[:1]]
    if len(found) > limits.REFERENCES:
        found = [found[0], *found[1 - limits.REFERENCES :]]
    return tuple(match.decode("utf-8", "replace") for match in found)
