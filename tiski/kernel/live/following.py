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

from . import door as doors
from .counters import counters
from .session import Session
from .threads import in_thread
from .wire import text_frame

RETRY_SECONDS = (0.2, 1.0, 3.0)

log = logging.getLogger(__name__)
Place = tuple[int, str]


class Follower:
    """One session's place in one topic: the last seq it has, and how far the topic is known to reach."""

    __slots__ = ("epoch", "last", "opening", "session", "wanted")

    def __init__(self, session: Session[Any], last: int, epoch: int) -> None:
        self.session = session
        self.last = self.wanted = last
        self.epoch = epoch
        self.opening = False

    @property
    def may_read(self) -> bool:
        """Whether messages may go out now: its first read is done and its rights are current."""
        standing = self.session.standing
        return not self.opening and standing is not None and standing.epoch == self.epoch


class Following:
    """All followers of this process, by shop and topic."""

    def __init__(self) -> None:
        self._followers: dict[Place, dict[Session[Any], Follower]] = {}
        self._reading: dict[Place, asyncio.Task[None]] = {}

    def follow(self, session: Session[Any], topic: str, last: int) -> None:
        """Follow a topic from a seq the session is known to have."""
        self._add(session, topic, last)

    async def open(self, session: Session[Any], topic: str, read: Callable[[], tuple[int, bytes]]) -> None:
        """Follow a topic from its first read: subscribes, runs `read` in a thread, sends its payload, then what came since.

        `read` returns the seq its payload reaches and the payload.
        """
        follower = self._add(session, topic, 0)
        follower.opening = True
        reached, payload = await in_thread(read)
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

    def notify(self, shop_id: int, topic: str, seq: int, payload: bytes | None = None) -> None:
        """A topic has reached `seq`; `payload` is the frame of that message when the caller has it."""
        place = shop_id, topic
        followers = self._followers.get(place)
        if followers is None:
            return
        frame = text_frame(payload) if payload is not None else None
        behind = False
        for follower in followers.values():
            if seq <= follower.last:
                continue
            if frame is not None and seq == follower.last + 1 and follower.may_read:
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

    def is_current(self, session: Session[Any], epoch: int) -> bool:
        """Whether all that the session follows was granted in this epoch."""
        return all(follower.epoch == epoch for _, follower in self._of(session))

    def renew(self, session: Session[Any], epoch: int) -> None:
        """The session's rights were checked in this epoch: go on with what it follows."""
        for place, follower in self._of(session):
            follower.epoch = epoch
            if follower.wanted > follower.last:
                self._catch_up(place)

    def _of(self, session: Session[Any]) -> list[tuple[Place, Follower]]:
        places = [(session.principal.shop_id, topic) for topic in session.followed]
        return [(place, self._followers[place][session]) for place in places]

    def _add(self, session: Session[Any], topic: str, last: int) -> Follower:
        if session.standing is None:
            raise doors.Close(doors.POLICY, "hello comes first")
        place = session.principal.shop_id, topic
        session.followed.add(topic)
        follower = Follower(session, last, session.standing.epoch)
        self._followers.setdefault(place, {})[session] = follower
        return follower

    def _catch_up(self, place: Place) -> None:
        if place not in self._reading:
            task = asyncio.get_running_loop().create_task(self._read(place))
            self._reading[place] = task
            task.add_done_callback(lambda _: self._reading.pop(place, None))

    async def _read(self, place: Place) -> None:
        """One reader per topic: reads from the farthest behind, gives each what it lacks, until all have all."""
        failures = 0
        while behind := self._behind(place):
            slowest = min(behind, key=lambda follower: follower.last)
            door, principal = slowest.session.entrance.door, slowest.session.principal
            counters.catch_ups += 1
            try:
                messages = await in_thread(door.missed, principal, place[1], slowest.last)
            except Refusal:
                if failures == len(RETRY_SECONDS):
                    _give_up(behind)
                    return
                await asyncio.sleep(RETRY_SECONDS[failures])
                failures += 1
                continue
            except Exception:
                log.exception("a followed topic could not be read", extra={"topic": place[1]})
                _give_up(behind)
                return
            same_door = [follower for follower in self._behind(place) if follower.session.entrance.door is door]
            _deliver(same_door, messages)

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
        if not framed or framed[-1][0] <= follower.last:
            # The database has no more than this: a hint that promised more was wrong.
            follower.wanted = follower.last


def _give_up(followers: Iterable[Follower]) -> None:
    for follower in followers:
        follower.session.close(doors.TRY_LATER, "messages could not be read, reconnect")
