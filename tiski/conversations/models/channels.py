"""The channel account: one configured widget, mailbox, page or number of a shop."""

from __future__ import annotations

from django.db import models

from tiski.accounts.models import ShopRow
from tiski.kernel import clock, ids
from tiski.kernel.secrets import EncryptedField


class ChannelAccount(ShopRow):
    """One way into the shop. `key` names it in public addresses, unique on the instance, and never changes."""

    kind = models.CharField(max_length=16, help_text="Which registered channel carries it.")
    key = models.CharField(max_length=40, unique=True, default=ids.key, editable=False)
    name = models.CharField(max_length=80)
    settings = models.JSONField(default=dict)
    secret = EncryptedField(blank=True, default="", row="key", help_text="Credentials as JSON, encrypted.")
    health = models.JSONField(default=dict, help_text="What the channel last found out about itself.")
    created_at = models.DateTimeField(default=clock.now)
    enabled_at = models.DateTimeField(null=True)
    disabled_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["kind"], name="channel_account_kind")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_on(self) -> bool:
        """Whether it carries messages now."""
        return self.enabled_at is not None and self.disabled_at is None
