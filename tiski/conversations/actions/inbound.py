"""The ledger of what comes in: stored as received first, then understood, with one verdict each (channels.md 1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from tiski.kernel.events import Emission, emit, emit_many
from tiski.kernel.reading import fetch, marks
from tiski.kernel.scope import current_shop

LARGEST_RAW = 50 * 1024 * 1024
POISON_AFTER = 3
ITEM = "(%s, %s, %s, %s, %s, %s, 'received', '', '', 0)"
INSERT = """
    INSERT INTO conversations_inboundraw
        (shop_id, channel_account_id, dedupe_key, received_at, envelope, size, state, rule, reason, deaths)
    VALUES {items} ON CONFLICT (channel_account_id, dedupe_key) DO NOTHING RETURNING dedupe_key, id
"""
KNOWN = "SELECT dedupe_key, id FROM conversations_inboundraw WHERE channel_account_id = %s AND dedupe_key IN ({marks})"
KEEP = "INSERT INTO conversations_rawbytes (item_id, shop_id, data) VALUES (%s, %s, %s)"
SETTLE = """
    UPDATE conversations_inboundraw SET state = %s, rule = %s, reason = %s, conversation_id = %s, message_id = %s
    WHERE id = %s AND shop_id = %s
"""
KINDS = """
    SELECT r.id, a.kind FROM conversations_inboundraw r
    JOIN conversations_channelaccount a ON a.id = r.channel_account_id WHERE r.id IN ({marks})
"""


@dataclass(frozen=True, slots=True)
class Incoming:
    """An item as it came; the same `dedupe_key` in the same channel account is the same item."""

    raw: bytes
    dedupe_key: str
    envelope: Mapping[str, object] | None = None
    received_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """A received item in the ledger; not `is_new` when the same one was there before."""

    id: int
    is_new: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of an item of the ledger: one of the final states, by which rule, and where it went."""

    item_id: int
    state: RawState
    rule: str = ""
    reason: str = ""
    conversation_id: int | None = None
    message_id: int | None = None


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
    return store_raw_many(channel_account, [Incoming(raw, dedupe_key, envelope, received_at)], by=by)[0]


@action
def store_raw_many(channel_account: ChannelAccount, items: Sequence[Incoming], *, by: Actor = SYSTEM) -> list[Stored]:
    """The same for several items of one channel account, in order, with a handful of statements."""
    if not items:
        return []
    if any(len(item.raw) > LARGEST_RAW for item in items):
        raise RawTooLarge(limit=LARGEST_RAW // 1024 // 1024)
    inserted = _insert(channel_account, items)
    fresh = {item.dedupe_key: item.raw for item in reversed(items) if item.dedupe_key in inserted}
    kept = [(number, channel_account.shop_id, fresh[key]) for key, number in inserted.items()]
    if kept:
        with connection.cursor() as cursor:
            cursor.executemany(KEEP, kept)
    numbers = inserted | _known(channel_account, [item.dedupe_key for item in items if item.dedupe_key not in inserted])
    stored = [Stored(numbers[item.dedupe_key], fresh.pop(item.dedupe_key, None) is not None) for item in items]
    duplicates.add(channel_account.kind, number=sum(not each.is_new for each in stored))
    kind, shop_id = channel_account.kind, channel_account.shop_id
    emit_many([Emission(shop_id, RawReceived(raw=each.id, kind=kind), by) for each in stored if each.is_new])
    return stored


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
    """Write down what became of an item."""
    conversation_id = conversation.id if conversation is not None else None
    settle_many([Verdict(raw.id, state, rule, reason, conversation_id, message_id)], by=by)


@action
def settle_many(verdicts: Sequence[Verdict], *, by: Actor = SYSTEM) -> None:
    """Write down what became of several items of the shop in scope."""
    if not verdicts:
        return
    shop_id = current_shop()
    values = [
        (
            each.state.value,
            each.rule[:80],
            each.reason[:500],
            each.conversation_id,
            each.message_id,
            each.item_id,
            shop_id,
        )
        for each in verdicts
    ]
    with connection.cursor() as cursor:
        cursor.executemany(SETTLE, values)
    set_aside = {each.item_id: each.reason[:500] for each in verdicts if each.state == RawState.QUARANTINED}
    if not set_aside:
        return
    kinds: dict[int, str] = dict(fetch(KINDS.format(marks=marks(set_aside)), [*set_aside]))
    quarantined = [
        RawQuarantined(raw=number, kind=kinds[number], reason=reason) for number, reason in set_aside.items()
    ]
    emit_many([Emission(shop_id, event, by) for event in quarantined])


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


def _insert(channel_account: ChannelAccount, items: Sequence[Incoming]) -> dict[str, int]:
    """Numbers of the items that were not in the ledger yet, by their keys."""
    now = clock.now()
    values: list[object] = []
    for item in items:
        moment = rows.moment(item.received_at or now)
        envelope = orjson.dumps(item.envelope or {}).decode()
        values += [channel_account.shop_id, channel_account.id, item.dedupe_key, moment, envelope, len(item.raw)]
    return dict(fetch(INSERT.format(items=", ".join([ITEM] * len(items))), values))


def _known(channel_account: ChannelAccount, keys: Sequence[str]) -> dict[str, int]:
    return dict(fetch(KNOWN.format(marks=marks(keys)), [channel_account.id, *keys])) if keys else {}
