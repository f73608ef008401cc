"""Adding and changing mailboxes, and what is known of their health."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from tiski.channels.email.actions.cursors import forget_place
from tiski.channels.email.errors import AlreadyConnected, MailboxFault
from tiski.channels.email.events import MailboxCheckAsked, MailRecovered
from tiski.channels.email.mailbox import KIND, Passwords, Settings, mailbox_of, sealed, stored
from tiski.conversations import actions as conversations
from tiski.conversations.models import ChannelAccount
from tiski.kernel import clock, limits
from tiski.kernel.action import SYSTEM, Actor, action
from tiski.kernel.events import emit

SAID_AGAIN_AFTER = timedelta(minutes=1)
CHECKS = (30, 600.0)


@action
def add_mailbox(settings: Settings, passwords: Passwords, *, by: Actor) -> ChannelAccount:
    """Add a mailbox, switched on, and ask whether it can be reached. Raises `AlreadyConnected` or TooMany."""
    _refuse_twice(settings)
    both = Passwords(imap=passwords.imap, smtp=passwords.smtp or passwords.imap)
    account = conversations.add_channel(
        KIND, name=settings.address, settings=stored(settings), secret=sealed(both), by=by
    )
    conversations.switch_channel(account, on=True, by=by)
    ask_for_check(account, by=by)
    return account


@action
def change_mailbox(account: ChannelAccount, settings: Settings, passwords: Passwords, *, by: Actor) -> None:
    """Change a mailbox; an empty password leaves the one that is kept. Another folder is read anew.

    Raises `AlreadyConnected` or TooMany.
    """
    _refuse_twice(settings, but=account)
    before = mailbox_of(account)
    kept = before.passwords
    # Who never typed a second password means one for both.
    smtp = passwords.smtp or (passwords.imap if kept.smtp in {"", kept.imap} else "") or kept.smtp
    merged = Passwords(imap=passwords.imap or kept.imap, smtp=smtp)
    conversations.change_channel(
        account, name=settings.address, settings=stored(settings), secret=sealed(merged), by=by
    )
    if _folder(settings) != _folder(before.settings):
        forget_place(account, by=by)
    ask_for_check(account, by=by)


@action
def ask_for_check(account: ChannelAccount, *, by: Actor) -> None:
    """Have a worker try both servers; the answer appears in the mailbox's health. Raises TooMany.

    Limited, because who may name any host and port could map somebody's network with it.
    """
    limits.allow_stored(f"mail-check:{account.shop_id}", limit=CHECKS[0], per=CHECKS[1])
    _told(account, {"checking": True}, by=by)
    emit(MailboxCheckAsked(channel_account=account.id), by=by)


@action
def report(account: ChannelAccount, side: str, fault: MailboxFault | None, *, by: Actor = SYSTEM) -> None:
    """Keep how reading (`imap`) or sending (`smtp`) went just now: fine, or the code of the fault."""
    now = clock.now()
    code = fault.code if fault else ""
    health = ChannelAccount.objects.values_list("health", flat=True).get(id=account.id)
    known = health.get(side, {})
    worked = health.get("at", {}).get(side)
    is_known = known.get("code") == code and not health.get("checking")
    if is_known and (fault or (worked and now - datetime.fromisoformat(worked) < SAID_AGAIN_AFTER)):
        return
    since = known["since"] if known.get("code") == code else _iso(now)
    changes: dict[str, Any] = {"checking": False, side: {"code": code, "since": since}}
    if fault is None:
        changes["at"] = {side: _iso(now)}
    _told(account, changes, by=by)


@action
def recovered(account: ChannelAccount, *, count: int, since: datetime, by: Actor = SYSTEM) -> None:
    """Mail was fetched that had come while the mailbox could not be read, from `since` until now."""
    now = clock.now()
    _told(account, {"recovered": {"count": count, "since": _iso(since), "until": _iso(now)}}, by=by)
    emit(MailRecovered(channel_account=account.id, count=count), by=by)


def _told(account: ChannelAccount, changes: dict[str, Any], *, by: Actor) -> None:
    """Several hands write the health, each its own part: the row is locked while they do."""
    locked = ChannelAccount.objects.select_for_update(no_key=True).get(id=account.id)
    worked = {**locked.health.get("at", {}), **changes.get("at", {})}
    conversations.report_health(locked, {**locked.health, **changes, "at": worked}, by=by)
    account.health = locked.health


def _refuse_twice(settings: Settings, *, but: ChannelAccount | None = None) -> None:
    others = ChannelAccount.objects.filter(kind=KIND)
    for number, known in others.values_list("id", "settings"):
        same = (str(known.get("address", "")).lower(), known.get("folder", "INBOX"))
        if (but is None or number != but.id) and same == (settings.address.lower(), settings.folder):
            raise AlreadyConnected(field="address")


def _folder(settings: Settings) -> tuple[str, str, str]:
    """What makes it this folder and no other."""
    server = settings.imap
    return (server.host, server.user, settings.folder) if server else ("", "", settings.folder)


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
