"""What agents write: answers to the customer, which may be taken back while they are held, and notes to each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q
from msgspec.structs import replace

from tiski.conversations.actions import drafts, lifecycle, locking, outbox
from tiski.conversations.actions import files as uploads
from tiski.conversations.actions.envelopes import MOST_FILES, Posted, Posting
from tiski.conversations.actions.locking import Standing
from tiski.conversations.actions.posting import ONCE, known, put, refusal_of
from tiski.conversations.contract import Ability, Addressee, Channel, Destination, channel_for
from tiski.conversations.errors import (
    AlreadySent,
    CannotSend,
    EmptyMessage,
    MessageTooLong,
    NewerMessages,
    NoDestination,
    NoSuchConversation,
    TooManyFiles,
)
from tiski.conversations.events import MessageWithdrawn, NoteAdded
from tiski.conversations.models import Attachment, Conversation, DraftMode, Message, Note, OutboxItem, OutboxState
from tiski.conversations.policies import require_answering
from tiski.conversations.queries import opened, situation_of
from tiski.kernel import clock, rows
from tiski.kernel.action import Actor, ActorKind, action, reads_first
from tiski.kernel.errors import NotAllowed
from tiski.kernel.events import Emission, emit, emit_many
from tiski.kernel.reading import moment_or_none
from tiski.kernel.scope import current_shop
from tiski.kernel.text import render_untrusted_html

LONGEST_NOTE = 20_000
WAITED_SINCE = "waited_since"
NOTE = ("shop_id", "conversation_id", "agent_id", "client_id", "body", "created_at")


@dataclass(frozen=True, slots=True)
class _Way:
    """Where an answer goes, found out before it is stored; `seen` is what that depends on."""

    channel: Channel
    addressees: tuple[Addressee, ...]
    seen: tuple[int, int, int]


@reads_first
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
    if conversation.shop_id != current_shop():
        raise NoSuchConversation
    original = known(conversation.id, conversation.uuid, client_id)
    if original is not None:
        return original
    # Whatever can be found out is found out before the transaction: others wait for its end.
    way = _way(conversation)
    posting = Posting(
        shop_id=conversation.shop_id,
        conversation_id=conversation.id,
        client_id=client_id,
        body=body,
        author=by,
        html=render_untrusted_html(html).html if html and Ability.HTML in way.channel.can else None,
        files=tuple(files),
        uploader=uploads.uploader_of(by),
    )
    _refuse_if_unsendable(way.channel, posting)
    return _reply(conversation, posting, way, seen_seq=None if force else seen_seq, undo_seconds=undo_seconds, by=by)


@action
def _reply(
    conversation: Conversation, posting: Posting, way: _Way, *, seen_seq: int | None, undo_seconds: int, by: Actor
) -> Posted:
    require_answering(by)
    taken = locking.lock_files([posting])
    standing = locking.lock([posting]).of(posting)
    if standing is None:
        raise NoSuchConversation
    if seen_seq is not None and standing.last_seq > seen_seq:
        original = known(standing.id, standing.uuid, posting.client_id)
        if original is not None:
            return original
        _refuse_if_newer(standing.id, seen_seq, by)
    if way.seen != _seen(standing):
        way = _way(opened(standing.id))
    waited = moment_or_none(standing.waiting_since)
    meta = {WAITED_SINCE: waited.isoformat()} if waited else None
    posted, news = put(replace(posting, meta=meta), standing, taken)
    if not posted.is_new:
        return posted
    news += _sent_out(way, standing, posted.message_id, undo_seconds=undo_seconds, by=by)
    if by.kind is ActorKind.AGENT:
        # What was sent is no draft any more, and who answers has read what came before.
        news += drafts.cleared(conversation, DraftMode.REPLY, by)[1]
        news += lifecycle.moved_read_mark(conversation, posted.seq, by)
    emit_many(news)
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
    if conversation.shop_id != current_shop():
        raise NoSuchConversation
    _refuse_if_no_note(body, files)
    written = Note(
        shop_id=conversation.shop_id,
        conversation=conversation,
        agent_id=by.id if by.kind is ActorKind.AGENT else None,
        client_id=client_id,
        body=body.replace("\x00", ""),
        created_at=clock.now(),
    )
    values = [written.shop_id, conversation.id, written.agent_id, client_id.hex, written.body]
    number = rows.insert_once("conversations_note", NOTE, [*values, rows.moment(written.created_at)], ONCE)
    if number is None:
        return Note.objects.get(conversation=conversation, client_id=client_id)
    written.id = number
    if files:
        uploads.attach_to_note(written, files, by)
    news = drafts.cleared(conversation, DraftMode.NOTE, by)[1] if written.agent_id is not None else []
    emit_many([*news, Emission(conversation.shop_id, NoteAdded(conversation=conversation.id, note=number), by)])
    return written


def _way(conversation: Conversation) -> _Way:
    """Where an answer would go now; raises `CannotSend` and `NoDestination`."""
    channel = channel_for(conversation.channel_account.kind)
    situation = situation_of(conversation)
    verdict = channel.can_send(situation)
    if not verdict.is_allowed:
        raise CannotSend(reason=verdict.reason)
    addressees = tuple(channel.addressees(situation)) if Ability.SENDS_OUT in channel.can else ()
    if Ability.SENDS_OUT in channel.can and not addressees:
        raise NoDestination
    return _Way(channel, addressees, _seen(conversation))


def _seen(standing: Conversation | Standing) -> tuple[int, int, int]:
    """What the way of an answer depends on: how far the customer has written, who it is, over which channel."""
    return standing.customer_seq, standing.customer_id, standing.channel_account_id


def _refuse_if_unsendable(channel: Channel, posting: Posting) -> None:
    if len(posting.body) > channel.longest_body:
        raise MessageTooLong(length=len(posting.body), limit=channel.longest_body, field="body")
    refused = refusal_of(posting)
    if refused is not None:
        raise refused.error


def _refuse_if_newer(conversation_id: int, seen_seq: int, by: Actor) -> None:
    newer = Message.objects.filter(
        conversation_id=conversation_id, seq__gt=seen_seq, is_automatic=False, withdrawn_at__isnull=True
    )
    if by.kind is ActorKind.AGENT:
        newer = newer.filter(~Q(agent_id=by.id) | Q(agent_id__isnull=True))
    count = newer.count()
    if count:
        raise NewerMessages(count=count, after=seen_seq)


def _sent_out(way: _Way, standing: Standing, message_id: int, *, undo_seconds: int, by: Actor) -> list[Emission]:
    """Put an answer on its way, where the channel sends out; what is to be told of it."""
    destinations = [Destination(each.recipient, each.stable_id(message_id)) for each in way.addressees]
    hold = min(max(undo_seconds, 0), 60) if Ability.UNDO in way.channel.can else 0
    after = clock.now() + timedelta(seconds=hold) if hold else None
    return outbox.queued(standing.shop_id, message_id, standing.channel_account_id, destinations, after=after, by=by)[1]


def _refuse_if_no_note(body: str, files: Sequence[str]) -> None:
    if len(body) > LONGEST_NOTE:
        raise MessageTooLong(length=len(body), limit=LONGEST_NOTE, field="body")
    if len(files) > MOST_FILES:
        raise TooManyFiles(limit=MOST_FILES, field="files")
    if not body.strip() and not files:
        raise EmptyMessage(field="body")


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
