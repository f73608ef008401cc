"""Claiming and running deliveries: at least once, under a lease, with bounded tries."""

from __future__ import annotations

import logging
import random
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import msgspec
from django.db import DatabaseError, connection, transaction

from tiski.kernel import clock, rows
from tiski.kernel.metrics import Count
from tiski.kernel.models import Delivery
from tiski.kernel.reading import fetch
from tiski.kernel.scope import shop_scope

from . import stream
from .event import FactRow, Handler, Heard, Outcomes, Retry, handlers

# Longer than the longest call a handler makes (45 s), and over soon enough that what a dead worker held is done within
# a minute (reliability.md I8).
LEASE = timedelta(seconds=50)
LONGEST_WAIT = timedelta(hours=1)

log = logging.getLogger(__name__)
delivered = Count("tiski_deliveries", "Deliveries that were run, by how they ended.", label="outcome")

# No lease lasts that long from now: what seems to was taken before the clock was set back.
FREE = "(d.lease_until IS NULL OR d.lease_until < %s OR d.lease_until > %s)"
IS_ANY_DUE = """
    SELECT 1 FROM kernel_delivery d
    WHERE d.dead_at IS NULL AND d.due <= %s AND {free} {quick}
    ORDER BY d.due LIMIT 1
"""
CLAIM = """
    UPDATE kernel_delivery
    SET lease_owner = %s, lease_until = %s, fence = fence + 1, tries = tries + 1
    WHERE id IN (
        SELECT d.id FROM kernel_delivery d
        WHERE d.dead_at IS NULL AND d.due <= %s AND {free} {quick}
          AND (d.order_key = '' OR NOT EXISTS (
              SELECT 1 FROM kernel_delivery earlier
              WHERE earlier.handler = d.handler AND earlier.order_key = d.order_key AND earlier.order_key <> ''
                AND earlier.id < d.id AND earlier.dead_at IS NULL))
        ORDER BY d.due, d.id LIMIT %s {lock})
    RETURNING id, fact_id, handler, tries, fence
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery this worker may run until its lease ends."""

    id: int
    fact_id: int
    handler: str
    tries: int
    fence: int


def claim(owner: str, limit: int = 50, *, quick: bool = False) -> list[Claim]:
    """Take due deliveries under a lease, `quick` ones only or any; another worker gets them when the lease runs out."""
    now = clock.now()
    moment, too_far = rows.moment(now), rows.moment(now + 2 * LEASE)
    slow = [handler.name for handler in handlers.values() if handler.slow] if quick else []
    without = f"AND d.handler NOT IN ({', '.join(['%s'] * len(slow))})" if slow else ""
    if not fetch(IS_ANY_DUE.format(free=FREE, quick=without), [moment, moment, too_far, *slow]):
        return []  # without asking for the right to write
    lock = "FOR NO KEY UPDATE OF d SKIP LOCKED" if connection.vendor == "postgresql" else ""
    with transaction.atomic(), connection.cursor() as cursor:
        parameters = [owner, rows.moment(now + LEASE), moment, moment, too_far, *slow, limit]
        cursor.execute(CLAIM.format(lock=lock, free=FREE, quick=without), parameters)
        return sorted((Claim(*row) for row in cursor.fetchall()), key=lambda claimed: claimed.id)


def run_due(owner: str, limit: int = 50, *, quick: bool = False, stopping: Callable[[], bool] = lambda: False) -> int:
    """Claim and run one batch; returns how many deliveries were claimed.

    What is not started when half the lease is gone, or when the worker stops, is given back at once; so is all that is
    slow but one, which runs last.
    """
    claims = claim(owner, limit, quick=quick)
    if not claims:
        return 0
    swift, slow = _by_pace(claims)
    _give_back(slow[1:])
    facts = {row.id: row for row in stream.of({claimed.fact_id for claimed in claims})}
    deadline = time.monotonic() + LEASE.total_seconds() / 2
    done: list[Claim] = []
    returned: list[Claim] = []
    waiting = deque([*_groups(swift, facts), *_groups(slow[:1], facts)])
    while waiting:
        group = waiting.popleft()
        if group[0] in slow:
            _finish(done)  # what waits outside may take longer than their lease
            done = []
        if stopping() or time.monotonic() > deadline:
            returned += group
            continue
        outcomes = _run(group, facts)
        if outcomes is None:
            waiting.extendleft([each] for each in reversed(group))
            continue
        done += [claimed for claimed, outcome in zip(group, outcomes, strict=True) if _is_done(claimed, outcome)]
    _finish(done)
    _give_back(returned)
    return len(claims)


def retry(delivery_id: int) -> None:
    """Bring a dead delivery back to life: it runs again at once with its tries counted anew."""
    Delivery.objects.filter(id=delivery_id, dead_at__isnull=False).update(
        dead_at=None, due=clock.now(), tries=0, lease_until=None
    )


def _groups(claims: list[Claim], facts: Mapping[int, FactRow]) -> list[list[Claim]]:
    """The claims that are run together, of one handler and one shop each, where the first of them stood."""
    groups: list[list[Claim]] = []
    latest: dict[tuple[str, int | None], list[Claim]] = {}
    for claimed in claims:
        handler, key = handlers.get(claimed.handler), (claimed.handler, facts[claimed.fact_id].shop_id)
        group = latest.get(key)
        if group is None or handler is None or len(group) >= handler.most:
            latest[key] = group = []
            groups.append(group)
        group.append(claimed)
    return groups


def _run(group: list[Claim], facts: Mapping[int, FactRow]) -> Outcomes | None:
    """How each one ended; None when the group failed as a whole, and each is to be run alone."""
    handler = handlers.get(group[0].handler)
    if handler is None:
        return [LookupError(f"no handler is called {group[0].handler} in this version")]
    try:
        outcomes = _call(handler, [facts[claimed.fact_id] for claimed in group])
    except Retry as again:
        outcomes = [again] * len(group)
    except Exception as error:
        if isinstance(error, DatabaseError):
            connection.close()  # after a failed commit the state of the connection is unknown
        if len(group) > 1:
            log.warning("a group failed and is run one by one", extra={"handler": handler.name}, exc_info=error)
            return None
        outcomes = [error]
    return outcomes


def _call(handler: Handler, facts: list[FactRow]) -> Outcomes:
    heard = [Heard(msgspec.convert(fact.data, handler.event), fact) for fact in facts]
    shop_id = facts[0].shop_id
    with shop_scope(shop_id) if shop_id is not None else nullcontext():
        outcomes = handler.run(heard)
    if len(outcomes) != len(heard):
        raise ValueError(f"{len(outcomes)} outcomes for {len(heard)} deliveries")
    return outcomes


def _is_done(claimed: Claim, outcome: Exception | None) -> bool:
    if outcome is None:
        delivered.add("done")
        return True
    if isinstance(outcome, Retry):
        _put_off(claimed, outcome.after)
        delivered.add("put off")
        return False
    handler = handlers.get(claimed.handler)
    about = {"handler": claimed.handler, "fact": claimed.fact_id, "tries": claimed.tries}
    log.error("handler failed", extra=about, exc_info=outcome)
    is_last = handler is not None and claimed.tries >= handler.tries
    _fail(claimed, f"{type(outcome).__name__}: {outcome}", dead=is_last)
    delivered.add("failed")
    return False


def _finish(done: list[Claim]) -> None:
    if not done:
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.executemany(
            "DELETE FROM kernel_delivery WHERE id = %s AND fence = %s", [(item.id, item.fence) for item in done]
        )


def _by_pace(claims: list[Claim]) -> tuple[list[Claim], list[Claim]]:
    known = {claimed.id for claimed in claims if claimed.handler in handlers and handlers[claimed.handler].slow}
    return [each for each in claims if each.id not in known], [each for each in claims if each.id in known]


def _give_back(returned: list[Claim]) -> None:
    if not returned:
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.executemany(
            "UPDATE kernel_delivery SET lease_until = NULL, tries = %s WHERE id = %s AND fence = %s",
            [(claimed.tries - 1, claimed.id, claimed.fence) for claimed in returned],
        )


def _put_off(claimed: Claim, after: timedelta) -> None:
    _held(claimed).update(due=clock.now() + after, lease_until=None, tries=claimed.tries - 1)


def _fail(claimed: Claim, error: str, *, dead: bool) -> None:
    now = clock.now()
    ceiling = min(LONGEST_WAIT.total_seconds(), 2.0**claimed.tries)
    wait = timedelta(seconds=random.uniform(0, ceiling))  # noqa: S311  full jitter, not a secret
    _held(claimed).update(due=now + wait, lease_until=None, error=error[:2000], dead_at=now if dead else None)


def _held(claimed: Claim) -> Any:
    return Delivery.objects.filter(id=claimed.id, fence=claimed.fence)
