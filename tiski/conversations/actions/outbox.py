"""The outbox: what leaves the house is a row first, claimed before it is sent (channels.md 3.11, reliability.md 3).

A claim carries a fence. The result of a claim that was taken over is refused, so a worker that was paused and wakes
up late changes nothing.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection

from tiski.conversations.contract import Destination, Outgoing
from tiski.conversations.errors import ClaimLost, NotWaitingForRetry
from tiski.conversations.events import (
    MessageDelayed,
    MessageDelivered,
    MessageFailed,
    MessageRetried,
    MessageUncertain,
    OutboxQueued,
)
from tiski.conversations.models import Message, OutboxItem, OutboxState
from tiski.conversations.policies import require_answering
from tiski.conversations.queries.measures import failed_for_good, repeats
from tiski.kernel import clock, rows
from tiski.kernel.action import SYSTEM, Actor, action
from tiski.kernel.events import Emission, emit, emit_many

UNDO_SECONDS = 10
# Longer than a sending may take (45 s); over within a minute, with what it takes to try again (reliability.md I8).
LEASE = timedelta(seconds=50)
WAITS = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1))
LONG_WAIT = timedelta(hours=4)
GIVES_UP_AFTER = timedelta(hours=72)
WARNS_AT_TRY = len(WAITS) + 2  # the first one that is made more than four hours after the message was due
UNKNOWN_WAIT = timedelta(minutes=15)
ITEM_COLUMNS = (
    "shop_id", "message_id", "channel_account_id", "recipient", "stable_id", "state", "send_after", "created_at",
    "first_due_at", "owner", "fence", "tries", "uncertain", "provider_id", "error",
)  # fmt: skip
RESTORED = "Restored from a backup: it may have been sent after the backup was made."

# A claim that ran out is a try whose outcome nobody knows: the first is repeated, the second waits for a person.
LAPSE = """
    UPDATE conversations_outboxitem
    SET state = 'unknown', uncertain = uncertain + 1, send_after = CASE WHEN uncertain = 0 THEN %s END,
        error = 'The worker that was sending it stopped before it could say how it went.'
    WHERE state = 'claimed' AND (claimed_until < %s OR claimed_until > %s) {which}
    RETURNING id, shop_id, message_id, send_after
"""
CLAIM = """
    UPDATE conversations_outboxitem
    SET state = 'claimed', owner = %s, claimed_until = %s, fence = fence + 1, tries = tries + 1
    WHERE id IN (
        SELECT id FROM conversations_outboxitem
        WHERE state IN ('queued', 'held', 'unknown') AND send_after <= %s {which}
        ORDER BY send_after, id LIMIT %s {lock})
    RETURNING id
"""


@action
def queue_outbox(
    message: Message, destinations: Sequence[Destination], *, send_after: datetime | None = None, by: Actor
) -> list[OutboxItem]:
    """Put a message on its way to each recipient, in the transaction that stores it; held until `send_after`."""
    ids, news = queued(message.shop_id, message.id, message.channel_account_id, destinations, after=send_after, by=by)
    emit_many(news)
    return list(OutboxItem.objects.filter(id__in=ids).order_by("id"))


def queued(
    shop_id: int,
    message_id: int,
    channel_account_id: int,
    destinations: Sequence[Destination],
    *,
    after: datetime | None,
    by: Actor,
) -> tuple[list[int], list[Emission]]:
    """Store an item for each recipient, held until `after`; their ids, and what is to be told."""
    now = clock.now()
    due = after or now
    state = OutboxState.HELD if due > now else OutboxState.QUEUED
    begun, moment = rows.moment(now), rows.moment(due)
    items = [
        (
            shop_id, message_id, channel_account_id, to.recipient, to.stable_id, state.value, moment, begun, moment,
            "", 0, 0, 0, "", "",
        )
        for to in destinations
    ]  # fmt: skip
    ids = rows.insert_many("conversations_outboxitem", ITEM_COLUMNS, items)
    return ids, [Emission(shop_id, OutboxQueued(item=item), by, due) for item in ids]


@action
def claim_due(limit: int, owner: str, *, item_id: int | None = None, by: Actor = SYSTEM) -> list[Outgoing]:
    """Take up to `limit` items that are due, or the one named; nobody else gets them before the lease of `owner` ends.

    Works over all shops: each item says whose it is.
    """
    now = clock.now()
    lock = "FOR NO KEY UPDATE SKIP LOCKED" if connection.vendor == "postgresql" else ""
    which, one = ("AND id = %s", [item_id]) if item_id is not None else ("", [])
    with connection.cursor() as cursor:
        # A claim that ends far ahead is of a time when the clock was: none is that long.
        moment, too_far = rows.moment(now), rows.moment(now + 2 * LEASE)
        cursor.execute(LAPSE.format(which=which), [moment, moment, too_far, *one])
        lapsed = cursor.fetchall()
        claim = [owner, rows.moment(now + LEASE), rows.moment(now), *one, limit]
        cursor.execute(CLAIM.format(which=which, lock=lock), claim)
        claimed = sorted(row[0] for row in cursor.fetchall())
    _warn_of_lapsed(lapsed, by)
    items = OutboxItem.unscoped.filter(id__in=claimed).select_related("message").order_by("send_after", "id")
    repeats.add(number=sum(item.uncertain > 0 for item in items))
    return [_outgoing(item) for item in items]


@action
def record_accepted(outgoing: Outgoing, *, provider_id: str = "", by: Actor = SYSTEM) -> None:
    """The other side has taken the message. Nothing after this may send it again. Raises `ClaimLost`."""
    _settle(outgoing, state=OutboxState.ACCEPTED, provider_id=provider_id, accepted_at=clock.now(), error="")
    delivered = MessageDelivered(
        conversation=outgoing.conversation_id, message=outgoing.message_id, item=outgoing.item_id
    )
    emit(delivered, by=by)


@action
def record_failed(outgoing: Outgoing, *, permanent: bool, reason: str, by: Actor = SYSTEM) -> None:
    """It was not taken: for good, or to be tried again after 1, 5, 15, 60 minutes, then every 4 hours up to 72.

    Raises `ClaimLost`.
    """
    due = OutboxItem.objects.values_list("first_due_at", flat=True).get(id=outgoing.item_id)
    if permanent or clock.now() - due >= GIVES_UP_AFTER:
        _settle(outgoing, state=OutboxState.FAILED, error=reason[:500])
        failed_for_good.add()
        _tell_failure(outgoing, reason, by)
        return
    wait = WAITS[outgoing.tries - 1] if outgoing.tries <= len(WAITS) else LONG_WAIT
    _put_off(outgoing, wait * random.uniform(1, 1.1), by=by, error=reason[:500])  # noqa: S311  jitter, no secret
    if outgoing.tries == WARNS_AT_TRY:
        delayed = MessageDelayed(
            conversation=outgoing.conversation_id, message=outgoing.message_id, item=outgoing.item_id
        )
        emit(delayed, by=by)


@action
def record_unknown(outgoing: Outgoing, *, reason: str, by: Actor = SYSTEM) -> None:
    """Nobody knows whether it was taken. Tried once more after 15 minutes; a second time it waits for a person.

    Raises `ClaimLost`.
    """
    if OutboxItem.objects.values_list("uncertain", flat=True).get(id=outgoing.item_id) == 0:
        _put_off(outgoing, UNKNOWN_WAIT, by=by, state=OutboxState.UNKNOWN, uncertain=1, error=reason[:500])
        uncertain = MessageUncertain(
            conversation=outgoing.conversation_id, message=outgoing.message_id, item=outgoing.item_id
        )
        emit(uncertain, by=by)
        return
    _settle(outgoing, state=OutboxState.UNKNOWN, error=reason[:500], uncertain=2)
    _tell_failure(outgoing, reason, by)


@action
def retry(item: OutboxItem, *, by: Actor) -> None:
    """A person wants a failed or uncertain item sent again, now, under the same name. Raises `NotWaitingForRetry`."""
    require_answering(by)
    now = clock.now()
    waiting = OutboxItem.objects.filter(id=item.id, state__in=[OutboxState.FAILED, OutboxState.UNKNOWN])
    if not waiting.update(state=OutboxState.QUEUED, send_after=now, first_due_at=now, tries=0, uncertain=0, error=""):
        raise NotWaitingForRetry
    emit(MessageRetried(conversation=item.message.conversation_id, message=item.message_id, item=item.id), by=by)
    emit(OutboxQueued(item=item.id), by=by)


@action
def hold_after_restore(*, by: Actor = SYSTEM) -> int:
    """Nothing that was on its way when a backup was made leaves by itself again: it may have been sent since.

    Works over all shops. Each waits among what nobody knows the outcome of, where a person may send it; returns how
    many there are.
    """
    on_their_way = [OutboxState.QUEUED, OutboxState.HELD, OutboxState.CLAIMED, OutboxState.UNKNOWN]
    held = OutboxItem.unscoped.filter(state__in=on_their_way).exclude(state=OutboxState.UNKNOWN, send_after=None)
    return held.update(
        state=OutboxState.UNKNOWN, send_after=None, claimed_until=None, owner="", uncertain=2, error=RESTORED
    )


@action
def record_bounced(item: OutboxItem, *, reason: str, by: Actor = SYSTEM) -> None:
    """What had been accepted came back."""
    changed = OutboxItem.objects.filter(id=item.id).exclude(state=OutboxState.BOUNCED)
    if changed.update(state=OutboxState.BOUNCED, error=reason[:500], send_after=None):
        conversation = item.message.conversation_id
        emit(MessageFailed(conversation=conversation, message=item.message_id, item=item.id, reason=reason), by=by)


def _outgoing(item: OutboxItem) -> Outgoing:
    return Outgoing(
        item_id=item.id,
        fence=item.fence,
        shop_id=item.shop_id,
        channel_account_id=item.channel_account_id,
        conversation_id=item.message.conversation_id,
        message_id=item.message_id,
        recipient=item.recipient,
        stable_id=item.stable_id,
        tries=item.tries,
        is_automatic=item.message.is_automatic,
    )


def _settle(outgoing: Outgoing, **result: object) -> None:
    mine = OutboxItem.objects.filter(id=outgoing.item_id, fence=outgoing.fence, state=OutboxState.CLAIMED)
    if not mine.update(**{"send_after": None, "claimed_until": None, "owner": "", **result}):
        raise ClaimLost


def _put_off(outgoing: Outgoing, wait: timedelta, *, by: Actor, **result: object) -> None:
    due = clock.now() + wait
    _settle(outgoing, **{"state": OutboxState.QUEUED, "send_after": due, **result})
    emit(OutboxQueued(item=outgoing.item_id), by=by, at=due)


def _tell_failure(outgoing: Outgoing, reason: str, by: Actor) -> None:
    failed = MessageFailed(
        conversation=outgoing.conversation_id, message=outgoing.message_id, item=outgoing.item_id, reason=reason[:500]
    )
    emit(failed, by=by)


def _warn_of_lapsed(lapsed: Sequence[tuple[int, int, int, object]], by: Actor) -> None:
    given_up = {message: (item, shop) for item, shop, message, send_after in lapsed if send_after is None}
    if not given_up:
        return
    conversations = Message.unscoped.filter(id__in=given_up).values_list("id", "conversation_id")
    reason = "The worker stopped twice while sending it."
    emissions = []
    for message, conversation in conversations:
        item, shop = given_up[message]
        failed = MessageFailed(conversation=conversation, message=message, item=item, reason=reason)
        emissions.append(Emission(shop, failed, by))
    emit_many(emissions)
