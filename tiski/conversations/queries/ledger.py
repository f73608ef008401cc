"""What operators look at: received items that need someone, and messages that could not be sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, F, Max, Q

from tiski.conversations.models import Conversation, InboundRaw, Message, OutboxItem, OutboxState, RawState


@dataclass(frozen=True, slots=True)
class RawRow:
    """A received item in the ledger."""

    id: int
    channel_name: str
    received_at: datetime
    state: str
    rule: str
    reason: str
    size: int
    conversation_id: int | None


@dataclass(frozen=True, slots=True)
class Stuck:
    """An answer that waits for a person."""

    id: int
    conversation_id: int
    recipient: str
    state: str
    reason: str
    tries: int


def received(*, state: str | None = None, channel_account_id: int | None = None, limit: int = 50) -> list[RawRow]:
    """The newest received items of the shop in scope, all or only those in a state."""
    items = InboundRaw.objects.order_by("-id")
    if state is not None:
        items = items.filter(state=state)
    if channel_account_id is not None:
        items = items.filter(channel_account_id=channel_account_id)
    columns = ("id", "channel_account__name", "received_at", "state", "rule", "reason", "size", "conversation_id")
    return [RawRow(*row) for row in items.values_list(*columns)[:limit]]


def quarantined() -> int:
    """How many received items could not be understood."""
    return InboundRaw.objects.filter(state=RawState.QUARANTINED).count()


def stuck(limit: int = 50) -> list[Stuck]:
    """Answers that failed, or of which nobody knows whether they arrived, newest first."""
    waiting = OutboxItem.objects.filter(
        state__in=[OutboxState.FAILED, OutboxState.UNKNOWN, OutboxState.BOUNCED], send_after__isnull=True
    )
    columns = ("id", "message__conversation_id", "recipient", "state", "error", "tries")
    return [Stuck(*row) for row in waiting.order_by("-id").values_list(*columns)[:limit]]


def with_holes() -> list[int]:
    """Conversations of all shops whose seq does not count every entry from 1 to the last; none, if all is well."""
    counted = Message.unscoped.values("conversation_id").annotate(number=Count("id"), last=Max("seq"))
    wrong = counted.filter(~Q(number=F("conversation__last_seq")) | ~Q(last=F("conversation__last_seq")))
    silent = Conversation.unscoped.filter(last_seq__gt=0, messages__isnull=True)
    return sorted({*wrong.values_list("conversation_id", flat=True), *silent.values_list("id", flat=True)})
