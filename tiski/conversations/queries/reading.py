"""How the queries of this package read: plain rows from SQL, for the pages that are asked for most."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import connection

Row = tuple[Any, ...]


def fetch(statement: str, parameters: Sequence[Any]) -> list[Row]:
    """All rows of a statement."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        found: list[Row] = cursor.fetchall()
        return found


def moment(value: Any) -> datetime:
    """A time from a raw row as an aware one: SQLite yields it without its zone, or as text out of an expression."""
    time: datetime = datetime.fromisoformat(value) if isinstance(value, str) else value
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def moment_or_none(value: Any) -> datetime | None:
    """The same for a column that may be empty."""
    return None if value is None else moment(value)


def marks(values: Sequence[object]) -> str:
    """So many placeholders, for an IN list."""
    return ", ".join(["%s"] * len(values))
