"""The relay: reads facts as they are published and hands them to the hub. One per process.

It remembers only its place in the publish sequence, so a lost hint, a slow moment or a database that was away costs
time and never a fact.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Sequence
from contextlib import suppress

import msgspec
import psycopg
from django.db import DatabaseError, connection

from tiski.kernel import ids
from tiski.kernel.events import stream
from tiski.kernel.events.emitting import CHANNEL
from tiski.kernel.events.event import FactRow

from .hub import Hub
from .presence import Elsewhere
from .threads import in_thread

SQLITE_POLL_SECONDS = 0.025
CATCH_UP_SECONDS = 5.0  # PostgreSQL: when a notification was lost
LOCK_RETRY_SECONDS = 0.005
GATHER_SECONDS = 0.01  # PostgreSQL: a busy writer notifies at every commit; a hundred looks a second are enough
WAIT_AFTER_ERROR = 1.0
PAGE = 500
NOW_CHANNEL = "tiski_now"
LARGEST_NOTIFICATION = 7000  # PostgreSQL takes 8000 bytes

log = logging.getLogger(__name__)


class Relay:
    """A thread with its own database connection between the facts and the hub."""

    def __init__(self, hub: Hub, loop: asyncio.AbstractEventLoop) -> None:
        """`position` is the last fact handed over; None until the first look at the database."""
        self._hub = hub
        self._loop = loop
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)
        self.position: int | None = None

    def start(self) -> None:
        """Begin at the newest fact: what came before is for replays."""
        if connection.vendor == "postgresql":
            self._hub.presence.process = ids.key()
            self._hub.presence.tell_elsewhere = self._tell_elsewhere
        self._thread.start()

    def stop(self) -> None:
        """End the thread; returns when it has ended."""
        self._hub.presence.tell_elsewhere = None
        self._stop.set()
        self._thread.join(timeout=CATCH_UP_SECONDS)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                if self.position is None:
                    self.position = stream.head()
                if connection.vendor == "postgresql":
                    self._listen()
                else:
                    self._poll()
            except (DatabaseError, psycopg.Error):
                log.warning("facts could not be read; trying again", exc_info=True)
                connection.close()
                self._stop.wait(WAIT_AFTER_ERROR)
        connection.close()

    def _poll(self) -> None:
        while not self._stop.wait(SQLITE_POLL_SECONDS):
            self._read()

    def _listen(self) -> None:
        with connection.cursor() as cursor:
            for channel in (CHANNEL, stream.PUBLISHED, NOW_CHANNEL):
                cursor.execute(f"LISTEN {channel}")
        listening = connection.connection
        self._publish()
        self._read()
        waited = 0.0
        while not self._stop.is_set():
            heard = list(listening.notifies(timeout=0.5, stop_after=1))
            waited = 0.0 if heard else waited + 0.5
            channels = {notification.channel for notification in heard}
            for notification in heard:
                if notification.channel == NOW_CHANNEL:
                    self._hear_elsewhere(notification.payload)
            if CHANNEL in channels or waited >= CATCH_UP_SECONDS:
                self._publish()
            if channels - {NOW_CHANNEL} or waited >= CATCH_UP_SECONDS:
                self._read()
                waited = 0.0
                self._stop.wait(GATHER_SECONDS)

    def _publish(self) -> None:
        # Who does not get the lock cannot know whether its holder saw the newest facts: it asks again.
        while not stream.publish() and not self._stop.wait(LOCK_RETRY_SECONDS):
            pass

    def _read(self) -> None:
        position = self.position or 0
        head = stream.head()
        if head < position:  # the sequence began anew: nobody's place in the old one means anything
            self.position = head
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._hub.start_over)
            return
        while position < head and not self._stop.is_set():
            facts = stream.after(position, PAGE)
            if not facts:
                break
            position = self.position = facts[-1].position
            self._hand_over(facts)

    def _hand_over(self, facts: Sequence[FactRow]) -> None:
        with suppress(RuntimeError):  # the loop has ended, and with it everyone to tell
            self._loop.call_soon_threadsafe(self._hub.publish, facts)

    def _hear_elsewhere(self, payload: str) -> None:
        with suppress(msgspec.MsgspecError, RuntimeError):
            news = msgspec.json.decode(payload, type=Elsewhere)
            self._loop.call_soon_threadsafe(self._hub.presence.heard_from_elsewhere, news, self._loop.time())

    def _tell_elsewhere(self, news: Elsewhere) -> None:
        payload = msgspec.json.encode(news)
        if len(payload) <= LARGEST_NOTIFICATION:
            self._loop.create_task(_notify(payload.decode()))


async def _notify(payload: str) -> None:
    # Best effort: presence that could not be told is told again, or fades.
    with suppress(Exception):
        await in_thread(_execute, payload)


def _execute(payload: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [NOW_CHANNEL, payload])
