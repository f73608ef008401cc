"""F28-F30: mail hosts that hang up, number anew and repeat themselves; mails nobody can read (real Dovecot)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from tiski.channels.email import actions as mail
from tiski.channels.email import child, queries, reading, receiving
from tiski.channels.email.mailbox import Passwords, Security, Server, Settings
from tiski.channels.email.models import MailboxCursor
from tiski.conversations.models import InboundRaw, Message
from tiski.kernel.action import SYSTEM
from tiski.kernel.events import delivering
from tiski.kernel.models import Delivery, Fact
from tiski.testing.dovecot import Dovecot
from tiski.testing.imap_folder import PASSWORD, Folder, folder_of, make_folder, signed_in
from tiski.testing.letterbox import Post
from tiski.testing.ports import wait_until
from tiski.testing.short_memory import resident, short_of_memory
from tiski.testing.troubled_wire import CALM, Trouble, TroubledWire

pytestmark = [pytest.mark.mail, pytest.mark.both, pytest.mark.usefixtures("loopback"), pytest.mark.timeout(180)]

ADDRESSES = [f"vika{number}@teepuoti.example" for number in range(20)]
fresh = iter(ADDRESSES)
MORE_BYTES = 40_000_000
"""By how much more than an idle parser one may grow."""
NO_ID = "From: Ada Virtanen <ada@example.fi>\r\nTo: {to}\r\nSubject: {subject}\r\n{more}\r\n{text}\r\n"
POISON = b"From: victim@shop.example, evil@x.example\r\nSubject: Kuka?\r\n\r\nwho am I\r\n"
HOSTILE = b"From: a\x00da@example.fi\r\nFrom: x\r\nSubject: \x00\xff\r\n\r\nhi \x00 there\r\n"


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    """The shop's mail host."""
    with Dovecot(dict.fromkeys(ADDRESSES, PASSWORD)) as server:
        yield server


@pytest.fixture
def folder(transactional_db: None, post: Post, dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch) -> Iterator[Folder]:
    """A fresh mailbox of the shop, not connected yet; its reader does not wait as long as it does in earnest."""
    monkeypatch.setattr(reading, "SHORTEST_WAIT", 0.2)
    monkeypatch.setattr(reading, "IDLE_SLICE", 0.2)
    with folder_of(post, dovecot, next(fresh)) as folder:
        yield folder


def test_f28_a_host_that_hangs_up_in_the_middle_of_mails_costs_none_and_doubles_none(folder: Folder) -> None:
    texts = [f"kirje {number}" for number in range(15)]
    with TroubledWire(folder.dovecot.imap_port) as wire:
        folder.connect(imap=Server("127.0.0.1", wire.port, Security.NONE, folder.address))
        named = [f"Message-ID: <{number}@example.fi>\r\n" for number in range(len(texts))]
        _put(folder, *(_plain(folder, text, "x" * 20_000, name) for text, name in zip(texts, named, strict=True)))
        wire.trouble = Trouble(bytes_per_second=400_000)
        folder.follow()
        for _cut in range(4):
            before = wire.passed["down"]
            wait_until(lambda before=before: wire.passed["down"] > before + 40_000, "some mails", seconds=60)  # type: ignore[misc]
            wire.cut_all()
        wire.trouble = CALM
        wait_until(lambda: len(folder.stored()) >= len(texts), "all mails", seconds=60)
    folder.understand_all()
    assert folder.stored() == texts
    assert _subjects() == texts


def test_f28_a_place_that_was_lost_and_mails_that_are_unseen_again_bring_nothing_twice(folder: Folder) -> None:
    texts = [f"kirje {number}" for number in range(10)]
    folder.connect()
    folder.put(*texts)
    assert folder.read() == 10
    folder.understand_all()
    with signed_in(folder) as box:
        box.flag([str(uid) for uid in range(1, 11)], ["\\Seen"], True)
        box.flag([str(uid) for uid in range(1, 11)], ["\\Seen"], False)
    assert folder.read() == 0
    # Stored, and killed before the place was: the worst that a crash could leave.
    MailboxCursor.unscoped.update(last_uid=0)
    assert folder.read() == 0
    folder.understand_all()
    assert _subjects() == texts


def test_f28_one_mail_in_two_folders_that_are_both_connected_is_one_message(folder: Folder) -> None:
    folder.connect()
    second = replace(folder, name="Kaikki", threads=[])
    make_folder(second)
    settings = Settings(address=folder.address, imap=folder.post.mailbox.settings.imap, folder="Kaikki")
    with folder.post.world.scope():
        account = mail.add_mailbox(settings, Passwords(imap=PASSWORD, smtp=PASSWORD), by=SYSTEM)
    other = replace(second, post=Post(replace(folder.post.world, mailbox=account), folder.address))
    assert (folder.read(), other.read()) == (0, 0)
    for where in (folder, other):
        _put(where, _plain(folder, "Sencha", "Onko?", "Message-ID: <sama@example.fi>\r\n"))
    assert (folder.read(), other.read()) == (1, 1)
    folder.understand_all()
    assert sorted(InboundRaw.unscoped.values_list("state", flat=True)) == ["duplicate", "new"]
    assert _subjects() == ["Sencha"]
    copy = InboundRaw.unscoped.get(state="duplicate")
    assert copy.message_id == Message.unscoped.get(author_kind="customer").id


def test_f29_a_folder_that_is_numbered_anew_sends_headers_again_and_only_unknown_mails_whole(folder: Folder) -> None:
    folder.name = "Työ"
    make_folder(folder)
    texts = [f"kirje {number}" for number in range(20)]
    raws = [
        _plain(folder, text, "x" * 20_000, f"Message-ID: <{number}@example.fi>\r\n")
        for number, text in enumerate(texts)
    ]
    with TroubledWire(folder.dovecot.imap_port) as wire:
        folder.connect(imap=Server("127.0.0.1", wire.port, Security.NONE, folder.address))
        _put(folder, *raws)
        assert folder.read() == len(raws)
        folder.understand_all()
        whole = wire.passed["down"]
        make_folder(folder, anew=True)
        # In another order, so that every number is reused for another mail.
        _put(folder, *reversed(raws), _plain(folder, "aivan uusi", "lyhyt", "Message-ID: <uusi@example.fi>\r\n"))
        before = wire.passed["down"]
        folder.read()
        again = wire.passed["down"] - before
    folder.understand_all()
    assert whole > len(raws) * 20_000
    assert again < whole / 10
    assert _subjects() == [*texts, "aivan uusi"]


def test_f29_mails_without_an_id_and_different_mails_with_one_id_are_all_there_once(folder: Folder) -> None:
    same = "Message-ID: <kone@example.fi>\r\nDate: Mon, 16 Nov 2026 12:01:00 +0200\r\n"
    raws = [
        _plain(folder, "ilman", "ensimmäinen"),
        _plain(folder, "ilman", "toinen"),
        _plain(folder, "sama nimi", "ensimmäinen", same),
        _plain(folder, "sama nimi", "toinen", same),
        _plain(folder, "ilman", "ensimmäinen"),
    ]
    folder.name = "Työ"
    make_folder(folder)
    folder.connect()
    _put(folder, *raws)
    # The last is the first once more: what has no id is known by what it says.
    assert folder.read() == 4
    folder.understand_all()
    said = ["ensimmäinen", "toinen", "ensimmäinen", "toinen"]
    bodies = Message.unscoped.filter(author_kind="customer").order_by("id").values_list("body", flat=True)
    assert [body.strip() for body in bodies] == said
    make_folder(folder, anew=True)
    _put(folder, *reversed(raws))
    folder.read()
    folder.understand_all()
    assert [body.strip() for body in bodies.all()] == said


def test_f29_a_different_mail_with_a_known_id_that_came_while_the_folder_was_numbered_anew_is_not_lost(
    folder: Folder,
) -> None:
    same = "Message-ID: <kone@example.fi>\r\n"
    folder.name = "Työ"
    make_folder(folder)
    folder.connect()
    _put(folder, _plain(folder, "lasku 1", "ensimmäinen", same))
    assert folder.read() == 1
    folder.understand_all()
    make_folder(folder, anew=True)
    _put(folder, _plain(folder, "lasku 1", "ensimmäinen", same), _plain(folder, "lasku 2", "toinen", same))
    folder.read()
    folder.understand_all()
    assert _subjects() == ["lasku 1", "lasku 2"]


@pytest.mark.parametrize("count", [60, pytest.param(500, marks=[pytest.mark.soak, pytest.mark.timeout(900)])])
def test_f30_a_poison_mail_at_the_head_of_a_mailbox_costs_only_itself_and_the_shop_is_told(
    folder: Folder, count: int
) -> None:
    folder.connect()
    _put(folder, POISON)
    _put_many(folder, count - 1)
    folder.read()
    for _cycle in range(2):
        _one_cycle()
    states = list(InboundRaw.unscoped.order_by("id").values_list("state", flat=True))
    assert states == ["quarantined"] + ["new"] * (count - 1)
    assert Message.unscoped.filter(author_kind="customer").count() == count - 1
    told = Fact.objects.filter(name="conversations.raw_quarantined")
    assert [fact.data["raw"] for fact in told] == [InboundRaw.unscoped.earliest("id").id]
    with folder.post.world.scope():
        assert queries.set_aside(folder.post.account) == 1
    assert not Delivery.objects.filter(dead_at__isnull=False).exists()


def test_f30_a_mail_that_kills_its_reader_three_times_is_set_aside_and_the_rest_do_not_wait_for_it(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "AFTER_A_DEATH", timedelta(seconds=0.2))
    folder.connect()
    _put(folder, _plain(folder, "liite", "Kuva liitteenä. " + "ää " * 5_000_000))
    _put_many(folder, 12)
    _put(folder, HOSTILE)
    folder.read()
    child.parse(POISON)
    with short_of_memory(resident(child._shared.pid or 0) + MORE_BYTES):
        _one_cycle()
        assert Message.unscoped.filter(author_kind="customer").count() == 12
        wait_until(_all_have_a_verdict, "all verdicts", seconds=60)
    states = list(InboundRaw.unscoped.order_by("id").values_list("state", flat=True))
    assert (states[0], states[1:13], states[13]) == ("quarantined", ["new"] * 12, "quarantined")


def _all_have_a_verdict() -> bool:
    _one_cycle()
    return not InboundRaw.unscoped.filter(state="received").exists()


def _one_cycle() -> None:
    """What a worker does that wakes up once: everything that is due now, and not what was put off meanwhile."""
    due = Delivery.objects.filter(dead_at__isnull=True).count()
    while due > 0:
        ran = delivering.run_due("worker")
        if not ran:
            return
        due -= ran


def _plain(folder: Folder, subject: str, text: str, more: str = "") -> bytes:
    return NO_ID.format(to=folder.address, subject=subject, text=text, more=more).encode()


def _put(folder: Folder, *raws: bytes) -> None:
    with signed_in(folder) as box:
        for raw in raws:
            box.append(raw, folder.name)


def _put_many(folder: Folder, count: int) -> None:
    """Each from somebody else, so that each is a conversation."""
    with signed_in(folder) as box:
        for number in range(count):
            raw = folder.post.mail(f"kysymys {number}", sender=f"asiakas{number}@example.fi", to=folder.address)
            box.append(raw, folder.name)


def _subjects() -> list[str]:
    """Subjects of the conversations that have a customer's message, one for each message."""
    said = Message.unscoped.filter(author_kind="customer").order_by("id")
    return list(said.values_list("conversation__subject", flat=True))
