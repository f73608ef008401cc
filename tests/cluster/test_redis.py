"""F18: Redis as bus, taken away in every way. It holds hints only, so a message comes later and never not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tiski.testing.crossing import crossings
from tiski.testing.instances import Record
from tiski.testing.ledger import Verdict
from tiski.testing.postgres import Postgres
from tiski.testing.redis import Redis
from tiski.testing.shoppers import Crowd
from tiski.testing.tiski_process import TiskiProcess

pytestmark = [pytest.mark.postgresql, pytest.mark.timeout(240)]

WITHIN = 5.0  # reliability.md 6, F18
MEMORY = 4_000_000


@dataclass(frozen=True, slots=True)
class House:
    """Two processes with a live half over one database."""

    database_url: str
    first: TiskiProcess
    second: TiskiProcess


@pytest.fixture(scope="module")
def redis() -> Iterator[Redis]:
    """A small Redis that refuses writes when it is full."""
    with Redis(most_memory=MEMORY) as server:
        yield server


@pytest.fixture(scope="module")
def house(redis: Redis, tmp_path_factory: pytest.TempPathFactory, durable_postgres: Postgres) -> Iterator[House]:
    """`tiski up`, for the demo shop, and a second live process beside it on the same data."""
    data = tmp_path_factory.mktemp("redis") / "data"
    data.mkdir(mode=0o700)
    url = durable_postgres.create(f"redis_{data.parent.name}")
    # One address for both: it names the channels in Redis.
    environment = {"TISKI_REDIS_URL": redis.url, "TISKI_BASE_URL": "http://localhost"}
    first, second = (
        TiskiProcess(data, command=command, database_url=url, environment=environment, module="tiski.testing.lifted")
        for command in ("up", "live")
    )
    with first, second:
        yield House(url, first, second)


def test_f18_redis_stopped_flushed_restarted_full_and_hanging_loses_nothing_and_costs_at_most_5_s(
    redis: Redis, house: House, tmp_path: Path, record: Record
) -> None:
    first, second = house.first.address, house.second.address
    slowest: dict[str, float] = {}

    def measure(name: str, count: int) -> None:
        slowest[name] = round(crossings(first, second, count=count, longest=WITHIN)[-1], 3)

    with Crowd(first, tmp_path, count=6, pause=0.3) as crowd:
        crowd.wait_until_open()
        measure("there", 20)
        redis.halt()
        measure("stopped", 2)
        redis.start_again()
        crowd.wait_for(20)
        measure("restarted", 20)
        with redis.client as client:
            client.flushall()
        measure("flushed", 20)
        redis.fill()
        measure("full", 20)
        redis.freeze()
        measure("hanging", 2)
        redis.thaw()
        crowd.wait_for(20)
        crowd.settle()
    verdict = crowd.judge(house.first.data, house.database_url)
    record(acknowledged=crowd.acknowledged, slowest_seconds=slowest)
    assert verdict == Verdict()
