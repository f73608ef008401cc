"""Frames: JSON text with the type in `t`. Those every door speaks are here; doors bring their own."""

from __future__ import annotations

import msgspec

from tiski.kernel.errors import Refusal, StorageFull, TooMany


class Frame(msgspec.Struct, tag_field="t", omit_defaults=True):
    """What every frame extends, with its own `tag`."""


class Beat(Frame, tag="beat"):
    """I am still here. The server sends one every 25 s and the client answers it."""


class Ready(Frame, tag="ready"):
    """The hello was accepted; `seq` is where the next hello may resume."""

    seq: int = msgspec.field()


class Resync(Frame, tag="resync"):
    """Too much was missed to tell it one by one: fetch everything again."""


class News(Frame, tag="news"):
    """Something about a topic changed; `key` is the row of a list, `seq` the place in the publish sequence.

    `turns`: more than words were added, so that headers and counts look again.
    """

    topic: str
    seq: int
    name: str
    key: int | None = None
    ring: bool = False
    turns: bool = False


class Present(msgspec.Struct, omit_defaults=True):
    """Someone who is at a topic now."""

    id: str
    name: str
    viewing: bool = False
    writing: bool = False


class Now(Frame, tag="now"):
    """Who is at a topic at this moment; never stored."""

    topic: str
    who: list[Present]


class Refused(Frame, tag="refused"):
    """A frame was not accepted; `text` is for the person, `client_id` says which message it was."""

    code: str
    text: str
    client_id: str | None = None
    retry_after: int | None = None


encode = msgspec.json.Encoder().encode
"""A frame as JSON bytes."""

BEAT = encode(Beat())
RESYNC = encode(Resync())


def refused(refusal: Refusal, client_id: str | None = None) -> Refused:
    """The frame that tells a refusal, with its sentence in the language of the moment."""
    return Refused(
        code=_code(refusal),
        text=str(refusal),
        client_id=client_id,
        retry_after=getattr(refusal, "retry_after", None),
    )


def _code(refusal: Refusal) -> str:
    if isinstance(refusal, StorageFull):
        return "full"
    if isinstance(refusal, TooMany):
        return "rate"
    return refusal.code
