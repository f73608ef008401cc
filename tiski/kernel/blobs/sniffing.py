"""What a file is, found in its bytes. Its name and what the sender says about it count for nothing."""

from __future__ import annotations

import codecs
import re

HEAD = 4096

PICTURES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
_OFFICE = frozenset(
    {
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "application/vnd.oasis.opendocument.text",
        "application/vnd.oasis.opendocument.spreadsheet",
        "application/vnd.oasis.opendocument.presentation",
    }
)
_MEDIA = frozenset({"video/mp4", "video/quicktime", "video/webm", "audio/mpeg", "audio/mp4", "audio/ogg", "audio/wav"})
_DOCUMENTS = frozenset({"application/pdf", "text/plain", "image/heic", "image/avif"})

ACCEPTED = PICTURES | _OFFICE | _MEDIA | _DOCUMENTS
"""What visitors and agents may send. Nothing that a browser or an office program would run."""
ANYTHING: frozenset[str] | None = None
"""Whatever came, as with mail; served as a download without a meaningful type unless it is in `ACCEPTED`."""

UNKNOWN = "application/octet-stream"

_BEGINNINGS = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"\x1aE\xdf\xa3", "video/webm"),
    (b"OggS", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"\xff\xf3", "audio/mpeg"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (b"{\\rtf", "application/rtf"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"\x1f\x8b", "application/gzip"),
    (b"BM", "image/bmp"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"MZ", "application/vnd.microsoft.portable-executable"),
    (b"\x7fELF", "application/x-elf"),
    (b"#!", "text/x-script"),
)
_BRANDS = {
    b"heic": "image/heic", b"heix": "image/heic", b"mif1": "image/heic", b"hevc": "image/heic", b"avif": "image/avif",
    b"avis": "image/avif", b"qt  ": "video/quicktime", b"M4A ": "audio/mp4", b"M4B ": "audio/mp4",
}  # fmt: skip
_OPEN_XML = (
    (b"word/", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    (b"xl/", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    (b"ppt/", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
)
_ODF = re.compile(rb"mimetype(application/vnd\.oasis\.opendocument\.(?:text|spreadsheet|presentation))")
_MARKUP = re.compile(
    r"<(?:!doctype|html|head|body|script|style|svg|iframe|object|embed|link|meta|base|form|img|a\s|div|table|\?xml|\?php|%)",
    re.IGNORECASE,
)


def sniff(head: bytes, tail: bytes = b"") -> str:
    """The content type that the first (and for archives the last) bytes show; `UNKNOWN` when none does."""
    for beginning, content_type in _BEGINNINGS:
        if head.startswith(beginning):
            return content_type
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], "video/mp4")
    if head.startswith(b"RIFF"):
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav"}.get(head[8:12], UNKNOWN)
    if head.startswith(b"PK\x03\x04"):
        return _archive(head, tail)
    return _text(head)


def _archive(head: bytes, tail: bytes) -> str:
    odf = _ODF.search(head[:200])
    if odf:
        return odf[1].decode("ascii")
    seen = head + tail
    if b"vbaProject" in seen:
        return "application/vnd.ms-office.macro-enabled"
    if b"[Content_Types].xml" in seen:
        return next((content_type for folder, content_type in _OPEN_XML if folder in seen), "application/zip")
    return "application/zip"


def _text(head: bytes) -> str:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = head.decode("utf-16", "ignore")
    elif b"\0" in head:
        return UNKNOWN
    else:
        text = _decoded(head)
    if any(character < " " and character not in "\t\n\r\f\x1b" for character in text):
        return UNKNOWN
    return _markup(text) if _MARKUP.search(text) else "text/plain"


def _decoded(head: bytes) -> str:
    """UTF-8 where the last character may be cut off, else a Western text."""
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return head.decode("cp1252", "replace")


def _markup(text: str) -> str:
    beginning = text.lower()
    if "<svg" in beginning:
        return "image/svg+xml"
    return "application/xml" if beginning.lstrip().startswith("<?xml") and "<html" not in beginning else "text/html"
