"""Followed topics: numbered messages that reach each socket in order and without gaps, whoever wrote them.

A hint names a topic and the seq it has reached. A follower exactly one behind takes the payload that came with the
hint; anyone else is brought up from the database, so a lost, doubled or early hint does no harm (reliability.md 4).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tiski.kernel.errors import Refusal

from .counters import counters
from .door import Session
from .principal import POLICY, TRY_LATER, Close
from .threads import in_thread
from .wire import text_frame

RETRY_SECONDS = (0.2, 1.0, 3.0)

log = logging.getLogger(__name__)
Place = tuple[int, str]


class Follower:
    """One session's place in one topic: the last seq it has, and how far the topic is known to reach."""

    __slots__ = ("last", "opening", "session", "wanted")

    def __init__(self, session: Session[Any], last: int) -> None:
        self.session = session
        self.last = self.wanted = last
        self.opening = False

    @property
    def may_read(self) -> bool:
        """Whether messages may go out now: its first read is done and its rights are current."""
        return not self.opening and self.session.is_current


class Following:
    """All followers of this process, by shop and topic."""

    def __init__(self) -> None:
        self._followers: dict[Place, dict[Session[Any], Follower]] = {}
        self._reading: dict[Place, asyncio.Task[None]] = {}

    def follow(self, session: Session[Any], topic: str, last: int) -> None:
        """Follow a topic from a seq the session is known to have."""
        self._add(session, topic, last)

    async def open(self, session: Session[Any], topic: str, read: Callable[[], tuple[int, bytes]]) -> None:
        """Follow a topic from its first read: subscribe, run `read` in a thread, send its payload and what came since.

        `read` returns the seq its payload reaches and the payload.
        """
        follower = self._add(session, topic, 0)
        follower.opening = True
        try:
            reached, payload = await in_thread(read)
        except BaseException:
            self.leave(session, [topic])
            raise
        session.send(payload)
        follower.opening = False
        follower.last = reached
        if follower.wanted > reached:
            self._catch_up((session.principal.shop_id, topic))

    def own(self, session: Session[Any], topic: str, seq: int) -> None:
        """The session wrote this seq itself and gets it as its acknowledgement, not as a message."""
        follower = self._followers.get((session.principal.shop_id, topic), {}).get(session)
        if follower is not None and follower.last == seq - 1 and not follower.opening:
            follower.last = seq

    def notify(self, shop_id: int, topic: str, seq: int, draw: Callable[[], bytes] | None = None) -> None:
        """A topic has reached `seq`; `draw` makes the frame of that message when the caller has it."""
        place = shop_id, topic
        followers = self._followers.get(place)
        if followers is None:
            return
        frame: bytes | None = None
        behind = False
        for follower in followers.values():
            if seq <= follower.last:
                continue
            if draw is not None and seq == follower.last + 1 and follower.may_read:
                frame = frame or text_frame(draw())
                follower.last = seq
                follower.session.push(frame)
                counters.messages += 1
                continue
            follower.wanted = max(follower.wanted, seq)
            behind = True
        if behind:
            self._catch_up(place)

    def leave(self, session: Session[Any], topics: Iterable[str] | None = None) -> None:
        """Stop following the topics, or all of them."""
        for topic in list(session.followed if topics is None else topics):
            session.followed.discard(topic)
            place = session.principal.shop_id, topic
            followers = self._followers.get(place, {})
            followers.pop(session, None)
            if not followers:
                self._followers.pop(place, None)

    def followers(self, shop_id: int, topic: str) -> Iterable[Session[Any]]:
        """The sessions that follow a topic."""
        return self._followers.get((shop_id, topic), {}).keys()

    def renew(self, session: Session[Any]) -> None:
        """The session's rights were checked again: go on with what it follows."""
        for topic in session.followed:
            place = session.principal.shop_id, topic
            follower = self._followers[place][session]
            if follower.wanted > follower.last:
                self._catch_up(place)

    def _add(self, session: Session[Any], topic: str, last: int) -> Follower:
        if session.standing is None:
            raise Close(POLICY, "hello comes first")
        place = session.principal.shop_id, topic
        session.followed.add(topic)
        return self._followers.setdefault(place, {}).setdefault(session, Follower(session, last))

    def _catch_up(self, place: Place) -> None:
        if place not in self._reading:
            self._reading[place] = asyncio.get_running_loop().create_task(self._read(place))

    async def _read(self, place: Place) -> None:
        """One reader per topic: reads from the farthest behind, gives each what it lacks, until all have all."""
        failures = 0
        try:
            while behind := self._behind(place):
                if await self._read_once(place, behind):
                    failures = 0
                elif failures < len(RETRY_SECONDS):
                    await asyncio.sleep(RETRY_SECONDS[failures])
                    failures += 1
                else:
                    _give_up(behind)
                    return
        except Exception:
            log.exception("a followed topic could not be read", extra={"topic": place[1]})
            _give_up(self._behind(place))
        finally:
            # Here and not in a callback: a hint that comes between the last look and the end must start a new reader.
            del self._reading[place]

    async def _read_once(self, place: Place, behind: list[Follower]) -> bool:
        slowest = min(behind, key=lambda follower: follower.last)
        door = slowest.session.door
        served = {follower: follower.wanted for follower in behind if follower.session.door is door}
        counters.catch_ups += 1
        try:
            messages = await in_thread(door.missed, slowest.session.principal, place[1], slowest.last)
        except Refusal:
            return False
        for follower, wanted in served.items():
            if not messages and follower.wanted == wanted:
                follower.wanted = follower.last  # the database has no more: the hint promised too much
        _deliver([follower for follower in served if follower.may_read], messages)
        return True

    def _behind(self, place: Place) -> list[Follower]:
        followers = self._followers.get(place, {}).values()
        return [follower for follower in followers if follower.wanted > follower.last and follower.may_read]


def _deliver(followers: Sequence[Follower], messages: Sequence[tuple[int, bytes]]) -> None:
    framed = [(seq, text_frame(payload)) for seq, payload in messages]
    for follower in followers:
        for seq, frame in framed:
            if seq > follower.last:
                follower.last = seq
                follower.session.push(frame)
                counters.messages += 1


def _give_up(followers: Iterable[Follower]) -> None:
    for follower in followers:
        follower.session.close(TRY_LATER, "messages could not be read, reconnect")
