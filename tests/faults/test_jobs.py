"""F03, F04, F10: the worker dies at each step of sending a mail; a mail that eats memory kills the parser alone."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tiski.channels.email import child, receiving
from tiski.conversations.models import InboundRaw, Message, RawBytes
from tiski.kernel import clock
from tiski.kernel.events import Retry, delivering
from tiski.kernel.models import Delivery
from tiski.testing.instances import Record
from tiski.testing.letterbox import Post
from tiski.testing.ports import free_port, wait_until
from tiski.testing.premises import WORKER, Premises
from tiski.testing.short_memory import resident, short_of_memory
from tiski.testing.tiski_process import TiskiProcess

pytestmark = [pytest.mark.timeout(240)]

BOMB_BYTES = 40_000_000
"""By how much more than an idle parser the one that reads the bomb may grow."""
LOOPBACK = {"TISKI_ALLOW_NETWORKS": "127.0.0.0/8"}
STEPS = ["greeting", "sender", "recipient", "text", "taken"]
CONNECT = """
import sys
from tiski.channels.email.mailbox import Security, Server, Settings, stored
from tiski.conversations.models import ChannelAccount, Conversation
account = ChannelAccount.unscoped.get(kind="email")
server = Server("127.0.0.1", int(sys.argv[1]), Security.NONE, "")
ChannelAccount.unscoped.filter(id=account.id).update(settings=stored(Settings(address=account.name, smtp=server)))
print(*Conversation.unscoped.filter(channel_account=account).order_by("id").values_list("id", flat=True))
"""
REPLY = """
import sys
from uuid import uuid4
from tiski.accounts.models import Agent
from tiski.accounts.policies import actor_of
from tiski.conversations import actions as conversations
from tiski.conversations.models import Conversation
from tiski.kernel.scope import shop_scope
mia = Agent.objects.get(email="mia@teepuoti.example")
conversation = Conversation.unscoped.get(id=int(sys.argv[1]))
with shop_scope(conversation.shop_id):
    words = {"body": sys.argv[2], "client_id": uuid4(), "seen_seq": 10**6, "undo_seconds": 0}
    conversations.reply(conversation, **words, by=actor_of(mia))
"""


@dataclass(slots=True)
class Sink:
    """A mail server that kills its client when a step is reached, once; then it takes what comes."""

    fatal: str = ""
    kill: Callable[[], None] = lambda: None
    taken: list[EmailMessage] = field(default_factory=list)
    heard: list[EmailMessage] = field(default_factory=list)

    async def handle_EHLO(  # noqa: N802  aiosmtpd's name and signature
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """Greet."""
        session.host_name = hostname
        self._reached("greeting")
        return responses

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take the sender."""
        envelope.mail_from = address or "<>"
        self._reached("sender")
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take the recipient."""
        envelope.rcpt_tos.append(address)
        self._reached("recipient")
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Hear the text; it is taken only if the client lives, or dies after this server has made up its mind."""
        mail = BytesParser(policy=default).parsebytes(bytes(envelope.original_content or b""))
        self.heard.append(mail)
        if self._reached("text"):
            return "451 4.3.0 the client is gone"
        self.taken.append(mail)
        self._reached("taken")
        return "250 OK"

    def _reached(self, step: str) -> bool:
        if step != self.fatal:
            return False
        self.fatal = ""
        self.kill()
        return True


@pytest.fixture
def sink() -> Iterator[tuple[Sink, int]]:
    """The sink and its port."""
    handler = Sink()
    controller = Controller(handler, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield handler, controller.port
    controller.stop()


def die_at(step: str, shop: Premises, sink: Sink, conversation: int) -> list[EmailMessage]:
    """Send one answer with a worker that is killed at the step, and again with one that lives: what was taken."""
    before, heard = len(sink.taken), len(sink.heard)
    with worker_of(shop) as worker:
        sink.kill = lambda: os.kill(worker.pid, signal.SIGKILL)
        sink.fatal = step
        shop.run(REPLY, str(conversation), f"Vastaus: {step}.", environment=LOOPBACK)
        assert worker.wait(seconds=60) == -signal.SIGKILL
    shop.let_a_lease_pass()
    with worker_of(shop) as worker:
        wait_until(lambda: _state(shop) == ["accepted"], f"accepted after {step}", seconds=60)
        assert worker.stop() == 0
    assert {mail["Message-ID"] for mail in sink.heard[heard:]} == {sink.taken[-1]["Message-ID"]}
    return sink.taken[before:]


def worker_of(shop: Premises) -> TiskiProcess:
    """A worker that may reach servers on this machine, not started yet."""
    return shop.process(WORKER, environment=LOOPBACK)


def _state(shop: Premises) -> list[str]:
    """How the newest outbox item stands."""
    return [state for (state,) in shop.rows("SELECT state FROM conversations_outboxitem ORDER BY id DESC LIMIT 1")]


def play(shop: Premises, mails: tuple[Sink, int], steps: list[str]) -> dict[str, int]:
    """How many mails each step's answer became."""
    handler, port = mails
    first, *_rest = shop.run(CONNECT, str(port), environment=LOOPBACK).split()
    return {step: len(die_at(step, shop, handler, int(first))) for step in steps}


@pytest.mark.both
def test_f03_a_worker_killed_while_it_sends_leaves_one_mail_or_the_same_one_twice(
    shop: Premises, sink: tuple[Sink, int], record: Record
) -> None:
    mails = play(shop, sink, ["text", "taken"])
    record(mails=mails)
    assert mails == {"text": 1, "taken": 2}


@pytest.mark.both
@pytest.mark.soak
@pytest.mark.timeout(900)
def test_f03_a_worker_killed_at_every_step_of_sending_leaves_one_mail_or_the_same_one_twice(
    shop: Premises, sink: tuple[Sink, int], record: Record
) -> None:
    mails = play(shop, sink, STEPS)
    record(mails=mails)
    assert mails == {"greeting": 1, "sender": 1, "recipient": 1, "text": 1, "taken": 2}


@pytest.mark.django_db(transaction=True)
def test_f10_a_mail_that_eats_memory_costs_the_parser_its_life_and_is_set_aside_alone(
    post: Post, record: Record
) -> None:
    texts = ["Onko senchaa?", "Entä matchaa?"]
    first, second = (post.lay(post.mail(text)) for text in texts)
    bomb = post.lay(post.mail("Kuva liitteenä. " + "ää " * 5_000_000))
    child.parse(post.mail("Hei!"))
    idle = resident(child._shared.pid or 0)
    with short_of_memory(idle + BOMB_BYTES):
        tries = [understand(post, number) for number in (first, bomb, second)]
    found = {item.id: item for item in InboundRaw.unscoped.filter(id__in=[first, bomb, second])}
    assert [found[number].state for number in (first, bomb, second)] == ["new", "quarantined", "new"]
    bodies = [Message.unscoped.get(id=found[number].message_id or 0).body for number in (first, second)]
    assert bodies == texts
    assert (tries, found[bomb].deaths, found[bomb].reason) == ([1, 3, 1], 3, "child_died")
    record(deaths=found[bomb].deaths, idle_bytes=idle, quarantined=1, handled=2)


@pytest.mark.django_db(transaction=True)
def test_f10_of_a_group_of_mails_only_the_one_that_eats_memory_waits_and_is_set_aside(
    post: Post, record: Record
) -> None:
    texts = [f"Onko senchaa, kysyy {number}?" for number in range(6)]
    numbers = [post.lay(post.mail(text, sender=f"<a{at}@example.fi>")) for at, text in enumerate(texts)]
    bomb = numbers[2]
    RawBytes.unscoped.filter(item_id=bomb).update(data=post.mail("Kuva liitteenä. " + "ää " * 5_000_000))
    child.parse(post.mail("Hei!"))
    rounds: list[list[str]] = []
    with short_of_memory(resident(child._shared.pid or 0) + BOMB_BYTES):
        while "received" in (now := [post.ledger(number).state for number in numbers]):
            if len(rounds) == 3:
                break
            delivering.run_due("worker", quick=True)
            rounds.append([post.ledger(number).state for number in numbers])
            Delivery.objects.filter(handler__endswith="read_what_came").update(due=clock.now())
    others = ["new"] * 6
    waiting, over = [*others[:2], "received", *others[3:]], [*others[:2], "quarantined", *others[3:]]
    assert (rounds, now) == ([waiting, waiting, over], over)
    found = post.ledger(bomb)
    assert (found.rule, found.deaths, found.reason) == ("poison", 3, "child_died")
    said = Message.unscoped.filter(author_kind="customer").order_by("id").values_list("body", flat=True)
    assert list(said) == [text for at, text in enumerate(texts) if at != 2]
    record(deaths=found.deaths, quarantined=1, handled=5)


def understand(post: Post, number: int) -> int:
    """Read a mail as often as the worker would; returns how often that was."""
    for tries in range(1, 10):
        with post.world.scope(), suppress(Retry):
            receiving.understand(number)
            return tries
    raise AssertionError("the mail is read for ever")
