"""Reads of mailboxes: which ones need someone, and how much was set aside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from tiski.channels.email import health
from tiski.channels.email.mailbox import KIND
from tiski.channels.email.models import MailboxCursor
from tiski.conversations.models import ChannelAccount, InboundRaw, RawState
from tiski.kernel import clock

RED_AFTER = timedelta(minutes=10)
RED_AT_ONCE = frozenset(
    {"mail.wrong_password", "mail.certificate", "mail.no_encryption", "mail.no_folder", "mail.not_stored"}
)


@dataclass(frozen=True, slots=True)
class Troubled:
    """A mailbox that does not work: which side of it, why in words with the remedy, and since when."""

    account_id: int
    name: str
    side: str
    words: str
    since: datetime


def troubled_mailboxes() -> list[Troubled]:
    """Mailboxes of the shop in scope that an owner must look after. Two queries.

    What a person has to put right counts at once; what may pass by itself, after ten minutes.
    """
    accounts = ChannelAccount.objects.filter(kind=KIND, enabled_at__isnull=False, disabled_at__isnull=True)
    read_at = dict(MailboxCursor.objects.values_list("channel_account_id", "read_at"))
    return [
        Troubled(account.id, account.name, side.name, side.words, side.since)
        for account in accounts.order_by("id")
        if not account.settings.get("demo")
        for side in health.sides(account, read_at.get(account.id))
        if side.since is not None and side.tone == "danger" and _is_red(side.code, side.since)
    ]


def read_at(account: ChannelAccount) -> datetime | None:
    """When the mailbox was last looked through to its end."""
    return MailboxCursor.objects.filter(channel_account=account).values_list("read_at", flat=True).first()


def set_aside(account: ChannelAccount) -> int:
    """How many mails of the mailbox could not be read."""
    return InboundRaw.objects.filter(channel_account=account, state=RawState.QUARANTINED).count()


def _is_red(code: str, since: datetime) -> bool:
    return code in RED_AT_ONCE or clock.now() - since >= RED_AFTER
