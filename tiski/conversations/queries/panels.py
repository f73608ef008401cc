"""What stands around the thread: the header, the composer, and the customer's other conversations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from uuid import UUID

from tiski.accounts.models import Agent
from tiski.conversations.contract import Ability, Situation, Verdict, channel_for
from tiski.conversations.errors import NoSuchConversation
from tiski.conversations.models import ChannelAccount, Conversation, DraftMode
from tiski.conversations.queries.inbox import customer_name, short
from tiski.conversations.queries.items import as_uuid, told_by
from tiski.kernel import clock
from tiski.kernel.reading import Row, columns, fetch, made, marks, moment, moment_or_none
from tiski.kernel.scope import current_shop

OPENED = """
    SELECT {columns} FROM conversations_conversation c
    JOIN conversations_channelaccount ca ON ca.id = c.channel_account_id WHERE c.shop_id = %s AND c.id = %s
"""
HEADER = """
    SELECT c.id, c.uuid, c.subject, COALESCE(kept.id, cu.id), COALESCE(kept.name, cu.name),
           (SELECT i.shown FROM customers_identity i
            WHERE i.customer_id = COALESCE(cu.merged_into_id, cu.id) AND i.kind <> 'visitor' ORDER BY i.id LIMIT 1),
           ca.kind, ca.name, c.language, c.opened_at, c.closed_at, c.waiting_since, c.assignee_id, a.name, a.photo,
           c.last_seq, c.customer_seq, COALESCE(r.seq, 0), {columns}
    FROM conversations_conversation c
    JOIN customers_customer cu ON cu.id = c.customer_id
    LEFT JOIN customers_customer kept ON kept.id = cu.merged_into_id
    JOIN conversations_channelaccount ca ON ca.id = c.channel_account_id
    LEFT JOIN accounts_agent a ON a.id = c.assignee_id
    LEFT JOIN conversations_readmark r ON r.conversation_id = c.id AND r.agent_id = %s
    WHERE c.shop_id = %s AND c.id = %s
"""
DRAFTS = "SELECT mode, body, files, version FROM conversations_draft WHERE conversation_id = %s AND agent_id = %s"
LAST_INBOUND = "SELECT created_at FROM conversations_message WHERE conversation_id = %s AND seq = %s"
TAGS = """
    SELECT t.id, t.name FROM conversations_tagging g JOIN conversations_tag t ON t.id = g.tag_id
    WHERE g.conversation_id = %s ORDER BY t.name
"""
EARLIER = """
    SELECT c.id, c.subject, SUBSTR(m.body, 1, 160), ca.kind, c.last_message_at, c.closed_at IS NOT NULL
    FROM conversations_conversation c
    JOIN conversations_channelaccount ca ON ca.id = c.channel_account_id
    LEFT JOIN conversations_message m ON m.id = c.last_message_id
    WHERE c.customer_id IN ({marks}) AND c.shop_id = %s AND c.id <> %s
    ORDER BY c.last_message_at DESC, c.id DESC LIMIT %s
"""
_ACCOUNT_AT = len(Conversation._meta.concrete_fields)


@dataclass(frozen=True, slots=True)
class TagRow:
    """A tag on a conversation."""

    id: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The head of a conversation. `read_seq` is how far the agent who looks has read."""

    id: int
    uuid: UUID
    subject: str
    customer_id: int
    customer_name: str
    channel_kind: str
    channel_name: str
    can: frozenset[Ability]
    language: str
    opened_at: datetime
    closed_at: datetime | None
    waiting_since: datetime | None
    assignee_id: int | None
    assignee_name: str
    assignee_photo: str
    last_seq: int
    customer_seq: int
    read_seq: int
    conversation: Conversation


@dataclass(frozen=True, slots=True)
class DraftRow:
    """What an agent has begun to write; `version` goes back with the next save."""

    body: str
    files: tuple[str, ...]
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Composer:
    """What the composer needs: whether an answer may be sent, where it goes, and both drafts."""

    verdict: Verdict
    can: frozenset[Ability]
    longest_body: int
    recipients: tuple[str, ...]
    reply: DraftRow
    note: DraftRow


@dataclass(frozen=True, slots=True)
class EarlierRow:
    """Another conversation with the same customer."""

    id: int
    subject: str
    snippet: str
    channel_kind: str
    last_at: datetime
    is_closed: bool


def opened(conversation_id: int) -> Conversation:
    """The conversation with its channel account, if it is in the shop in scope. One query."""
    found = fetch(OPENED.format(columns=_columns()), [current_shop(), conversation_id])
    if not found:
        raise NoSuchConversation
    return _made(found[0])


def header(conversation_id: int, agent: Agent) -> Header:
    """The head of a conversation in the shop in scope; raises `NoSuchConversation`. One query."""
    found = fetch(HEADER.format(columns=_columns()), [agent.id, current_shop(), conversation_id])
    if not found:
        raise NoSuchConversation
    row = found[0]
    return Header(
        id=row[0],
        uuid=as_uuid(row[1]),
        subject=row[2],
        customer_id=row[3],
        customer_name=customer_name(row[4], row[5]),
        channel_kind=row[6],
        channel_name=row[7],
        can=channel_for(row[6]).can,
        language=row[8],
        opened_at=moment(row[9]),
        closed_at=moment_or_none(row[10]),
        waiting_since=moment_or_none(row[11]),
        assignee_id=row[12],
        assignee_name=row[13] or "",
        assignee_photo=row[14] or "",
        last_seq=row[15],
        customer_seq=row[16],
        read_seq=row[17],
        conversation=_made(row[18:]),
    )


def tags(conversation_id: int) -> tuple[TagRow, ...]:
    """The tags of a conversation by name. One query."""
    return tuple(TagRow(*tag) for tag in fetch(TAGS, [conversation_id]))


def composer(conversation: Conversation, agent: Agent) -> Composer:
    """What the agent's composer needs for this conversation. Two queries, and those of its channel."""
    channel = channel_for(conversation.channel_account.kind)
    situation = situation_of(conversation)
    drafts = {
        mode: DraftRow(body, tuple(told_by(files)), version)
        for mode, body, files, version in fetch(DRAFTS, [conversation.id, agent.id])
    }
    nothing = DraftRow("", (), 0)
    return Composer(
        verdict=channel.can_send(situation),
        can=channel.can,
        longest_body=channel.longest_body,
        recipients=tuple(to.recipient for to in channel.addressees(situation)),
        reply=drafts.get(DraftMode.REPLY, nothing),
        note=drafts.get(DraftMode.NOTE, nothing),
    )


def situation_of(
    conversation: Conversation, *, author_is_human: bool = True, channel_account_id: int | None = None
) -> Situation:
    """What a channel must know to say whether an answer may go, now. One query."""
    inbound = fetch(LAST_INBOUND, [conversation.id, conversation.customer_seq])
    return Situation(
        conversation_id=conversation.id,
        conversation_uuid=conversation.uuid,
        shop_id=conversation.shop_id,
        channel_account_id=channel_account_id or conversation.channel_account_id,
        customer_id=conversation.customer_id,
        now=clock.now(),
        last_inbound_at=moment(inbound[0][0]) if inbound else None,
        author_is_human=author_is_human,
    )


def earlier_conversations(people: Sequence[int], *, without: int = 0, limit: int = 10) -> list[EarlierRow]:
    """Other conversations over every channel, newest first, of a customer: all who were merged. One query."""
    found = fetch(EARLIER.format(marks=marks(people)), [*people, current_shop(), without, limit])
    return [
        EarlierRow(number, subject, short(body or ""), kind, moment(at), bool(is_closed))
        for number, subject, body, kind, at, is_closed in found
    ]


def _made(values: Row) -> Conversation:
    conversation = made(Conversation, values[:_ACCOUNT_AT])
    conversation.channel_account = made(ChannelAccount, values[_ACCOUNT_AT:])
    return conversation


@cache
def _columns() -> str:
    return f"{columns(Conversation, 'c')}, {columns(ChannelAccount, 'ca')}"
