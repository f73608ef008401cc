"""The life of a conversation: who has it, what it is called and tagged, whether it is done, and how far it was read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection

from tiski.accounts.models import Agent
from tiski.conversations.actions.opening import one_line
from tiski.conversations.errors import AlreadyClosed, NoSuchConversation, NotAMember, NotClosed
from tiski.conversations.events import (
    ConversationAssigned,
    ConversationClosed,
    ConversationReopened,
    ConversationTagged,
    CustomerChanged,
    CustomerRead,
    ReadMarkMoved,
    SubjectChanged,
)
from tiski.conversations.models import Conversation, Tag, Tagging
from tiski.conversations.policies import may_be_given, require_answering
from tiski.customers.queries import family
from tiski.kernel import clock, rows
from tiski.kernel.action import Actor, ActorKind, action, reads_first
from tiski.kernel.events import Emission, emit, emit_many
from tiski.kernel.reading import fetch
from tiski.kernel.scope import current_shop
from tiski.kernel.text import clean_line

MOST_TOLD = 200

ASSIGNEE = "SELECT assignee_id FROM conversations_conversation WHERE id = %s AND shop_id = %s {lock}"
GIVE = "UPDATE conversations_conversation SET assignee_id = %s WHERE id = %s"
CLOSE = """
    UPDATE conversations_conversation SET closed_at = %s, waiting_since = NULL
    WHERE id = %s AND shop_id = %s AND closed_at IS NULL
"""
REOPEN = """
    UPDATE conversations_conversation SET closed_at = NULL WHERE id = %s AND shop_id = %s AND closed_at IS NOT NULL
"""
END_CLOSURE = """
    UPDATE conversations_closure SET reopened_at = %s, reopened_by_kind = %s, reopened_by_id = %s
    WHERE conversation_id = %s AND reopened_at IS NULL
"""
ASSIGNMENT = ("shop_id", "conversation_id", "agent_id", "by_kind", "by_id", "created_at")
CLOSURE = ("shop_id", "conversation_id", "closed_at", "closed_by_kind", "closed_by_id", "reopened_by_kind")
HOW_FAR = """
    SELECT c.last_seq, r.seq FROM conversations_conversation c
    LEFT JOIN conversations_readmark r ON r.conversation_id = c.id AND r.agent_id = %s
    WHERE c.id = %s AND c.shop_id = %s
"""
MOVE_READ_MARK = """
    INSERT INTO conversations_readmark (shop_id, conversation_id, agent_id, seq, updated_at) VALUES (%s, %s, %s, %s, %s)
    ON CONFLICT (conversation_id, agent_id) DO UPDATE SET seq = excluded.seq, updated_at = excluded.updated_at
    WHERE conversations_readmark.seq < excluded.seq
"""


@action
def assign(conversation: Conversation, *, to: Agent, by: Actor) -> None:
    """Give the conversation to an agent of the shop; giving it to who has it changes nothing."""
    require_answering(by)
    if not may_be_given(to.id):
        raise NotAMember(name=to.name, field="agent")
    _give(conversation, to.id, by)


@action
def unassign(conversation: Conversation, *, by: Actor) -> None:
    """Give the conversation back to everyone."""
    require_answering(by)
    _give(conversation, None, by)


@action
def close(conversation: Conversation, *, by: Actor) -> None:
    """The matter is done; nobody waits any more. Raises `AlreadyClosed`."""
    require_answering(by)
    now = clock.now()
    if not _changed(CLOSE, [rows.moment(now), conversation.id, current_shop()]):
        held(conversation)
        raise AlreadyClosed
    conversation.closed_at, conversation.waiting_since = now, None
    closure = (conversation.shop_id, conversation.id, rows.moment(now), by.kind.value, by.id, "")
    rows.insert_many("conversations_closure", CLOSURE, [closure])
    emit(ConversationClosed(conversation=conversation.id), by=by)


@action
def reopen(conversation: Conversation, *, by: Actor) -> None:
    """The matter was not done after all. Raises `NotClosed`."""
    require_answering(by)
    if not _changed(REOPEN, [conversation.id, current_shop()]):
        held(conversation)
        raise NotClosed
    conversation.closed_at = None
    _changed(END_CLOSURE, [rows.moment(clock.now()), by.kind.value, by.id, conversation.id])
    emit(ConversationReopened(conversation=conversation.id), by=by)


@action
def set_subject(conversation: Conversation, *, subject: str, by: Actor) -> None:
    """Call the conversation something else; raises `SubjectNotOneLine`."""
    require_answering(by)
    conversation.subject = one_line(subject)
    conversation.save(update_fields=["subject"])
    emit(SubjectChanged(conversation=conversation.id), by=by)


@action
def tag(conversation: Conversation, *, name: str, by: Actor) -> Tag:
    """Put a tag on the conversation, making the tag if the shop has none of that name."""
    require_answering(by)
    found, _is_new = Tag.objects.get_or_create(
        shop_id=conversation.shop_id, name=clean_line(name, longest=40).casefold()
    )
    _tagging, is_new = Tagging.objects.get_or_create(
        conversation=conversation, tag=found, defaults={"shop_id": conversation.shop_id}
    )
    if is_new:
        emit(ConversationTagged(conversation=conversation.id, tag=found.id, is_on=True), by=by)
    return found


@action
def untag(conversation: Conversation, *, tag: Tag, by: Actor) -> None:
    """Take a tag off the conversation."""
    require_answering(by)
    removed, _by_model = Tagging.objects.filter(conversation=conversation, tag=tag).delete()
    if removed:
        emit(ConversationTagged(conversation=conversation.id, tag=tag.id, is_on=False), by=by)


@reads_first
def mark_read(conversation: Conversation, *, seq: int, by: Actor) -> None:
    """The agent has read every public entry up to `seq`; marks only move forward, and only that is written."""
    if by.kind is not ActorKind.AGENT or by.id is None:
        return
    found = fetch(HOW_FAR, [by.id, conversation.id, current_shop()])
    if not found:
        raise NoSuchConversation
    last_seq, before = found[0]
    reached = min(seq, last_seq)
    if before is None or before < reached:
        _mark_read(conversation, seq=reached, by=by)


@action
def mark_read_by_customer(conversation_id: int, *, seq: int, by: Actor) -> None:
    """The customer has read every public entry up to `seq`; the mark only moves forward."""
    behind = Conversation.objects.filter(id=conversation_id, customer_read_seq__lt=seq, last_seq__gte=seq)
    if behind.update(customer_read_seq=seq):
        emit(CustomerRead(conversation=conversation_id, seq=seq), by=by)


@action
def tell_of_customer(customer_id: int, *, by: Actor) -> None:
    """The customer has another name, address or self: whoever sees a conversation of theirs is told to look again.

    The newest ones, that is; the others are read anew before anyone sees them.
    """
    theirs = Conversation.objects.filter(customer_id__in=family(customer_id)).order_by("-last_message_at")
    shop_id = current_shop()
    newest = list(theirs.values_list("id", flat=True)[:MOST_TOLD])
    emit_many([Emission(shop_id, CustomerChanged(conversation=number), by) for number in newest])


def held(conversation: Conversation) -> Conversation:
    """The conversation as it is now, locked until the transaction ends; raises `NoSuchConversation`."""
    locked = Conversation.objects.select_for_update(no_key=True).filter(id=conversation.id).first()
    if locked is None:
        raise NoSuchConversation
    return locked


def moved_read_mark(conversation: Conversation, seq: int, by: Actor) -> list[Emission]:
    """Move the agent's mark forward to an entry that exists; what is to be told of it."""
    values = [conversation.shop_id, conversation.id, by.id, seq, rows.moment(clock.now())]
    if not _changed(MOVE_READ_MARK, values):
        return []
    moved = ReadMarkMoved(conversation=conversation.id, agent=by.id or 0, seq=seq)
    return [Emission(conversation.shop_id, moved, by)]


@action
def _mark_read(conversation: Conversation, *, seq: int, by: Actor) -> None:
    emit_many(moved_read_mark(conversation, seq, by))


def _give(conversation: Conversation, agent_id: int | None, by: Actor) -> None:
    lock = "FOR NO KEY UPDATE" if connection.vendor == "postgresql" else ""
    found = fetch(ASSIGNEE.format(lock=lock), [conversation.id, current_shop()])
    if not found:
        raise NoSuchConversation
    before = found[0][0]
    conversation.assignee_id = agent_id
    if before == agent_id:
        return
    _changed(GIVE, [agent_id, conversation.id])
    given = (conversation.shop_id, conversation.id, agent_id, by.kind.value, by.id, rows.moment(clock.now()))
    rows.insert_many("conversations_assignment", ASSIGNMENT, [given])
    emit(ConversationAssigned(conversation=conversation.id, agent=agent_id, before=before), by=by)


def _changed(statement: str, parameters: Sequence[Any]) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return bool(cursor.rowcount)
