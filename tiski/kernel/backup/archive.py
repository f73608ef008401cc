"""The archive's form, and reading one that came from anywhere: nothing of it is believed before it is proved."""

from __future__ import annotations

import hashlib
import os
import re
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO

import msgspec

from tiski.kernel import tokens

from .problem import BackupProblem

FORMAT = 1
MANIFEST = "manifest.json"
SEAL = "seal"
PURPOSE = "backup"
DATABASES = {"sqlite": "database.sqlite3", "postgresql": "database.pgdump"}
LARGEST_MANIFEST = 512 * 1024 * 1024
CHUNK = 1024 * 1024
# Exactly the names that `make` writes: no other one is ever turned into a path.
_NAMES = re.compile(r"manifest\.json|seal|database\.(?:sqlite3|pgdump)|blobs/([0-9a-f]{2})/\1[0-9a-f]{30}")
_PLAIN = {tarfile.REGTYPE, tarfile.AREGTYPE}


class Entry(msgspec.Struct, frozen=True):
    """A file of the archive."""

    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What the archive holds. `born` tells instances apart; `lost` names files that were missing or damaged already."""

    format: int
    made_at: datetime
    release: str
    vendor: str
    born: str
    tables: dict[str, int]
    files: dict[str, Entry]
    lost: list[str]


class Archive:
    """An archive whose names, manifest and seal were found to be right; contents are checked while they are copied."""

    def __init__(self, tar: tarfile.TarFile, members: dict[str, tarfile.TarInfo], manifest: Manifest) -> None:
        self.manifest = manifest
        self._tar = tar
        self._members = members

    @property
    def database(self) -> str:
        """The name of the database's copy."""
        return DATABASES[self.manifest.vendor]

    @property
    def blobs(self) -> list[str]:
        """The names of the files."""
        return sorted(name for name in self.manifest.files if name.startswith("blobs/"))

    def copy(self, name: str, target: Path) -> None:
        """Write one file, synced; raises `BackupProblem` when its bytes are not those of the manifest."""
        wanted = self.manifest.files[name]
        digest = hashlib.sha256()
        source = self._tar.extractfile(self._members[name])
        if source is None:
            raise BackupProblem(f"The archive is damaged: {name} cannot be read. Use another backup.")
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            while chunk := source.read(CHUNK):
                digest.update(chunk)
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        if digest.hexdigest() != wanted.sha256 or target.stat().st_size != wanted.size:
            raise BackupProblem(f"The archive was changed: {name} is not what was backed up. Use another backup.")


@contextmanager
def opened(file: Path) -> Iterator[Archive]:
    """Open an archive for restoring; raises `BackupProblem` for anything that `make` of this instance did not write."""
    try:
        with tarfile.open(file, "r:") as tar:
            members = _members(tar)
            manifest = _manifest(_text(tar, members, MANIFEST), _text(tar, members, SEAL))
            _compare(members, manifest)
            yield Archive(tar, members, manifest)
    except tarfile.TarError as error:
        raise BackupProblem(f"{file} is no backup of Tiski, or is damaged ({error}). Use another backup.") from error
    except OSError as error:
        raise BackupProblem(f"{error.filename or file}: {error.strerror}. Check path, mode and free space.") from error


def _members(tar: tarfile.TarFile) -> dict[str, tarfile.TarInfo]:
    found: dict[str, tarfile.TarInfo] = {}
    for member in tar:
        if not _NAMES.fullmatch(member.name) or member.type not in _PLAIN or member.sparse is not None:
            raise BackupProblem(f"The archive holds {member.name!r}, which no backup of Tiski does. Use another one.")
        if member.name in found:
            raise BackupProblem(f"The archive holds {member.name!r} twice, so it was changed. Use another backup.")
        found[member.name] = member
    return found


def _text(tar: tarfile.TarFile, members: dict[str, tarfile.TarInfo], name: str) -> bytes:
    member = members.get(name)
    source: IO[bytes] | None = tar.extractfile(member) if member and member.size <= LARGEST_MANIFEST else None
    if source is None:
        raise BackupProblem(f"The archive ends before its {name}: it was cut off. Use another backup.")
    return source.read()


def _manifest(text: bytes, seal: bytes) -> Manifest:
    if not tokens.matches(PURPOSE, seal.decode("ascii", "replace"), text):
        raise BackupProblem(
            "The archive's seal does not fit the key file: the archive was changed, or the key is another instance's. "
            "Name the key file that was in use when the backup was made with --key."
        )
    try:
        manifest = msgspec.json.decode(text, type=Manifest)
    except msgspec.MsgspecError as error:
        raise BackupProblem(
            f"The archive's manifest cannot be read ({error}). Use this backup's own release."
        ) from error
    if manifest.format != FORMAT or manifest.vendor not in DATABASES:
        raise BackupProblem(f"The archive was made by release {manifest.release}. Restore it with that release.")
    return manifest


def _compare(members: dict[str, tarfile.TarInfo], manifest: Manifest) -> None:
    held = {name: member.size for name, member in members.items() if name not in {MANIFEST, SEAL}}
    told = {name: entry.size for name, entry in manifest.files.items()}
    if held != told or DATABASES[manifest.vendor] not in told:
        different = min(set(held.items()) ^ set(told.items()))[0] if held != told else "the database"
        raise BackupProblem(f"The archive was changed: {different} is not as the manifest says. Use another backup.")
