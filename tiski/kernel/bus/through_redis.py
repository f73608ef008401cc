"""Hints through Redis. Nobody ever waits for it: a Redis that is away, full or hanging costs seconds, not messages."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.client import PubSub
from redis.retry import Retry

from .hint import Hint

ANSWER_SECONDS = 2.0
AWAY_SECONDS = 1.0  # between attempts to reach it
QUIET_SECONDS = 10.0  # then it is asked whether it is still there
MOST_WAITING = 1000

log = logging.getLogger(__name__)


class Teller:
    """Sends hints from a thread of its own; keeps few and forgets those it could not send."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._waiting: deque[Hint] = deque(maxlen=MOST_WAITING)
        self._said = threading.Event()
        self._lock = threading.Lock()
        self._is_away = False
        threading.Thread(target=self._run, name="redis-teller", daemon=True).start()

    def tell(self, channel: str, payload: str) -> None:
        """Send it soon; the same hint without a payload waits only once."""
        hint = Hint(channel, payload)
        with self._lock:
            if payload or hint not in self._waiting:
                self._waiting.append(hint)
        self._said.set()

    def _run(self) -> None:
        while self._said.wait():
            self._said.clear()
            try:
                self._send()
            except redis.RedisError as error:
                if not self._is_away:
                    log.warning("Redis cannot be reached; processes look at the database instead: %s", error)
                self._is_away = True
                time.sleep(AWAY_SECONDS)
            else:
                self._is_away = False

    def _send(self) -> None:
        with self._lock:
            hints = list(self._waiting)
            self._waiting.clear()
        with self._client.pipeline(transaction=False) as together:
            for hint in hints:
                together.publish(_name(hint.channel), hint.payload)
            together.execute()


class Ear:
    """Subscribed while Redis is there; while it is away every wait ends with a reason to look at the database."""

    def __init__(self, client: redis.Redis, channels: Sequence[str]) -> None:
        self._client = client
        self._channels = {_name(channel).encode(): channel for channel in channels}
        self._subscription: PubSub | None = None
        self._heard = 0.0
        self._try_again = 0.0

    def wait(self, seconds: float) -> Sequence[Hint]:
        """See `hint.Listening`."""
        try:
            return self._wait(seconds)
        except redis.RedisError:
            self.close()
            self._try_again = time.monotonic() + AWAY_SECONDS
            return self._anything()

    def close(self) -> None:
        """Give the connection back."""
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            with suppress(redis.RedisError):
                subscription.close()

    def _wait(self, seconds: float) -> Sequence[Hint]:
        if self._subscription is None:
            pause = self._try_again - time.monotonic()
            if pause > 0:
                time.sleep(min(pause, seconds))
                return []
            self._subscribe()
        self._check()
        heard = [hint for hint in [self._next(seconds)] if hint]
        while hint := self._next(0):
            heard.append(hint)
        return heard

    def _subscribe(self) -> None:
        self._subscription = PubSub(self._client.connection_pool)
        self._subscription.subscribe(*[_name(channel) for channel in self._channels.values()])
        self._heard = time.monotonic()

    def _check(self) -> None:
        quiet = time.monotonic() - self._heard
        if quiet > QUIET_SECONDS + ANSWER_SECONDS:
            raise redis.TimeoutError("Redis does not answer")
        if quiet > QUIET_SECONDS and self._subscription is not None:
            self._subscription.ping()

    def _next(self, seconds: float) -> Hint | None:
        if self._subscription is None:
            return None
        message = self._subscription.get_message(timeout=seconds)
        if message is None:
            return None
        self._heard = time.monotonic()
        if message["type"] == "subscribe":  # from here on nothing is missed, what was said before may have been
            return Hint(self._channels[message["channel"]])
        if message["type"] == "message":
            return Hint(self._channels[message["channel"]], message["data"].decode(errors="replace"))
        return None

    def _anything(self) -> Sequence[Hint]:
        return [Hint(channel) for channel in self._channels.values()]


def tell(channel: str, payload: str) -> None:
    """Hint on a channel without waiting."""
    _teller(settings.TISKI_REDIS_URL).tell(channel, payload)


@contextmanager
def listen(channels: Sequence[str]) -> Iterator[Ear]:
    """Listen until the end of the block; Redis need not be there."""
    ear = Ear(_client(settings.TISKI_REDIS_URL), channels)
    try:
        yield ear
    finally:
        ear.close()


@lru_cache(maxsize=4)
def _teller(url: str) -> Teller:
    return Teller(_client(url))


@lru_cache(maxsize=4)
def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(
        url, socket_timeout=ANSWER_SECONDS, socket_connect_timeout=ANSWER_SECONDS, retry=Retry(NoBackoff(), 0)
    )


def _name(channel: str) -> str:
    # Channels are shared by everyone on a Redis, whatever database they chose: installations keep apart by address.
    return f"{settings.TISKI_BASE_URL} {channel}"
