"""F01: live, web and worker processes killed at random while shoppers and an agent chat."""

from __future__ import annotations

import contextlib
import random
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tiski.testing.clerk import Clerk
from tiski.testing.instances import Record
from tiski.testing.ledger import Verdict, unacknowledged
from tiski.testing.ports import TookTooLong, wait_until
from tiski.testing.premises import LIVE, WEB, WORKER, House, Premises
from tiski.testing.shoppers import Crowd

pytestmark = [pytest.mark.both, pytest.mark.timeout(240)]

STEADY = 60.0
GIVE_UP = 300.0
ROUNDS = 10
KILLS_A_ROUND = 20
MESSAGES = 50_000


class Scene:
    """A house with shoppers and an agent in it, and what the kills did to them."""

    def __init__(self, house: House, crowd: Crowd, clerk: Clerk) -> None:
        self.house, self.crowd, self.clerk = house, crowd, clerk
        self.kills = dict.fromkeys((LIVE, WEB, WORKER), 0)
        self.recoveries: dict[str, list[float]] = {LIVE: [], WEB: [], WORKER: []}

    def kill(self, part: str) -> float:
        """Kill one part, which starts again; returns the moment."""
        moment = self.crowd.now()
        self.house.kill(part)
        self.kills[part] += 1
        return moment

    def go_on(self, messages: int) -> None:
        """Let so many more messages be acknowledged."""
        self.crowd.wait_for(messages, seconds=STEADY)

    def time_recovery(self, part: str) -> None:
        """Kill a part and time until all is as before."""
        moment = self.kill(part)
        seconds = self.crowd.steady_since(moment) if part == LIVE else self.clerk.steady_since(moment)
        self.recoveries[part].append(seconds)

    def kill_worker_and_watch(self) -> Callable[[], None]:
        """Kill the worker; call what is given to wait until everything that was due then has been delivered."""
        newest = self._ask("SELECT coalesce(max(id), 0) FROM kernel_delivery")
        moment = self.kill(WORKER)
        watching = threading.Thread(target=self._watch_deliveries, args=(newest, moment), daemon=True)
        watching.start()
        return watching.join

    def _watch_deliveries(self, newest: int, moment: float) -> None:
        now = "now()" if self.house.premises.database_url else "datetime('now')"
        behind = f"SELECT count(*) FROM kernel_delivery WHERE id <= %s AND dead_at IS NULL AND due <= {now}"
        while self._ask(behind, newest) and self.crowd.now() - moment < GIVE_UP:
            time.sleep(0.5)
        self.recoveries[WORKER].append(self.crowd.now() - moment)

    def verdict(self) -> Verdict:
        """Stop talking, wait until every window shows everything, and compare."""
        self.clerk.finish()
        self.crowd.settle()
        with contextlib.suppress(TookTooLong):
            wait_until(lambda: self._judge() == Verdict(), "windows that show it all", seconds=20, pause=1)
        return self._judge()

    def figures(self) -> dict[str, Any]:
        """What goes into the record."""
        verdict = self._judge()
        lines = [*self.crowd.ledger.lines(), *self.clerk.ledger.lines()]
        return {
            "kills": self.kills,
            "acknowledged": self.crowd.acknowledged + self.clerk.ledger.acknowledged,
            **verdict.figures,
            "stored_without_ack": unacknowledged(lines, self.house.premises.stored()),
            "retried": sum(visitor.connects for visitor in self.crowd.visitors) + self.clerk.retries,
            "recovery_seconds": {
                part: {"timed": len(took), "median": round(statistics.median(took), 1), "max": round(max(took), 1)}
                for part, took in self.recoveries.items()
                if took
            },
        }

    def _judge(self) -> Verdict:
        shop = self.house.premises
        return self.crowd.judge(shop.data, shop.database_url, also=self.clerk.ledger.lines())

    def _ask(self, query: str, *parameters: object) -> int:
        return int(self.house.premises.rows(query, *parameters)[0][0])


@contextmanager
def scene(shop: Premises, folder: Path, *, shoppers: int, pause: float) -> Iterator[Scene]:
    """Shoppers who have all said something, and Mia answering them."""
    with House(shop) as house, Crowd(house.live, folder, count=shoppers, pause=pause) as crowd:
        crowd.steady_since(crowd.now())
        with Clerk(shop, house.web, folder, [visitor.conversation for visitor in crowd.visitors]) as clerk:
            clerk.steady_since(crowd.now())
            yield Scene(house, crowd, clerk)


def test_f01_four_kills_lose_and_double_nothing(shop: Premises, tmp_path: Path, record: Record) -> None:
    with scene(shop, tmp_path, shoppers=8, pause=0.2) as staged:
        staged.kill(WORKER)
        staged.kill(WEB)
        staged.go_on(20)
        staged.kill(LIVE)
        staged.clerk.steady_since(staged.crowd.now())
        staged.go_on(40)
        staged.time_recovery(LIVE)
        assert staged.verdict() == Verdict()
        figures = staged.figures()
    record(**figures)
    assert figures["kills"] == {"live": 2, "web": 1, "worker": 1}
    assert figures["acknowledged"] > 60


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_f01_two_hundred_kills_over_fifty_thousand_messages_lose_and_double_nothing(
    shop: Premises, tmp_path: Path, record: Record
) -> None:
    with scene(shop, tmp_path, shoppers=40, pause=0.05) as staged:
        for _ in range(ROUNDS):
            play_a_round(staged)
        staged.go_on(max(1, MESSAGES - staged.crowd.acknowledged))
        assert staged.verdict() == Verdict()
        figures = staged.figures()
    record(**figures)
    assert sum(figures["kills"].values()) >= ROUNDS * KILLS_A_ROUND
    assert figures["acknowledged"] >= MESSAGES
    for timed in figures["recovery_seconds"].values():
        assert timed["timed"] >= ROUNDS
        assert timed["max"] <= STEADY


def play_a_round(staged: Scene) -> None:
    """Twenty kills: one of each kind is timed; while the worker's leases run out, the others go on dying."""
    wait_for_deliveries = staged.kill_worker_and_watch()
    staged.time_recovery(WEB)
    staged.time_recovery(LIVE)
    for part in random.sample([LIVE] * 6 + [WEB] * 6, 12):
        staged.kill(part)
        staged.house.wait_until_ready(part)
        staged.go_on(random.randint(1, 200))
    wait_for_deliveries()
    for _ in range(5):
        staged.kill(WORKER)
        staged.go_on(random.randint(50, 400))
