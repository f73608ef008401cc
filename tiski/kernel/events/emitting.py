"""Writing facts and their deliveries, inside the transaction of the change they tell of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec
from django.db import connection, transaction

from tiski.kernel import bus, clock, rows, scope
from tiski.kernel.action import Actor

from .event import Event, handlers_of

FACT_COLUMNS = ("shop_id", "name", "subject", "data", "actor_kind", "actor_id", "at", "ring")
DELIVERY_COLUMNS = ("fact_id", "handler", "order_key", "due", "tries", "fence", "lease_owner", "error")

_encode = msgspec.json.Encoder().encode


class Emission(NamedTuple):
    """An event to be written for a shop (None: for the instance) by an actor; what hears it does so now, or at `at`."""

    shop_id: int | None
    event: Event
    by: Actor
    at: datetime | None = None


def emit(event: Event, *, by: Actor, at: datetime | None = None) -> int:
    """Write the fact and one delivery per handler, due now or at `at`; returns the fact's id."""
    shop_id = scope.current_shop_or_none()
    if shop_id is None and not event.instance_wide:
        scope.current_shop()
    return emit_many([Emission(shop_id, event, by, at)])[0]


def emit_many(emissions: Sequence[Emission]) -> list[int]:
    """Write many facts and their deliveries with two statements; returns the facts' ids in order."""
    if not emissions:
        return []
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("emit belongs inside the action that makes the change")
    now = rows.moment(clock.now())
    facts = [
        (shop, event.name, event.subject, _encode(event).decode(), by.kind.value, by.id, now, event.ring)
        for shop, event, by, _at in emissions
    ]
    ids = rows.insert_many("kernel_fact", FACT_COLUMNS, facts)
    deliveries = [
        (
            fact_id,
            handler.name,
            emission.event.subject if handler.ordered else "",
            rows.moment(emission.at) if emission.at else now,
            0,
            0,
            "",
            "",
        )
        for fact_id, emission in zip(ids, emissions, strict=True)
        for handler in handlers_of.get(emission.event.name, ())
    ]
    if deliveries:
        rows.insert_many("kernel_delivery", DELIVERY_COLUMNS, deliveries)
    bus.after_commit(bus.FACTS)
    return ids
