"""The publish sequence: facts in the order in which they became visible, without gaps.

SQLite serialises immediate writers, so id order is commit order. On PostgreSQL ids can commit out of order; there the
holder of an advisory lock gives each fact its position after the commit.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

import orjson
from django.db import connection

from tiski.kernel import bus

from .event import FactRow

PUBLISHER_LOCK = 0x7469736B69  # "tiski"
FIELDS = "id, shop_id, name, subject, {data}, actor_kind, actor_id, {at}, ring, {position}"

# In one message, so that a process that hangs holds no lock. Two statements: the second sees what was committed before
# the first had the lock.
NUMBER_THE_UNPUBLISHED = """
    SELECT pg_advisory_xact_lock({lock});
    WITH published AS (
        UPDATE kernel_fact SET position = numbered.position
        FROM (SELECT id,
                     row_number() OVER (ORDER BY id) + (SELECT coalesce(max(position), 0) FROM kernel_fact) AS position
              FROM kernel_fact WHERE position IS NULL AND key IS NULL) AS numbered
        WHERE kernel_fact.id = numbered.id RETURNING 1)
    SELECT {hint} FROM published LIMIT 1
"""


def publish() -> None:
    """Give the facts that are committed their position; one process after the other. Nothing to do on SQLite."""
    if connection.vendor != "postgresql":
        return
    hint = bus.hint_in_sql(bus.PUBLISHED)
    with connection.wrap_database_errors, connection.cursor() as cursor:
        # Past Django's cursor: two statements in one message cannot be prepared.
        cursor.cursor.execute(NUMBER_THE_UNPUBLISHED.format(lock=PUBLISHER_LOCK, hint=hint or "1"), prepare=False)
        cursor.nextset()
        if cursor.fetchone() and not hint:
            bus.after_commit(bus.PUBLISHED)


def head() -> int:
    """Position of the newest published fact, 0 when there is none. Asked 40 times a second, so in plain SQL."""
    return _extreme("max")


def tail() -> int:
    """Position of the oldest fact still kept, 0 when there is none: what is older cannot be replayed."""
    return _extreme("min")


def after(position: int, limit: int = 500, *, shop_id: int | None = None, names: Collection[str] = ()) -> list[FactRow]:
    """Published facts after a position, oldest first: all, or only those of one shop, or of these names.

    In plain SQL, because the relay of every live process reads every message's fact.
    """
    column = _position()
    mine = "AND shop_id = %s" if shop_id is not None else ""
    called = f"AND name IN ({', '.join(['%s'] * len(names))})" if names else ""
    statement = f"SELECT {_fields()} FROM kernel_fact WHERE {column} > %s {mine} {called} ORDER BY {column} LIMIT %s"  # noqa: S608  names are ours
    parameters: list[int | str] = [position, *([] if shop_id is None else [shop_id]), *names, limit]
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return [_fact(row) for row in cursor.fetchall()]


def of(ids: Collection[int]) -> list[FactRow]:
    """The facts of these ids, published or not."""
    if not ids:
        return []
    marks = ", ".join(["%s"] * len(ids))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {_fields()} FROM kernel_fact WHERE id IN ({marks})", [*ids])  # noqa: S608  names are ours
        return [_fact(row) for row in cursor.fetchall()]


def _fields() -> str:
    if connection.vendor == "postgresql":
        return FIELDS.format(data="data::text", at="at", position="position")
    # As text: SQLite's driver would parse the time more slowly, and leave out its zone.
    return FIELDS.format(data="data", at="CAST(at AS TEXT)", position="id")


def _fact(row: tuple[Any, ...]) -> FactRow:
    key, shop_id, name, subject, data, actor_kind, actor_id, at, ring, position = row
    moment = at if isinstance(at, datetime) else datetime.fromisoformat(at).replace(tzinfo=UTC)
    return FactRow(
        key, shop_id, name, subject, orjson.loads(data), actor_kind, actor_id, moment, bool(ring), position or key
    )


def _extreme(function: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}({_position()}) FROM kernel_fact")  # noqa: S608  both names are ours
        row: tuple[int | None] = cursor.fetchone()
    return row[0] or 0


def _position() -> str:
    return "position" if connection.vendor == "postgresql" else "id"
