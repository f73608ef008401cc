"""Set-based writing for the few hot paths where an object per row would be the cost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection

MAX_PARAMETERS = 30_000  # SQLite's default ceiling is 32,766 host parameters, PostgreSQL's 65,535


def moment(value: datetime | None) -> Any:
    """An aware time as the current database wants it in raw SQL."""
    return connection.ops.adapt_datetimefield_value(value)


def insert_many(table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[int]:
    """Insert rows with multi-row statements and return their ids in the order of the rows.

    Ids are handed out in the order of the VALUES list on both databases, so sorting restores the order that
    RETURNING does not promise.
    """
    ids: list[int] = []
    step = max(1, MAX_PARAMETERS // len(columns))
    for start in range(0, len(rows), step):
        chunk = rows[start : start + step]
        one = f"({', '.join(['%s'] * len(columns))})"
        values = ", ".join([one] * len(chunk))
        names = ", ".join(f'"{column}"' for column in columns)
        statement = f'INSERT INTO "{table}" ({names}) VALUES {values} RETURNING "id"'  # noqa: S608  names are ours
        with connection.cursor() as cursor:
            cursor.execute(statement, [value for row in chunk for value in row])
            ids.extend(sorted(row[0] for row in cursor.fetchall()))
    return ids
