"""The same conversation by plain requests, where sockets are blocked: same frames, same writer, same limits."""

from __future__ import annotations

from uuid import UUID

import msgspec

from tiski.channels.chat import queries
from tiski.channels.chat.errors import BadVisitorToken
from tiski.channels.chat.frames import Message, Ready, encode
from tiski.channels.chat.plugs import writing
from tiski.channels.chat.plugs.door import origins_of
from tiski.kernel import limits, live

ASKING = (30, 30.0)  # a panel that is open asks every 3 s

_decode = msgspec.json.Decoder(Message).decode


@live.route("POST", "/w/<key>/messages/", cors=origins_of)
async def receive(request: live.Request) -> live.Response:
    """Store one message; answers `ack`, or `refused` with the status of the refusal."""
    frame = _decode(await request.body())
    request.language = frame.lang
    widget, hashed = await live.in_thread(_enter, request)
    begins = await live.in_thread(queries.belonging, widget.shop_id, hashed, frame.conversation) is None
    writing.admit(widget, hashed, request.client, begins=begins)
    posted = await writing.writer.write(writing.posting(widget, hashed, frame))
    if posted.is_new:
        live.hub.following.notify(widget.shop_id, writing.topic(posted.conversation_id), posted.seq)
    return live.Response.json(encode(writing.ack(frame.client_id, posted)))


@live.route("GET", "/w/<key>/messages/", cors=origins_of)
async def read(request: live.Request) -> live.Response:
    """The `ready` frame: the newest page, what follows `?after=`, or the page before `?before=`."""
    return live.Response.json(encode(await live.in_thread(_ready, request)))


def _ready(request: live.Request) -> Ready:
    widget, hashed = _enter(request)
    limits.allow(f"chat-read:{widget.shop_id}:{hashed}", limit=ASKING[0], per=ASKING[1])
    belonging = queries.belonging(widget.shop_id, hashed, _uuid(request.query.get("conversation", "")))
    before = _number(request.query.get("before", ""))
    return queries.ready(
        widget,
        belonging.conversation_id if belonging else None,
        after=_number(request.query.get("after", "")) or 0,
        before=before,
    )


def _enter(request: live.Request) -> tuple[queries.Widget, str]:
    return queries.widget(request.params["key"]), queries.token_hash(request.bearer)


def _uuid(text: str) -> UUID | None:
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError:
        raise BadVisitorToken from None


def _number(text: str) -> int | None:
    return int(text[:18]) if text.isdecimal() and text.isascii() else None
