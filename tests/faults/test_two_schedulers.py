"""F39: two workers, one of them frozen longer than its lease in the middle of sending. What it says late is refused."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from pysqlite3 import dbapi2 as sqlite

from tiski.testing.ports import free_port, wait_until
from tiski.testing.premises import Premises
from tiski.testing.tiski_process import TiskiProcess

pytestmark = pytest.mark.both

QUEUE_AN_ANSWER = """
import sys
from uuid import uuid4
from tiski.accounts.models import Agent, Shop
from tiski.accounts.policies import actor_of
from tiski.channels.email import actions as mail
from tiski.channels.email.mailbox import Passwords, Security, Server, Settings
from tiski.conversations import actions as conversations
from tiski.conversations.models import OutboxItem
from tiski.customers import actions as customers
from tiski.kernel.action import SYSTEM, Actor, ActorKind
from tiski.kernel.scope import shop_scope

shop, mia = Shop.objects.get(key="teepuoti"), Agent.objects.get(email="mia@teepuoti.example")
with shop_scope(shop.id):
    server = Server("127.0.0.1", int(sys.argv[1]), Security.NONE, "")
    account = mail.add_mailbox(Settings(address="tuki@teepuoti.example", smtp=server), Passwords(), by=SYSTEM)
    ada = customers.recognise("email", "ada@example.fi", name="Ada Virtanen", by=SYSTEM)
    asked = conversations.open_conversation(channel_account=account, customer=ada, subject="Sencha", by=SYSTEM)
    by_ada = Actor(ActorKind.CUSTOMER, ada.id)
    conversations.post(asked, body="Onko senchaa?", client_id=uuid4(), by=by_ada)
    answer = {"body": "On!", "client_id": uuid4(), "seen_seq": 1, "undo_seconds": 0, "by": actor_of(mia)}
    posted = conversations.reply(asked, **answer)
    print(OutboxItem.objects.get(message_id=posted.message_id).id)
"""


@dataclass(slots=True)
class Slow:
    """A mail server that answers the first text only when it is told to, and every later one at once."""

    texts: list[str] = field(default_factory=list)
    answer_the_first: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  its name there
        """Take the text; of the first one nobody hears for long."""
        text = bytes(envelope.original_content or b"").decode()
        self.texts.append(re.findall(r"Message-ID: (\S+)", text)[0])
        if len(self.texts) == 1:
            await self.answer_the_first.wait()
        return "250 OK"


@pytest.fixture
def slow() -> Iterator[tuple[Slow, Controller]]:
    """The server, running."""
    handler = Slow()
    controller = Controller(handler, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield handler, controller
    controller.loop.call_soon_threadsafe(handler.answer_the_first.set)
    controller.stop()


@pytest.mark.parametrize(
    ("lease", "environment"),
    [
        pytest.param(4.0, {"HASTY_LEASE": "4"}, marks=pytest.mark.timeout(180), id="short"),
        pytest.param(60.0, {}, marks=[pytest.mark.soak, pytest.mark.timeout(900)], id="in earnest"),
    ],
)
def test_f39_a_worker_that_slept_through_its_lease_changes_nothing_and_no_tick_is_made_twice_or_left_out(
    shop: Premises,
    slow: tuple[Slow, Controller],
    lease: float,
    environment: dict[str, str],
    record: Callable[..., None],
) -> None:
    handler, controller = slow
    options = {
        "module": "tiski.testing.hasty_worker",
        "environment": environment | {"TISKI_ALLOW_NETWORKS": "127.0.0.0/8"},
    }
    workers = [shop.process("worker", **options) for _worker in range(2)]
    with workers[0], workers[1]:
        wait_until(lambda: all("at work" in worker.log() for worker in workers), "both at work", seconds=60)
        item = int(shop.run(QUEUE_AN_ANSWER, str(controller.port), environment=environment))
        owner = wait_until(lambda: _owner(shop, item), "one of them taking the answer", seconds=60)
        [sleeper] = [worker for worker in workers if owner.startswith(f"{worker.pid}-")]
        wait_until(lambda: handler.texts, "handing the text over", seconds=60)
        _freeze(sleeper, shop)
        paused = time.monotonic()
        wait_until(lambda: _state(shop, item) == "accepted", "the other one's sending", seconds=3 * lease + 60)
        taken_over = time.monotonic() - paused
        wait_until(lambda: time.monotonic() - paused > 3 * lease, "three leases", seconds=3 * lease + 10)
        before = _settled(shop, item)
        sleeper.resume()
        controller.loop.call_soon_threadsafe(handler.answer_the_first.set)
        wait_until(lambda: "was taken over while it was being sent" in sleeper.log(), "the refusal", seconds=60)
        ticks = len(_ticks(shop))
        wait_until(lambda: len(_ticks(shop)) > ticks + 1, "both keeping time", seconds=30)
    assert _settled(shop, item) == before
    assert (before[0], before[2]) == ("accepted", 1)
    # Both texts arrived, as they must when nobody knows; the receiver knows them as one by their name.
    assert len(handler.texts) == 2
    assert len(set(handler.texts)) == 1
    assert shop.rows("SELECT count(*) FROM kernel_fact WHERE name = 'conversations.message_delivered'") == [(1,)]
    slots = _ticks(shop)
    assert slots == list(range(slots[0], slots[0] + len(slots)))
    record(lease=lease, taken_over_after=round(taken_over, 1), ticks=len(slots), left_out=0, made_twice=0)


def _freeze(worker: TiskiProcess, shop: Premises) -> None:
    """At a moment when it holds no lock on SQLite's file: whoever is frozen with that one stops all writers (F11)."""
    for _try in range(100):
        worker.pause()
        if shop.database_url or _can_write(shop):
            return
        worker.resume()
        time.sleep(0.02)
    raise AssertionError("the worker never let go of the database")


def _can_write(shop: Premises) -> bool:
    file = sqlite.connect(str(shop.data / "tiski.sqlite3"), timeout=0.2, isolation_level=None)
    try:
        file.execute("BEGIN IMMEDIATE")
        file.execute("ROLLBACK")
    except sqlite.OperationalError:
        return False
    finally:
        file.close()
    return True


def _owner(shop: Premises, item: int) -> str:
    return str(shop.rows("SELECT owner FROM conversations_outboxitem WHERE id = %s", item)[0][0])


def _state(shop: Premises, item: int) -> str:
    return str(shop.rows("SELECT state FROM conversations_outboxitem WHERE id = %s", item)[0][0])


def _settled(shop: Premises, item: int) -> tuple[object, ...]:
    return shop.rows(
        "SELECT state, accepted_at, uncertain, fence, tries FROM conversations_outboxitem WHERE id = %s", item
    )[0]


def _ticks(shop: Premises) -> list[int]:
    """Which slots were struck, as the schedule's facts say."""
    keys = shop.rows("SELECT key FROM kernel_fact WHERE key LIKE %s ORDER BY id", "tick:%strike:%")
    return sorted(int(str(key).rpartition(":")[2]) for (key,) in keys)
