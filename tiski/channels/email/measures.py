"""What operators watch of mailboxes: how far behind they are read. A mailbox is named by its number alone."""

from __future__ import annotations

from collections.abc import Iterator

from tiski.channels.email.mailbox import KIND
from tiski.channels.email.models import MailboxCursor
from tiski.conversations.models import ChannelAccount
from tiski.kernel import clock, metrics
from tiski.kernel.metrics import Reading, Sample

LAG = metrics.gauge(
    "tiski_mailbox_lag_seconds", "Seconds since the mailbox was last looked through to its end.", shared=True
)
SUCCESS = metrics.gauge(
    "tiski_mailbox_last_success_timestamp_seconds",
    "When the mailbox was last looked through to its end, in seconds since 1970.",
    shared=True,
)
FAULTS = metrics.gauge(
    "tiski_mailbox_faults", "1 for each direction of a mailbox that does not work at the moment, else 0.", shared=True
)


def mailboxes() -> Iterator[Reading]:
    """When each mailbox in use was last read, and which say that something is wrong."""
    now = clock.now()
    used = ChannelAccount.unscoped.filter(kind=KIND, enabled_at__isnull=False, disabled_at__isnull=True)
    cursors = MailboxCursor.unscoped.filter(channel_account__in=used).order_by("channel_account_id")
    read = [(account, at) for account, at in cursors.values_list("channel_account_id", "read_at") if at is not None]
    yield LAG.read([Sample((now - at).total_seconds(), {"mailbox": str(account)}) for account, at in read])
    yield SUCCESS.read([Sample(at.timestamp(), {"mailbox": str(account)}) for account, at in read])
    yield FAULTS.read(
        [
            Sample(float(bool(told.get("code"))), {"mailbox": str(account), "direction": side})
            for account, health in used.order_by("id").values_list("id", "health")
            for side, told in sorted(health.items())
            if side in {"imap", "smtp"}
        ]
    )
