"""The hub: who watches what, and telling them. Everything in it belongs to the event loop's thread."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from tiski.kernel.errors import Refusal
from tiski.kernel.events.event import FactRow

from . import door as doors
from . import replay
from .counters import counters
from .door import Principal
from .following import Following
from .frames import encode
from .presence import Presence
from .replay import Missed
from .session import Session
from .threads import in_thread
from .topics import Topics
from .wire import text_frame

MOST_TOPICS = 100  # per socket
MOST_HELD = 200

log = logging.getLogger(__name__)


class Standing:
    """One principal's sessions and the epoch of their rights: a grant of an older epoch no longer counts."""

    __slots__ = ("epoch", "sessions")

    def __init__(self) -> None:
        self.epoch = 0
        self.sessions: set[Session[Any]] = set()


class Hub:
    """News to watchers, messages in order to followers, presence to both."""

    def __init__(self) -> None:
        """`topics`, `following` and `presence` are its parts; each has its own module."""
        self.topics = Topics()
        self.following = Following()
        self.presence = Presence(self._audience)
        self._standings: dict[str, Standing] = {}
        self._watchers: dict[tuple[int, str], dict[Session[Any], int]] = {}

    def admit(self, session: Session[Any], principal: Principal) -> None:
        """A session has a principal from now on."""
        session.principal = principal
        session.standing = self._standings.setdefault(principal.id, Standing())
        session.standing.sessions.add(session)

    def leave(self, session: Session[Any]) -> None:
        """Forget a session whose socket is gone."""
        standing, session.standing = session.standing, None
        if standing is None:
            return
        self.unwatch(session, list(session.watched))
        self.following.leave(session)
        self.presence.leave(session)
        standing.sessions.discard(session)
        if not standing.sessions:
            self._standings.pop(session.principal.id, None)

    async def watch(self, session: Session[Any], topics: Collection[str], after: int | None = None) -> int:
        """Watch those of the topics that are allowed, and send what happened to them after a place in the sequence.

        Returns the newest place, for `ready`. Topics that are unknown or forbidden are ignored.
        """
        standing = _standing(session)
        epoch = standing.epoch
        wanted = [topic for topic in dict.fromkeys(topics) if topic not in session.watched]
        allowed = await in_thread(self.topics.allowed, session.principal, wanted[: MOST_TOPICS - len(session.watched)])
        # Watched first and read after: what happens in between is held back, not lost.
        session.frozen += 1
        try:
            for topic in allowed:
                self._watchers.setdefault((session.principal.shop_id, topic), {})[session] = epoch
                session.watched.add(topic)
            missed = await in_thread(replay.since, self.topics, session.principal.shop_id, allowed, after)
        finally:
            session.frozen -= 1
        if missed.resync:
            session.resync()
        for news in missed.news:
            session.send(encode(news))
        self._release(session)
        return missed.head

    def unwatch(self, session: Session[Any], topics: Iterable[str]) -> None:
        """Tell this session no more about the topics."""
        for topic in topics:
            if topic in session.watched:
                session.watched.discard(topic)
                place = session.principal.shop_id, topic
                watchers = self._watchers[place]
                watchers.pop(session, None)
                if not watchers:
                    del self._watchers[place]

    async def missed(self, principal: Principal, topics: Collection[str], after: int | None) -> Missed:
        """The same replay for those who poll by HTTP."""

        def read() -> Missed:
            return replay.since(self.topics, principal.shop_id, self.topics.allowed(principal, set(topics)), after)

        return await in_thread(read)

    def publish(self, facts: Sequence[FactRow]) -> None:
        """Tell what the relay has read, in order."""
        for fact in facts:
            counters.facts += 1
            try:
                self._publish(fact)
            except Exception:
                log.exception("a fact could not be told", extra={"fact": fact.id, "event": fact.name})

    def raise_epoch(self, principal_id: str) -> None:
        """Check this principal's rights again before anything more is delivered to them."""
        standing = self._standings.get(principal_id)
        if standing is None:
            return
        standing.epoch += 1
        for session in list(standing.sessions):
            session.run(self._recheck(session))

    def _publish(self, fact: FactRow) -> None:
        for principal_id in self.topics.raised_by(fact):
            self.raise_epoch(principal_id)
        if fact.shop_id is None:
            return
        advanced = self.topics.seq_of(fact)
        if advanced is not None:
            self.following.notify(fact.shop_id, *advanced)
        if not fact.subject:
            return
        for news in replay.news_of(self.topics, fact):
            watchers = self._watchers.get((fact.shop_id, news.topic))
            if watchers:
                self._tell(watchers, news.topic, text_frame(encode(news)))

    def _tell(self, watchers: dict[Session[Any], int], topic: str, frame: bytes) -> None:
        counters.news += len(watchers)
        for session, epoch in watchers.items():
            if session.frozen or epoch != session.standing.epoch:  # type: ignore[union-attr]
                session.held.append((topic, frame))
            else:
                session.push(frame)

    async def _recheck(self, session: Session[Any]) -> None:
        """Ask again what this session may see; queued once per raised epoch, so only the newest asks."""
        standing = _standing(session)
        epoch = standing.epoch
        if all(self._watchers[session.principal.shop_id, topic][session] == epoch for topic in session.watched) and (
            self.following.is_current(session, epoch)
        ):
            return
        counters.rechecks += 1
        try:
            principal = await in_thread(session.entrance.door.recheck, session.principal)
            if principal is None:
                raise doors.Close(doors.LOGIN_EXPIRED, "sign in again")
            allowed = await in_thread(self.topics.allowed, principal, tuple(session.watched))
        except Refusal as refusal:
            raise doors.Close(doors.TRY_LATER, "rights could not be checked") from refusal
        session.principal = principal
        self.unwatch(session, session.watched - allowed)
        for topic in session.watched:
            self._watchers[principal.shop_id, topic][session] = epoch
        self.following.renew(session, epoch)
        self._release(session)

    def _release(self, session: Session[Any]) -> None:
        """Send what was held back while a replay or a check ran, if it is still allowed."""
        if session.frozen or not session.held:
            return
        held, session.held = session.held, []
        if len(held) > MOST_HELD:
            session.resync()
            return
        for topic, frame in held:
            watchers = self._watchers.get((session.principal.shop_id, topic), {})
            if session in watchers:
                self._tell({session: watchers[session]}, topic, frame)

    def _audience(self, shop_id: int, topic: str) -> Iterable[Session[Any]]:
        yield from self._watchers.get((shop_id, topic), ())
        yield from self.following.followers(shop_id, topic)


def _standing(session: Session[Any]) -> Standing:
    if session.standing is None:
        raise doors.Close(doors.POLICY, "hello comes first")
    return session.standing


hub = Hub()
"""The hub of this process; packages register their topics with it."""
