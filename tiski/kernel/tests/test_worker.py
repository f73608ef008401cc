"""The worker as a whole: it delivers soon, keeps time, and stops when told."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
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


def test_what_is_emitted_is_delivered_once_by_several_threads_and_the_worker_stops_when_told(heard: list[int]) -> None:
    stop = threading.Event()
    running = threading.Thread(target=worker.run, args=(stop,))
    kept, worker.services[:] = list(worker.services), []
    try:
        running.start()
        with shop_scope(1):
            for number in range(120):
                boil(number, by=SYSTEM)
        deadline = time.monotonic() + 20
        while len(heard) < 120 and time.monotonic() < deadline:
            time.sleep(0.05)
    finally:
        stop.set()
        running.join(30)
        worker.services[:] = kept
    assert not running.is_alive()
    assert sorted(heard) == list(range(120))
    assert not Delivery.objects.filter(handler__contains="test_worker").exists()
    connection.close()
