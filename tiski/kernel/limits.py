"""How often is too often: token buckets in memory for the busy paths, counters in the database for what must last."""

from __future__ import annotations

import math
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime

from django.db import connection, transaction

from . import clock, rows, tokens
from .errors import TooMany
from .metrics import Count
from .models import LimitWindow
from .reading import fetch

# One float for each key; past this many the least recently used key is forgotten (about 20 MB at the most).
MOST_BUCKETS = 100_000
# A stored limit looks at this many slices of its period and the one before: exact in what it promises, and late by an
# eighth of the period in letting go.
SLICES = 8
USED = "SELECT slice, hits FROM kernel_limitwindow WHERE key = %s AND slice >= %s ORDER BY slice"
_ROUNDING = 1e-6
_DELIMITERS = re.compile("[:/]")

refusals = Count("tiski_limit_refusals", "Calls refused because they came too often.", label="limit")


class Buckets:
    """Token buckets kept as one number each: the moment the bucket will be full again (GCRA, ITU-T I.371)."""

    def __init__(self, *, most: int = MOST_BUCKETS, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` is monotonic, because wall clocks jump."""
        self._most = most
        self._clock = clock
        self._lock = threading.Lock()
        self._full_again: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        """How many keys are remembered."""
        return len(self._full_again)

    def take(self, key: str, *, limit: int, per: float) -> float:
        """Take one token; 0 when there was one, else the seconds until there is."""
        step = per / limit
        with self._lock:
            now = self._clock()
            full_again = max(self._full_again.get(key, now), now)
            wait = full_again + step - now - per
            if wait > _ROUNDING:
                return wait
            self._full_again[key] = full_again + step
            self._full_again.move_to_end(key)
            if len(self._full_again) > self._most:
                self._full_again.popitem(last=False)
            return 0.0

    def forget_all(self) -> None:
        """Fill every bucket again, as a restart does."""
        with self._lock:
            self._full_again.clear()


buckets = Buckets()


def allow(key: str, *, limit: int, per: float) -> None:
    """Let `limit` calls through at once and `limit` in each `per` seconds after that; raise TooMany past it.

    Kept in the memory of this process. The key names everything that counts, for example `message:<shop>:<address>`.
    """
    wait = buckets.take(key, limit=limit, per=per)
    if wait:
        refusals.add(_kind(key))
        raise TooMany(math.ceil(wait))


def allow_stored(key: str, *, limit: int, per: float) -> None:
    """Let at most `limit` calls through in any `per` seconds, over restarts and all processes; raise TooMany past it.

    Counted in the transaction that is open, if one is: call it before the action when a failure must count as well.
    The key may name a person; only its keyed hash is stored.
    """
    hashed = tokens.mac_text("limits", key)
    length = per / SLICES
    now = clock.now().timestamp()
    current = int(now // length)
    with transaction.atomic(savepoint=False):
        _lock_key(hashed)
        used = fetch(USED, [hashed, current - SLICES])
        is_free = sum(hits for _slice, hits in used) < limit
        if is_free:
            _count(hashed, current, datetime.fromtimestamp((current + SLICES + 1) * length, tz=UTC))
    if not is_free:
        refusals.add(_kind(key))
        free_again = (used[0][0] + SLICES + 1) * length - now
        raise TooMany(math.ceil(min(max(free_again, 1.0), per)))


def forget_expired() -> int:
    """Remove counters that no limit looks at any more."""
    return LimitWindow.objects.filter(expires_at__lt=clock.now()).delete()[0]


def _kind(key: str) -> str:
    """What the limit is about: the part of a key that names nobody."""
    kind, *rest = _DELIMITERS.split(key, maxsplit=1)
    return kind if rest else "other"


def _lock_key(key: str) -> None:
    """One at a time for each key; SQLite's immediate transactions are that already."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [key])


def _count(key: str, current: int, expires_at: datetime) -> None:
    table = LimitWindow._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f'INSERT INTO "{table}" ("key", "slice", "hits", "expires_at") VALUES (%s, %s, 1, %s) '  # noqa: S608  our own name
            f'ON CONFLICT ("key", "slice") DO UPDATE SET "hits" = "{table}"."hits" + 1',
            [key, current, rows.moment(expires_at)],
        )
