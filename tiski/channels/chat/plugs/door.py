"""The widget's socket. From a `message` frame to its acknowledgement: `handle`, the writer, `_stored`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from tiski.channels.chat import queries
from tiski.channels.chat.errors import NoSuchWidget
from tiski.channels.chat.frames import Author, Hello, Message, Read, Said, Typing, Writing, encode
from tiski.channels.chat.plugs import writing
from tiski.channels.chat.queries import Widget
from tiski.conversations import actions as conversations
from tiski.conversations.actions import Posted
from tiski.kernel import clock, live
from tiski.kernel.action import SYSTEM
from tiski.kernel.errors import Refusal
from tiski.kernel.live import Present
from tiski.kernel.scope import shop_scope

VISITOR = Author("customer", "", None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shopper(live.Principal):
    """A visitor behind a socket: the widget they came through and the hash of their token."""

    widget: Widget
    token_hash: str
    conversation: UUID | None
    conversation_id: int | None


@dataclass(slots=True)
class Place:
    """Which conversation the socket has got to; known after the first message, if not from the hello."""

    conversation: UUID | None
    conversation_id: int | None


def origins_of(knock: live.Knock) -> Collection[str] | None:
    """The shop's registered origins and our own pages, which embed the demo shop and the hosted chat."""
    try:
        return queries.widget(knock.params["key"]).domains | {live.OWN_ORIGIN}
    except NoSuchWidget:
        return None


class ChatDoor(live.Door[Shopper]):
    """Visitors enter with the token their browser made; nobody else has it."""

    path = "/w/<key>/live"
    hello, frames = Hello, (Message, Typing, Read)
    pace = live.Pace(burst=20, per_second=4)

    def origins(self, knock: live.Knock) -> Collection[str] | None:
        """See `origins_of`."""
        return origins_of(knock)

    def enter(self, knock: live.Knock, hello: Hello) -> Shopper:
        """The visitor, with their conversation when it exists already."""
        widget = queries.widget(knock.params["key"])
        hashed = queries.token_hash(hello.token)
        belonging = queries.belonging(widget.shop_id, hashed, hello.conversation)
        return Shopper(
            id=f"visitor-{hashed}",
            shop_id=widget.shop_id,
            widget=widget,
            token_hash=hashed,
            conversation=hello.conversation,
            conversation_id=belonging.conversation_id if belonging else None,
        )

    async def opened(self, session: live.Session[Shopper], hello: Hello) -> None:
        """Answer with what is missing and follow the conversation from there."""
        shopper = session.principal
        session.state = Place(shopper.conversation, shopper.conversation_id)
        read = partial(_first_load, shopper, hello.after)
        if shopper.conversation_id is None:
            session.send((await live.in_thread(read))[1])
            return
        topic = writing.topic(shopper.conversation_id)
        await live.hub.following.open(session, topic, read)
        live.hub.presence.here(session, topic)

    def handle(self, session: live.Session[Shopper], frame: Message | Typing | Read) -> Any:
        """A message goes to the writer, which answers after its commit; typing is only told; read marks are stored."""
        place: Place = session.state
        if not isinstance(frame, Message):
            return _mark(session, frame, place.conversation_id)
        shopper = session.principal
        writing.admit(shopper.widget, shopper.token_hash, session.address, begins=place.conversation_id is None)
        posting = writing.posting(shopper.widget, shopper.token_hash, frame)
        writing.writer.put(posting, partial(_stored, session, frame))
        return None

    def missed(self, principal: Shopper, topic: str, after: int) -> Sequence[tuple[int, bytes]]:
        """The conversation's messages after a seq."""
        conversation_id = int(topic.rpartition("-")[2])
        found = queries.missed(principal.widget.key, principal.shop_id, conversation_id, after)
        return [(said.seq, encode(said)) for said in found]

    def draw_now(self, topic: str, who: list[Present]) -> bytes:
        """Visitors see whether someone of the shop writes, and by which name; not who merely looks."""
        writers = [present.name for present in who if present.writing and present.id.startswith("agent-")]
        return encode(Writing(typing=bool(writers), name=queries.given_name(writers[0]) if writers else ""))


def _mark(session: live.Session[Shopper], frame: Typing | Read, conversation_id: int | None) -> Any:
    if conversation_id is None:
        return None
    if isinstance(frame, Read):
        return live.in_thread(_read_up_to, session.principal, conversation_id, frame.seq)
    live.hub.presence.here(session, writing.topic(conversation_id), writing=True)
    return None


def _read_up_to(shopper: Shopper, conversation_id: int, seq: int) -> None:
    with shop_scope(shopper.shop_id):
        conversations.mark_read_by_customer(conversation_id, seq=seq, by=SYSTEM)


def _first_load(shopper: Shopper, after: int) -> tuple[int, bytes]:
    ready = queries.ready(shopper.widget, shopper.conversation_id, after=after)
    return ready.seq, encode(ready)


def _stored(session: live.Session[Shopper], frame: Message, outcome: Posted | Exception) -> None:
    """Runs in the event loop after the commit: acknowledge, then tell the visitor's other windows."""
    if session.standing is None:
        return  # the socket went while the message was stored; the browser asks again with the same client_id
    if isinstance(outcome, Refusal):
        session.refuse(outcome, str(frame.client_id))
        return
    if isinstance(outcome, Exception):
        raise outcome
    topic = writing.topic(outcome.conversation_id)
    place: Place = session.state
    if place.conversation_id is None:
        place.conversation_id = outcome.conversation_id
        live.hub.following.follow(session, topic, outcome.seq - 1)
        live.hub.presence.here(session, topic)
    live.hub.following.own(session, topic, outcome.seq)
    session.send(encode(writing.ack(frame.client_id, outcome)))
    if outcome.is_new:
        # One with files is read again by the visitor's other windows, to get its links.
        draw = None if frame.files else partial(_as_said, frame, outcome.seq)
        live.hub.following.notify(session.principal.shop_id, topic, outcome.seq, draw)


def _as_said(frame: Message, seq: int) -> bytes:
    """The message for the visitor's other windows."""
    now = clock.now().isoformat()
    return encode(Said(seq=seq, author=VISITOR, at=now, body=frame.body, files=[], client_id=str(frame.client_id)))


def _seq_of(fact: Any) -> tuple[str, int]:
    return fact.subject, fact.data["seq"]


live.open_door(ChatDoor())
live.hub.topics.register_seq("conversations.message_posted", _seq_of)
