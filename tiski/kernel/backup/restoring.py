"""Restoring into an empty place, and proving that what is there now is what was backed up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.db import connection

from tiski.kernel import blobs
from tiski.kernel.models import Blob

from . import postgresql, sqlite
from .archive import Archive
from .problem import BackupProblem

Tell = Callable[[str], None]


def restore(archive: Archive, tell: Tell = lambda sentence: None) -> None:
    """Put database and files where the settings say, and check every hash, page and count. Raises `BackupProblem`."""
    if connection.vendor != archive.manifest.vendor:
        raise BackupProblem(
            f"The backup is of {archive.manifest.vendor}, the place is for {connection.vendor}. "
            "Name an empty PostgreSQL database with --database, or leave it out for SQLite."
        )
    if connection.vendor == "postgresql" and not postgresql.is_empty():
        raise BackupProblem("The database is not empty, and nothing is overwritten. Name an empty one with --database.")
    _restore_files(archive, tell)
    tell("Restoring the database.")
    _restore_database(archive)
    _compare_rows(archive)


def check_files(archive: Archive) -> int:
    """Compare every row of a file with its bytes, which are already known to be the archive's; returns how many.

    Asked when the schema is this release's. Raises `BackupProblem`.
    """
    lost, number = set(archive.manifest.lost), 0
    for blob_id, size, sha256 in Blob.unscoped.values_list("id", "size", "sha256").iterator():
        if blob_id in lost:
            continue
        entry = archive.manifest.files.get(f"blobs/{blob_id[:2]}/{blob_id}")
        path = blobs.path_of(blob_id)
        if entry is None or entry.sha256 != sha256 or not path.is_file() or path.stat().st_size != size:
            raise BackupProblem(f"The file {blob_id} is not the one its row speaks of. Use another backup.")
        number += 1
    return number


def _restore_files(archive: Archive, tell: Tell) -> None:
    tell(f"Restoring {len(archive.blobs)} files.")
    for name in archive.blobs:
        target = Path(settings.TISKI_DATA) / name
        target.parent.mkdir(parents=True, exist_ok=True)
        archive.copy(name, target)


def _restore_database(archive: Archive) -> None:
    if connection.vendor == "sqlite":
        file = Path(str(connection.settings_dict["NAME"]))
        archive.copy(archive.database, file)
        sqlite.settle(file)
        return
    dump = Path(settings.TISKI_DATA) / archive.database
    try:
        archive.copy(archive.database, dump)
        postgresql.put(dump)
    finally:
        dump.unlink(missing_ok=True)


def _compare_rows(archive: Archive) -> None:
    name = str(connection.settings_dict["NAME"])
    found = sqlite.counts_in(Path(name)) if connection.vendor == "sqlite" else postgresql.counts()
    if found != archive.manifest.tables:
        table, number = min(set(found.items()) ^ set(archive.manifest.tables.items()))
        raise BackupProblem(f"The table {table} differs from the backup ({number} rows). Use another backup.")
