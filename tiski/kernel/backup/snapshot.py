"""What was true of the database at the moment it was copied."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection

TABLES_WITHOUT_PROMISE = frozenset({"kernel_pulse"})
"""Rows that change by themselves as soon as a process looks at a database."""
BLOBS = "SELECT id, sha256 FROM kernel_blob"
BORN = {
    "sqlite": "SELECT min(applied) FROM django_migrations",
    "postgresql": "SELECT extract(epoch FROM min(applied))::text FROM django_migrations",
}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Rows by table, the hash of each file by its id, and when the instance's first migration was applied."""

    tables: dict[str, int]
    blobs: dict[str, str]
    born: str


def born() -> str:
    """When the first migration of the connected database was applied: the same in every copy, in no other instance."""
    with connection.cursor() as cursor:
        cursor.execute(BORN[connection.vendor])
        return str(cursor.fetchone()[0])
