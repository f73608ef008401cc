"""The hub: who watches what, and telling them. Everything in it belongs to the event loop's thread."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from tiski.kernel.errors import Refusal
from tiski.kernel.events.event import FactRow

from . import replay
from .counters import counters
from .door import Session, Standing
from .following import Following
from .frames import News, encode
from .presence import Presence
from .principal import LOGIN_EXPIRED, TRY_LATER, Close, Principal
from .replay import Missed
from .threads import in_thread
from .topics import Topics
from .wire import text_frame

MOST_TOPICS = 100  # per socket
MOST_HELD = 200
MOST_REMEMBERED = 1000

log = logging.getLogger(__name__)


class Hub:
    """News to watchers, messages in order to followers, presence to both."""

    def __init__(self) -> None:
        """`topics`, `following` and `presence` are its parts; each has its own module."""
        self.topics = Topics()
        self.following = Following()
        self.presence = Presence(self._audience)
        self.era = 0
        self._standings: dict[str, Standing] = {}
        self._raised: OrderedDict[str, int] = OrderedDict()
        # Each with the place in the sequence up to which it knows the topic already, from its replay.
        self._watchers: dict[tuple[int, str], dict[Session[Any], int]] = {}

    def admit(self, session: Session[Any], principal: Principal, era: int) -> bool:
        """Give a session its principal; False when their rights changed after `era`, when the hello was judged."""
        if self._raised.get(principal.id, 0) > era:
            return False
        session.principal = principal
        session.standing = self._standings.setdefault(principal.id, Standing())
        session.epoch = session.standing.epoch
        session.standing.sessions.add(session)
        return True

    def leave(self, session: Session[Any]) -> None:
        """Forget a session whose socket is gone."""
        standing = session.standing
        if standing is None:
            return
        self.unwatch(session, list(session.watched))
        self.following.leave(session)
        self.presence.leave(session)
        standing.sessions.discard(session)
        session.standing = None
        if not standing.sessions:
            self._standings.pop(session.principal.id, None)

    async def watch(self, session: Session[Any], topics: Collection[str], after: int | None = None) -> int:
        """Watch those of the topics that are allowed, and send what happened to them after a place in the sequence.

        Returns the newest place, for `ready`. Topics that are unknown or forbidden are ignored.
        """
        shop_id, room = session.principal.shop_id, MOST_TOPICS - len(session.watched)
        wanted = [topic for topic in dict.fromkeys(topics) if topic not in session.watched][:room]
        allowed = await self._ask(session, session.principal, wanted)
        # Watched first and read after: what happens in between is held back, not lost.
        session.frozen += 1
        try:
            for topic in allowed:
                self._watchers.setdefault((shop_id, topic), {})[session] = 0
                session.watched.add(topic)
            missed = await in_thread(replay.since, self.topics, shop_id, allowed, after)
        finally:
            session.frozen -= 1
        for topic in allowed & session.watched:
            self._watchers[shop_id, topic][session] = missed.head
        if missed.resync:
            session.resync()
        for news in missed.news:
            session.send(encode(news))
        self._release(session)
        return missed.head

    def unwatch(self, session: Session[Any], topics: Iterable[str]) -> None:
        """Tell this session no more about the topics."""
        for topic in session.watched.intersection(topics):
            session.watched.discard(topic)
            watchers = self._watchers[session.principal.shop_id, topic]
            watchers.pop(session, None)
            if not watchers:
                del self._watchers[session.principal.shop_id, topic]

    async def missed(self, principal: Principal, topics: Collection[str], after: int | None) -> Missed:
        """The same replay for those who poll by HTTP."""

        def read() -> Missed:
            allowed = self.topics.allowed(principal, list(dict.fromkeys(topics))[:MOST_TOPICS])
            return replay.since(self.topics, principal.shop_id, allowed, after)

        return await in_thread(read)

    def publish(self, facts: Sequence[FactRow]) -> None:
        """Tell what the relay has read, in order."""
        for fact in facts:
            counters.facts += 1
            try:
                self._publish(fact)
            except Exception:
                log.exception("a fact could not be told", extra={"fact": fact.id, "event": fact.name})

    def start_over(self) -> None:
        """Tell everyone who watches anything to fetch it again."""
        for place, watchers in self._watchers.items():
            self._watchers[place] = dict.fromkeys(watchers, 0)
        for session in {session for watchers in self._watchers.values() for session in watchers}:
            session.resync()

    def raise_epoch(self, principal_id: str) -> None:
        """Check this principal's rights again before anything more is delivered to them."""
        self.era += 1
        self._raised[principal_id] = self.era
        self._raised.move_to_end(principal_id)
        if len(self._raised) > MOST_REMEMBERED:
            self._raised.popitem(last=False)
        standing = self._standings.get(principal_id)
        if standing is not None:
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
        for topic, key in self.topics.told(fact):
            watchers = self._watchers.get((fact.shop_id, topic))
            if watchers:
                news = replay.news_of(self.topics, fact, topic, key)
                self._tell(watchers, news, text_frame(encode(news)))

    def _tell(self, watchers: dict[Session[Any], int], news: News, frame: bytes) -> None:
        for session, known in watchers.items():
            if news.seq <= known:
                continue
            if session.is_current and not session.frozen:
                counters.news += 1
                session.push(frame)
            elif len(session.held) <= MOST_HELD:
                session.held.append((news.topic, news.seq, frame))

    async def _ask(self, session: Session[Any], principal: Principal, topics: Collection[str]) -> set[str]:
        """Which of the topics are allowed, asked again when the rights changed during the answer."""
        while True:
            era = self.era
            allowed = await in_thread(self.topics.allowed, principal, topics)
            if self._raised.get(principal.id, 0) <= era:
                return allowed

    async def _recheck(self, session: Session[Any]) -> None:
        """Ask again what this session may see; one check answers all epochs raised before it."""
        standing = session.standing
        if standing is None or session.epoch == standing.epoch:
            return
        counters.rechecks += 1
        epoch = standing.epoch
        try:
            principal = await in_thread(session.door.recheck, session.principal)
            if principal is None:
                raise Close(LOGIN_EXPIRED, "sign in again")
            allowed = await self._ask(session, principal, tuple(session.watched))
        except Refusal as refusal:
            raise Close(TRY_LATER, "rights could not be checked, reconnect") from refusal
        session.principal = principal
        session.epoch = epoch
        self.unwatch(session, session.watched - allowed)
        self.following.renew(session)
        self._release(session)

    def _release(self, session: Session[Any]) -> None:
        """Send what was held back while a replay or a check ran, if it is still allowed."""
        if session.frozen or not session.is_current:
            return
        held, session.held = session.held, []
        if len(held) > MOST_HELD:
            session.resync()
            return
        for topic, seq, frame in held:
            if topic in session.watched and seq > self._watchers[session.principal.shop_id, topic][session]:
                session.push(frame)

    def _audience(self, shop_id: int, topic: str) -> Iterable[Session[Any]]:
        yield from self._watchers.get((shop_id, topic), ())
        yield from self.following.followers(shop_id, topic)


hub = Hub()
"""The hub of this process; packages register their topics with it."""
