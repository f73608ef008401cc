"""The database of a test, away for a moment."""

from __future__ import annotations

import time

from django.db import connection

OTHERS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


def take_away() -> None:
    """PostgreSQL ends everyone else's connections, SQLite is locked for a third of a second."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(OTHERS)
            return
        cursor.execute("BEGIN EXCLUSIVE")
        time.sleep(0.3)
        cursor.execute("ROLLBACK")
