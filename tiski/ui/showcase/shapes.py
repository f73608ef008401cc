"""The shapes that the partials take. Pages bring rows of their own with the same names."""

from dataclasses import dataclass, field
from datetime import datetime

from markupsafe import Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """Words and a tone."""

    text: str
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What `parts/_row.html` draws."""

    id: int
    customer_name: str
    subject: str
    channel_kind: str
    last_at: datetime
    snippet: str = ""
    unread: bool = False
    waiting_since: datetime | None = None
    chip: Chip | None = None
    draft: bool = False
    viewers: tuple[str, ...] = ()
    href: str = "#"


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file of a message or of the composer."""

    id: str
    name: str
    size: int
    url: str = "#"
    thumbnail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What `parts/_message.html` draws."""

    dom_id: str
    kind: str
    at: datetime
    author_kind: str = "customer"
    author_name: str = ""
    text: str | Markup = ""
    html: Markup | str = ""
    files: tuple[File, ...] = ()
    state: str = ""
    reason: str = ""
    is_automatic: bool = False
    seq: int | None = None
    quoted: str = ""
    is_verified: bool = True
    is_sensitive: bool = False
    original_url: str = ""
    retry_url: str = ""
    undo_url: str = ""
    undo_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What `parts/_header.html` draws."""

    id: int
    subject: str
    customer_name: str
    channel_label: str
    opened_at: datetime
    assignee_name: str = ""
    closed_at: datetime | None = None
    may_act: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Someone a conversation can be given to."""

    id: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """What `parts/_composer.html` draws."""

    conversation_id: int
    can_send: bool = True
    reason: str = ""
    remedy_url: str = ""
    remedy_text: str = ""
    recipient: str = ""
    sender_name: str = "Mia Mäkinen"
    seen_seq: int = 4
    sends_on_enter: bool = True
    mode: str = "reply"
    reply_draft: str = ""
    note_draft: str = ""
    draft_version: int = 0
    draft_files: tuple[File, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """One way to reach a customer."""

    kind: str
    value: str
    is_verified: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """An earlier conversation."""

    href: str
    subject: str
    channel_kind: str
    at: datetime
    is_open: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """What `parts/_customer.html` draws."""

    id: int
    name: str
    since: datetime
    language_name: str = ""
    identities: tuple[Identity, ...] = ()
    figures: tuple[tuple[str, str], ...] = ()
    earlier: tuple[Past, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything the style guide shows."""

    rows: list[Row]
    entries: list[Entry]
    states: list[Entry]
    head: Head
    closed: Head
    people: list[Person]
    urls: dict[str, str]
    box: Box
    note_box: Box
    shut_box: Box
    panel: Panel
    stranger: Panel
    options: list[tuple[str, str]] = field(
        default_factory=lambda: [("fi", "Suomi"), ("sv", "Svenska"), ("en", "English")]
    )
