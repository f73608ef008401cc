"""F01: live, web and worker processes killed at random while shoppers and an agent chat."""

from __future__ import annotations

import contextlib
import random
import statistics
import time
from collections.abc import Iterator
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
from tiski.testing.tiski_process import TiskiProcess

pytestmark = [pytest.mark.both, pytest.mark.timeout(240)]

STEADY = 60.0
GIVE_UP = 300.0
ROUNDS = 10
KILLS_A_ROUND = 20
MESSAGES = 50_000
MAILS = 600  # more than a worker understands between their commit and its death
IN_HAND = "SELECT count(*) FROM kernel_delivery WHERE lease_until IS NOT NULL"
LAY = """
import sys
from email.message import EmailMessage
from uuid import uuid4
from django.db import transaction
from tiski.conversations import actions as conversations
from tiski.conversations.models import ChannelAccount
from tiski.kernel.scope import shop_scope
account = ChannelAccount.unscoped.get(kind="email")
with shop_scope(account.shop_id), transaction.atomic():
    for _ in range(int(sys.argv[1])):
        name, mail = uuid4().hex, EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = f"{name}@example.fi", account.name, "Tee"
        mail["Message-ID"] = f"<{name}@example.fi>"
        mail.set_content("Onko senchaa?")
        conversations.store_raw(account, raw=mail.as_bytes(), dedupe_key=name)
"""


class Scene:
    """A house with shoppers and an agent in it, and what the kills did to them."""

    def __init__(self, house: House, crowd: Crowd, clerk: Clerk) -> None:
        self.house, self.crowd, self.clerk = house, crowd, clerk
        self.kills = dict.fromkeys((LIVE, WEB, WORKER), 0)
        self.recoveries: dict[str, list[float]] = {LIVE: [], WEB: []}

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
    """Twenty kills; one of the web and one of the live process are timed."""
    staged.kill(WORKER)
    staged.time_recovery(WEB)
    staged.time_recovery(LIVE)
    for part in random.sample([LIVE] * 6 + [WEB] * 6, 12):
        staged.kill(part)
        staged.house.wait_until_ready(part)
        staged.go_on(random.randint(1, 200))
    for _ in range(5):
        staged.kill(WORKER)
        staged.go_on(random.randint(50, 400))


@pytest.mark.soak
@pytest.mark.timeout(1500)
def test_f01_a_worker_killed_with_mails_in_hand_leaves_them_to_the_next_within_a_minute(
    shop: Premises, record: Record
) -> None:
    took, in_hand = [], []
    before = count(shop, "SELECT coalesce(max(id), 0) FROM conversations_inboundraw")
    with shop.process(WORKER) as worker:
        for _ in range(ROUNDS):
            shop.run(LAY, str(MAILS))
            killed = kill_with_work_in_hand(shop, worker)
            in_hand.append(count(shop, IN_HAND))
            worker.launch()
            wait_until(
                lambda: not count(shop, "SELECT count(*) FROM conversations_inboundraw WHERE state = 'received'"),
                "nothing waits",
                seconds=GIVE_UP,
                pause=0.5,
            )
            took.append(time.monotonic() - killed)
        query = (
            "SELECT count(*), count(message_id), count(DISTINCT message_id) FROM conversations_inboundraw WHERE id > %s"
        )
        [(mails, understood, messages)] = shop.rows(query, before)
    record(
        kills=ROUNDS,
        mails=mails,
        in_hand=in_hand,
        recovery_seconds={"median": round(statistics.median(took), 1), "max": round(max(took), 1)},
    )
    assert min(in_hand) > 0
    assert mails == understood == messages >= ROUNDS * MAILS
    assert max(took) <= STEADY


def kill_with_work_in_hand(shop: Premises, worker: TiskiProcess) -> float:
    """Kill it between taking mails and being done with them, which is most of the time, not all; the moment."""
    for _ in range(5):
        with contextlib.suppress(TookTooLong):  # all done before anyone looked
            wait_until(lambda: count(shop, IN_HAND), "mails in hand", seconds=3, pause=0.01)
        worker.kill()
        killed = time.monotonic()
        if count(shop, IN_HAND):
            return killed
        shop.run(LAY, str(MAILS))
        worker.launch()
    raise AssertionError("five times nothing was in hand")


def count(shop: Premises, query: str) -> int:
    """What a counting query finds."""
    return int(shop.rows(query)[0][0])
