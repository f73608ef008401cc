"""The place in a folder, and the mails that move it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from tiski.channels.email.models import MailboxCursor
from tiski.channels.email.parsing.dedupe import keys
from tiski.conversations import actions as conversations
from tiski.conversations.models import ChannelAccount
from tiski.kernel import clock
from tiski.kernel.action import SYSTEM, Actor, action

# As for deliveries: a folder whose reader died is read again within a minute (reliability.md I8).
LEASE = timedelta(seconds=50)


@dataclass(frozen=True, slots=True)
class Fetched:
    """A mail as the server gave it.

    `partial` says why only its headers are here ("too_large") or nothing at all ("not_fetched"). `is_history` is told
    by the cursor unless it is known better; `is_recovered`: it may have waited for long and gets no automatic answer.
    """

    uid: int
    raw: bytes
    arrived_at: datetime | None = None
    partial: str = ""
    is_history: bool | None = None
    is_recovered: bool = False


class LeaseLost(Exception):
    """Another worker reads the mailbox now; what this one still wanted to keep is dropped, for the other has it."""


@action
def hold(account: ChannelAccount, owner: str, *, by: Actor = SYSTEM) -> MailboxCursor | None:
    """Take the mailbox under a lease, or keep it; None while another worker reads it."""
    now = clock.now()
    cursor, _made = MailboxCursor.objects.get_or_create(channel_account=account, defaults={"shop_id": account.shop_id})
    # No lease is that long: the clock was set back meanwhile.
    impossible = Q(lease_until__gt=now + 2 * LEASE)
    free = Q(owner=owner) | Q(owner="") | Q(lease_until__lt=now) | Q(lease_until__isnull=True) | impossible
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
    """From where to read, and up to where it is history. Raises `LeaseLost`."""
    _write(cursor, uidvalidity=uidvalidity, last_uid=last_uid, history_uid=history_uid)


@action
def forget_place(account: ChannelAccount, *, by: Actor) -> None:
    """The mailbox has become another one: whoever reads it stops, and the next one begins as with a new mailbox."""
    cursors = MailboxCursor.objects.filter(channel_account=account)
    cursors.update(uidvalidity=None, last_uid=0, history_uid=0, owner="", lease_until=None, started_at=clock.now())


@action
def take(
    cursor: MailboxCursor,
    account: ChannelAccount,
    mails: Sequence[Fetched],
    *,
    up_to: int | None = None,
    by: Actor = SYSTEM,
) -> int:
    """Store mails raw and move the cursor in one commit; returns how many were new. Raises `LeaseLost`.

    With `up_to` left out the cursor stays where it is.
    """
    stored = conversations.store_raw_many(account, [_incoming(mail, cursor) for mail in mails], by=by)
    _write(cursor, last_uid=max(cursor.last_uid, up_to or 0))
    return sum(each.is_new for each in stored)


@action
def looked_through(cursor: MailboxCursor, *, by: Actor = SYSTEM) -> None:
    """Everything in the folder is stored. Raises `LeaseLost`."""
    _write(cursor, read_at=clock.now())


def _incoming(mail: Fetched, cursor: MailboxCursor) -> conversations.Incoming:
    whole, head = keys(mail.raw)
    key = f"{mail.partial}-{cursor.uidvalidity}-{mail.uid}" if mail.partial and not mail.raw else whole
    return conversations.Incoming(mail.raw, key, _envelope(mail, cursor) | {"head": head})


def _envelope(mail: Fetched, cursor: MailboxCursor) -> dict[str, object]:
    is_history = mail.uid <= cursor.history_uid if mail.is_history is None else mail.is_history
    envelope: dict[str, object] = {"uid": mail.uid, "history": is_history}
    if mail.arrived_at:
        envelope["arrived_at"] = mail.arrived_at.isoformat()
    if mail.partial:
        envelope["partial"] = mail.partial
    if mail.is_recovered:
        envelope["recovered"] = True
    return envelope


def _write(cursor: MailboxCursor, **values: object) -> None:
    """Write while the lease is ours, and make it last: a worker that slept through its lease changes nothing."""
    held = MailboxCursor.objects.filter(id=cursor.id, owner=cursor.owner).exclude(owner="")
    if not held.update(lease_until=clock.now() + LEASE, **values):
        raise LeaseLost
    for name, value in values.items():
        setattr(cursor, name, value)
