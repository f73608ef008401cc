"""With Redis as bus processes hear of facts and of presence as they do by the database, and without it soon enough."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from tiski.kernel.live import Hub
from tiski.kernel.live.relay import Relay
from tiski.testing.ports import wait_until
from tiski.testing.redis import Redis
from tiski.testing.tearoom import SHOP, Tearoom, say

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def redis(settings: Any) -> Iterator[Redis]:
    """Redis, named in the settings."""
    with Redis() as server:
        settings.TISKI_REDIS_URL = server.url
        yield server


@pytest.fixture
def tearoom(redis: Redis) -> Iterator[Tearoom]:
    """An open tea room."""
    with Tearoom() as room:
        yield room


@pytest.fixture
def elsewhere(tearoom: Tearoom) -> Iterator[Hub]:
    """The hub of another process."""
    hub = Hub()
    relay = Relay(hub, tearoom.loop)
    relay.start()
    wait_until(lambda: relay.position is not None, "the relay knows where it begins")
    yield hub
    relay.stop()


def test_presence_crosses_processes(tearoom: Tearoom, elsewhere: Hub) -> None:
    mia = tearoom.enter("mia", table=7)
    assert [mia.hear()["t"], mia.hear()["t"]] == ["ready", "now"]
    if connection.vendor == "sqlite":
        time.sleep(0.3)
        assert elsewhere.presence.who(SHOP, "table-7") == []
        return

    def writes() -> bool:
        mia.send(t="typing")
        return [(one.id, one.writing) for one in elsewhere.presence.who(SHOP, "table-7")] == [("guest-mia", True)]

    wait_until(writes, "Mia is seen writing", seconds=40, pause=1.0)  # within the pace of a socket
    mia.socket.close()
    wait_until(lambda: elsewhere.presence.who(SHOP, "table-7") == [], "she has left")


def test_f18_what_is_said_is_heard_at_once_and_within_5_s_when_redis_is_away(redis: Redis, tearoom: Tearoom) -> None:
    mia = tearoom.enter("mia", table=7)
    assert [mia.hear()["t"], mia.hear()["t"]] == ["ready", "now"]
    for disturb in (lambda: None, redis.freeze, redis.thaw, redis.halt, redis.start_again):
        disturb()
        say(7, "Onko vielä senchaa?")
        assert mia.hear(5.0)["body"] == "Onko vielä senchaa?"
