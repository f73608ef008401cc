"""SQLite: copied by its own backup interface, in one read transaction that keeps nobody from writing."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from django.db import connection

from .problem import BackupProblem
from .snapshot import BLOBS, BORN, TABLES_WITHOUT_PROMISE, Snapshot

PAGES = 10_000
NAMES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"


def take(target: Path, tell: Callable[[str], None]) -> Snapshot:
    """Copy the database as it is now; raises `BackupProblem` when it is damaged."""
    file = str(connection.settings_dict["NAME"])
    with closing(sqlite3.connect(file, isolation_level=None)) as source, closing(sqlite3.connect(target)) as copy:
        # Within a transaction all steps copy the same state; otherwise each commit of others would begin it anew.
        source.execute("BEGIN")
        source.execute(BORN["sqlite"]).fetchone()
        source.backup(copy, pages=PAGES, progress=lambda _status, left, total: _tell(tell, left, total))
        source.execute("ROLLBACK")
    with closing(sqlite3.connect(target, isolation_level=None)) as copy:
        copy.execute("PRAGMA journal_mode=delete")  # one file, without a log beside it
        sound(copy, "quick_check")
        return Snapshot(
            counts(copy), dict(copy.execute(BLOBS).fetchall()), str(copy.execute(BORN["sqlite"]).fetchone()[0])
        )


def settle(file: Path) -> None:
    """Look through every page and every reference of a restored database; raises `BackupProblem`."""
    with closing(sqlite3.connect(file, isolation_level=None)) as restored:
        sound(restored, "integrity_check")
        broken = restored.execute("PRAGMA foreign_key_check").fetchone()
        if broken is not None:
            raise BackupProblem(f"A row of {broken[0]} refers to one that is missing. Use another backup.")


def counts_in(file: Path) -> dict[str, int]:
    """How many rows each table of a file has."""
    with closing(sqlite3.connect(file, isolation_level=None)) as restored:
        return counts(restored)


def sound(database: sqlite3.Connection, check: str) -> None:
    """Ask SQLite whether all pages are whole."""
    found = str(database.execute(f"PRAGMA {check}(1)").fetchone()[0])
    if found != "ok":
        raise BackupProblem(f"The database is damaged ({found}). Keep it as it is and restore the last good backup.")


def counts(database: sqlite3.Connection) -> dict[str, int]:
    """How many rows each table has."""
    names = [row[0] for row in database.execute(NAMES) if row[0] not in TABLES_WITHOUT_PROMISE]
    return {name: database.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in names}  # noqa: S608


def _tell(tell: Callable[[str], None], left: int, total: int) -> None:
    if left:
        tell(f"Copying the database: {100 * (total - left) // total} %.")
