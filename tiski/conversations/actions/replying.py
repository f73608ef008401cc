"""What agents write: answers to the customer, which may be taken back while they are held, and notes to each other."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q

from tiski.conversations.actions import drafts, lifecycle, outbox
from tiski.conversations.actions import files as uploads
from tiski.conversations.actions.envelopes import MOST_FILES, Posted
from tiski.conversations.actions.posting import post
from tiski.conversations.contract import Ability, Channel, Situation, channel_for
from tiski.conversations.errors import (
    AlreadySent,
    CannotSend,
    EmptyMessage,
    MessageTooLong,
    NewerMessages,
    NoDestination,
    TooManyFiles,
)
from tiski.conversations.events import MessageWithdrawn, NoteAdded
from tiski.conversations.models import Attachment, Conversation, DraftMode, Message, Note, OutboxItem, OutboxState
from tiski.conversations.policies import require_answering
from tiski.conversations.queries import situation_of
from tiski.kernel import clock
from tiski.kernel.action import Actor, ActorKind, action
from tiski.kernel.errors import NotAllowed
from tiski.kernel.events import emit
from tiski.kernel.text import render_untrusted_html

LONGEST_NOTE = 20_000
WAITED_SINCE = "waited_since"


@action
def reply(
    conversation: Conversation,
    *,
    body: str,
    client_id: UUID,
    seen_seq: int,
    html: str | None = None,
    files: Sequence[str] = (),
    force: bool = False,
    undo_seconds: int = outbox.UNDO_SECONDS,
    by: Actor,
) -> Posted:
    """Answer the customer. `seen_seq` is the last entry the writer has seen; `force` sends although there are newer.

    The same `client_id` again answers with the first result. Where the channel sends out, the answer is held for
    `undo_seconds` (0-60). Raises `NewerMessages`, `CannotSend`, `NoDestination`, `MessageTooLong`, `FileNotYours`.
    """
    require_answering(by)
    locked = lifecycle.held(conversation)
    known = _stored(locked, client_id)
    if known is not None:
        return known
    if not force:
        _refuse_if_newer(locked, seen_seq, by)
    channel = channel_for(locked.channel_account.kind)
    situation = situation_of(locked)
    _refuse_if_unsendable(channel, situation, body)
    posted = post(
        locked,
        body=body,
        html=render_untrusted_html(html).html if html and Ability.HTML in channel.can else None,
        client_id=client_id,
        files=files,
        meta=_memory(locked),
        by=by,
    )
    if Ability.SENDS_OUT in channel.can:
        _send_out(channel, situation, posted.message_id, undo_seconds, by=by)
    _clear_the_desk(locked, posted.seq, by)
    return posted


@action
def take_back(message: Message, *, by: Actor) -> None:
    """Undo sending while the answer is held: it leaves the thread and its text goes back into its writer's draft.

    Raises `AlreadySent` when the outbox was faster.
    """
    if by.kind is not ActorKind.AGENT or message.agent_id != by.id:
        raise NotAllowed
    conversation = lifecycle.held(message.conversation)
    items = OutboxItem.objects.filter(message=message)
    cancelled = items.filter(state=OutboxState.HELD).update(state=OutboxState.CANCELLED, send_after=None)
    if not cancelled or cancelled != items.count():
        raise AlreadySent
    Message.objects.filter(id=message.id).update(withdrawn_at=clock.now())
    uploads = Attachment.objects.filter(message=message)
    blobs = list(uploads.order_by("id").values_list("blob_id", flat=True))
    uploads.update(message=None)
    _stand_as_before(conversation, message)
    drafts.restore_draft(conversation, mode=DraftMode.REPLY, body=message.body, files=blobs, by=by)
    emit(MessageWithdrawn(conversation=conversation.id, message=message.id, seq=message.seq), by=by)


@action
def note(conversation: Conversation, *, body: str, client_id: UUID, files: Sequence[str] = (), by: Actor) -> Note:
    """Leave an internal note; the same `client_id` again answers with the first one."""
    require_answering(by)
    locked = lifecycle.held(conversation)
    known = Note.objects.filter(conversation=locked, client_id=client_id).first()
    if known is not None:
        return known
    _refuse_if_no_note(body, files)
    agent_id = by.id if by.kind is ActorKind.AGENT else None
    written = Note.objects.create(
        shop_id=locked.shop_id,
        conversation=locked,
        agent_id=agent_id,
        client_id=client_id,
        body=body.replace("\x00", ""),
        created_at=clock.now(),
    )
    if files:
        uploads.attach_to_note(written, files, by)
    if agent_id is not None:
        drafts.discard_draft(locked, mode=DraftMode.NOTE, by=by)
    emit(NoteAdded(conversation=locked.id, note=written.id), by=by)
    return written


def _stored(conversation: Conversation, client_id: UUID) -> Posted | None:
    known = Message.objects.filter(conversation=conversation, client_id=client_id).values_list("seq", "id").first()
    return known and Posted(conversation.id, conversation.uuid, known[0], known[1], False)


def _memory(conversation: Conversation) -> dict[str, object] | None:
    """What must be known if the answer is taken back."""
    waited = conversation.waiting_since
    return {WAITED_SINCE: waited.isoformat()} if waited else None


def _clear_the_desk(conversation: Conversation, seq: int, by: Actor) -> None:
    """What was sent is no draft any more, and who answers has read what came before."""
    if by.kind is ActorKind.AGENT:
        drafts.discard_draft(conversation, mode=DraftMode.REPLY, by=by)
        lifecycle.mark_read(conversation, seq=seq, by=by)


def _refuse_if_newer(conversation: Conversation, seen_seq: int, by: Actor) -> None:
    if conversation.last_seq <= seen_seq:
        return
    newer = Message.objects.filter(
        conversation=conversation, seq__gt=seen_seq, is_automatic=False, withdrawn_at__isnull=True
    )
    if by.kind is ActorKind.AGENT:
        newer = newer.filter(~Q(agent_id=by.id) | Q(agent_id__isnull=True))
    count = newer.count()
    if count:
        raise NewerMessages(count=count, after=seen_seq)


def _refuse_if_unsendable(channel: Channel, situation: Situation, body: str) -> None:
    if len(body) > channel.longest_body:
        raise MessageTooLong(length=len(body), limit=channel.longest_body, field="body")
    verdict = channel.can_send(situation)
    if not verdict.is_allowed:
        raise CannotSend(reason=verdict.reason)


def _refuse_if_no_note(body: str, files: Sequence[str]) -> None:
    if len(body) > LONGEST_NOTE:
        raise MessageTooLong(length=len(body), limit=LONGEST_NOTE, field="body")
    if len(files) > MOST_FILES:
        raise TooManyFiles(limit=MOST_FILES, field="files")
    if not body.strip() and not files:
        raise EmptyMessage(field="body")


def _send_out(channel: Channel, situation: Situation, message_id: int, undo_seconds: int, *, by: Actor) -> None:
    destinations = channel.destinations(situation, message_id)
    if not destinations:
        raise NoDestination
    hold = min(max(undo_seconds, 0), 60) if Ability.UNDO in channel.can else 0
    message = Message.objects.get(id=message_id)
    send_after = situation.now + timedelta(seconds=hold) if hold else None
    outbox.queue_outbox(message, destinations, send_after=send_after, by=by)


def _stand_as_before(conversation: Conversation, withdrawn: Message) -> None:
    """Let the conversation look as if the answer had not been written: the customer waits since when they did."""
    last = Message.objects.filter(conversation=conversation, withdrawn_at__isnull=True).order_by("-seq").first()
    waited = withdrawn.meta.get(WAITED_SINCE)
    if waited and conversation.closed_at is None:
        since = datetime.fromisoformat(waited)
        conversation.waiting_since = min(since, conversation.waiting_since or since)
    conversation.last_message = last
    conversation.last_message_at = last.created_at if last else conversation.opened_at
    conversation.save(update_fields=["waiting_since", "last_message", "last_message_at"])
