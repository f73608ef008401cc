"""What is said: messages to and from the customer, internal notes, and the files they carry."""

from __future__ import annotations

from django.db import models

from tiski.accounts.models import Agent, Shop
from tiski.conversations.models.channels import ChannelAccount
from tiski.conversations.models.conversations import Conversation
from tiski.customers.models import BusyRow, Customer
from tiski.kernel import clock

LONGEST_SOURCE = 998  # the longest line RFC 5322 allows, so the longest Message-ID


class EntryKind(models.TextChoices):
    """What a public entry of a conversation is."""

    MESSAGE = "message"


class Message(BusyRow):
    """One public entry of a conversation, numbered by `seq` without gaps and stored once per `client_id`.

    `meta` may hold: `page` (where the visitor was), `quoted` (folded text of a mail), `unverified` (true when the
    sender was not proved), `sensitive` (true when it may hold a code that opens an account), `raw` (id of the
    InboundRaw it came from), `inline` (blob id of each content id), `remote_images` (how many were left out),
    `waited_since` (what an answer that is taken back must restore).
    """

    # The busiest table: rows are checked by the writer, and the conversation's own keys reach everything else.
    shop = models.ForeignKey(Shop, on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="messages", db_index=False)
    seq = models.BigIntegerField()
    client_id = models.UUIDField()
    kind = models.CharField(max_length=12, choices=EntryKind, default=EntryKind.MESSAGE)
    author_kind = models.CharField(max_length=16)
    agent = models.ForeignKey(
        Agent, null=True, on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    customer = models.ForeignKey(
        Customer, null=True, on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    channel_account = models.ForeignKey(
        ChannelAccount, on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    body = models.TextField(blank=True, default="")
    html = models.TextField(null=True, help_text="Clean HTML, where the sender formatted.")
    html_version = models.PositiveSmallIntegerField(default=0, help_text="Which sanitiser made the HTML clean.")
    source_id = models.CharField(max_length=LONGEST_SOURCE, blank=True, default="", help_text="Its name at the source.")
    is_automatic = models.BooleanField(default=False)
    meta = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=clock.now)
    withdrawn_at = models.DateTimeField(null=True, help_text="Taken back before it was sent.")

    class Meta:
        indexes = [
            models.Index(
                fields=["channel_account", "source_id"], name="message_by_source", condition=~models.Q(source_id="")
            )
        ]
        constraints = [
            models.UniqueConstraint(fields=["conversation", "seq"], name="message_seq"),
            models.UniqueConstraint(fields=["conversation", "client_id"], name="message_stored_once"),
        ]

    def __str__(self) -> str:
        return f"message {self.seq} of conversation {self.conversation_id}"


class Note(BusyRow):
    """What agents tell each other about a conversation; customers never see it."""

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="notes", db_index=False)
    agent = models.ForeignKey(Agent, null=True, on_delete=models.SET_NULL, related_name="+")
    client_id = models.UUIDField()
    body = models.TextField()
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [models.Index(fields=["conversation", "created_at"], name="note_in_time")]
        constraints = [models.UniqueConstraint(fields=["conversation", "client_id"], name="note_stored_once")]

    def __str__(self) -> str:
        return f"note on conversation {self.conversation_id}"


class Attachment(BusyRow):
    """A file of a message or a note. Uploaded first, without either; only its uploader can then put it to use."""

    message = models.ForeignKey(
        Message, null=True, on_delete=models.CASCADE, related_name="attachments", db_index=False
    )
    note = models.ForeignKey(Note, null=True, on_delete=models.CASCADE, related_name="attachments", db_index=False)
    blob_id = models.CharField(max_length=32)
    uploader = models.CharField(max_length=80, help_text="`agent-7`, or `visitor-` and the hash of the token.")
    name = models.CharField(max_length=255)
    size = models.BigIntegerField()
    content_type = models.CharField(max_length=100)
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [
            models.Index(fields=["blob_id"], name="attachment_of_blob"),
            models.Index(fields=["message"], name="attachment_of_message", condition=models.Q(message__isnull=False)),
            models.Index(fields=["note"], name="attachment_of_note", condition=models.Q(note__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.name
