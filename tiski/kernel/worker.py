"""The worker: runs due deliveries and the schedules until it is told to stop."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence

import psycopg
from django.db import DatabaseError, connection

from . import bus, ids
from .events import delivering, stream, ticking

THREADS = 4
POLL_SECONDS = 0.025
LONG_PAUSE = 1.0  # for who is woken by a hint; timers still come due
GATHER_SECONDS = 0.025  # every commit hints; forty looks a second are enough
# A claim costs a commit however much it takes. What runs quickly is claimed by hundreds; of what is slow, such as
# sending, each thread takes little, so that the others have their share.
SMALLEST_BATCH, LARGEST_BATCH = 32, 512
QUICK_SECONDS, SLOW_SECONDS = 0.1, 0.5

log = logging.getLogger(__name__)
Service = Callable[[threading.Event], None]
services: list[Service] = []


def service(function: Service) -> Service:
    """Register work that runs beside the deliveries in every worker, such as mailbox readers.

    The function gets the stop event and returns soon after it is set.
    """
    services.append(function)
    return function


def run(stop: threading.Event, *, threads: int = THREADS) -> None:
    """Work until `stop` is set, then finish what has begun and return."""
    owner = f"{os.getpid()}-{ids.key()}"
    wakes = [threading.Event() for _ in range(threads)]
    # One thread looks often, the others when it has found something: four that poll cost four times the idle CPU.
    pauses = [_shortest_pause(), *[LONG_PAUSE] * (threads - 1)]
    running = [
        threading.Thread(
            target=_deliver,
            args=(f"{owner}-{n}", stop, wakes[n:] + wakes[:n], pause),
            kwargs={"quick": 0 == n < threads - 1},
            name=f"deliver-{n}",
        )
        for n, pause in enumerate(pauses)
    ]
    running += [threading.Thread(target=_guarded, args=(each, stop), name=each.__name__) for each in services]
    running.append(threading.Thread(target=_keep_time, args=(stop,), name="time"))
    _start(running)
    if bus.is_there():
        # The first of those who take everything looks too: what is slow must not wait for its pause.
        _start([threading.Thread(target=_listen, args=(stop, wakes[:2]), name="listen", daemon=True)])
    stop.wait()
    _wake(wakes)
    for thread in running:
        thread.join(timeout=25)


def _shortest_pause() -> float:
    return LONG_PAUSE if bus.is_there() else POLL_SECONDS


def _start(threads: Iterable[threading.Thread]) -> None:
    for thread in threads:
        thread.start()


def _wake(sleepers: Iterable[threading.Event]) -> None:
    for each in sleepers:
        each.set()


def _deliver(owner: str, stop: threading.Event, wakes: Sequence[threading.Event], pause: float, *, quick: bool) -> None:
    """`quick`: leaves what waits for someone outside to the other threads, so that the rest never waits for that.

    The first of `wakes` is this thread's own.
    """
    size = SMALLEST_BATCH
    while not stop.is_set():
        began = time.monotonic()
        try:
            claimed = delivering.run_due(owner, size, quick=quick, stopping=stop.is_set)
        except DatabaseError:
            log.exception("deliveries could not be claimed; trying again")
            connection.close()
            stop.wait(1)
            continue
        if claimed:
            _wake(wakes)  # where there was something there may be more: the others look too
            size = _next_size(size, claimed, time.monotonic() - began)
        else:
            wakes[0].wait(pause)
            wakes[0].clear()
    connection.close()


def _next_size(size: int, claimed: int, took: float) -> int:
    if took > SLOW_SECONDS:
        return SMALLEST_BATCH
    return min(size * 2, LARGEST_BATCH) if claimed == size and took < QUICK_SECONDS else size


def _keep_time(stop: threading.Event) -> None:
    known: dict[str, int] = {}
    while not stop.is_set():
        try:
            ticking.ensure_ticks(known)
            stream.publish()
        except DatabaseError:
            log.exception("schedules could not be written; trying again")
            connection.close()
        stop.wait(1)
    connection.close()


def _guarded(run_service: Service, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            run_service(stop)
            return
        except Exception:
            log.exception("a service of the worker failed and starts again", extra={"service": run_service.__name__})
            connection.close()
            stop.wait(5)


def _listen(stop: threading.Event, wakes: Sequence[threading.Event]) -> None:
    """Wake deliverers when another process commits facts; a lost hint costs one poll interval."""
    while not stop.is_set():
        try:
            with bus.listen(bus.FACTS) as ear:
                while not stop.is_set():
                    if ear.wait(1.0):
                        _wake(wakes)
                        stop.wait(GATHER_SECONDS)
        except (psycopg.Error, DatabaseError):
            connection.close()
            stop.wait(1)
    connection.close()
