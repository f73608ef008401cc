"""The thread: messages, notes and events of one conversation in the order of the time rail."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from tiski.conversations.models import Conversation
from tiski.conversations.queries.items import (
    FileAddress,
    FileRow,
    Sending,
    ThreadItem,
    event_item,
    message_item,
    note_item,
)
from tiski.kernel import clock, rows
from tiski.kernel.reading import Row, fetch, marks, moment, moment_or_none

LIMIT = 50
OVERLAP = timedelta(minutes=1)
"""Notes and events carry the time at which they began to be written; a little more is read so that none is missed."""

ALWAYS = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)

MESSAGES = """
    SELECT m.seq, m.id, m.client_id, m.author_kind, m.agent_id, a.name, a.photo, COALESCE(kept.name, cu.name),
           m.created_at, m.body, m.html, m.html_version, m.is_automatic, m.withdrawn_at, m.meta, ca.kind,
           m.seq <= c.customer_read_seq
    FROM conversations_message m
    JOIN conversations_conversation c ON c.id = m.conversation_id
    JOIN conversations_channelaccount ca ON ca.id = m.channel_account_id
    LEFT JOIN accounts_agent a ON a.id = m.agent_id
    LEFT JOIN customers_customer cu ON cu.id = m.customer_id
    LEFT JOIN customers_customer kept ON kept.id = cu.merged_into_id
    WHERE m.conversation_id = %s {where} ORDER BY m.seq {order} LIMIT %s
"""
NOTES = """
    SELECT n.id, n.client_id, n.agent_id, a.name, a.photo, n.created_at, n.body
    FROM conversations_note n LEFT JOIN accounts_agent a ON a.id = n.agent_id
    WHERE n.conversation_id = %s AND {where} ORDER BY n.created_at, n.id
"""
EVENTS = """
    SELECT 'assignment-', s.id, CASE WHEN s.agent_id IS NULL THEN 'unassigned' ELSE 'assigned' END,
           s.by_kind, s.by_id, b.name, a.name, s.created_at
    FROM conversations_assignment s LEFT JOIN accounts_agent a ON a.id = s.agent_id
    LEFT JOIN accounts_agent b ON s.by_kind = 'agent' AND b.id = s.by_id
    WHERE s.conversation_id = %s AND s.created_at >= %s AND s.created_at < %s
    UNION ALL
    SELECT 'closing-', x.id, 'closed', x.closed_by_kind, x.closed_by_id, b.name, NULL, x.closed_at
    FROM conversations_closure x LEFT JOIN accounts_agent b ON x.closed_by_kind = 'agent' AND b.id = x.closed_by_id
    WHERE x.conversation_id = %s AND x.closed_at >= %s AND x.closed_at < %s
    UNION ALL
    SELECT 'reopening-', x.id, 'reopened', x.reopened_by_kind, x.reopened_by_id, b.name, NULL, x.reopened_at
    FROM conversations_closure x LEFT JOIN accounts_agent b ON x.reopened_by_kind = 'agent' AND b.id = x.reopened_by_id
    WHERE x.conversation_id = %s AND x.reopened_at >= %s AND x.reopened_at < %s
    ORDER BY 8, 2
"""
FILES = """
    SELECT message_id, note_id, blob_id, name, size, content_type, width, height FROM conversations_attachment
    WHERE {where} ORDER BY id
"""
OUTBOX = """
    SELECT message_id, id, state, send_after, error, recipient FROM conversations_outboxitem
    WHERE message_id IN ({marks}) ORDER BY id
"""
WORST_FIRST = ("failed", "bounced", "unknown", "claimed", "queued", "held", "accepted", "delivered", "cancelled")
SAID_AS = {"claimed": "sending", "accepted": "sent"}


Files = dict[tuple[str, int], list[FileRow]]


def thread(
    conversation: Conversation,
    after: int = 0,
    before: int | None = None,
    limit: int = LIMIT,
    *,
    address: FileAddress | None = None,
) -> list[ThreadItem]:
    """A piece of the conversation, oldest first: the newest `limit` messages, or those after or before a seq.

    Notes and events come with the messages beside which they happened. `address` says where inline pictures are found.
    At most six queries.
    """
    messages = _messages(conversation.id, after, before, limit)
    since, until = _window(conversation.id, messages, after, before)
    span = [conversation.id, rows.moment(since), rows.moment(until)]
    notes = fetch(NOTES.format(where="n.created_at >= %s AND n.created_at < %s"), span)
    beside = [event_item(row) for row in fetch(EVENTS, span * 3)]
    files = _files([row[1] for row in messages], [row[0] for row in notes])
    beside += [note_item(row, tuple(files["note", row[0]])) for row in notes]
    return _in_order(_spoken(messages, files, address), sorted(beside, key=lambda item: item.at))


def message_at(conversation: Conversation, seq: int, *, address: FileAddress | None = None) -> ThreadItem | None:
    """The message of this seq alone, or the trace of one that was taken back. At most three queries."""
    messages = fetch(MESSAGES.format(where="AND m.seq = %s", order="ASC"), [conversation.id, seq, 1])
    return next(iter(_spoken(messages, _files([row[1] for row in messages], []), address)), None)


def note_at(conversation: Conversation, note_id: int) -> ThreadItem | None:
    """The internal note alone. Two queries."""
    notes = fetch(NOTES.format(where="n.id = %s"), [conversation.id, note_id])
    files = _files([], [row[0] for row in notes])
    return next((note_item(row, tuple(files["note", row[0]])) for row in notes), None)


def _spoken(messages: Sequence[Row], files: Files, address: FileAddress | None) -> list[ThreadItem]:
    sendings = _sendings([row[1] for row in messages if row[3] != "customer"])
    return [
        message_item(row, tuple(files["message", row[1]]), sendings.get(row[1]), address=address) for row in messages
    ]


def _messages(conversation_id: int, after: int, before: int | None, limit: int) -> list[Row]:
    if after:
        return fetch(MESSAGES.format(where="AND m.seq > %s", order="ASC"), [conversation_id, after, limit])
    if before is not None:
        return fetch(MESSAGES.format(where="AND m.seq < %s", order="DESC"), [conversation_id, before, limit])[::-1]
    return fetch(MESSAGES.format(where="", order="DESC"), [conversation_id, limit])[::-1]


def _window(conversation_id: int, messages: Sequence[Row], after: int, before: int | None) -> tuple[datetime, datetime]:
    """The time in which notes and events belong to this piece: from its first message up to the one after its last."""
    since, until = ALWAYS
    if after:
        seen = _time_of(conversation_id, after)
        # Where the clock was set back, what happens now is earlier than what was seen.
        since = min(seen, clock.now()) - OVERLAP if seen else since
    elif messages and messages[0][0] > 1:
        since = moment(messages[0][8])
    if before is not None:
        until = _time_of(conversation_id, before) or until
    return since, until


def _time_of(conversation_id: int, seq: int) -> datetime | None:
    found = fetch(
        "SELECT created_at FROM conversations_message WHERE conversation_id = %s AND seq = %s", [conversation_id, seq]
    )
    return moment(found[0][0]) if found else None


def _files(message_ids: Sequence[int], note_ids: Sequence[int]) -> Files:
    conditions = []
    if message_ids:
        conditions.append(f"message_id IN ({marks(message_ids)})")
    if note_ids:
        conditions.append(f"note_id IN ({marks(note_ids)})")
    files: Files = defaultdict(list)
    if conditions:
        found = fetch(FILES.format(where=" OR ".join(conditions)), [*message_ids, *note_ids])
        for message_id, note_id, *columns in found:
            owner = ("message", message_id) if message_id is not None else ("note", note_id)
            files[owner].append(FileRow(*columns))
    return files


def _sendings(message_ids: Sequence[int]) -> dict[int, Sending]:
    if not message_ids:
        return {}
    items: dict[int, list[Row]] = defaultdict(list)
    for message_id, *columns in fetch(OUTBOX.format(marks=marks(message_ids)), message_ids):
        items[message_id].append(tuple(columns))
    return {message_id: _worst(sent) for message_id, sent in items.items()}


def _worst(sent: Sequence[Row]) -> Sending:
    item_id, state, send_after, error, _recipient = min(sent, key=lambda row: WORST_FIRST.index(row[1]))
    recipients = tuple(row[4] for row in sent)
    return Sending(item_id, SAID_AS.get(str(state), str(state)), moment_or_none(send_after), error, recipients)


def _in_order(spoken: list[ThreadItem], beside: list[ThreadItem]) -> list[ThreadItem]:
    """Messages by their seq, whatever their clocks say, with everything else before the first later message."""
    ordered: list[ThreadItem] = []
    waiting = iter(beside)
    item = next(waiting, None)
    for message in spoken:
        while item is not None and item.at <= message.at:
            ordered.append(item)
            item = next(waiting, None)
        ordered.append(message)
    if item is not None:
        ordered += [item, *waiting]
    return ordered
