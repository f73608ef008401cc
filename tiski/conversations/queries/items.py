"""What stands on the time rail of a conversation, and how it is made from rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from django.utils.translation import gettext as _
from markupsafe import Markup

from tiski.conversations.queries.inbox import customer_name
from tiski.kernel.reading import Row, moment
from tiski.kernel.text import shown_again

FileAddress = Callable[[str], str]
"""Gives the address at which the reader gets the file with this blob id."""

ON_ITS_WAY = frozenset({"held", "queued", "sending"})
"""States of an answer that has not left the house yet."""
FAILED = frozenset({"failed", "bounced", "unknown"})
"""States of an answer that a person must look at."""


class ItemKind(StrEnum):
    """What stands on the time rail."""

    MESSAGE = "message"
    NOTE = "note"
    EVENT = "event"


class FileRow(NamedTuple):
    """A file as a link or a picture."""

    blob_id: str
    name: str
    size: int
    content_type: str
    width: int | None
    height: int | None


@dataclass(frozen=True, slots=True)
class Sending:
    """How far an answer has got on its way out: the state of the recipient who is worst off."""

    item_id: int
    state: str
    next_at: datetime | None
    reason: str
    recipients: tuple[str, ...]


class ThreadItem(NamedTuple):
    """One thing on the time rail.

    `dom_id` is `message-<client id>` for messages, so that a bubble drawn before it was stored is replaced by itself.
    `html` is clean and may be shown under the rules for untrusted HTML; without it `text` is shown. `state` of an
    answer: sent, held, queued, sending, delivered, read, failed, bounced, unknown; held and queued until `next_at`.
    `event`: assigned, unassigned, closed, reopened, withdrawn; `about` is the agent it was given to.
    """

    dom_id: str
    kind: ItemKind
    at: datetime
    author_kind: str
    author_id: int | None = None
    author_name: str = ""
    photo: str = ""
    text: str = ""
    html: Markup | None = None
    remote_images: int = 0
    quoted: str = ""
    files: tuple[FileRow, ...] = ()
    state: str = ""
    reason: str = ""
    next_at: datetime | None = None
    outbox_item: int | None = None
    recipients: tuple[str, ...] = ()
    message_id: int | None = None
    seq: int | None = None
    channel_kind: str = ""
    is_automatic: bool = False
    is_verified: bool = True
    is_sensitive: bool = False
    raw_id: int | None = None
    event: str = ""
    about: str = ""


def message_item(
    row: Row, files: tuple[FileRow, ...], sending: Sending | None, address: FileAddress | None = None
) -> ThreadItem:
    """A message, or the trace of one that was taken back."""
    seq, message_id, client_id, author_kind, agent_id, agent_name, photo, name, at, body, *more = row
    html, html_version, is_automatic, withdrawn_at, meta, channel_kind, is_read = more
    dom_id = f"message-{hyphened(client_id)}"
    if withdrawn_at is not None:
        return _withdrawn(row, dom_id)
    told = told_by(meta)
    inline = told.get("inline", {})
    return ThreadItem(
        dom_id=dom_id,
        kind=ItemKind.MESSAGE,
        at=moment(at),
        author_kind=author_kind,
        author_id=agent_id,
        author_name=_author(author_kind, agent_name, name),
        photo=photo or "",
        text=body,
        html=None if html is None else shown_again(html, version=html_version, images=_images(inline, address)),
        remote_images=told.get("remote_images", 0),
        quoted=told.get("quoted", ""),
        files=tuple(file for file in files if file.blob_id not in inline.values()) if inline else files,
        state=_state(author_kind, sending, is_read=bool(is_read)),
        reason=sending.reason if sending else "",
        next_at=sending.next_at if sending else None,
        outbox_item=sending.item_id if sending else None,
        recipients=sending.recipients if sending else (),
        message_id=message_id,
        seq=seq,
        channel_kind=channel_kind,
        is_automatic=bool(is_automatic),
        is_verified=not told.get("unverified", False),
        is_sensitive=bool(told.get("sensitive", False)),
        raw_id=told.get("raw"),
    )


def note_item(row: Row, files: tuple[FileRow, ...]) -> ThreadItem:
    """An internal note."""
    _number, client_id, agent_id, name, photo, at, body = row
    return ThreadItem(
        dom_id=f"note-{hyphened(client_id)}",
        kind=ItemKind.NOTE,
        at=moment(at),
        author_kind="agent" if agent_id is not None else "system",
        author_id=agent_id,
        author_name=_author("agent" if agent_id is not None else "system", name, None),
        photo=photo or "",
        text=body,
        files=files,
    )


def event_item(row: Row) -> ThreadItem:
    """Something that happened to the conversation."""
    prefix, number, event, by_kind, by_id, by_name, about, at = row
    return ThreadItem(
        dom_id=f"{prefix}{number}",
        kind=ItemKind.EVENT,
        at=moment(at),
        author_kind=by_kind,
        author_id=by_id,
        author_name=by_name or "",
        event=event,
        about=about or "",
    )


def _author(kind: str, agent_name: str | None, name: str | None) -> str:
    if kind == "customer":
        return customer_name(name or "", None)
    return agent_name or (_("Automatic message") if kind != "agent" else "")


def _state(author_kind: str, sending: Sending | None, *, is_read: bool) -> str:
    if author_kind == "customer":
        return ""
    if sending is not None and sending.state not in {"sent", "delivered"}:
        return sending.state
    return "read" if is_read else sending.state if sending else "sent"


def _withdrawn(row: Row, dom_id: str) -> ThreadItem:
    seq, message_id, _client_id, author_kind, agent_id, agent_name, _photo, _name, at, *_rest = row
    return ThreadItem(
        dom_id=dom_id,
        kind=ItemKind.EVENT,
        at=moment(at),
        author_kind=author_kind,
        author_id=agent_id,
        author_name=agent_name or "",
        event="withdrawn",
        seq=seq,
        message_id=message_id,
    )


def _images(inline: Mapping[str, str], address: FileAddress | None) -> Callable[[str], str | None] | None:
    """Where the pictures are that lie inside a mail: `inline` gives the blob of each content id."""
    if address is None or not inline:
        return None
    return lambda source: address(inline[source[4:]]) if source[4:] in inline else None


def told_by(meta: Any) -> dict[str, Any]:
    """The `meta` of a raw row."""
    found: dict[str, Any] = orjson.loads(meta) if isinstance(meta, str | bytes) else meta
    return found


def hyphened(value: UUID | str) -> str:
    """A uuid of a raw row as people write it; SQLite keeps 32 digits."""
    if isinstance(value, UUID):
        return str(value)
    return f"{value[:8]}-{value[8:12]}-{value[12:16]}-{value[16:20]}-{value[20:]}"


def as_uuid(value: UUID | str) -> UUID:
    """A uuid of a raw row; SQLite keeps it as text."""
    return value if isinstance(value, UUID) else UUID(value)
