"""Appending to the audit log: from selected facts, and directly for what is refused and so leaves no fact."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from tiski.accounts import whence
from tiski.accounts.models import AuditEntry
from tiski.accounts.models.audit import FIRST_HASH, INSTANCE_CHAIN
from tiski.kernel import clock
from tiski.kernel.action import Actor, ActorKind, action
from tiski.kernel.events import Event, FactRow, hears

APPEND_TRIES = 20

TOLD_BY_THE_ENTRY = frozenset({"ip"})


@action
def record(
    what: str,
    *,
    shop: int | None,
    on: str = "",
    outcome: str = "done",
    detail: dict[str, Any] | None = None,
    by: Actor,
) -> AuditEntry:
    """Append an entry that stems from no fact, such as a refusal. `shop` None means the instance's own chain."""
    return _append(
        chain=INSTANCE_CHAIN if shop is None else shop,
        at=clock.now(),
        by=by,
        action=what,
        object=on,
        outcome=outcome,
        detail=detail or {},
        ip=whence.address(),
    )


@action
def record_fact(fact: FactRow, *, by: Actor) -> AuditEntry:
    """Append the entry of a fact, once however often it is called."""
    known = AuditEntry.objects.filter(fact_id=fact.id).first()
    if known is not None:
        return known
    return _append(
        chain=INSTANCE_CHAIN if fact.shop_id is None else fact.shop_id,
        at=fact.at,
        by=by,
        action=fact.name,
        object=_object_of(fact),
        outcome="failed" if fact.name.endswith("_failed") else "done",
        detail={key: value for key, value in fact.data.items() if key not in TOLD_BY_THE_ENTRY},
        ip=fact.data.get("ip", ""),
        fact_id=fact.id,
    )


def keep_in_the_audit_log(audited: type[Event]) -> None:
    """Seal every fact of this kind into its chain; packages above call it in their `handlers.py`."""

    def keep(event: Event, fact: FactRow) -> None:
        record_fact(fact, by=actor_of(fact))

    keep.__name__ = f"keep_{audited.name.replace('.', '_')}"
    hears(audited)(keep)


def actor_of(fact: FactRow) -> Actor:
    """The one who made the fact happen."""
    return Actor(ActorKind(fact.actor_kind), fact.actor_id)


def _append(*, chain: int, at: datetime, by: Actor, **content: Any) -> AuditEntry:
    """Two writers that read the same last entry collide on its number; the later one reads again."""
    for last_try in [False] * (APPEND_TRIES - 1) + [True]:
        before = AuditEntry.objects.filter(chain=chain).order_by("-number").first()
        entry = AuditEntry(
            chain=chain,
            number=1 if before is None else before.number + 1,
            previous_hash=FIRST_HASH if before is None else before.own_hash,
            at=at,
            actor_kind=by.kind.value,
            actor_id=by.id,
            **content,
        )
        entry.own_hash = entry.sealed_hash()
        try:
            with transaction.atomic():
                entry.save(force_insert=True)
        except IntegrityError:
            if last_try:
                raise
            continue
        return entry
    raise AssertionError("unreachable")


def _object_of(fact: FactRow) -> str:
    for noun in ("invitation", "agent", "team", "shop"):
        if fact.data.get(noun) is not None:
            return f"{noun}-{fact.data[noun]}"
    return fact.subject
