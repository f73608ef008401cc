"""All sockets of this process: letting them in, hearing their hello, their heartbeat and their end."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from typing import Any

from tiski.kernel import clock, limits
from tiski.kernel.errors import Refusal, TooMany

from .counters import counters
from .door import Session
from .entrance import Entrance
from .frames import BEAT
from .gate import Call, Knock, Turned
from .hub import Hub
from .principal import LOGIN_EXPIRED, POLICY, RESTART, Close
from .threads import in_thread
from .wire import EXTENSION, Wire, text_frame

HELLO_SECONDS = 5.0
BEAT_SECONDS = 25
TICK_SECONDS = 1.0
SILENCE_SECONDS = 38.0  # looked at every 2 s; with the patience for an answer to the close a dead line is cut within 45
BEAT_FRAME = text_frame(BEAT)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """Per address and per process. Loopback is spared: a proxy that is not declared hides everyone behind it."""

    per_address: int = 200
    handshakes_a_minute: int = 300
    requests_a_minute: int = 600
    sockets: int = 50_000
    spare_loopback: bool = True

    def spares(self, client: str) -> bool:
        """Whether this address is not counted."""
        try:
            return self.spare_loopback and ip_address(client).is_loopback
        except ValueError:
            return False


class Sockets:
    """The sessions of this process."""

    def __init__(self, hub: Hub, limits: Limits) -> None:
        self.hub = hub
        self.limits = limits
        self.draining = False
        self._beats: list[set[Session[Any]]] = [set() for _ in range(BEAT_SECONDS)]
        self._nameless: dict[Session[Any], float] = {}
        self._per_address: Counter[str] = Counter()
        self._farewells: set[asyncio.Task[None]] = set()
        self.most = limits.sockets
        self._open = 0

    def __len__(self) -> int:
        """How many sockets are open."""
        return self._open

    def all(self) -> list[Session[Any]]:
        """Every session, named or not."""
        return [session for share in self._beats for session in share]

    def turned(self, client: str) -> Turned | None:
        """Why this address may not open a socket now, or None."""
        if self.draining:
            return Turned(503, "Restarting, try again in a moment.")
        if self._open >= self.most:
            return Turned(503, "No more sockets fit here just now.")
        if self.limits.spares(client):
            return None
        if self._per_address[client] >= self.limits.per_address:
            return Turned(429, "Too many sockets from one address.")
        try:
            limits.allow(f"handshake:{client}", limit=self.limits.handshakes_a_minute, per=60)
        except TooMany:
            return Turned(429, "Too many sockets from one address, try again in a minute.")
        return None

    async def open(self, entrance: Entrance[Any], knock: Knock, call: Call) -> None:
        """Accept a socket that was let in."""
        wire: Wire = call.scope["extensions"][EXTENSION]
        session: Session[Any] = Session(wire, entrance.door, entrance.codec, knock=knock, greet=self._greet)
        await call.receive()
        await call.send({"type": "websocket.accept"})
        wire.adopt(session.receive, partial(self._remove, session, self._add(session)))

    async def sweep(self) -> None:
        """Every second: a heartbeat for a share of the sockets, an end for the silent and the nameless."""
        loop = asyncio.get_running_loop()
        second = 0
        while True:
            await asyncio.sleep(TICK_SECONDS)
            second += 1
            try:
                self._sweep(second, loop.time())
            except Exception:
                log.exception("the sweep of the sockets failed")

    def refuse_frames(self) -> None:
        """Take nothing new: what is not acknowledged is sent again to the next process."""
        self.draining = True
        for session in self.all():
            session.stop_listening()

    def hang_up(self) -> None:
        """Close every socket with the code that says come back."""
        for session in self.all():
            session.close(RESTART, "restarting")

    def _sweep(self, second: int, now: float) -> None:
        for session, since in list(self._nameless.items()):
            if now - since > HELLO_SECONDS:
                session.close(POLICY, "no hello in time")
        moment = clock.now().timestamp()
        for session in self._beats[second % BEAT_SECONDS]:
            if session.standing is None:
                continue  # who has not said hello is told nothing
            expires = session.principal.expires
            if expires is not None and expires < moment:
                session.close(LOGIN_EXPIRED, "sign in again")
            else:
                session.hint(BEAT_FRAME)
        if second % 2 == 0:
            self._end_the_silent(now)
        self.hub.presence.fade(now)
        if second % BEAT_SECONDS == 0:
            self.hub.presence.repeat()

    def _end_the_silent(self, now: float) -> None:
        for session in self.all():
            if now - session.heard > SILENCE_SECONDS:
                counters.silent_closed += 1
                session.close(POLICY, "silent too long")

    def _add(self, session: Session[Any]) -> set[Session[Any]]:
        counters.sockets_opened += 1
        share = self._beats[counters.sockets_opened % BEAT_SECONDS]
        share.add(session)
        self._nameless[session] = session.heard
        self._per_address[session.address] += 1
        self._open += 1
        return share

    def _remove(self, session: Session[Any], beats: set[Session[Any]]) -> None:
        counters.sockets_closed += 1
        beats.discard(session)
        self._open -= 1
        self._nameless.pop(session, None)
        self._per_address[session.address] -= 1
        if not self._per_address[session.address]:
            del self._per_address[session.address]
        session.cut()
        if session.standing is not None:
            self.hub.leave(session)
            farewell = asyncio.get_running_loop().create_task(session.door.closed(session))
            self._farewells.add(farewell)
            farewell.add_done_callback(self._farewells.discard)

    async def _greet(self, session: Session[Any], hello: Any) -> None:
        """Find out who says hello, once per socket, and let the door answer."""
        self._nameless.pop(session, None)
        knock, session.knock = session.knock, None
        if knock is None:
            raise Close(POLICY, "hello comes once")
        door = session.door
        try:
            admitted = False
            while not admitted:
                era = self.hub.era
                admitted = self.hub.admit(session, await in_thread(door.enter, knock, hello), era)
        except Refusal as refusal:
            counters.refused_hellos += 1
            session.refuse(refusal)
            raise Close(POLICY, "hello was refused") from refusal
        except Close:
            counters.refused_hellos += 1
            raise
        counters.reconnects += bool(getattr(hello, "after", 0))
        await door.opened(session, hello)
        session.begin()
