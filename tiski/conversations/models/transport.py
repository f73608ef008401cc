"""What comes in and what goes out: the ledger of everything received, and the outbox."""

from __future__ import annotations

from django.db import models

from tiski.conversations.models.channels import ChannelAccount
from tiski.conversations.models.conversations import Conversation
from tiski.conversations.models.messages import LONGEST_SOURCE, Message
from tiski.customers.models import BusyRow
from tiski.kernel import clock


class RawState(models.TextChoices):
    """How a received item ended (channels.md 1, rule 2); all but the first are final until someone replays it."""

    RECEIVED = "received"
    THREADED = "threaded"
    NEW = "new"
    AUTOMATIC = "automatic"
    DUPLICATE = "duplicate"
    BOUNCE = "bounce"
    QUARANTINED = "quarantined"
    IGNORED = "ignored"


class InboundRaw(BusyRow):
    """One item exactly as it came in, stored before anything reads it, and what became of it."""

    channel_account = models.ForeignKey(ChannelAccount, on_delete=models.CASCADE, related_name="+", db_index=False)
    dedupe_key = models.CharField(max_length=100, help_text="The same item gives the same key, from wherever it comes.")
    received_at = models.DateTimeField(default=clock.now)
    envelope = models.JSONField(default=dict, help_text="What the transport said about it: folder, recipient, address.")
    state = models.CharField(max_length=12, choices=RawState, default=RawState.RECEIVED)
    rule = models.CharField(max_length=80, blank=True, default="", help_text="Which rule decided.")
    reason = models.CharField(max_length=500, blank=True, default="")
    deaths = models.PositiveSmallIntegerField(default=0, help_text="How often the parser died on it.")
    conversation = models.ForeignKey(Conversation, null=True, on_delete=models.SET_NULL, related_name="+")
    message = models.ForeignKey(Message, null=True, on_delete=models.SET_NULL, related_name="+")
    size = models.PositiveIntegerField(default=0)

    class Meta:
        indexes = [
            models.Index(fields=["shop", "state", "-id"], name="raw_by_state"),
        ]
        constraints = [models.UniqueConstraint(fields=["channel_account", "dedupe_key"], name="received_once")]

    def __str__(self) -> str:
        return f"{self.state} item {self.pk}"

    @property
    def raw(self) -> bytes:
        """The bytes as received. Raises `RawBytes.DoesNotExist` when they were kept long enough and removed."""
        return bytes(self.kept.data)


class RawBytes(BusyRow):
    """The bytes of a received item, at most 50 MB; apart from the ledger, so that it is read without them."""

    item = models.OneToOneField(InboundRaw, primary_key=True, on_delete=models.CASCADE, related_name="kept")
    data = models.BinaryField()

    def __str__(self) -> str:
        return f"bytes of item {self.item_id}"


class OutboxState(models.TextChoices):
    """Where a message is on its way out (channels.md 3.11)."""

    QUEUED = "queued"
    HELD = "held"
    CLAIMED = "claimed"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    FAILED = "failed"
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"


class OutboxItem(BusyRow):
    """The sending of one message to one recipient, made in the transaction that stores the message.

    `send_after` is when it may next be claimed; empty, nothing happens by itself any more. `uncertain` counts the tries
    whose outcome nobody knows: one is repeated, a second is not.
    """

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="outbox")
    channel_account = models.ForeignKey(ChannelAccount, on_delete=models.CASCADE, related_name="+", db_index=False)
    recipient = models.CharField(max_length=320)
    stable_id = models.CharField(max_length=LONGEST_SOURCE)
    state = models.CharField(max_length=12, choices=OutboxState, default=OutboxState.QUEUED)
    send_after = models.DateTimeField(null=True, default=clock.now)
    created_at = models.DateTimeField(default=clock.now)
    first_due_at = models.DateTimeField(default=clock.now, help_text="From when its age counts.")
    owner = models.CharField(max_length=60, blank=True, default="")
    claimed_until = models.DateTimeField(null=True)
    fence = models.PositiveIntegerField(default=0)
    tries = models.PositiveIntegerField(default=0)
    uncertain = models.PositiveSmallIntegerField(default=0)
    provider_id = models.CharField(max_length=LONGEST_SOURCE, blank=True, default="")
    error = models.CharField(max_length=500, blank=True, default="")
    accepted_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["send_after"], name="outbox_due", condition=models.Q(state__in=["queued", "held", "unknown"])
            ),
            models.Index(fields=["claimed_until"], name="outbox_claimed", condition=models.Q(state="claimed")),
            models.Index(fields=["channel_account", "stable_id"], name="outbox_by_stable_id"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["message", "recipient", "channel_account"], name="sent_once"),
            models.CheckConstraint(
                condition=~models.Q(recipient__contains="\n") & ~models.Q(recipient__contains="\r"),
                name="recipient_is_one_line",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.state} item {self.pk}"
