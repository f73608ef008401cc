"""From a frame to a stored message: limits, the posting, and the one writer of this process."""

from __future__ import annotations

from uuid import UUID

from tiski.channels.chat import queries
from tiski.channels.chat.frames import Ack, Message
from tiski.channels.chat.queries import Widget
from tiski.conversations import actions as conversations
from tiski.conversations.actions import Posted, Posting, Refused, Visitor
from tiski.conversations.queries.measures import duplicates
from tiski.kernel import limits
from tiski.kernel.batch import Gatherer

VISITOR_LIMITS = ((10, 10.0), (60, 600.0))
"""Messages of one visitor: how many within how many seconds (channels.md 2.2)."""
STARTS = (20, 60.0)
"""Conversations that may be begun from one address."""


def _store(postings: list[Posting]) -> list[Posted | Exception]:
    outcomes = conversations.post_many(postings)
    duplicates.add("chat", sum(not outcome.is_new for outcome in outcomes if isinstance(outcome, Posted)))
    return [outcome.error if isinstance(outcome, Refused) else outcome for outcome in outcomes]


writer: Gatherer[Posting, Posted] = Gatherer("chat", _store)


def admit(widget: Widget, token_hash: str, address: str, *, begins: bool) -> None:
    """Count a message against the visitor's and the address's limits; raises `TooMany`."""
    for limit, per in VISITOR_LIMITS:
        limits.allow(f"chat:{per}:{widget.shop_id}:{token_hash}", limit=limit, per=per)
    if begins:
        limits.allow(f"chat-start:{widget.shop_id}:{address}", limit=STARTS[0], per=STARTS[1])


def posting(widget: Widget, token_hash: str, frame: Message) -> Posting:
    """The frame as the writer takes it."""
    visitor = Visitor(
        token_hash=token_hash, conversation=frame.conversation, channel_account_id=widget.id, language=frame.lang
    )
    return Posting(
        shop_id=widget.shop_id,
        client_id=frame.client_id,
        body=frame.body,
        visitor=visitor,
        files=tuple(frame.files),
        uploader=queries.uploader(token_hash),
        meta={"page": frame.page} if frame.page else None,
    )


def topic(conversation_id: int) -> str:
    """The conversation's topic, which the visitor follows and agents watch."""
    return f"conversation-{conversation_id}"


def ack(client_id: UUID, posted: Posted) -> Ack:
    """The acknowledgement of a stored message."""
    return Ack(client_id=str(client_id), seq=posted.seq, id=f"{posted.conversation_uuid}-{posted.seq}")
