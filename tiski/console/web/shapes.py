"""Entries of a thread as `ui/parts/_message.html` draws them: addresses, sentences, states in words.

An entry looks the same to every colleague, and again whenever the conversation is opened, so it is drawn once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from markupsafe import Markup

from tiski.accounts.policies import ShopRequest
from tiski.conversations.queries import FAILED, ON_ITS_WAY, FileRow, ThreadItem
from tiski.kernel import text
from tiski.kernel.text import SANITISER_VERSION
from tiski.ui.drawing import kept, macro
from tiski.ui.formats import Times
from tiski.ui.jinja import joined

from .places import place

MESSAGE = "ui/parts/_message.html"


@dataclass(frozen=True, slots=True)
class FileLink:
    """A file as a link, with a picture when it is one."""

    name: str
    size: int
    url: str
    thumbnail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of the time rail."""

    dom_id: str
    kind: str
    author_kind: str
    author_name: str
    at: datetime
    text: str
    html: str = ""
    files: tuple[FileLink, ...] = ()
    state: str = ""
    reason: str = ""
    is_automatic: bool = False
    is_verified: bool = True
    is_sensitive: bool = False
    seq: int | None = None
    quoted: str = ""
    original_url: str = ""
    undo_url: str = ""
    undo_until: datetime | None = None
    retry_url: str = ""


def drawn(request: ShopRequest, conversation_id: int, items: Sequence[ThreadItem]) -> list[Markup]:
    """The items as they are drawn for this reader."""
    key, reader = request.shop.key, request.user.id
    return _drawn((item, key, conversation_id, item.state == "held" and item.author_id == reader) for item in items)


def rail(
    request: ShopRequest, conversation_id: int, items: Sequence[ThreadItem], unread_from: ThreadItem | None = None
) -> Markup:
    """The items with the days and, before `unread_from`, the mark of what is new between them."""
    times, day = Times(), ""
    pieces: list[Markup] = []
    for item, piece in zip(items, drawn(request, conversation_id, items), strict=True):
        if times.day_key(item.at) != day:
            day = times.day_key(item.at)
            pieces.append(macro(MESSAGE, "day_separator")(item.at))
        if item is unread_from:
            pieces.append(macro(MESSAGE, "unread_separator")(item.at))
        pieces.append(piece)
    return joined(pieces)


def unseen(request: ShopRequest, conversation_id: int, items: Sequence[ThreadItem]) -> list[Entry]:
    """The items as a reader is shown them a second time, beside their own places."""
    return [_entry(item, request.shop.key, conversation_id, may_undo=False) for item in items]


@kept()
def _drawn(item: ThreadItem, key: str, conversation_id: int, may_undo: bool) -> Markup:
    entry = _entry(item, key, conversation_id, may_undo=may_undo)
    return macro(MESSAGE, "entries")([entry], days=False)


def _entry(item: ThreadItem, key: str, conversation_id: int, *, may_undo: bool) -> Entry:
    if item.kind == "event":
        return Entry(
            dom_id=item.dom_id, kind="event", author_kind=item.author_kind, author_name=item.author_name, at=item.at,
            text=_sentence(item), seq=item.seq,
        )  # fmt: skip
    held = may_undo and item.message_id is not None
    stuck = item.state in FAILED and item.outbox_item is not None
    return Entry(
        dom_id=item.dom_id,
        kind=item.kind,
        author_kind=item.author_kind,
        author_name=item.author_name,
        at=item.at,
        text=text.text_to_html(item.text),
        html=text.shown_again(item.html, version=SANITISER_VERSION) if item.html else "",
        files=tuple(_file(key, file) for file in item.files),
        state=_state(item.state),
        reason=item.reason,
        is_automatic=item.is_automatic,
        is_verified=item.is_verified,
        is_sensitive=item.is_sensitive,
        seq=item.seq,
        quoted=item.quoted,
        original_url=place("console-original", key, item.raw_id) if item.raw_id else "",
        undo_url=place("console-withdrawal", key, conversation_id, item.message_id or 0) if held else "",
        undo_until=item.next_at if held else None,
        retry_url=place("console-retry", key, conversation_id, item.outbox_item or 0) if stuck else "",
    )


def _file(key: str, file: FileRow) -> FileLink:
    address = place("console-file", key, file.blob_id)
    is_picture = file.content_type.startswith("image/") and file.width is not None
    return FileLink(file.name, file.size, address, address if is_picture else "")


def _state(state: str) -> str:
    if state in FAILED:
        return "failed"
    return "sending" if state in ON_ITS_WAY else state


def _sentence(item: ThreadItem) -> str:
    name = item.author_name
    if item.event == "assigned" and item.author_name == item.about:
        return _("%(name)s took the conversation") % {"name": name}
    sentences = {
        "assigned": _("%(name)s gave the conversation to %(about)s"),
        "unassigned": _("%(name)s gave the conversation back to everyone"),
        "closed": _("%(name)s closed the conversation"),
        "reopened": _("%(name)s opened the conversation again"),
        "withdrawn": _("%(name)s took a message back"),
    }
    if item.event == "reopened" and item.author_kind == "customer":
        return _("The customer wrote again, so the conversation is open")
    return sentences[item.event] % {"name": name or _("Automation"), "about": item.about}
