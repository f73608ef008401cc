"""The relay: every fact once, in one order, to every process, whatever the writers and the database do."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from tiski.kernel import bus
from tiski.kernel.action import SYSTEM
from tiski.kernel.events import Emission, emit_many
from tiski.kernel.events.event import FactRow
from tiski.kernel.live import Present
from tiski.kernel.live.hub import Hub
from tiski.kernel.live.presence import Elsewhere
from tiski.kernel.live.relay import Relay
from tiski.kernel.models import Fact
from tiski.testing.outage import take_away
from tiski.testing.ports import wait_until
from tiski.testing.tearoom import SHOP, Said, Tearoom

pytestmark = pytest.mark.django_db(transaction=True)


class Listener(Hub):
    """The hub of another process: remembers what it was told."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[FactRow] = []
        self.topics.register_epoch(Said.name, self._remember)

    def _remember(self, fact: FactRow) -> list[str]:
        self.told.append(fact)
        return []

    def bodies(self) -> list[str]:
        """What was said, in the order in which it was told."""
        return [fact.data["body"] for fact in self.told]


@pytest.fixture
def tearoom() -> Iterator[Tearoom]:
    """An open tea room, whose relay is one of several."""
    with Tearoom() as room:
        yield room


@pytest.fixture
def listener(tearoom: Tearoom) -> Iterator[Listener]:
    """A hub with a relay of its own, as another process has."""
    hub = Listener()
    relay = Relay(hub, tearoom.loop)
    relay.start()
    wait_until(lambda: relay.position is not None, "the relay knows where it begins")
    yield hub
    relay.stop()


def write(count: int, name: str, seed: int) -> None:
    """Write facts in transactions of different lengths, so that ids do not commit in their order."""
    dice = random.Random(seed)
    for number in range(count):
        with transaction.atomic():
            emit_many([Emission(SHOP, Said(table=1, seq=0, body=f"{name} {number}"), SYSTEM)])
            time.sleep(dice.random() / 100)
    connection.close()


def test_concurrent_writers_give_every_process_every_fact_once_in_one_order(
    tearoom: Tearoom, listener: Listener
) -> None:
    second = Listener()
    relay = Relay(second, tearoom.loop)
    relay.start()
    wait_until(lambda: relay.position is not None, "the second relay knows where it begins")
    with ThreadPoolExecutor(4) as pool:
        for writer in [pool.submit(write, 20, name, seed) for seed, name in enumerate("abcd")]:
            writer.result(30)
    wait_until(lambda: len(listener.told) >= 80 and len(second.told) >= 80, "all is told")
    relay.stop()

    positions = [fact.position for fact in listener.told]
    assert positions == list(range(positions[0], positions[0] + 80))
    assert [fact.position for fact in second.told] == positions
    assert listener.bodies() == second.bodies()
    assert sorted(listener.bodies()) == sorted(f"{name} {number}" for name in "abcd" for number in range(20))
    for name in "abcd":
        assert [body for body in listener.bodies() if body[0] == name] == [f"{name} {number}" for number in range(20)]


def test_a_fact_that_is_rolled_back_is_never_told(listener: Listener) -> None:
    with transaction.atomic():
        emit_many([Emission(SHOP, Said(table=1, seq=0, body="kadonnut"), SYSTEM)])
        transaction.set_rollback(True)
    write(1, "jäi", 0)
    wait_until(lambda: listener.bodies() == ["jäi 0"], "what stayed is told")


def test_f19_after_the_database_was_away_nothing_is_missing(listener: Listener) -> None:
    write(2, "ennen", 0)
    take_away()
    write(3, "jälkeen", 1)
    expected = ["ennen 0", "ennen 1", "jälkeen 0", "jälkeen 1", "jälkeen 2"]
    wait_until(lambda: listener.bodies() == expected, "all is told")


def test_many_facts_at_once_are_told_in_pages(listener: Listener) -> None:
    with transaction.atomic():
        emit_many([Emission(SHOP, Said(table=1, seq=0, body=str(number)), SYSTEM) for number in range(1200)])
    wait_until(lambda: len(listener.told) == 1200, "all is told")
    assert listener.bodies() == [str(number) for number in range(1200)]


def test_when_the_sequence_begins_anew_everyone_fetches_again(tearoom: Tearoom) -> None:
    mia = tearoom.enter("mia", topics=["table-1"])
    assert mia.hear()["t"] == "ready"
    write(5, "ennen", 0)
    assert [mia.hear()["t"] for _ in range(5)] == ["news"] * 5
    Fact.objects.all().delete()
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM sqlite_sequence WHERE name = 'kernel_fact'")
    write(1, "jälkeen", 1)
    assert mia.hear() == {"t": "resync"}
    write(1, "taas", 1)
    assert mia.hear()["t"] == "news"


def test_presence_crosses_processes_where_the_database_can_carry_it(tearoom: Tearoom, listener: Listener) -> None:
    mia = tearoom.enter("mia", table=7)
    assert [mia.hear()["t"], mia.hear()["t"]] == ["ready", "now"]
    if connection.vendor == "sqlite":
        time.sleep(0.3)
        assert listener.presence.who(SHOP, "table-7") == []
        return
    wait_until(lambda: [one.id for one in listener.presence.who(SHOP, "table-7")] == ["guest-mia"], "Mia is seen")
    mia.send(t="typing")
    wait_until(lambda: [one.writing for one in listener.presence.who(SHOP, "table-7")] == [True], "she writes")
    mia.socket.close()
    wait_until(lambda: listener.presence.who(SHOP, "table-7") == [], "she has left")


def test_the_presence_of_many_travels_in_few_hints(
    tearoom: Tearoom, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    hints: list[str] = []
    presence, say = listener.presence, bus.tell

    def tell(channel: str, payload: str) -> None:
        hints.append(payload)
        say(channel, payload)

    monkeypatch.setattr(bus, "tell", tell)

    def come() -> None:
        for number in range(300):
            who = Present(id="guest-ada", name="Ada", viewing=True)
            if presence.tell_elsewhere is not None:
                presence.tell_elsewhere(Elsewhere("p", SHOP, f"table-{number}", who, gone=False))

    tearoom.loop.call_soon_threadsafe(come)
    places = 300 if connection.vendor == "postgresql" else 0
    wait_until(lambda: seen(listener) == places, "everyone is seen")
    assert len(hints) <= places / 30
    assert all(len(hint.encode()) <= bus.LARGEST_PAYLOAD for hint in hints)


def seen(listener: Listener) -> int:
    """At how many tables Ada is."""
    return sum(bool(listener.presence.who(SHOP, f"table-{number}")) for number in range(300))


def test_what_is_too_large_for_a_hint_is_not_sent(tearoom: Tearoom, listener: Listener) -> None:
    huge = Elsewhere("p", SHOP, "table-7", Present(id="guest-ada", name="A" * 9000), gone=False)
    if listener.presence.tell_elsewhere is not None:
        tearoom.loop.call_soon_threadsafe(listener.presence.tell_elsewhere, huge)
    asyncio.run_coroutine_threadsafe(asyncio.sleep(0.1), tearoom.loop).result(5)
    assert listener.presence.who(SHOP, "table-7") == []
