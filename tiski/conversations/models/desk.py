"""What one agent keeps about a conversation: drafts, and how far they have read."""

from __future__ import annotations

from django.db import models

from tiski.accounts.models import Agent
from tiski.conversations.models.conversations import Conversation
from tiski.customers.models import BusyRow
from tiski.kernel import clock


class DraftMode(models.TextChoices):
    """What the draft will become."""

    REPLY = "reply"
    NOTE = "note"


class Draft(BusyRow):
    """An unfinished reply or note. The row outlives its text: `version` is how a late save is told from a new draft."""

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="drafts", db_index=False)
    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="+")
    mode = models.CharField(max_length=8, choices=DraftMode)
    body = models.TextField(blank=True, default="")
    files = models.JSONField(default=list, help_text="Blob ids of uploaded files.")
    version = models.PositiveIntegerField(default=0)
    updated_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["conversation", "agent", "mode"], name="one_draft_per_mode")]

    def __str__(self) -> str:
        return f"{self.mode} draft of agent {self.agent_id}"


class ReadMark(BusyRow):
    """How far an agent has read a conversation: every public entry up to `seq`."""

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="+", db_index=False)
    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="+")
    seq = models.BigIntegerField()
    updated_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["conversation", "agent"], name="one_read_mark")]

    def __str__(self) -> str:
        return f"agent {self.agent_id} read up to {self.seq}"
