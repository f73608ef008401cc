"""Frames between widget and counter; the HTTP fallback carries the same ones (widget.md 6)."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import msgspec

from tiski.kernel import live
from tiski.kernel.live import Frame

Token = Annotated[str, msgspec.Meta(max_length=100)]
FileIds = Annotated[list[Annotated[str, msgspec.Meta(max_length=32)]], msgspec.Meta(max_length=20)]


class Hello(Frame, tag="hello"):
    """The first frame: whose browser this is, which conversation it has, and the last seq it has seen."""

    token: Token
    conversation: UUID | None = None
    after: Annotated[int, msgspec.Meta(ge=0)] = 0


class Message(Frame, tag="message"):
    """A message from the visitor. `conversation` is the uuid the browser made, `page` where the visitor was."""

    client_id: UUID
    conversation: UUID
    body: str
    page: Annotated[str, msgspec.Meta(max_length=2000)] = ""
    lang: Annotated[str, msgspec.Meta(max_length=8)] = ""
    files: FileIds = []


class Typing(Frame, tag="typing"):
    """The visitor is writing; said again at most every 3 s."""


class Read(Frame, tag="read"):
    """The visitor has seen everything up to this seq."""

    seq: Annotated[int, msgspec.Meta(ge=1)]


class Author(msgspec.Struct):
    """Who wrote: the shop sees customers by name, visitors see agents by name and face."""

    kind: str
    name: str
    photo: str | None


class File(msgspec.Struct):
    """A file of a message. `url` opens for a day and for nobody else's files."""

    id: str
    name: str
    size: int
    type: str
    url: str


class Said(Frame, tag="message"):
    """A message as the browser shows it; `client_id` only on the visitor's own."""

    seq: int
    author: Author
    at: str
    body: str
    files: list[File]
    client_id: str | None = None


class Ack(Frame, tag="ack"):
    """The message is stored, durably."""

    client_id: str
    seq: int
    id: str


class Counter(msgspec.Struct):
    """Whether the shop answers now, until when, from when, and who."""

    open: bool
    opens_at: str | None
    closes_at: str | None
    agent: Author | None = None


class Ready(Frame, tag="ready", omit_defaults=False):
    """The answer to a hello and to a GET: everything after the seq that was asked for, and the state of the counter."""

    seq: int
    messages: list[Said]
    state: Counter
    more: bool


class Writing(Frame, tag="now"):
    """Someone of the shop is writing, or no longer is."""

    typing: bool
    name: str = ""


encode = live.encode
