"""The relay: reads facts as they are published and hands them to the hub. One per process.

It remembers only its place in the publish sequence, so a lost hint, a slow moment or a database that was away costs
time and never a fact.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress

import msgspec
import psycopg
from django.db import DatabaseError, connection

from tiski.kernel import bus, ids
from tiski.kernel.events import stream
from tiski.kernel.events.event import FactRow

from .hub import Hub
from .presence import Elsewhere
from .threads import in_thread

SQLITE_POLL_SECONDS = 0.025
GATHER_SECONDS = 0.01  # a busy writer hints at every commit; a hundred looks a second are enough
NOW_SECONDS = 0.05  # presence is gathered for so long: at a busy hour it changes hundreds of times a second
WAIT_AFTER_ERROR = 1.0
WAIT_SECONDS = 0.5
PAGE = 500
STOP_SECONDS = 5.0

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
        self._news: dict[tuple[int, str, str], Elsewhere] = {}

    def start(self) -> None:
        """Begin at the newest fact: what came before is for replays."""
        if bus.is_there():
            self._hub.presence.process = ids.key()
            self._hub.presence.tell_elsewhere = self._tell_elsewhere
        self._thread.start()

    def stop(self) -> None:
        """End the thread; returns when it has ended."""
        self._hub.presence.tell_elsewhere = None
        self._stop.set()
        self._thread.join(timeout=STOP_SECONDS)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                if self.position is None:
                    self.position = stream.head()
                if bus.is_there():
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
        with bus.listen(bus.FACTS, bus.PUBLISHED, bus.NOW) as ear:
            stream.publish()
            self._read()
            looked = time.monotonic()
            while not self._stop.is_set():
                channels = self._hear(ear)
                overdue = time.monotonic() - looked >= bus.CATCH_UP_SECONDS
                if bus.FACTS in channels or overdue:
                    stream.publish()
                if channels - {bus.NOW} or overdue:
                    self._read()
                    looked = time.monotonic()
                    self._stop.wait(GATHER_SECONDS)

    def _hear(self, ear: bus.Listening) -> set[str]:
        """The channels on which something was said; who is present is passed on at once."""
        hints = ear.wait(WAIT_SECONDS)
        for hint in hints:
            if hint.channel == bus.NOW and hint.payload:
                self._hear_elsewhere(hint.payload)
        return {hint.channel for hint in hints}

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
            told = msgspec.json.decode(payload, type=list[Elsewhere])
            self._loop.call_soon_threadsafe(self._pass_on, told)

    def _pass_on(self, told: Sequence[Elsewhere]) -> None:
        for news in told:
            self._hub.presence.heard_from_elsewhere(news, self._loop.time())

    def _tell_elsewhere(self, news: Elsewhere) -> None:
        if not self._news:
            self._loop.call_later(NOW_SECONDS, self._tell_gathered)
        self._news[news.shop_id, news.topic, news.who.id] = news

    def _tell_gathered(self) -> None:
        news, self._news = self._news, {}
        self._loop.create_task(_tell(news.values()))


async def _tell(news: Iterable[Elsewhere]) -> None:
    # Best effort: presence that could not be told is told again, or fades.
    with suppress(Exception):
        await in_thread(_tell_all, [msgspec.json.encode(each).decode() for each in news])


def _tell_all(news: Sequence[str]) -> None:
    """In as few hints as they fit into."""
    together: list[str] = []
    size = 0
    for each in news:
        length = len(each.encode()) + 1
        if together and size + length > bus.LARGEST_PAYLOAD - 1:
            bus.tell(bus.NOW, f"[{','.join(together)}]")
            together, size = [], 0
        together.append(each)
        size += length
    bus.tell(bus.NOW, f"[{','.join(together)}]")
