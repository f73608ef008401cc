"""Group commit: many callers hand in items, one writer thread stores all that wait in one transaction.

A commit costs an fsync whether it holds one row or a thousand, so the items that arrive during a commit share the
next one. A caller hears its result only after the commit that holds it (reliability.md I1, I7).
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar

from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.utils.translation import gettext_lazy as _

from .errors import Refusal, StorageFull, Unavailable
from .metrics import Histogram
from .queued_sqlite3.turns import go_first

# Back-to-back commits starve other processes for seconds; with the pause their p99 is 4 ms (architecture.md 7).
SQLITE_PAUSE = 0.0015
LARGEST_BATCH = 1000
LONGEST_QUEUE = 5000
ACK_EDGES = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
SIZE_EDGES = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1000)
FULL_DISK = ("database or disk is full", "no space left", "disk full")

Item = TypeVar("Item")
Result = TypeVar("Result")
Done = Callable[[Result | Exception], None]

log = logging.getLogger(__name__)


class Busy(Unavailable):
    """More is waiting to be stored than can be stored soon; refusing early keeps the others fast."""

    code = "busy"
    sentence = _("Very many messages are coming in just now, so this one was not stored. Send it again in a moment.")
    retry_after = 2


class NotStored(Unavailable):
    """The database did not take the batch; nothing of it is stored."""

    code = "not_stored"
    sentence = _("The message could not be stored just now. Send it again in a moment.")


class _Waiting(NamedTuple, Generic[Item, Result]):
    item: Item
    done: Done[Result]
    loop: asyncio.AbstractEventLoop
    since: float


@dataclass(slots=True)
class Tally:
    """What a writer has done so far, for metrics: times in seconds."""

    items: int = 0
    batches: int = 0
    failed_batches: int = 0
    refused: int = 0
    largest_batch: int = 0
    slowest: float = 0.0
    waited: float = 0.0
    waits: Histogram = field(default_factory=lambda: Histogram(ACK_EDGES))
    sizes: Histogram = field(default_factory=lambda: Histogram(SIZE_EDGES))


class Gatherer(Generic[Item, Result]):
    """A writer with its own thread and database connection, started by the first item.

    `work` stores a list of items, commits, and returns one result per item in the same order; a result may be an
    exception, which refuses that item alone. When `work` raises, nothing was stored and every waiter is told.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[list[Item]], Sequence[Result | Exception]],
        *,
        largest_batch: int = LARGEST_BATCH,
        longest_queue: int = LONGEST_QUEUE,
    ) -> None:
        """`name` is shown in logs and metrics."""
        self.name = name
        self.tally = Tally()
        self._work = work
        self._largest_batch = largest_batch
        self._longest_queue = longest_queue
        self._queue: deque[_Waiting[Item, Result]] = deque()
        self._wake = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._asleep = False
        self._stopping = False

    def put(self, item: Item, done: Done[Result]) -> None:
        """Queue an item; `done` is called in this event loop with the result or the exception, after the commit.

        Raises `Busy` at once when the queue is full.
        """
        if len(self._queue) >= self._longest_queue or self._stopping:
            self.tally.refused += 1
            raise Busy
        self._queue.append(_Waiting(item, done, asyncio.get_running_loop(), time.monotonic()))
        if self._asleep:
            self._wake.set()
        elif self._thread is None:
            self._start()

    async def write(self, item: Item) -> Result:
        """Queue an item and wait for its commit; raises what the batch or the item was refused with."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self.put(item, lambda result: _settle(future, result))
        return await future

    def drain(self, timeout: float) -> bool:
        """Refuse new items, store what waits, end the thread; False when `timeout` seconds were not enough."""
        thread = self._thread
        if thread is None:
            return True
        self._stopping = True
        self._wake.set()
        thread.join(timeout)
        return not thread.is_alive()

    def waiting(self) -> int:
        """How many items wait for the next commit."""
        return len(self._queue)

    def oldest(self) -> float:
        """For how many seconds the first in the queue has been waiting."""
        try:
            return time.monotonic() - self._queue[0].since
        except IndexError:
            return 0.0

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=f"{self.name}-writer", daemon=True)
                gatherers[self.name] = self
                self._thread.start()

    def _run(self) -> None:
        go_first()  # one commit for many who wait; in the pause after it the others have their turns
        try:
            while self._wait_for_items():
                batch = [self._queue.popleft() for _ in range(min(len(self._queue), self._largest_batch))]
                self._tell(batch, self._store(batch))
                if connection.vendor == "sqlite":
                    time.sleep(SQLITE_PAUSE)
        finally:
            connection.close()
            self._thread, self._stopping = None, False

    def _wait_for_items(self) -> bool:
        while not self._queue:
            if self._stopping:
                return False
            self._asleep = True
            if not self._queue:  # asked again: an item put before the flag was seen wakes nobody
                self._wake.wait()
            self._asleep = False
            self._wake.clear()
        return True

    def _store(self, batch: list[_Waiting[Item, Result]]) -> Sequence[Result | Exception]:
        try:
            return self._work([waiting.item for waiting in batch])
        except Exception as error:  # noqa: BLE001  whatever it was, every waiter is told
            return self._failed(batch, error)

    def _failed(self, batch: list[_Waiting[Item, Result]], error: Exception) -> Sequence[Result | Exception]:
        # After a failed commit or fsync the state of a connection is unknown: the next batch gets a new one.
        connection.close()
        everyones_fault = isinstance(error, (OperationalError, InterfaceError, Refusal))
        if not everyones_fault and len(batch) > 1:
            log.error("a batch failed and is tried item by item", extra={"writer": self.name}, exc_info=error)
            return [self._store([waiting])[0] for waiting in batch]
        self.tally.failed_batches += 1
        refusal = _refusal(error)
        if refusal is not error:
            log.error("a batch was not stored", extra={"writer": self.name, "size": len(batch)}, exc_info=error)
        return [refusal] * len(batch)

    def _tell(self, batch: list[_Waiting[Item, Result]], results: Sequence[Result | Exception]) -> None:
        tally, now = self.tally, time.monotonic()
        oldest = now - batch[0].since
        tally.items += len(batch)
        tally.batches += 1
        tally.largest_batch = max(tally.largest_batch, len(batch))
        tally.slowest = max(tally.slowest, oldest)
        tally.waited += oldest
        tally.sizes.observe(len(batch))
        tally.waits.observe_sorted([now - waiting.since for waiting in reversed(batch)])
        by_loop: dict[asyncio.AbstractEventLoop, list[tuple[Done[Result], Result | Exception]]] = {}
        for waiting, result in zip(batch, results, strict=True):
            by_loop.setdefault(waiting.loop, []).append((waiting.done, result))
        for loop, told in by_loop.items():
            try:
                loop.call_soon_threadsafe(_call_all, told)
            except RuntimeError:
                log.warning("a loop ended before its results came", extra={"writer": self.name, "results": len(told)})


gatherers: dict[str, Gatherer[Any, Any]] = {}
"""The writers that have started, by name."""


def drain_all(timeout: float) -> bool:
    """Store what every writer still holds, then end them; False when the time was not enough."""
    deadline = time.monotonic() + timeout
    drained = [gatherer.drain(max(0.0, deadline - time.monotonic())) for gatherer in list(gatherers.values())]
    return all(drained)


def _call_all(told: list[tuple[Done[Result], Result | Exception]]) -> None:
    for done, result in told:
        try:
            done(result)
        except Exception:
            log.exception("a result was stored, but telling it failed")


def _settle(future: asyncio.Future[Result], result: Result | Exception) -> None:
    if future.done():
        return
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)


def _refusal(error: Exception) -> Exception:
    if isinstance(error, Refusal):
        return error
    text = str(error).lower()
    if isinstance(error, (DatabaseError, OSError)) and any(words in text for words in FULL_DISK):
        return StorageFull()
    return NotStored()
