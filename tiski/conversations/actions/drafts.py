"""Drafts: one per conversation, agent and mode, kept on the server so that they are there on another device."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from tiski.conversations.actions.envelopes import MOST_FILES
from tiski.conversations.errors import DraftMoved, MessageTooLong, NoSuchConversation, TooManyFiles
from tiski.conversations.events import DraftSaved
from tiski.conversations.models import Conversation, DraftMode
from tiski.conversations.policies import require_answering
from tiski.kernel import clock, rows
from tiski.kernel.action import Actor, action
from tiski.kernel.errors import NotAllowed
from tiski.kernel.events import Emission, emit_many
from tiski.kernel.reading import fetch
from tiski.kernel.scope import current_shop

LONGEST_DRAFT = 100_000

COLUMNS = ("shop_id", "conversation_id", "agent_id", "mode", "body", "files", "version", "updated_at")
KEY = ("conversation_id", "agent_id", "mode")
OF_ONE = "conversation_id = %s AND agent_id = %s AND mode = %s"
IS_THERE = "(TRIM(body, ' \t\r\n') <> '' OR files <> '[]')"
READ = f"SELECT version, {IS_THERE} FROM conversations_draft WHERE {OF_ONE}"  # noqa: S608
REWRITE = f"""
    UPDATE conversations_draft SET body = %s, files = %s, version = version + 1, updated_at = %s
    WHERE {OF_ONE} AND {{which}} RETURNING version
"""  # noqa: S608
FOLLOWS_ALIKE = f"version = %s AND {IS_THERE} = %s"
FOLLOWS = "version = %s"
NEXT_VERSION = """
    INSERT INTO conversations_draft (shop_id, conversation_id, agent_id, mode, body, files, version, updated_at)
    VALUES (%s, %s, %s, %s, '', '[]', 1, %s)
    ON CONFLICT (conversation_id, agent_id, mode) DO UPDATE
    SET body = '', files = '[]', version = conversations_draft.version + 1, updated_at = excluded.updated_at
    RETURNING version
"""


@action
def save_draft(
    conversation: Conversation, *, mode: str, body: str, version: int, files: Sequence[str] = (), by: Actor
) -> int:
    """Keep the text and return its new version. `version` is the one the writer last had, 0 for none.

    Sending and discarding raise the version too, so a save that comes late raises `DraftMoved` and revives nothing.
    """
    require_answering(by)
    if len(body) > LONGEST_DRAFT:
        raise MessageTooLong(length=len(body), limit=LONGEST_DRAFT, field="body")
    if len(files) > MOST_FILES:
        raise TooManyFiles(limit=MOST_FILES, field="files")
    _require_own(conversation, mode, by)
    return _save(conversation, mode, body, files, version=version, by=by)


@action
def discard_draft(conversation: Conversation, *, mode: str, by: Actor) -> int:
    """Throw the text away and return the new version; what was saved before cannot come back."""
    _require_own(conversation, mode, by)
    version, news = cleared(conversation, mode, by)
    emit_many(news)
    return version


@action
def restore_draft(conversation: Conversation, *, mode: str, body: str, files: Sequence[str], by: Actor) -> int:
    """Give a text back to its writer, unless they have begun another one; returns the version."""
    _require_own(conversation, mode, by)
    version, is_there = _standing(conversation, mode, by)
    if not is_there:
        try:
            return _save(conversation, mode, body, files, version=version, by=by)
        except DraftMoved:  # begun just now
            version, _is_there = _standing(conversation, mode, by)
    return version


def cleared(conversation: Conversation, mode: str, by: Actor) -> tuple[int, list[Emission]]:
    """Empty an agent's draft: its new version, and what is to be told if there was a text."""
    now = rows.moment(clock.now())
    emptied = fetch(REWRITE.format(which=IS_THERE), ["", "[]", now, conversation.id, by.id, mode])
    if emptied:
        return int(emptied[0][0]), [_news(conversation, mode, by, is_there=False)]
    # A save that is on its way must find another version, even where there was no text yet.
    raised = fetch(NEXT_VERSION, [conversation.shop_id, conversation.id, by.id, mode, now])
    return int(raised[0][0]), []


def _require_own(conversation: Conversation, mode: str, by: Actor) -> None:
    if by.id is None or mode not in DraftMode.values:
        raise NotAllowed
    if conversation.shop_id != current_shop():
        raise NoSuchConversation


def _standing(conversation: Conversation, mode: str, by: Actor) -> tuple[int, bool]:
    found = fetch(READ, [conversation.id, by.id, mode])
    return (int(found[0][0]), bool(found[0][1])) if found else (0, False)


def _save(conversation: Conversation, mode: str, body: str, files: Sequence[str], *, version: int, by: Actor) -> int:
    body, listed, now = body.replace("\x00", ""), orjson.dumps([*files]).decode(), rows.moment(clock.now())
    is_there = bool(body.strip() or files)
    if version == 0:
        values = [conversation.shop_id, conversation.id, by.id, mode, body, listed, 1, now]
        if rows.insert_once("conversations_draft", COLUMNS, values, KEY) is None:
            raise DraftMoved
        if is_there:
            emit_many([_news(conversation, mode, by, is_there=True)])
        return 1
    # Nearly every save goes on with a text that was there, which is told to nobody.
    written = [body, listed, now, conversation.id, by.id, mode, version]
    if not fetch(REWRITE.format(which=FOLLOWS_ALIKE), [*written, is_there]):
        if not fetch(REWRITE.format(which=FOLLOWS), written):
            raise DraftMoved
        emit_many([_news(conversation, mode, by, is_there=is_there)])
    return version + 1


def _news(conversation: Conversation, mode: str, by: Actor, *, is_there: bool) -> Emission:
    saved = DraftSaved(conversation=conversation.id, agent=by.id or 0, mode=mode, is_there=is_there)
    return Emission(conversation.shop_id, saved, by)
