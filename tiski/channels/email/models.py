"""How far each mailbox has been read, and by whom."""

from __future__ import annotations

from django.db import models

from tiski.accounts.models import ShopRow
from tiski.conversations.models import ChannelAccount
from tiski.kernel import clock


class MailboxCursor(ShopRow):
    """The place in one folder: everything up to `last_uid` is stored. Never a time window, never the unseen flag.

    What is at or below `history_uid` was there before Tiski came: it is kept, but nobody waits for an answer. One
    worker at a time reads, under a lease. `read_at` is when the folder was last looked through to its end.
    """

    channel_account = models.OneToOneField(ChannelAccount, on_delete=models.CASCADE, related_name="+")
    uidvalidity = models.BigIntegerField(null=True)
    last_uid = models.BigIntegerField(default=0)
    history_uid = models.BigIntegerField(default=0)
    started_at = models.DateTimeField(default=clock.now)
    read_at = models.DateTimeField(null=True)
    owner = models.CharField(max_length=60, blank=True, default="")
    lease_until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"mailbox {self.channel_account_id} up to {self.last_uid}"
