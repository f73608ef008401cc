"""The bus: hints come after the commit, by PostgreSQL or Redis, and nobody waits for a Redis that is away."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, transaction

from tiski.kernel import bus
from tiski.kernel.bus.through_redis import Ear, _client
from tiski.testing.ports import wait_until
from tiski.testing.redis import Redis

pytestmark = pytest.mark.django_db(transaction=True)


class Listener:
    """Another thread, listening as another process does."""

    def __init__(self) -> None:
        self.heard: list[bus.Hint] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Listener:
        self._thread.start()
        wait_until(self._hears, "the listener hears")
        time.sleep(0.1)
        self.heard.clear()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join(10)

    def _hears(self) -> bool:
        bus.tell(bus.NOW, "kuuluuko?")
        return self.heard[-1:] == [bus.Hint(bus.NOW, "kuuluuko?")]

    def _run(self) -> None:
        with bus.listen(bus.FACTS, bus.NOW) as ear:
            while not self._stop.is_set():
                self.heard += ear.wait(0.1)
        connection.close()


@pytest.fixture(params=["database", "redis"])
def listener(request: pytest.FixtureRequest, settings: Any) -> Iterator[Listener]:
    """A listener on the bus by the one and by the other way; SQLite has only the latter, and uses neither."""
    with Redis() as server:
        settings.TISKI_REDIS_URL = server.url if request.param == "redis" or connection.vendor == "sqlite" else ""
        with Listener() as ear:
            yield ear


def test_a_hint_is_heard_after_the_commit_and_not_after_a_rollback(listener: Listener) -> None:
    with transaction.atomic():
        bus.after_commit(bus.FACTS)
        transaction.set_rollback(True)
    with transaction.atomic():
        bus.after_commit(bus.FACTS)
        time.sleep(0.3)
        assert listener.heard == []
    expected = [bus.Hint(bus.FACTS)] if connection.vendor == "postgresql" else []
    wait_until(lambda: listener.heard == expected, "the hint")


def test_a_payload_comes_whole_and_one_that_is_too_large_not_at_all(listener: Listener) -> None:
    bus.tell(bus.NOW, "a" * (bus.LARGEST_PAYLOAD + 1))
    bus.tell(bus.NOW, "Mia kirjoittaa ☕")
    wait_until(lambda: listener.heard == [bus.Hint(bus.NOW, "Mia kirjoittaa ☕")], "what is small enough")


def test_f18_while_redis_is_away_nobody_waits_and_every_wait_says_look(settings: Any) -> None:
    with Redis() as server:
        settings.TISKI_REDIS_URL = server.url
        ear = Ear(_client(server.url), [bus.FACTS])
        wait_until(lambda: ear.wait(0.5) == [bus.Hint(bus.FACTS)], "the subscription")
        server.halt()
        assert ear.wait(5) == [bus.Hint(bus.FACTS)]
        began = time.monotonic()
        for _ in range(1000):
            bus.tell(bus.FACTS)
        assert time.monotonic() - began < 5
        assert sum(ear.wait(0.5) == [bus.Hint(bus.FACTS)] for _ in range(8)) >= 2

        server.start_again()
        wait_until(lambda: ear.wait(0.5) == [] and ear._subscription is not None, "back again, and quiet")
        bus.tell(bus.FACTS)
        wait_until(lambda: ear.wait(0.5) == [bus.Hint(bus.FACTS)], "a hint of today")
        ear.close()


def test_f18_a_redis_that_hangs_holds_nobody_up_and_is_noticed(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tiski.kernel.bus.through_redis.QUIET_SECONDS", 0.2)
    monkeypatch.setattr("tiski.kernel.bus.through_redis.ANSWER_SECONDS", 3.0)
    with Redis() as server:
        settings.TISKI_REDIS_URL = server.url
        ear = Ear(_client(server.url), [bus.FACTS])
        wait_until(lambda: ear.wait(0.1) == [bus.Hint(bus.FACTS)], "the subscription")
        for _ in range(12):
            assert ear.wait(0.1) == []  # quiet, asked, and answered
        server.freeze()
        began = time.monotonic()
        bus.tell(bus.FACTS)
        assert time.monotonic() - began < 2
        wait_until(lambda: ear.wait(0.1) == [bus.Hint(bus.FACTS)], "the silence is noticed")
        server.thaw()
        ear.close()
