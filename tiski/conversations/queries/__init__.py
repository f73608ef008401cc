"""Reads of conversations, each shaped for the page that asks. `from tiski.conversations import queries`."""

from tiski.conversations.queries.inbox import (
    COUNTED,
    InboxCounts,
    InboxPage,
    InboxRow,
    View,
    inbox,
    inbox_counts,
    row,
    rows_in,
    rows_of,
)
from tiski.conversations.queries.items import FAILED, ON_ITS_WAY, FileRow, ItemKind, ThreadItem
from tiski.conversations.queries.ledger import RawRow, Stuck, quarantined, received, stuck, with_holes
from tiski.conversations.queries.panels import (
    Composer,
    DraftRow,
    EarlierRow,
    Header,
    TagRow,
    composer,
    earlier_conversations,
    header,
    opened,
    situation_of,
    tags,
)
from tiski.conversations.queries.question import Piece
from tiski.conversations.queries.sayings import Hit, HitsPage, said
from tiski.conversations.queries.search import search
from tiski.conversations.queries.threads import message_at, note_at, thread

__all__ = [
    "COUNTED",
    "FAILED",
    "ON_ITS_WAY",
    "Composer",
    "DraftRow",
    "EarlierRow",
    "FileRow",
    "Header",
    "Hit",
    "HitsPage",
    "InboxCounts",
    "InboxPage",
    "InboxRow",
    "ItemKind",
    "Piece",
    "RawRow",
    "Stuck",
    "TagRow",
    "ThreadItem",
    "View",
    "composer",
    "earlier_conversations",
    "header",
    "inbox",
    "inbox_counts",
    "message_at",
    "note_at",
    "opened",
    "quarantined",
    "received",
    "row",
    "rows_in",
    "rows_of",
    "said",
    "search",
    "situation_of",
    "stuck",
    "tags",
    "thread",
    "with_holes",
]
