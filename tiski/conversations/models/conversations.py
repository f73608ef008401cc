"""The conversation, who has it, how it ended, and what it is about."""

from __future__ import annotations

from django.db import models

from tiski.accounts.models import Agent, ShopRow
from tiski.conversations.models.channels import ChannelAccount
from tiski.customers.models import BusyRow, Customer
from tiski.kernel import clock, ids

LONGEST_SUBJECT = 250


class Conversation(BusyRow):
    """One matter of one customer, over whatever channels it takes.

    `last_seq` numbers its public entries without gaps; `customer_seq` is the last one the customer wrote.
    `waiting_since` is when the first message was written that no person has answered yet. The row carries what the
    inbox needs, kept in step by the actions, so that a list never counts or searches.
    """

    uuid = models.UUIDField(unique=True, default=ids.uuid7, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="+", db_index=False)
    channel_account = models.ForeignKey(ChannelAccount, on_delete=models.CASCADE, related_name="+")
    subject = models.CharField(max_length=LONGEST_SUBJECT, blank=True, default="")
    language = models.CharField(max_length=8, blank=True, default="")
    assignee = models.ForeignKey(Agent, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    last_seq = models.BigIntegerField(default=0)
    customer_seq = models.BigIntegerField(default=0)
    customer_read_seq = models.BigIntegerField(default=0, help_text="How far the customer has read.")
    # Set on every post: a constraint here would cost a look-up per message and guard nothing that the writer does not.
    last_message = models.ForeignKey(
        "Message", null=True, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    last_message_at = models.DateTimeField(default=clock.now)
    waiting_since = models.DateTimeField(null=True)
    opened_at = models.DateTimeField(default=clock.now)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["shop", "-last_message_at", "-id"],
                name="conversation_open",
                condition=models.Q(closed_at__isnull=True),
            ),
            models.Index(
                fields=["shop", "assignee", "-last_message_at", "-id"],
                name="conversation_open_of",
                condition=models.Q(closed_at__isnull=True),
            ),
            models.Index(
                fields=["shop", "-last_message_at", "-id"],
                name="conversation_closed",
                condition=models.Q(closed_at__isnull=False),
            ),
            models.Index(fields=["customer"], name="conversation_of_customer"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(subject__contains="\n") & ~models.Q(subject__contains="\r"),
                name="subject_is_one_line",
            )
        ]

    def __str__(self) -> str:
        return self.subject or f"conversation {self.pk}"


class Assignment(BusyRow):
    """Who was given the conversation, when and by whom; without an agent it was given back to everyone."""

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="assignments")
    agent = models.ForeignKey(Agent, null=True, on_delete=models.SET_NULL, related_name="+")
    by_kind = models.CharField(max_length=16)
    by_id = models.BigIntegerField(null=True)
    created_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return f"conversation {self.conversation_id} to agent {self.agent_id}"


class Closure(BusyRow):
    """One time the conversation was closed, and how it came to be open again."""

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="closures")
    closed_at = models.DateTimeField(default=clock.now)
    closed_by_kind = models.CharField(max_length=16)
    closed_by_id = models.BigIntegerField(null=True)
    reopened_at = models.DateTimeField(null=True)
    reopened_by_kind = models.CharField(max_length=16, blank=True, default="")
    reopened_by_id = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["conversation"], condition=models.Q(reopened_at__isnull=True), name="closed_once_at_a_time"
            )
        ]

    def __str__(self) -> str:
        return f"conversation {self.conversation_id} closed {self.closed_at:%Y-%m-%d}"


class Tag(ShopRow):
    """A word by which a shop sorts its conversations."""

    name = models.CharField(max_length=40)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["shop", "name"], name="tag_name_in_shop")]

    def __str__(self) -> str:
        return self.name


class Tagging(BusyRow):
    """A tag on a conversation."""

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="taggings", db_index=False)
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["conversation", "tag"], name="tagged_once")]

    def __str__(self) -> str:
        return f"tag {self.tag_id} on conversation {self.conversation_id}"
