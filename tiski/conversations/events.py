"""What others may hear about conversations. The live topic of each is `conversation-<id>`, unless it says otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tiski.kernel.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationEvent(Event):
    """Something happened in a conversation."""

    conversation: int

    @property
    def subject(self) -> str:
        """The conversation's topic; the inbox of the shop hears it too."""
        return f"conversation-{self.conversation}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationOpened(ConversationEvent):
    """A conversation began."""

    name: ClassVar[str] = "conversations.opened"
    customer: int
    channel_account: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagePosted(ConversationEvent):
    """A message was stored. `is_history`: read from an old mailbox, so nobody is waiting for an answer."""

    name: ClassVar[str] = "conversations.message_posted"
    message: int
    seq: int
    author: str
    is_automatic: bool = False
    is_history: bool = False

    @property
    def ring(self) -> bool:
        """A customer wrote, and just now."""
        return self.author == "customer" and not self.is_automatic and not self.is_history


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageWithdrawn(ConversationEvent):
    """An answer was taken back before it left the house."""

    name: ClassVar[str] = "conversations.message_withdrawn"
    message: int
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageDelivered(ConversationEvent):
    """The other side took a message; `item` is its outbox item."""

    name: ClassVar[str] = "conversations.message_delivered"
    message: int
    item: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageDelayed(ConversationEvent):
    """A message is still being tried after four hours."""

    name: ClassVar[str] = "conversations.message_delayed"
    message: int
    item: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageUncertain(ConversationEvent):
    """Nobody knows whether the other side took a message; it is sent once more after a while."""

    name: ClassVar[str] = "conversations.message_uncertain"
    message: int
    item: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRetried(ConversationEvent):
    """A person had a message sent again that had not arrived."""

    name: ClassVar[str] = "conversations.message_retried"
    message: int
    item: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageFailed(ConversationEvent):
    """A message could not be delivered, or nobody knows whether it was; a person has to look."""

    name: ClassVar[str] = "conversations.message_failed"
    message: int
    item: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxQueued(Event):
    """An outbox item is due when this is delivered: first at its send time, then at each further try."""

    name: ClassVar[str] = "conversations.outbox_queued"
    item: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteAdded(ConversationEvent):
    """An agent left an internal note."""

    name: ClassVar[str] = "conversations.note_added"
    note: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationAssigned(ConversationEvent):
    """An agent has the conversation now, or nobody when `agent` is None."""

    name: ClassVar[str] = "conversations.assigned"
    agent: int | None
    before: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationClosed(ConversationEvent):
    """The matter is done."""

    name: ClassVar[str] = "conversations.closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationReopened(ConversationEvent):
    """The matter is open again: the customer wrote, or an agent saw that it was not done."""

    name: ClassVar[str] = "conversations.reopened"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationTagged(ConversationEvent):
    """The conversation's tags changed."""

    name: ClassVar[str] = "conversations.tagged"
    tag: int
    is_on: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectChanged(ConversationEvent):
    """The conversation got another subject."""

    name: ClassVar[str] = "conversations.subject_changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerChanged(ConversationEvent):
    """The customer is called something else now, or turned out to be someone else."""

    name: ClassVar[str] = "conversations.customer_changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerRead(ConversationEvent):
    """The customer has read every entry up to `seq`."""

    name: ClassVar[str] = "conversations.customer_read"
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadMarkMoved(Event):
    """An agent has read further; only that agent's own screens need to know."""

    name: ClassVar[str] = "conversations.read_mark_moved"
    conversation: int
    agent: int
    seq: int

    @property
    def subject(self) -> str:
        """The agent's own topic."""
        return f"agent-{self.agent}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftSaved(Event):
    """An agent began a draft, or no longer has one; saves in between are not told."""

    name: ClassVar[str] = "conversations.draft_saved"
    conversation: int
    agent: int
    mode: str
    is_there: bool

    @property
    def subject(self) -> str:
        """The agent's own topic."""
        return f"agent-{self.agent}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RawReceived(Event):
    """Something came in over a channel and waits to be understood; also said when a person asks to try it again."""

    name: ClassVar[str] = "conversations.raw_received"
    raw: int
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RawQuarantined(Event):
    """Something came in that could not be understood; it is kept, and a person can look at it."""

    name: ClassVar[str] = "conversations.raw_quarantined"
    raw: int
    kind: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelChanged(Event):
    """A channel account was added, changed, switched on or off."""

    name: ClassVar[str] = "conversations.channel_changed"
    channel_account: int
    kind: str
