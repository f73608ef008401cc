"""Opening conversations: one by one for mail and agents, in a set for visitors who send their first messages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from django.db import connection

from tiski.conversations.actions import locking
from tiski.conversations.actions.envelopes import Posting, Visitor
from tiski.conversations.errors import SubjectNotOneLine
from tiski.conversations.events import ConversationOpened
from tiski.conversations.models import LONGEST_SUBJECT, ChannelAccount, Conversation
from tiski.customers.actions import Introduction, recognise_many
from tiski.customers.models import Customer
from tiski.kernel import clock, ids, rows
from tiski.kernel.action import SYSTEM, Actor, ActorKind, action
from tiski.kernel.events import Emission, emit_many
from tiski.kernel.scope import current_shop

CONVERSATION_COLUMNS = (
    "shop_id",
    "uuid",
    "customer_id",
    "channel_account_id",
    "subject",
    "language",
    "last_seq",
    "customer_seq",
    "customer_read_seq",
    "last_message_at",
    "opened_at",
)


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation that is about to begin; `subject` is one line."""

    channel_account_id: int
    customer_id: int
    subject: str
    language: str
    opened_at: datetime
    uuid: UUID = msgspec.field(default_factory=ids.uuid7)


@action
def open_conversation(
    *,
    channel_account: ChannelAccount,
    customer: Customer,
    subject: str = "",
    language: str = "",
    uuid: UUID | None = None,
    opened_at: datetime | None = None,
    by: Actor,
) -> Conversation:
    """Begin a conversation with a customer; its first message is posted next, in the same transaction."""
    at = opened_at or clock.now()
    conversation = Conversation(
        shop_id=channel_account.shop_id,
        uuid=uuid or ids.uuid7(),
        customer=customer,
        channel_account=channel_account,
        subject=one_line(subject),
        language=language,
        opened_at=at,
        last_message_at=at,
    )
    opening = Opening(
        channel_account_id=channel_account.id,
        customer_id=customer.id,
        subject=conversation.subject,
        language=language,
        opened_at=at,
        uuid=conversation.uuid,
    )
    [conversation.id] = open_many([opening], by=by)
    conversation._state.adding = False
    return conversation


@action
def open_many(openings: Sequence[Opening], *, by: Actor) -> list[int]:
    """Begin conversations in the shop in scope; returns their ids in order."""
    shop_id = current_shop()
    values = []
    for each in openings:
        at = rows.moment(each.opened_at)
        who = (shop_id, each.uuid.hex, each.customer_id, each.channel_account_id)
        values.append((*who, each.subject, each.language, 0, 0, 0, at, at))
    opened = rows.insert_many("conversations_conversation", CONVERSATION_COLUMNS, values)
    emissions = []
    for number, each in zip(opened, openings, strict=True):
        event = ConversationOpened(
            conversation=number, customer=each.customer_id, channel_account=each.channel_account_id
        )
        emissions.append(Emission(shop_id, event, by))
    emit_many(emissions)
    return opened


def one_line(subject: str) -> str:
    """The subject without spaces around it; raises `SubjectNotOneLine` for line breaks and for too many characters."""
    subject = subject.strip()
    if len(subject) > LONGEST_SUBJECT or any(sign in subject for sign in "\r\n\x00"):
        raise SubjectNotOneLine(limit=LONGEST_SUBJECT, field="subject")
    return subject


def open_for_visitors(postings: Sequence[Posting], standings: locking.Standings) -> None:
    """Open the conversations that visitors begin with these postings, and lock them.

    Called by the writer inside its transaction. Customer, identity and conversation are found by the token's hash and
    the uuid the browser made, so a retry after a crash, or a second writer at the same moment, opens nothing twice.
    """
    first: dict[str, tuple[int, Visitor]] = {}
    for posting in postings:
        visitor = posting.visitor
        if visitor is not None and visitor.conversation.hex not in standings.by_uuid:
            first.setdefault(visitor.conversation.hex, (posting.shop_id, visitor))
    if not first:
        return
    beginnings = [first[uuid] for uuid in sorted(first)]
    introductions = [
        Introduction(shop_id=shop_id, kind="visitor", value=visitor.token_hash, language=visitor.language)
        for shop_id, visitor in beginnings
    ]
    _insert(beginnings, recognise_many(introductions, by=SYSTEM))
    locking.lock_more(standings, (), first)


def _insert(beginnings: Sequence[tuple[int, Visitor]], owners: Sequence[int]) -> None:
    now = rows.moment(clock.now())
    values = [
        (
            shop_id,
            visitor.conversation.hex,
            owner,
            visitor.channel_account_id,
            "",
            visitor.language[:8],
            0,
            0,
            0,
            now,
            now,
        )
        for (shop_id, visitor), owner in zip(beginnings, owners, strict=True)
    ]
    places = ", ".join([f"({locking.marks(len(CONVERSATION_COLUMNS))})"] * len(values))
    statement = (
        f"INSERT INTO conversations_conversation ({', '.join(CONVERSATION_COLUMNS)}) VALUES {places} "  # noqa: S608
        "ON CONFLICT (uuid) DO NOTHING RETURNING id, shop_id, customer_id, channel_account_id"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [value for row in values for value in row])
        opened = sorted(cursor.fetchall())
    emissions = []
    for number, shop_id, owner, channel_account in opened:
        event = ConversationOpened(conversation=number, customer=owner, channel_account=channel_account)
        emissions.append(Emission(shop_id, event, Actor(ActorKind.CUSTOMER, owner)))
    emit_many(emissions)
