"""The worker as a whole: it delivers soon, keeps time, and stops when told."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

import pytest
from django.db import connection

from tiski.kernel import worker
from tiski.kernel.action import SYSTEM, Actor, action
from tiski.kernel.events import Event, FactRow, emit, hears
from tiski.kernel.events.event import handlers, handlers_of
from tiski.kernel.models import Delivery
from tiski.kernel.scope import shop_scope
from tiski.testing.outage import take_away
from tiski.testing.ports import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class KettleBoiled(Event):
    """The water is hot."""

    name: ClassVar[str] = "tests.kettle_boiled"
    number: int


@action
def boil(number: int, *, by: Actor) -> None:
    """Boil the kettle."""
    emit(KettleBoiled(number=number), by=by)


@pytest.fixture
def heard() -> Iterator[list[int]]:
    """Numbers of the kettles that were heard."""
    numbers: list[int] = []
    kept = dict(handlers)

    def listen(event: KettleBoiled, fact: FactRow) -> None:
        numbers.append(event.number)

    hears(KettleBoiled)(listen)
    yield numbers
    handlers.clear()
    handlers.update(kept)
    handlers_of.pop(KettleBoiled.name, None)


@contextmanager
def working() -> Iterator[None]:
    """A worker without services, in a thread; it has stopped when the block ends."""
    stop = threading.Event()
    running = threading.Thread(target=worker.run, args=(stop,))
    kept, worker.services[:] = list(worker.services), []
    try:
        running.start()
        yield
    finally:
        stop.set()
        running.join(30)
        worker.services[:] = kept
    assert not running.is_alive()


def boil_all(numbers: range) -> None:
    """Boil a kettle for each number."""
    with shop_scope(1):
        for number in numbers:
            boil(number, by=SYSTEM)


def test_what_is_emitted_is_delivered_once_by_several_threads_and_the_worker_stops_when_told(heard: list[int]) -> None:
    with working():
        boil_all(range(120))
        wait_until(lambda: len(heard) >= 120, "all is delivered")
    assert sorted(heard) == list(range(120))
    assert not Delivery.objects.filter(handler__contains="test_worker").exists()
    connection.close()


def test_f19_the_worker_goes_on_when_the_database_was_away(heard: list[int]) -> None:
    with working():
        boil_all(range(3))
        wait_until(lambda: len(heard) == 3, "the first are delivered")
        take_away()
        boil_all(range(3, 6))
        wait_until(lambda: len(heard) == 6, "the next are delivered")
        time.sleep(2.2)  # each second facts get their positions and schedules are looked at
        assert "time" in {thread.name for thread in threading.enumerate()}
    assert sorted(heard) == list(range(6))
    connection.close()
