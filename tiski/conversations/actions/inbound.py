"""The ledger of what comes in: stored as received first, then understood, with one verdict each (channels.md 1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import orjson
from django.db import connection
from django.db.models import F

from tiski.conversations.errors import RawTooLarge
from tiski.conversations.events import RawQuarantined, RawReceived
from tiski.conversations.models import ChannelAccount, Conversation, InboundRaw, RawState
from tiski.conversations.queries.measures import duplicates
from tiski.kernel import clock, rows
from tiski.kernel.action import SYSTEM, Actor, action
from tiski.kernel.events import emit
from tiski.kernel.scope import current_shop

LARGEST_RAW = 50 * 1024 * 1024
POISON_AFTER = 3
INSERT = """
    INSERT INTO conversations_inboundraw
        (shop_id, channel_account_id, dedupe_key, received_at, envelope, size, state, rule, reason, deaths)
    VALUES (%s, %s, %s, %s, %s, %s, 'received', '', '', 0)
    ON CONFLICT (channel_account_id, dedupe_key) DO NOTHING RETURNING id
"""
KEEP = "INSERT INTO conversations_rawbytes (item_id, shop_id, data) VALUES (%s, %s, %s)"
SETTLE = """
    UPDATE conversations_inboundraw SET state = %s, rule = %s, reason = %s, conversation_id = %s, message_id = %s
    WHERE id = %s AND shop_id = %s
"""


@dataclass(frozen=True, slots=True)
class Stored:
    """A received item in the ledger; not `is_new` when the same one was there before."""

    id: int
    is_new: bool


@action
def store_raw(
    channel_account: ChannelAccount,
    *,
    raw: bytes,
    dedupe_key: str,
    envelope: Mapping[str, object] | None = None,
    received_at: datetime | None = None,
    by: Actor = SYSTEM,
) -> Stored:
    """Keep an item exactly as it came, before anything reads it; the same `dedupe_key` again changes nothing.

    Whoever acknowledges to the sender does so after this transaction has committed. Raises `RawTooLarge`.
    """
    if len(raw) > LARGEST_RAW:
        raise RawTooLarge(limit=LARGEST_RAW // 1024 // 1024)
    values = [
        channel_account.shop_id,
        channel_account.id,
        dedupe_key,
        rows.moment(received_at or clock.now()),
        orjson.dumps(envelope or {}).decode(),
        len(raw),
    ]
    with connection.cursor() as cursor:
        cursor.execute(INSERT, values)
        inserted = cursor.fetchone()
    if inserted is None:
        duplicates.add(channel_account.kind)
        known = InboundRaw.objects.filter(channel_account=channel_account, dedupe_key=dedupe_key)
        return Stored(known.values_list("id", flat=True).get(), False)
    with connection.cursor() as cursor:
        cursor.execute(KEEP, [inserted[0], channel_account.shop_id, raw])
    emit(RawReceived(raw=inserted[0], kind=channel_account.kind), by=by)
    return Stored(inserted[0], True)


@action
def settle(
    raw: InboundRaw,
    state: RawState,
    *,
    rule: str = "",
    reason: str = "",
    conversation: Conversation | None = None,
    message_id: int | None = None,
    by: Actor = SYSTEM,
) -> None:
    """Write down what became of an item: one of the final states, by which rule, and where it went."""
    conversation_id = conversation.id if conversation is not None else None
    with connection.cursor() as cursor:
        values = [state.value, rule[:80], reason[:500], conversation_id, message_id, raw.id, current_shop()]
        cursor.execute(SETTLE, values)
    if state == RawState.QUARANTINED:
        kind = ChannelAccount.objects.values_list("kind", flat=True).get(id=raw.channel_account_id)
        emit(RawQuarantined(raw=raw.id, kind=kind, reason=reason[:500]), by=by)


@action
def count_death(raw: InboundRaw, *, reason: str, by: Actor = SYSTEM) -> bool:
    """The parser died on the item; True when it has died often enough that the item is quarantined now."""
    InboundRaw.objects.filter(id=raw.id).update(deaths=F("deaths") + 1)
    if InboundRaw.objects.values_list("deaths", flat=True).get(id=raw.id) < POISON_AFTER:
        return False
    settle(raw, RawState.QUARANTINED, rule="poison", reason=reason, by=by)
    return True


@action
def replay(raw: InboundRaw, *, by: Actor) -> None:
    """Understand an item once more, as if it had just come in."""
    InboundRaw.objects.filter(id=raw.id).update(state=RawState.RECEIVED, deaths=0, rule="", reason="")
    kind = ChannelAccount.objects.values_list("kind", flat=True).get(id=raw.channel_account_id)
    emit(RawReceived(raw=raw.id, kind=kind), by=by)
