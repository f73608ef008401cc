"""The life of a conversation: who has it, what it is called and tagged, whether it is done, and how far it was read."""

from __future__ import annotations

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
from tiski.conversations.models import Assignment, Closure, Conversation, Tag, Tagging
from tiski.conversations.policies import may_be_given, require_answering
from tiski.customers.queries import family
from tiski.kernel import clock, rows
from tiski.kernel.action import Actor, ActorKind, action
from tiski.kernel.events import Emission, emit, emit_many
from tiski.kernel.scope import current_shop
from tiski.kernel.text import clean_line

MOST_TOLD = 200

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
    locked = held(conversation)
    if locked.closed_at is not None:
        raise AlreadyClosed
    locked.closed_at = conversation.closed_at = clock.now()
    locked.waiting_since = conversation.waiting_since = None
    locked.save(update_fields=["closed_at", "waiting_since"])
    Closure.objects.create(
        shop_id=locked.shop_id,
        conversation=locked,
        closed_at=locked.closed_at,
        closed_by_kind=by.kind.value,
        closed_by_id=by.id,
    )
    emit(ConversationClosed(conversation=locked.id), by=by)


@action
def reopen(conversation: Conversation, *, by: Actor) -> None:
    """The matter was not done after all. Raises `NotClosed`."""
    require_answering(by)
    locked = held(conversation)
    if locked.closed_at is None:
        raise NotClosed
    locked.closed_at = conversation.closed_at = None
    locked.save(update_fields=["closed_at"])
    Closure.objects.filter(conversation=locked, reopened_at__isnull=True).update(
        reopened_at=clock.now(), reopened_by_kind=by.kind.value, reopened_by_id=by.id
    )
    emit(ConversationReopened(conversation=locked.id), by=by)


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


@action
def mark_read(conversation: Conversation, *, seq: int, by: Actor) -> None:
    """The agent has read every public entry up to `seq`; marks only move forward."""
    if by.kind is not ActorKind.AGENT or by.id is None:
        return
    reached = min(seq, Conversation.objects.values_list("last_seq", flat=True).get(id=conversation.id))
    values = [conversation.shop_id, conversation.id, by.id, reached, rows.moment(clock.now())]
    with connection.cursor() as cursor:
        cursor.execute(MOVE_READ_MARK, values)
        moved = cursor.rowcount == 1
    if moved:
        emit(ReadMarkMoved(conversation=conversation.id, agent=by.id, seq=reached), by=by)


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
    locked = Conversation.objects.select_for_update().filter(id=conversation.id).first()
    if locked is None:
        raise NoSuchConversation
    return locked


def _give(conversation: Conversation, agent_id: int | None, by: Actor) -> None:
    locked = held(conversation)
    before = locked.assignee_id
    conversation.assignee_id = agent_id
    if before == agent_id:
        return
    Conversation.objects.filter(id=locked.id).update(assignee_id=agent_id)
    Assignment.objects.create(
        shop_id=locked.shop_id, conversation=locked, agent_id=agent_id, by_kind=by.kind.value, by_id=by.id
    )
    emit(ConversationAssigned(conversation=locked.id, agent=agent_id, before=before), by=by)
