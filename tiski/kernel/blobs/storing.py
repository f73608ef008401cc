"""Bytes before rows: written, synced and named on the disk before the row that refers to them exists."""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from tiski.kernel.errors import StorageFull
from tiski.kernel.models.blobs import Blob, new_blob_id
from tiski.kernel.text import clean_name

from . import pictures
from .errors import FilesUnavailable, FileTooLarge, FileTypeRefused, PictureDamaged, PictureTooLarge
from .sniffing import ACCEPTED, HEAD, PICTURES, UNKNOWN, sniff

LIMIT = 25 * 1024 * 1024
CHUNK = 64 * 1024
# Kept free for the database: uploads end before commits fail.
FREE_FLOOR = 100_000_000
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Written:
    path: Path
    size: int
    sha256: str


def store(
    shop_id: int | None,
    name: str,
    content: bytes | BinaryIO,
    *,
    limit: int = LIMIT,
    accept: frozenset[str] | None = ACCEPTED,
) -> Blob:
    """Keep a file; `name` is only shown. Pictures are drawn anew and lose what they tell about their maker.

    Raises FileTooLarge, FileTypeRefused, PictureTooLarge, PictureDamaged, StorageFull or FilesUnavailable, and keeps
    nothing then. With `accept=ANYTHING` a picture that cannot be drawn is kept as a download of unknown type.
    """
    blob = lay(shop_id, name, content, limit=limit, accept=accept)
    blob.save(force_insert=True)
    return blob


def lay(
    shop_id: int | None,
    name: str,
    content: bytes | BinaryIO,
    *,
    limit: int = LIMIT,
    accept: frozenset[str] | None = ACCEPTED,
) -> Blob:
    """The same without the row, which is for `enter`; a file that never gets one is swept after a day."""
    make_room_or_refuse()
    blob_id = new_blob_id()
    with _disk_troubles_told(), _incoming() as incoming:
        written = _write(content, incoming / "original", limit)
        content_type = _type_of(written.path)
        if accept is not None and content_type not in accept:
            raise FileTypeRefused(field="file")
        drawn = _redrawn(written.path, content_type, must_succeed=accept is not None)
        if drawn:
            written = _write(drawn.content, incoming / "drawn", len(drawn.content))
        elif content_type in PICTURES:
            content_type = UNKNOWN
        _settle(written.path, path_of(blob_id))
    return Blob(
        id=blob_id,
        shop_id=shop_id,
        sha256=written.sha256,
        size=written.size,
        content_type=content_type,
        name=clean_name(name),
        width=drawn.width if drawn else None,
        height=drawn.height if drawn else None,
    )


def enter(blobs: Sequence[Blob]) -> None:
    """Write the rows of files that lie there, in the transaction that puts them to use."""
    if blobs:
        Blob.unscoped.bulk_create(blobs)


def folder() -> Path:
    """Where the files lie, beside the database and outside of anything a web server shows."""
    return Path(settings.TISKI_DATA) / "blobs"


def path_of(blob_id: str) -> Path:
    """The file of a blob; made from the random id alone."""
    if len(blob_id) != 32 or not blob_id.isalnum():
        raise ValueError("not the id of a blob")
    return folder() / blob_id[:2] / blob_id


def make_room_or_refuse(floor: int = FREE_FLOOR) -> None:
    """Raise StorageFull while the disk has less free space than the database needs to go on, or no free inode."""
    with _disk_troubles_told():
        folder().mkdir(parents=True, exist_ok=True)
        space = os.statvfs(folder())
    if space.f_bavail * space.f_frsize < floor or (space.f_files and not space.f_favail):
        raise StorageFull


@contextmanager
def _incoming() -> Iterator[Path]:
    """A folder of its own for one file on its way in; what is left there after a crash is swept."""
    incoming = folder() / "incoming" / secrets.token_hex(8)
    incoming.mkdir(parents=True)
    try:
        yield incoming
    finally:
        with suppress(OSError):
            for left in incoming.iterdir():
                left.unlink()
            incoming.rmdir()


def _write(content: bytes | BinaryIO, path: Path, limit: int) -> _Written:
    size, digest = 0, hashlib.sha256()
    with path.open("wb") as file:
        for chunk in _chunks(content):
            size += len(chunk)
            if size > limit:
                raise FileTooLarge(field="file", megabytes=limit // (1024 * 1024))
            digest.update(chunk)
            file.write(chunk)
        _sync(file)
    return _Written(path, size, digest.hexdigest())


def _chunks(content: bytes | BinaryIO) -> Iterator[bytes]:
    if isinstance(content, bytes | bytearray | memoryview):
        yield bytes(content)
        return
    while chunk := content.read(CHUNK):
        yield chunk


def _type_of(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(HEAD)
        file.seek(max(0, path.stat().st_size - 16 * HEAD))
        return sniff(head, file.read())


def _redrawn(path: Path, content_type: str, *, must_succeed: bool) -> pictures.Drawn | None:
    if content_type not in PICTURES:
        return None
    try:
        with path.open("rb") as source:
            return pictures.redraw(source, content_type)
    except (PictureDamaged, PictureTooLarge):
        if must_succeed:
            raise
        return None


def _settle(path: Path, final: Path) -> None:
    """Give the file its name and make name and folder survive a power cut."""
    if not final.parent.exists():
        final.parent.mkdir(exist_ok=True)
        _sync_folder(final.parent.parent)
    path.replace(final)
    _sync_folder(final.parent)


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _disk_troubles_told() -> Iterator[None]:
    """A full disk and a broken one are two sentences; neither is anybody's input."""
    try:
        yield
    except OSError as error:
        log.exception("a file could not be stored")
        raise (StorageFull() if error.errno in _FULL else FilesUnavailable()) from error
