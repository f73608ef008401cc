"""Serving files: as downloads that cannot act on our origin; only pictures drawn anew appear inside a page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from django.http import FileResponse
from django.utils.http import content_disposition_header

from tiski.kernel.errors import NotFound
from tiski.kernel.models.blobs import Blob

from .sniffing import ACCEPTED, UNKNOWN
from .storing import CHUNK, path_of

POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


def open_blob(blob: Blob) -> BinaryIO:
    """The stored bytes, for reading; raises NotFound when a restored backup lacks them."""
    try:
        return path_of(blob.id).open("rb")
    except FileNotFoundError:
        raise NotFound from None


def stream(blob: Blob) -> Iterator[bytes]:
    """The stored bytes in pieces of at most 64 KB; opens the file at once, so that a missing one is told in time."""
    return _pieces(open_blob(blob))


def response_headers(blob: Blob, *, inline: bool = False, cross_origin: bool = False) -> dict[str, str]:
    """The headers of security.md 4.1. `cross_origin` is for files that a shop's page shows in the widget."""
    shown = inline and blob.is_picture
    disposition = content_disposition_header(as_attachment=not shown, filename=blob.name)
    return {
        "Content-Type": _served_type(blob),
        "Content-Length": str(blob.size),
        "Content-Disposition": disposition or "attachment",
        "Content-Security-Policy": POLICY,
        "Cross-Origin-Resource-Policy": "cross-origin" if cross_origin else "same-origin",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "private, no-store",
    }


def response(blob: Blob, *, inline: bool = False, cross_origin: bool = False) -> FileResponse:
    """The answer of a view; who may see the blob was asked before."""
    answer = FileResponse(open_blob(blob))
    # FileResponse guesses a type from the path; ours replace its guesses.
    for name, value in response_headers(blob, inline=inline, cross_origin=cross_origin).items():
        answer.headers[name] = value
    return answer


def _served_type(blob: Blob) -> str:
    """Types that a browser might run or render as a page are not told to it."""
    if blob.content_type == "text/plain":
        return "text/plain; charset=utf-8"
    return blob.content_type if blob.content_type in ACCEPTED else UNKNOWN


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while chunk := file.read(CHUNK):
            yield chunk
