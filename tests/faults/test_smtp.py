"""F31: mail servers that say later for days, say no, fall silent after the text, or answer one byte a second."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from django.db import connection

from tiski.channels.email import sending
from tiski.channels.email.mailbox import Security, Server
from tiski.conversations import actions as conversations
from tiski.conversations.models import OutboxItem
from tiski.kernel import worker
from tiski.kernel.events import delivering
from tiski.kernel.models import Delivery, Fact
from tiski.testing.letterbox import Post
from tiski.testing.ports import free_port, wait_until
from tiski.testing.troubled_wire import Trouble, TroubledWire

pytestmark = [pytest.mark.usefixtures("loopback"), pytest.mark.timeout(180)]

MANY = 130
"""More than all threads of a worker take at once."""
NOON = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


@dataclass(slots=True)
class Sink:
    """A mail server of one's own; `answer` is what it says to a text, empty for taking it."""

    answer: str = ""
    is_silent: bool = False
    port: int = field(default_factory=free_port)
    taken: list[tuple[str, str]] = field(default_factory=list)
    """Recipient and Message-ID of every text that was heard to its end, taken or not."""
    silence: threading.Event = field(default_factory=threading.Event)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  its name there
        """Hear the text and say what was told, or nothing and hang up."""
        text = bytes(envelope.original_content or b"").decode()
        named = next(line[12:] for line in text.splitlines() if line.startswith("Message-ID: "))
        self.taken.append((envelope.rcpt_tos[0], named))
        if self.is_silent:
            assert isinstance(server.transport, asyncio.WriteTransport)
            server.transport.abort()
        return self.answer or "250 OK"


@pytest.fixture
def sink() -> Iterator[Sink]:
    """A server that takes mail unless told otherwise."""
    with _running(Sink()) as server:
        yield server


@pytest.mark.django_db
def test_f31_later_for_three_days_is_tried_ever_more_seldom_told_twice_and_sent_when_a_person_says_so(
    post: Post, sink: Sink
) -> None:
    sink.answer = "451 4.3.0 try again later"
    now, waits = NOON, []
    with time_machine.travel(now, tick=False):
        item = _asked_and_answered(post, sink.port)
    while True:
        with time_machine.travel(now, tick=False):
            delivering.run_due("worker")
        item.refresh_from_db()
        if item.send_after is None:
            break
        assert item.state == "queued"
        waits.append((item.send_after - now) / timedelta(minutes=1))
        now = item.send_after
    expected = [1, 5, 15, 60] + [240] * (len(waits) - 4)
    assert all(least <= waited <= least * 1.1 for least, waited in zip(expected, waits, strict=True))
    assert len({waited / least for least, waited in zip(expected, waits, strict=True)}) > 10
    assert timedelta(hours=72) <= now - NOON < timedelta(hours=77)
    assert (item.state, len(sink.taken)) == ("failed", len(waits) + 1)
    assert "451 4.3.0 try again later" in item.error
    assert _told() == ["conversations.message_delayed", "conversations.message_failed"]

    sink.answer = ""
    with time_machine.travel(now + timedelta(days=5), tick=False):
        with post.world.scope():
            conversations.retry(item, by=post.world.by_mia)
        while delivering.run_due("worker"):
            pass
    item.refresh_from_db()
    assert item.state == "accepted"
    assert set(sink.taken) == {("ada@example.fi", item.stable_id)}


@pytest.mark.django_db
def test_f31_a_no_is_final_at_once_and_told_once(post: Post, sink: Sink) -> None:
    sink.answer = "554 5.6.0 not like this"
    with time_machine.travel(NOON, tick=False):
        item = _asked_and_answered(post, sink.port)
        delivering.run_due("worker")
    with time_machine.travel(NOON + timedelta(days=3), tick=False):
        delivering.run_due("worker")
    item.refresh_from_db()
    assert (item.state, item.tries, item.send_after, len(sink.taken)) == ("failed", 1, None, 1)
    assert _told() == ["conversations.message_failed"]


@pytest.mark.django_db
def test_f31_silence_after_the_text_is_tried_once_more_under_the_same_name_and_then_shown_to_a_person(
    post: Post, sink: Sink
) -> None:
    sink.is_silent = True
    with time_machine.travel(NOON, tick=False):
        item = _asked_and_answered(post, sink.port)
        delivering.run_due("worker")
    for minutes, texts in ((14, 1), (15, 2), (60, 2), (60 * 24 * 4, 2)):
        with time_machine.travel(NOON + timedelta(minutes=minutes), tick=False):
            delivering.run_due("worker")
        assert len(sink.taken) == texts
    item.refresh_from_db()
    assert (item.state, item.uncertain, item.send_after) == ("unknown", 2, None)
    assert set(sink.taken) == {("ada@example.fi", item.stable_id)}
    assert _told() == ["conversations.message_uncertain", "conversations.message_failed"]


@pytest.mark.django_db
def test_f31_a_byte_a_second_from_the_first_one_on_does_not_hold_a_worker_longer_than_it_may(
    post: Post, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "SECONDS", 3.0)
    with TroubledWire(sink.port) as wire:
        wire.trouble = Trouble(bytes_per_second=1)
        item = _asked_and_answered(post, wire.port)
        began = datetime.now(UTC)
        delivering.run_due("worker")
        assert datetime.now(UTC) - began < timedelta(seconds=20)
    item.refresh_from_db()
    assert (item.state, item.tries) == ("queued", 1)
    assert sink.taken == []


@pytest.mark.django_db(transaction=True)
def test_f31_a_shop_whose_server_crawls_holds_up_nobody_else(post: Post, other_post: Post, sink: Sink) -> None:
    with TroubledWire(sink.port) as wire, _running(Sink()) as healthy:
        wire.trouble = Trouble(bytes_per_second=1)
        raw = post.receive(post.mail())
        _leaves_by(post, wire.port)
        for number in range(MANY):
            post.answer(raw, f"vastaus {number}")
        with _working():
            wait_until(lambda: OutboxItem.unscoped.filter(state="claimed").exists(), "the crawling one")
            quick = _asked_and_answered(other_post, healthy.port, sender="ben@example.fi")
            wait_until(lambda: healthy.taken, "the other shop's mail", seconds=60)
            question = other_post.lay(other_post.mail("Vielä yksi", sender="cecilia@example.fi"))
            wait_until(lambda: other_post.ledger(question).state == "new", "a mail that came in", seconds=60)
            crawling = OutboxItem.unscoped.filter(state="claimed", shop_id=post.world.shop.id)
            assert 1 <= crawling.count() < worker.THREADS
            wire.cut_all()
            wire.trouble = Trouble()
            wait_until(lambda: len(sink.taken) >= 3, "the rest, now that the server is quick", seconds=60)
    quick.refresh_from_db()
    assert (quick.state, quick.tries) == ("accepted", 1)


@contextmanager
def _running(sink: Sink) -> Iterator[Sink]:
    controller = Controller(sink, hostname="127.0.0.1", port=sink.port)
    controller.start()
    yield sink
    controller.stop()


@contextmanager
def _working() -> Iterator[None]:
    """A worker of four threads beside the test."""
    stop = threading.Event()

    def run() -> None:
        worker.run(stop)
        connection.close()

    thread = threading.Thread(target=run, name="worker")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(60)


def _asked_and_answered(post: Post, port: int, *, sender: str = "ada@example.fi") -> OutboxItem:
    """A customer's mail, and Mia's answer to it, which leaves by the server at the port."""
    _leaves_by(post, port)
    item = post.answer(post.receive(post.mail(sender=sender)))
    Delivery.objects.exclude(fact__name="conversations.outbox_queued").delete()
    return item


def _leaves_by(post: Post, port: int) -> None:
    post.set(imap=None, smtp=Server("127.0.0.1", port, Security.NONE, ""), acknowledges=False)


def _told() -> list[str]:
    """What a page hears of an answer's fate, in order."""
    names = Fact.objects.filter(name__startswith="conversations.message_").order_by("id").values_list("name", flat=True)
    return [
        name
        for name in names
        if name
        not in {"conversations.message_posted", "conversations.message_delivered", "conversations.message_retried"}
    ]
