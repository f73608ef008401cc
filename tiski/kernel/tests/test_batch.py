"""Group commit: told after the commit, refused early, failures reach everyone, one bad item stays alone."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

import pytest
from django.db import OperationalError, connection, transaction

from tiski.kernel.batch import Busy, Gatherer, NotStored
from tiski.kernel.errors import Invalid, StorageFull
from tiski.kernel.models import Pulse

pytestmark = pytest.mark.django_db(transaction=True)
Answer = TypeVar("Answer")


def run(work: Coroutine[Any, Any, Answer]) -> Answer:
    """Run something in an event loop of its own."""
    return asyncio.run(work)


def keep(names: list[str]) -> list[str]:
    """Store a row per name and answer with the name."""
    from tiski.kernel import clock

    with transaction.atomic():
        Pulse.objects.bulk_create(Pulse(process=name, at=clock.now()) for name in names)
    return names


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Holds a writer inside its first batch until it is set."""
    event = threading.Event()
    yield event
    event.set()


async def write_all(gatherer: Gatherer[str, str], *names: str) -> list[str | BaseException]:
    """Put several items at once and wait for all."""
    return await asyncio.gather(*(gatherer.write(name) for name in names), return_exceptions=True)


def test_results_come_in_the_order_of_the_items_and_the_rows_are_committed() -> None:
    gatherer = Gatherer("order", keep)
    assert run(write_all(gatherer, "a", "b", "c")) == ["a", "b", "c"]
    assert list(Pulse.objects.order_by("id").values_list("process", flat=True)) == ["a", "b", "c"]
    assert gatherer.drain(5)


def test_what_arrives_during_a_commit_shares_the_next_one(gate: threading.Event) -> None:
    batches: list[list[str]] = []

    def work(names: list[str]) -> list[str]:
        batches.append(names)
        gate.wait(5)
        return names

    async def talk() -> None:
        first = asyncio.create_task(gatherer.write("a"))
        await asyncio.sleep(0.1)
        others = [asyncio.create_task(gatherer.write(name)) for name in "bcd"]
        await asyncio.sleep(0.05)
        gate.set()
        await asyncio.gather(first, *others)

    gatherer: Gatherer[str, str] = Gatherer("sharing", work)
    run(talk())
    assert batches == [["a"], ["b", "c", "d"]]
    assert (gatherer.tally.batches, gatherer.tally.items, gatherer.tally.largest_batch) == (2, 4, 3)
    assert gatherer.drain(5)


def test_a_batch_has_a_largest_size() -> None:
    sizes: list[int] = []

    def work(names: list[str]) -> list[str]:
        sizes.append(len(names))
        return names

    gatherer: Gatherer[str, str] = Gatherer("size", work, largest_batch=2)
    run(write_all(gatherer, *"abcde"))
    assert max(sizes) == 2
    assert sum(sizes) == 5
    assert gatherer.drain(5)


def test_a_full_queue_refuses_at_once(gate: threading.Event) -> None:
    def work(names: list[str]) -> list[str]:
        gate.wait(5)
        return names

    async def talk() -> None:
        waiting = [asyncio.create_task(gatherer.write(name)) for name in "abc"]
        await asyncio.sleep(0.1)
        assert gatherer.waiting() == 2
        with pytest.raises(Busy) as refusal:
            await gatherer.write("d")
        assert refusal.value.retry_after == 2
        assert gatherer.oldest() > 0
        gate.set()
        assert await asyncio.gather(*waiting) == ["a", "b", "c"]

    gatherer: Gatherer[str, str] = Gatherer("full", work, longest_queue=2, largest_batch=1)
    run(talk())
    assert gatherer.tally.refused == 1
    assert gatherer.drain(5)


def test_f11_a_locked_database_refuses_and_the_next_batch_gets_a_new_connection() -> None:
    connections: list[int] = []

    def work(names: list[str]) -> list[str]:
        connection.ensure_connection()
        connections.append(id(connection.connection))
        if len(connections) == 1:
            kept.append(connection.connection)  # kept alive, so that the next one cannot have its id
            raise OperationalError("database is locked")
        return names

    kept: list[object] = []
    gatherer: Gatherer[str, str] = Gatherer("locked", work)
    assert [type(refusal) for refusal in run(write_all(gatherer, "a"))] == [NotStored]
    assert run(write_all(gatherer, "b")) == ["b"]
    assert connections[0] != connections[1]
    assert gatherer.tally.failed_batches == 1
    assert gatherer.drain(5)


@pytest.mark.parametrize(
    "error",
    [OperationalError("database or disk is full"), OSError(28, "No space left on device")],
)
def test_f06_a_full_disk_says_so(error: Exception) -> None:
    def work(names: list[str]) -> list[str]:
        raise error

    gatherer: Gatherer[str, str] = Gatherer("disk", work)
    assert [type(refusal) for refusal in run(write_all(gatherer, "a"))] == [StorageFull]
    assert gatherer.drain(5)


def test_one_refused_item_leaves_the_others() -> None:
    def work(names: list[str]) -> list[str | Exception]:
        return [Invalid() if name == "b" else name for name in names]

    gatherer: Gatherer[str, str] = Gatherer("refused", work)
    first, second, third = run(write_all(gatherer, "a", "b", "c"))
    assert (first, type(second), third) == ("a", Invalid, "c")
    assert gatherer.drain(5)


def test_an_item_that_breaks_its_batch_breaks_alone() -> None:
    def work(names: list[str]) -> list[str]:
        if "poison" in names:
            raise ValueError("poison")
        return keep(names)

    gatherer = Gatherer("poison", work)
    first, second, third = run(write_all(gatherer, "a", "poison", "c"))
    assert (first, type(second), third) == ("a", NotStored, "c")
    assert sorted(Pulse.objects.values_list("process", flat=True)) == ["a", "c"]
    assert gatherer.drain(5)


def test_f37_a_drain_stores_what_waits_and_refuses_what_comes(gate: threading.Event) -> None:
    stored: list[str] = []

    def work(names: list[str]) -> list[str]:
        gate.wait(5)
        stored.extend(names)
        return names

    async def talk() -> None:
        waiting = [asyncio.create_task(gatherer.write(name)) for name in "abc"]
        await asyncio.sleep(0.05)
        drained = asyncio.create_task(asyncio.to_thread(gatherer.drain, 5))
        await asyncio.sleep(0.05)
        with pytest.raises(Busy):
            await gatherer.write("d")
        gate.set()
        assert await drained
        assert await asyncio.gather(*waiting) == ["a", "b", "c"]

    gatherer: Gatherer[str, str] = Gatherer("drain", work, largest_batch=1)
    run(talk())
    assert stored == ["a", "b", "c"]


def test_a_drain_that_takes_too_long_says_so(gate: threading.Event) -> None:
    def work(names: list[str]) -> list[str]:
        gate.wait(5)
        return names

    async def talk() -> None:
        waiting = asyncio.create_task(gatherer.write("a"))
        await asyncio.sleep(0.05)
        assert not await asyncio.to_thread(gatherer.drain, 0.1)
        gate.set()
        assert await waiting == "a"

    gatherer: Gatherer[str, str] = Gatherer("slow", work)
    run(talk())
