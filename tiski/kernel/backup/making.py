"""Making a backup while everything runs."""

from __future__ import annotations

import hashlib
import io
import os
import sqlite3
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import msgspec
from django.db import DatabaseError, connection

import tiski
from tiski.kernel import blobs, clock, milestones, tokens

from . import postgresql, sqlite
from .archive import DATABASES, FORMAT, MANIFEST, PURPOSE, SEAL, Entry, Manifest
from .problem import BackupProblem
from .snapshot import Snapshot

Tell = Callable[[str], None]


def make(file: Path, tell: Tell = lambda sentence: None) -> Manifest:
    """Write the archive, all of it or nothing, readable by its owner alone. Raises `BackupProblem`."""
    if file.exists():
        raise BackupProblem(f"{file} is there already, and no backup is overwritten. Choose another name.")
    if not file.parent.is_dir():
        raise BackupProblem(f"{file.parent} is no folder. Make it first, on another disk than the data if you can.")
    half = file.with_name(f"{file.name}.half")
    try:
        with tempfile.TemporaryDirectory(prefix=f".{file.name}-", dir=file.parent) as folder:
            manifest = _write(half, Path(folder), tell)
        half.replace(file)
        _sync_folder(file.parent)
    except OSError as error:
        raise BackupProblem(f"The backup could not be written: {error.strerror}. Choose a place with room.") from error
    except sqlite3.Error as error:
        raise BackupProblem(
            f"The database cannot be read ({error}). Keep it as it is; restore the last one."
        ) from error
    finally:
        half.unlink(missing_ok=True)
    try:
        milestones.reach(milestones.BACKUP, manifest.made_at)
    except DatabaseError:
        tell("The backup is made, but the database takes no write now: its age is not shown among the metrics.")
    return manifest


def _write(half: Path, folder: Path, tell: Tell) -> Manifest:
    made_at = clock.now()
    name = DATABASES[connection.vendor]
    with _exclusive(half) as stream, tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar:
        tell("Copying the database.")
        snapshot = _take[connection.vendor](folder / name, tell)
        files = {name: _add(tar, name, folder / name)}
        lost = []
        for blob_id, entry in _blobs(tar, snapshot, tell):
            if entry is None or entry.sha256 != snapshot.blobs[blob_id]:
                lost.append(blob_id)
            if entry is not None:
                files[_name_of(blob_id)] = entry
        manifest = Manifest(
            format=FORMAT,
            made_at=made_at,
            release=tiski.__version__,
            vendor=connection.vendor,
            born=snapshot.born,
            tables=snapshot.tables,
            files=files,
            lost=lost,
        )
        text = msgspec.json.encode(manifest)
        _add_bytes(tar, MANIFEST, text)
        _add_bytes(tar, SEAL, tokens.mac_text(PURPOSE, text).encode())
    return manifest


_take: dict[str, Callable[[Path, Tell], Snapshot]] = {"sqlite": sqlite.take, "postgresql": postgresql.take}


@contextmanager
def _exclusive(path: Path) -> Iterator[IO[bytes]]:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        yield stream
        stream.flush()
        os.fsync(stream.fileno())


def _blobs(tar: tarfile.TarFile, snapshot: Snapshot, tell: Tell) -> Iterable[tuple[str, Entry | None]]:
    """Every file the copied rows speak of, with what was found of it."""
    tell(f"Copying {len(snapshot.blobs)} files.")
    for number, blob_id in enumerate(sorted(snapshot.blobs), 1):
        path = blobs.path_of(blob_id)
        if not path.exists():
            path = blobs.folder() / "removed" / blob_id  # deleted since the database was copied
        try:
            yield blob_id, _add(tar, _name_of(blob_id), path)
        except FileNotFoundError:
            yield blob_id, None
        if number % 1000 == 0:
            tell(f"Copied {number} of {len(snapshot.blobs)} files.")


class _Hashed:
    """A file that is hashed while tarfile reads it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        chunk = self._file.read(size)
        self.digest.update(chunk)
        return chunk


def _add(tar: tarfile.TarFile, name: str, path: Path) -> Entry:
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        hashed: Any = _Hashed(file)
        tar.addfile(_member(name, size), hashed)
    return Entry(size, hashed.digest.hexdigest())


def _add_bytes(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    tar.addfile(_member(name, len(content)), io.BytesIO(content))


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = size, 0o600, int(clock.now().timestamp())
    return member


def _name_of(blob_id: str) -> str:
    return f"blobs/{blob_id[:2]}/{blob_id}"


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
