"""Drafts: one per conversation, agent and mode, kept on the server so that they are there on another device."""

from __future__ import annotations

from collections.abc import Sequence

from tiski.conversations.actions.envelopes import MOST_FILES
from tiski.conversations.errors import DraftMoved, MessageTooLong, TooManyFiles
from tiski.conversations.events import DraftSaved
from tiski.conversations.models import Conversation, Draft, DraftMode
from tiski.conversations.policies import require_answering
from tiski.kernel import clock
from tiski.kernel.action import Actor, action
from tiski.kernel.errors import NotAllowed
from tiski.kernel.events import emit

LONGEST_DRAFT = 100_000


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
    draft = _own(conversation, mode, by)
    if draft.version != version:
        raise DraftMoved
    return _keep(draft, body, list(files), by)


@action
def discard_draft(conversation: Conversation, *, mode: str, by: Actor) -> int:
    """Throw the text away and return the new version; what was saved before cannot come back."""
    return _keep(_own(conversation, mode, by), "", [], by)


@action
def restore_draft(conversation: Conversation, *, mode: str, body: str, files: Sequence[str], by: Actor) -> int:
    """Give a text back to its writer, unless they have begun another one; returns the version."""
    draft = _own(conversation, mode, by)
    return draft.version if _is_there(draft) else _keep(draft, body, list(files), by)


def _own(conversation: Conversation, mode: str, by: Actor) -> Draft:
    if by.id is None or mode not in DraftMode.values:
        raise NotAllowed
    drafts = Draft.objects.select_for_update()
    draft, _is_new = drafts.get_or_create(
        conversation=conversation, agent_id=by.id, mode=mode, defaults={"shop_id": conversation.shop_id}
    )
    return draft


def _keep(draft: Draft, body: str, files: list[str], by: Actor) -> int:
    was_there = _is_there(draft)
    draft.body, draft.files, draft.version, draft.updated_at = body, files, draft.version + 1, clock.now()
    draft.save(update_fields=["body", "files", "version", "updated_at"])
    if was_there != _is_there(draft):
        emit(
            DraftSaved(
                conversation=draft.conversation_id, agent=draft.agent_id, mode=draft.mode, is_there=not was_there
            ),
            by=by,
        )
    return draft.version


def _is_there(draft: Draft) -> bool:
    return bool(draft.body.strip() or draft.files)
