"""The place in a folder, and the mails that move it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from tiski.channels.email.events import MailRecovered
from tiski.channels.email.models import MailboxCursor
from tiski.channels.email.parsing.dedupe import dedupe_key
from tiski.conversations import actions as conversations
from tiski.conversations.models import ChannelAccount, InboundRaw, RawState
from tiski.kernel import clock
from tiski.kernel.action import SYSTEM, Actor, action
from tiski.kernel.events import emit

LEASE = timedelta(seconds=60)
OUTAGE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Fetched:
    """A mail as the server gave it; `too_large` when only its headers were fetched."""

    uid: int
    raw: bytes
    arrived_at: datetime | None = None
    too_large: bool = False


@action
def hold(account: ChannelAccount, owner: str, *, by: Actor = SYSTEM) -> MailboxCursor | None:
    """Take the mailbox under a lease, or keep it; None while another worker reads it."""
    now = clock.now()
    cursor, _made = MailboxCursor.objects.get_or_create(channel_account=account, defaults={"shop_id": account.shop_id})
    free = Q(owner=owner) | Q(owner="") | Q(lease_until__lt=now) | Q(lease_until__isnull=True)
    mine = MailboxCursor.objects.filter(free, id=cursor.id).update(owner=owner, lease_until=now + LEASE)
    if not mine:
        return None
    cursor.refresh_from_db()
    return cursor


@action
def let_go(cursor: MailboxCursor, owner: str, *, by: Actor = SYSTEM) -> None:
    """Give the mailbox back, so that another worker need not wait for the lease."""
    MailboxCursor.objects.filter(id=cursor.id, owner=owner).update(owner="", lease_until=None)


@action
def begin(cursor: MailboxCursor, *, uidvalidity: int, last_uid: int, history_uid: int, by: Actor = SYSTEM) -> None:
    """The first connection: from where to read, and up to where it is history."""
    cursor.uidvalidity, cursor.last_uid, cursor.history_uid = uidvalidity, last_uid, history_uid
    cursor.save(update_fields=["uidvalidity", "last_uid", "history_uid"])


@action
def start_over(cursor: MailboxCursor, *, uidvalidity: int, history_uid: int, by: Actor = SYSTEM) -> None:
    """The server has numbered the folder anew: everything in it is looked at again, as history."""
    begin(cursor, uidvalidity=uidvalidity, last_uid=0, history_uid=history_uid, by=by)


@action
def take(
    cursor: MailboxCursor, account: ChannelAccount, mails: Sequence[Fetched], *, up_to: int, by: Actor = SYSTEM
) -> int:
    """Store mails raw and move the cursor in one commit; returns how many were new."""
    new = 0
    for mail in mails:
        envelope = {"uid": mail.uid, "history": mail.uid <= cursor.history_uid}
        if mail.arrived_at:
            envelope["arrived_at"] = mail.arrived_at.isoformat()
        stored = conversations.store_raw(
            account, raw=mail.raw, dedupe_key=dedupe_key(mail.raw), envelope=envelope, by=by
        )
        new += stored.is_new
        if mail.too_large and stored.is_new:
            raw = InboundRaw.objects.get(id=stored.id)
            conversations.settle(raw, RawState.QUARANTINED, rule="size", reason="too_large", by=by)
    if new and cursor.read_at and clock.now() - cursor.read_at > OUTAGE:
        emit(MailRecovered(channel_account=account.id, count=new), by=by)
    cursor.last_uid, cursor.read_at = max(cursor.last_uid, up_to), clock.now()
    cursor.save(update_fields=["last_uid", "read_at"])
    return new
