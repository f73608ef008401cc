"""Storing messages: the one place where a message becomes a row.

`post_many` takes whatever waits, in one transaction with a handful of statements whatever its size, so that a busy
counter pays for a commit once in a while and not for each message (architecture.md 5 and 7).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import orjson
from django.db import DataError, IntegrityError, transaction

from tiski.conversations.actions import locking, opening
from tiski.conversations.actions.envelopes import LONGEST_BODY, LONGEST_CHAT, MOST_FILES, Posted, Posting, Refused
from tiski.conversations.actions.files import uploader_of
from tiski.conversations.actions.locking import Standing
from tiski.conversations.errors import (
    EmptyMessage,
    FileNotYours,
    MessageNotStored,
    MessageTooLong,
    NoSuchConversation,
    TooManyFiles,
)
from tiski.conversations.events import ConversationReopened, MessagePosted
from tiski.conversations.models import Conversation
from tiski.kernel import clock, rows
from tiski.kernel.action import SYSTEM, Actor, ActorKind, action
from tiski.kernel.events import Emission, emit_many
from tiski.kernel.text import SANITISER_VERSION

ROW_ERRORS = (IntegrityError, DataError, ValueError, TypeError, OverflowError)
"""What one bad row can raise. Anything else (a full disk, a lock) concerns all: nobody is told that it was stored."""

MESSAGE_COLUMNS = (
    "shop_id",
    "conversation_id",
    "seq",
    "client_id",
    "kind",
    "author_kind",
    "agent_id",
    "customer_id",
    "channel_account_id",
    "body",
    "html",
    "html_version",
    "source_id",
    "is_automatic",
    "meta",
    "created_at",
)
ONCE = ("conversation_id", "client_id")


@action
def post(
    conversation: Conversation,
    *,
    body: str,
    client_id: UUID,
    author: Actor | None = None,
    html: str | None = None,
    files: Sequence[str] = (),
    uploader: str = "",
    channel_account_id: int | None = None,
    source_id: str = "",
    is_automatic: bool = False,
    is_history: bool = False,
    created_at: datetime | None = None,
    meta: Mapping[str, object] | None = None,
    by: Actor,
) -> Posted:
    """Store one message, written by `author` (else by `by`); raises what `post_many` would answer as refused."""
    posting = Posting(
        shop_id=conversation.shop_id,
        conversation_id=conversation.id,
        client_id=client_id,
        body=body,
        author=author or by,
        html=html,
        files=tuple(files),
        uploader=uploader or uploader_of(by),
        channel_account_id=channel_account_id,
        source_id=source_id,
        is_automatic=is_automatic,
        is_history=is_history,
        created_at=created_at,
        meta=meta,
    )
    outcome = post_many([posting])[0]
    if isinstance(outcome, Refused):
        raise outcome.error
    return outcome


def post_many(postings: Sequence[Posting]) -> list[Posted | Refused]:
    """Store messages in one transaction, in the order given; one outcome each.

    A message whose `client_id` its conversation has already is answered with the original. If the batch fails because
    of a row, halves are tried until the bad row stands alone and is refused; the others go through. If it fails for
    another reason, the exception is raised and nothing is stored.
    """
    outcomes: list[Posted | Refused | None] = [refusal_of(posting) for posting in postings]
    good = [posting for posting, refused in zip(postings, outcomes, strict=True) if refused is None]
    stored = iter(_store_or_halve(good))
    return [next(stored) if outcome is None else outcome for outcome in outcomes]


def put(posting: Posting, standing: Standing, files: locking.Files) -> tuple[Posted, list[Emission]]:
    """Store one message in a locked conversation, and say what is to be told of it.

    A `client_id` that is there already is answered with the original. Raises `FileNotYours`, and `MessageNotStored` for
    a row that the database does not take.
    """
    page = _Page(rows.moment(clock.now()), {}, files)
    plan = _plan(_Line(posting, standing, posting.client_id.hex), page)
    if isinstance(plan, Refused):
        raise plan.error
    try:
        message_id = rows.insert_once("conversations_message", MESSAGE_COLUMNS, page.rows[0], ONCE)
    except ROW_ERRORS as error:
        raise MessageNotStored from error
    if message_id is None:
        original = known(standing.id, standing.uuid, posting.client_id)
        if original is None:
            raise MessageNotStored
        return original, []
    _claim_files(page, [message_id])
    _write_conversations(page, [message_id])
    return Posted(standing.id, standing.uuid, page.lines[0].seq, message_id, True), _news(page, [message_id])


def known(conversation_id: int, uuid: UUID, client_id: UUID) -> Posted | None:
    """The message that was stored with this `client_id` before."""
    key = conversation_id, client_id.hex
    found = locking.known_messages([key]).get(key)
    return found and Posted(conversation_id, uuid, *found, False)


def refusal_of(posting: Posting) -> Refused | None:
    """Why a message cannot be stored, whatever the conversation: too long, too many files, empty."""
    limit = LONGEST_BODY if posting.visitor is None else LONGEST_CHAT
    if len(posting.body) > limit:
        return Refused(MessageTooLong(length=len(posting.body), limit=limit, field="body"))
    if len(posting.files) > MOST_FILES:
        return Refused(TooManyFiles(limit=MOST_FILES, field="files"))
    if not posting.files and not posting.html and not posting.body.strip():
        return Refused(EmptyMessage(field="body"))
    return None


def _store_or_halve(postings: list[Posting]) -> list[Posted | Refused]:
    if not postings:
        return []
    try:
        with transaction.atomic():
            return _store(postings)
    except ROW_ERRORS:
        if len(postings) == 1:
            return [Refused(MessageNotStored())]
        middle = len(postings) // 2
        return _store_or_halve(postings[:middle]) + _store_or_halve(postings[middle:])


@dataclass(slots=True)
class _Line:
    """A posting that may write to a conversation, on its way to a row; author and number come when it is planned."""

    posting: Posting
    standing: Standing
    client_id: str
    author: Actor = SYSTEM
    seq: int = 0


@dataclass(slots=True)
class _Page:
    """All that one batch is about to write. `places` numbers the lines by (conversation, client id)."""

    now: object
    known: locking.Known
    files: locking.Files
    lines: list[_Line] = field(default_factory=list)
    rows: list[tuple[object, ...]] = field(default_factory=list)
    places: dict[tuple[int, str], int] = field(default_factory=dict)
    reopened: dict[int, Actor] = field(default_factory=dict)


def _store(postings: list[Posting]) -> list[Posted | Refused]:
    files = locking.lock_files(postings)
    standings = locking.lock(postings)
    opening.open_for_visitors(postings, standings)
    lines = [_line(posting, standings) for posting in postings]
    known = locking.known_messages([(line.standing.id, line.client_id) for line in lines if line])
    page = _Page(rows.moment(clock.now()), known, files)
    plans = [_plan(line, page) if line else Refused(NoSuchConversation()) for line in lines]
    ids = rows.insert_many("conversations_message", MESSAGE_COLUMNS, page.rows)
    _claim_files(page, ids)
    _write_conversations(page, ids)
    emit_many(_news(page, ids))
    return [plan if isinstance(plan, Posted | Refused) else _posted(plan, page, ids) for plan in plans]


def _line(posting: Posting, standings: locking.Standings) -> _Line | None:
    standing = standings.of(posting)
    return None if standing is None else _Line(posting, standing, posting.client_id.hex)


def _plan(line: _Line, page: _Page) -> Posted | Refused | tuple[int, bool]:
    """The outcome if there is one already; else which line will hold the message, and whether it is this one."""
    standing = line.standing
    key = (standing.id, line.client_id)
    if key in page.known:
        seq, message_id = page.known[key]
        return Posted(standing.id, standing.uuid, seq, message_id, False)
    if key in page.places:
        return page.places[key], False
    if line.posting.files and not page.files.take(line.posting):
        return Refused(FileNotYours(field="files"))
    page.places[key] = place = len(page.lines)
    _add(line, page)
    return place, True


def _add(line: _Line, page: _Page) -> None:
    posting, standing = line.posting, line.standing
    at = rows.moment(posting.created_at) if posting.created_at else page.now
    author = posting.author if posting.visitor is None else Actor(ActorKind.CUSTOMER, standing.customer_id)
    if standing.take(author.kind, at, is_live=not (posting.is_automatic or posting.is_history)):
        page.reopened[standing.id] = author
    line.author, line.seq = author, standing.last_seq
    page.lines.append(line)
    page.rows.append(
        (
            standing.shop_id,
            standing.id,
            line.seq,
            line.client_id,
            "message",
            author.kind.value,
            author.id if author.kind is ActorKind.AGENT else None,
            author.id if author.kind is ActorKind.CUSTOMER else None,
            posting.channel_account_id or standing.channel_account_id,
            posting.body.replace("\x00", ""),
            posting.html,
            SANITISER_VERSION if posting.html is not None else 0,
            posting.source_id,
            posting.is_automatic,
            orjson.dumps(posting.meta).decode() if posting.meta else "{}",
            at,
        )
    )


def _claim_files(page: _Page, ids: list[int]) -> None:
    claimed = [
        (message_id, attachment)
        for line, message_id in zip(page.lines, ids, strict=True)
        if line.posting.files
        for attachment in page.files.taken_by(line.posting)
    ]
    locking.write_many("UPDATE conversations_attachment SET message_id = %s WHERE id = %s", claimed)


def _write_conversations(page: _Page, ids: list[int]) -> None:
    changed = {}
    for line, message_id in zip(page.lines, ids, strict=True):
        line.standing.last_message_id = message_id
        changed[line.standing.id] = line.standing
    locking.write(list(changed.values()))
    reopenings = [(page.now, by.kind.value, by.id, conversation) for conversation, by in page.reopened.items()]
    locking.write_many(
        "UPDATE conversations_closure SET reopened_at = %s, reopened_by_kind = %s, reopened_by_id = %s "
        "WHERE conversation_id = %s AND reopened_at IS NULL",
        reopenings,
    )


def _news(page: _Page, ids: list[int]) -> list[Emission]:
    emissions = []
    for line, message_id in zip(page.lines, ids, strict=True):
        conversation, shop = line.standing.id, line.standing.shop_id
        if page.reopened.pop(conversation, None):
            emissions.append(Emission(shop, ConversationReopened(conversation=conversation), line.author))
        posted = MessagePosted(
            conversation=conversation,
            message=message_id,
            seq=line.seq,
            author=line.author.kind.value,
            is_automatic=line.posting.is_automatic,
            is_history=line.posting.is_history,
        )
        emissions.append(Emission(shop, posted, line.author))
    return emissions


def _posted(plan: tuple[int, bool], page: _Page, ids: list[int]) -> Posted:
    place, is_new = plan
    line = page.lines[place]
    visitor = line.posting.visitor
    uuid = line.standing.uuid if visitor is None else visitor.conversation
    return Posted(line.standing.id, uuid, line.seq, ids[place], is_new)
