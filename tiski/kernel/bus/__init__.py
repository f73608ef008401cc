"""The bus: how processes hint to each other that something is new, and who is present. It may lose anything.

A hint says "look at the database" and no more, so a lost one costs a few seconds and never a message. On PostgreSQL
hints are notifications, or travel through Redis where `TISKI_REDIS_URL` names one; with SQLite there is no bus, and
processes look often.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import partial

from django.conf import settings
from django.db import connection, transaction

from . import database
from .hint import Hint, Listening

__all__ = [
    "CATCH_UP_SECONDS", "FACTS", "NOW", "PUBLISHED", "Hint", "Listening", "after_commit", "hint_in_sql", "is_there",
    "listen", "tell",
]  # fmt: skip

FACTS = "tiski_facts"  # facts were committed
PUBLISHED = "tiski_published"  # facts got their positions
NOW = "tiski_now"  # who is present, in the payload
CATCH_UP_SECONDS = 2.5
"""After so long without a hint whoever listens looks at the database all the same (reliability.md 4: within 5 s)."""
LARGEST_PAYLOAD = 7000  # PostgreSQL takes 8000 bytes


def is_there() -> bool:
    """Whether processes can talk at all."""
    return bool(connection.vendor == "postgresql")


def after_commit(channel: str) -> None:
    """Hint on a channel when the transaction of this moment has committed."""
    if not is_there():
        return
    if settings.TISKI_REDIS_URL:
        transaction.on_commit(partial(tell, channel), robust=True)
    else:
        database.notify(channel, "")


def hint_in_sql(channel: str) -> str:
    """An expression that hints on a channel when its statement has committed; empty where another bus carries hints."""
    return "" if settings.TISKI_REDIS_URL or not is_there() else f"pg_notify('{channel}', '')"


def tell(channel: str, payload: str = "") -> None:
    """Hint on a channel now; what is too large for a hint is not sent."""
    if len(payload.encode()) > LARGEST_PAYLOAD:
        return
    if settings.TISKI_REDIS_URL:
        from . import through_redis

        through_redis.tell(channel, payload)
    else:
        database.notify(channel, payload)


def listen(*channels: str) -> AbstractContextManager[Listening]:
    """Listen on channels, in this thread."""
    if settings.TISKI_REDIS_URL:
        from . import through_redis

        return through_redis.listen(channels)
    return database.listen(channels)
