"""Nouns of conversations: what is said, by whom, over which channel, and how far it has got."""

from tiski.conversations.models.channels import ChannelAccount
from tiski.conversations.models.conversations import LONGEST_SUBJECT, Assignment, Closure, Conversation, Tag, Tagging
from tiski.conversations.models.desk import Draft, DraftMode, ReadMark
from tiski.conversations.models.messages import Attachment, EntryKind, Message, Note
from tiski.conversations.models.searching import SearchIndex
from tiski.conversations.models.transport import InboundRaw, OutboxItem, OutboxState, RawBytes, RawState

__all__ = [
    "LONGEST_SUBJECT",
    "Assignment",
    "Attachment",
    "ChannelAccount",
    "Closure",
    "Conversation",
    "Draft",
    "DraftMode",
    "EntryKind",
    "InboundRaw",
    "Message",
    "Note",
    "OutboxItem",
    "OutboxState",
    "RawBytes",
    "RawState",
    "ReadMark",
    "SearchIndex",
    "Tag",
    "Tagging",
]
