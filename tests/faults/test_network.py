"""F21-F23: lines that are cut, fall silent, lose, stall and crawl. What is acknowledged is there, once and in order."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tiski.testing.instances import Record
from tiski.testing.ledger import Verdict
from tiski.testing.ports import wait_until
from tiski.testing.premises import Premises
from tiski.testing.shoppers import Crowd
from tiski.testing.tiski_process import TiskiProcess
from tiski.testing.troubled_wire import CALM, Trouble, TroubledWire

pytestmark = [pytest.mark.both, pytest.mark.timeout(180)]

MODEM = 56_000 // 8  # bytes in a second
SILENCE = 45.0


@pytest.fixture
def tiski(shop: Premises) -> Iterator[TiskiProcess]:
    """The running product."""
    with shop.process() as process:
        yield process


def test_f21_f23_a_line_that_is_cut_and_one_that_loses_stalls_and_crawls_bring_each_message_once(
    shop: Premises, tiski: TiskiProcess, tmp_path: Path
) -> None:
    with TroubledWire(tiski.port) as wire, Crowd(wire.address, tmp_path, count=15, pause=0.05) as crowd:
        wire.trouble = Trouble(cut_after=(1, 40))
        began = time.monotonic()
        wait_until(lambda: wire.cuts >= 60 and time.monotonic() - began > 8, "sixty cuts", seconds=60)

        wire.trouble = Trouble(late=0.3, lateness=2.0, bytes_per_second=MODEM)
        wire.cut_all()
        crowd.steady_since(crowd.now(), seconds=60)
        wire.trouble = CALM
        crowd.settle()
        assert crowd.judge(shop.data, shop.database_url) == Verdict()
        assert sum(visitor.connects for visitor in crowd.visitors) > 60


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_f21_a_thousand_lines_cut_at_random_frames_for_five_minutes_show_nothing_twice_and_miss_nothing(
    shop: Premises, tiski: TiskiProcess, tmp_path: Path, record: Record
) -> None:
    with TroubledWire(tiski.port) as wire, Crowd(wire.address, tmp_path, count=1000, pause=10) as crowd:
        wire.trouble = Trouble(cut_after=(1, 30))
        began = time.monotonic()
        wait_until(lambda: time.monotonic() - began > 300, "five minutes", seconds=310, pause=1)
        wire.trouble = CALM
        wire.cut_all()
        crowd.steady_since(crowd.now(), seconds=120)
        crowd.settle(seconds=120)
        verdict = crowd.judge(shop.data, shop.database_url)
        record(clients=1000, cuts=wire.cuts, acknowledged=crowd.acknowledged)
        assert verdict == Verdict()
        assert wire.cuts > 3000


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_f22_a_line_that_falls_silent_is_noticed_by_both_sides_within_45_seconds_and_everyone_comes_back(
    shop: Premises, tiski: TiskiProcess, tmp_path: Path, record: Record
) -> None:
    with TroubledWire(tiski.port) as wire, Crowd(wire.address, tmp_path, count=20, pause=0.2) as crowd:
        crowd.wait_until_open()
        crowd.wait_for(40)
        sockets = sum(visitor.connects for visitor in crowd.visitors)
        wire.hung_up.clear()
        silent_since = time.monotonic()
        wire.trouble = Trouble(is_deaf=True)
        wait_until(
            lambda: _first(wire, "up", sockets) and _first(wire, "down", sockets), "both sides hung up", seconds=90
        )
        clients, server = (max(_first(wire, way, sockets)) - silent_since for way in ("up", "down"))
        assert max(clients, server) <= SILENCE
        healed = crowd.now()
        wire.trouble = CALM
        steady = crowd.steady_since(healed)
        crowd.settle()
        assert crowd.judge(shop.data, shop.database_url) == Verdict()
        record(client_noticed=round(clients, 1), server_noticed=round(server, 1), steady_again=round(steady, 1))


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "trouble",
    [
        Trouble(late=0.3, lateness=1.0),
        Trouble(late=0.05, lateness=2.0, bytes_per_second=MODEM),
        Trouble(late=0.3, lateness=2.0, bytes_per_second=MODEM, cut_after=(2, 60)),
    ],
    ids=["a third lost", "stalls at 56 kbit", "everything at once"],
)
def test_f23_a_bad_line_brings_each_message_once_in_the_end(
    shop: Premises, tiski: TiskiProcess, tmp_path: Path, trouble: Trouble, record: Record
) -> None:
    with TroubledWire(tiski.port) as wire, Crowd(wire.address, tmp_path, count=50, pause=0.5) as crowd:
        wire.trouble = trouble
        crowd.wait_for(1500, seconds=400)
        wire.trouble = CALM
        crowd.settle(seconds=120)
        assert crowd.judge(shop.data, shop.database_url) == Verdict()
        waits = crowd.waits()
        record(messages=len(waits), p50=round(waits[len(waits) // 2], 2), slowest=round(waits[-1], 1))


def _first(wire: TroubledWire, way: str, count: int) -> list[float]:
    """When the first so many lines were hung up by one side; empty until it is that many."""
    moments = [moment for side, moment in list(wire.hung_up) if side == way]
    return moments[:count] if len(moments) >= count else []
