"""The publish sequence: facts in the order in which they became visible, without gaps.

SQLite serialises immediate writers, so id order is commit order. On PostgreSQL ids can commit out of order; there the
holder of an advisory lock gives each fact its position after the commit.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection, transaction

from ..models import Fact
from .event import FactRow

PUBLISHER_LOCK = 0x7469736B69  # "tiski"
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
        return True


def head() -> int:
    """Position of the newest published fact, 0 when there is none."""
    column = _position()
    newest = Fact.objects.filter(**{f"{column}__isnull": False}).order_by(f"-{column}").values_list(column, flat=True)
    return newest.first() or 0


def tail() -> int:
    """Position of the oldest fact still kept, 0 when there is none: what is older cannot be replayed."""
    column = _position()
    oldest = Fact.objects.filter(**{f"{column}__isnull": False}).order_by(column).values_list(column, flat=True)
    return oldest.first() or 0


def after(position: int, limit: int = 500, *, subjects: Sequence[str] | None = None) -> list[FactRow]:
    """Published facts after a position, oldest first, all or only those about the given subjects."""
    column = _position()
    facts = Fact.objects.filter(**{f"{column}__gt": position}).order_by(column)
    if subjects is not None:
        facts = facts.filter(subject__in=subjects)
    return [FactRow(*row) for row in facts.values_list(*FIELDS, column)[:limit]]


def _position() -> str:
    return "position" if connection.vendor == "postgresql" else "id"
