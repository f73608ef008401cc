"""Set-based writing for the few hot paths where an object per row would be the cost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction

MAX_PARAMETERS = 60_000  # PostgreSQL takes 65,535 in one statement
FEW = 8  # rows that SQLite stores in one statement faster than in two


def moment(value: datetime | None) -> Any:
    """An aware time as the current database wants it in raw SQL."""
    return connection.ops.adapt_datetimefield_value(value)


def insert_many(table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[int]:
    """Insert rows inside a transaction and return their ids in the order of the rows."""
    if not rows:
        return []
    if connection.vendor == "sqlite" and len(rows) > FEW:
        return _one_by_one(table, columns, rows)
    return _together(table, columns, rows)


def insert_once(table: str, columns: Sequence[str], row: Sequence[Any], key: Sequence[str]) -> int | None:
    """Insert a row and return its id; None when a row with the same values in the columns of `key` is there already."""
    marks = ", ".join(["%s"] * len(columns))
    statement = (
        f'INSERT INTO "{table}" ({_names(columns)}) VALUES ({marks}) '  # noqa: S608  names are ours
        f'ON CONFLICT ({_names(key)}) DO NOTHING RETURNING "id"'
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, row)
        inserted = cursor.fetchone()
    return None if inserted is None else int(inserted[0])


def _one_by_one(table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[int]:
    """SQLite: for many rows a prepared statement per row is cheapest, and the one writer may number the rows itself.

    Django's keys are AUTOINCREMENT, so `sqlite_sequence` holds the last one and moves along.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("the numbers belong to this writer only inside its transaction")
    with connection.cursor() as cursor:
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
        found = cursor.fetchone()
        first = (found[0] if found else 0) + 1
        ids = list(range(first, first + len(rows)))
        marks = ", ".join(["%s"] * (len(columns) + 1))
        statement = f'INSERT INTO "{table}" ("id", {_names(columns)}) VALUES ({marks})'  # noqa: S608  names are ours
        cursor.executemany(statement, [(number, *row) for number, row in zip(ids, rows, strict=True)])
    return ids


def _together(table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[int]:
    """As many rows in one statement as its parameters allow.

    Ids are handed out in the order of the VALUES list, so sorting restores the order that RETURNING does not promise.
    """
    ids: list[int] = []
    step = max(1, MAX_PARAMETERS // len(columns))
    one = f"({', '.join(['%s'] * len(columns))})"
    for start in range(0, len(rows), step):
        chunk = rows[start : start + step]
        values = ", ".join([one] * len(chunk))
        statement = f'INSERT INTO "{table}" ({_names(columns)}) VALUES {values} RETURNING "id"'  # noqa: S608  names are ours
        with connection.cursor() as cursor:
            cursor.execute(statement, [value for row in chunk for value in row])
            ids.extend(sorted(row[0] for row in cursor.fetchall()))
    return ids


def _names(columns: Sequence[str]) -> str:
    return ", ".join(f'"{column}"' for column in columns)
