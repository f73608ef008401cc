"""Adding and changing mailboxes, and what is known of their health."""

from __future__ import annotations

from typing import Any

from tiski.channels.email.errors import MailboxFault
from tiski.channels.email.events import MailboxCheckAsked
from tiski.channels.email.mailbox import KIND, Passwords, Settings, mailbox_of, sealed, stored
from tiski.conversations import actions as conversations
from tiski.conversations.models import ChannelAccount
from tiski.kernel import clock
from tiski.kernel.action import SYSTEM, Actor, action
from tiski.kernel.events import emit


@action
def add_mailbox(settings: Settings, passwords: Passwords, *, by: Actor) -> ChannelAccount:
    """Add a mailbox, switched on, and ask whether it can be reached."""
    account = conversations.add_channel(
        KIND, name=settings.address, settings=stored(settings), secret=sealed(passwords), by=by
    )
    conversations.switch_channel(account, on=True, by=by)
    ask_for_check(account, by=by)
    return account


@action
def change_mailbox(account: ChannelAccount, settings: Settings, passwords: Passwords, *, by: Actor) -> None:
    """Change a mailbox; an empty password leaves the one that is kept."""
    kept = mailbox_of(account).passwords
    merged = Passwords(imap=passwords.imap or kept.imap, smtp=passwords.smtp or kept.smtp)
    conversations.change_channel(
        account, name=settings.address, settings=stored(settings), secret=sealed(merged), by=by
    )
    ask_for_check(account, by=by)


@action
def ask_for_check(account: ChannelAccount, *, by: Actor) -> None:
    """Have a worker try both servers; the answer appears in the mailbox's health."""
    health = {**account.health, "checking": True}
    conversations.report_health(account, health, by=by)
    emit(MailboxCheckAsked(channel_account=account.id), by=by)


@action
def report(account: ChannelAccount, side: str, fault: MailboxFault | None, *, by: Actor = SYSTEM) -> None:
    """Keep how reading (`imap`) or sending (`smtp`) went just now: fine, or the code of the fault."""
    account.refresh_from_db(fields=["health"])
    now = clock.now().isoformat(timespec="seconds")
    told: dict[str, Any] = {**account.health, "checking": False}
    before = told.get(side, {})
    since = before.get("since", now) if before.get("code", "") == (fault.code if fault else "") else now
    told[side] = {"code": fault.code if fault else "", "since": since, "at": now}
    conversations.report_health(account, told, by=by)
