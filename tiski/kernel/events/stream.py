"""The publish sequence: facts in the order in which they became visible, without gaps.

SQLite serialises immediate writers, so id order is commit order. On PostgreSQL ids can commit out of order; there the
holder of an advisory lock gives each fact its position after the commit.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection, transaction

from tiski.kernel.models import Fact

from .event import FactRow

PUBLISHER_LOCK = 0x7469736B69  # "tiski"
PUBLISHED = "tiski_published"  # PostgreSQL NOTIFY channel: facts got their positions
FIELDS = ("id", "shop_id", "name", "subject", "data", "actor_kind", "actor_id", "at", "ring")

NUMBER_THE_UNPUBLISHED = """
    UPDATE kernel_fact SET position = numbered.position
    FROM (SELECT id, row_number() OVER (ORDER BY id) + (SELECT coalesce(max(position), 0) FROM kernel_fact) AS position
          FROM kernel_fact WHERE position IS NULL AND key IS NULL) AS numbered
    WHERE kernel_fact.id = numbered.id
"""


def publish() -> bool:
    """Give new facts their position; True when this process held the lock. Nothing to do on SQLite."""
    if connection.vendor != "postgresql":
        return True
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [PUBLISHER_LOCK])
        if not cursor.fetchone()[0]:
            return False
        cursor.execute(NUMBER_THE_UNPUBLISHED)
        if cursor.rowcount > 0:
            cursor.execute("SELECT pg_notify(%s, '')", [PUBLISHED])
        return True


def head() -> int:
    """Position of the newest published fact, 0 when there is none. Asked 40 times a second, so in plain SQL."""
    return _extreme("max")


def tail() -> int:
    """Position of the oldest fact still kept, 0 when there is none: what is older cannot be replayed."""
    return _extreme("min")


def after(
    position: int, limit: int = 500, *, subjects: Sequence[str] | None = None, shop_id: int | None = None
) -> list[FactRow]:
    """Published facts after a position, oldest first: all, or only those about the given subjects or of one shop."""
    column = _position()
    facts = Fact.objects.filter(**{f"{column}__gt": position}).order_by(column)
    if subjects is not None:
        facts = facts.filter(subject__in=subjects)
    if shop_id is not None:
        facts = facts.filter(shop_id=shop_id)
    return [FactRow(*row) for row in facts.values_list(*FIELDS, column)[:limit]]


def _extreme(function: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}({_position()}) FROM kernel_fact")  # noqa: S608  both names are ours
        row: tuple[int | None] = cursor.fetchone()
    return row[0] or 0


def _position() -> str:
    return "position" if connection.vendor == "postgresql" else "id"
