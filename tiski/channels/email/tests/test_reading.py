"""Reading a real folder of Dovecot: by cursor, once each, through restarts, renumbering and full disks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import connection

from tiski.channels.email import actions as mail
from tiski.channels.email import beginning, connecting, fetching, mailbox, reading
from tiski.channels.email.actions.cursors import Fetched, LeaseLost
from tiski.channels.email.errors import (
    CertificateNotTrusted,
    NoEncryption,
    NoSuchFolder,
    NotStored,
    ServerUnreachable,
    WrongPassword,
)
from tiski.channels.email.mailbox import Passwords, Security, Server
from tiski.channels.email.models import MailboxCursor
from tiski.conversations.models import Conversation, InboundRaw, Message
from tiski.kernel import clock
from tiski.kernel.action import SYSTEM
from tiski.kernel.http import tls_context
from tiski.testing.dovecot import Dovecot
from tiski.testing.imap_folder import PASSWORD, Folder, folder_of, make_folder, signed_in, subject_of
from tiski.testing.ports import free_port, wait_until

if TYPE_CHECKING:
    from tiski.testing.letterbox import Post

pytestmark = [pytest.mark.mail, pytest.mark.usefixtures("loopback")]

ADDRESSES = [f"tuki{number}@teepuoti.example" for number in range(40)]
fresh = iter(ADDRESSES)


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    """The shop's mail host."""
    with Dovecot(dict.fromkeys(ADDRESSES, PASSWORD)) as server:
        yield server


@pytest.fixture
def folder(transactional_db: None, post: Post, dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch) -> Iterator[Folder]:
    """A fresh mailbox of the shop, not connected yet."""
    monkeypatch.setattr(reading, "SHORTEST_WAIT", 0.3)
    monkeypatch.setattr(reading, "IDLE_SLICE", 0.2)
    with folder_of(post, dovecot, next(fresh)) as folder:
        yield folder


def test_only_mail_that_comes_after_connecting_is_read_and_each_once(folder: Folder) -> None:
    folder.put("vanha", "vanhempi", age=timedelta(hours=1))
    folder.connect()
    assert folder.read() == 0
    folder.put("uusi")
    assert folder.read() == 1
    assert (folder.read(), folder.read()) == (0, 0)
    folder.put("uudempi")
    assert folder.read() == 1
    assert folder.stored() == ["uusi", "uudempi"]
    folder.understand_all()
    assert len(folder.post.automatic()) == 2


def test_nothing_is_marked_as_read_or_moved(folder: Folder) -> None:
    folder.connect()
    folder.put("uusi")
    folder.read()
    with signed_in(folder) as box:
        assert [(each.subject, each.flags) for each in box.fetch(mark_seen=False)] == [("uusi", ())]


def test_mail_that_came_before_the_first_reading_but_after_connecting_is_new(folder: Folder) -> None:
    folder.put("vanha", age=timedelta(hours=1))
    folder.connect()
    folder.put("heti perään")
    assert folder.read() == 1
    folder.understand_all()
    assert (folder.stored(), len(folder.post.automatic())) == (["heti perään"], 1)


@pytest.mark.parametrize(
    ("backfill", "stored"),
    [("now", ["uusi"]), ("7", ["viikolla", "eilen", "uusi"]), ("all", ["viime kuussa", "viikolla", "eilen", "uusi"])],
)
def test_what_was_there_before_is_history_as_far_as_was_asked(folder: Folder, backfill: str, stored: list[str]) -> None:
    for text, days in (("viime kuussa", 30), ("viikolla", 5), ("eilen", 1)):
        folder.put(text, age=timedelta(days=days))
    folder.connect(backfill=backfill)
    folder.put("uusi")
    folder.read()
    folder.understand_all()
    assert folder.stored() == stored
    assert len(folder.post.automatic()) == 1
    waiting = Conversation.unscoped.filter(waiting_since__isnull=False)
    assert [conversation.subject for conversation in waiting] == ["uusi"]
    assert Conversation.unscoped.count() == len(stored)


def test_a_folder_that_was_numbered_anew_brings_what_is_unknown_and_nothing_twice(folder: Folder) -> None:
    folder.name = "Työ"
    make_folder(folder)
    texts = [f"viesti {number}" for number in range(60)]
    folder.connect()
    folder.put(*texts)
    assert folder.read() == 60
    folder.understand_all()
    before = folder.cursor.uidvalidity, len(folder.post.automatic())
    make_folder(folder, anew=True)
    folder.put(*texts, "aivan uusi", age=timedelta(seconds=-5))
    folder.put("vanha mutta tuntematon", age=timedelta(days=400))
    assert folder.read() == 0
    folder.understand_all()
    assert folder.cursor.uidvalidity != before[0]
    assert sorted(folder.stored()) == sorted([*texts, "aivan uusi"])
    assert Message.unscoped.filter(author_kind="customer").count() == 61
    assert len(folder.post.automatic()) == before[1]
    unknown = Conversation.unscoped.get(subject="aivan uusi")
    assert unknown.waiting_since is not None
    assert folder.post.account.health["recovered"]["count"] == 1
    folder.put("sen jälkeen")
    assert folder.read() == 1


def test_another_folder_is_read_from_its_own_beginning(folder: Folder) -> None:
    folder.connect()
    folder.put("yksi", "kaksi", "kolme")
    folder.read()
    folder.name = "Toinen"
    make_folder(folder)
    server = folder.post.mailbox.settings.imap
    settings = mailbox.Settings(address=folder.address, imap=server, folder="Toinen", backfill="all")
    with folder.post.world.scope():
        mail.change_mailbox(folder.post.account, settings, Passwords(), by=SYSTEM)
    folder.put("toisessa")
    assert folder.read() == 1
    assert folder.stored()[-1] == "toisessa"


def test_of_a_mail_that_is_too_large_only_the_headers_are_kept(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "LARGEST", 20_000)
    folder.connect()
    folder.put("ennen", "suuri " + "ö" * 40_000, "jälkeen")
    assert folder.read() == 3
    folder.understand_all()
    states = {subject_of(raw)[:5]: (raw.state, raw.reason) for raw in InboundRaw.unscoped.all()}
    assert states == {"ennen": ("new", ""), "suuri": ("quarantined", "too_large"), "jälke": ("new", "")}
    large = InboundRaw.unscoped.get(state="quarantined")
    assert large.size < 1000
    assert b"Message-ID: " in large.raw
    assert folder.read() == 0


def test_many_mails_come_in_batches_and_all_of_them(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "BATCH", 7)
    monkeypatch.setattr(fetching, "BATCH_BYTES", 3_000)
    texts = [f"viesti {number}" for number in range(40)]
    folder.connect()
    folder.put(*texts)
    assert folder.read() == 40
    assert folder.stored() == texts


def test_a_server_that_restarts_while_we_wait_is_read_again(folder: Folder) -> None:
    folder.connect()
    folder.follow()
    wait_until(lambda: folder.health.get("code") == "", "the first reading")
    folder.put("ennen")
    wait_until(lambda: folder.stored() == ["ennen"], "the mail before", seconds=10)
    folder.dovecot.halt()
    wait_until(lambda: folder.health.get("code") == "mail.unreachable", "the fault in the health", seconds=20)
    folder.dovecot.start_again()
    folder.put("jälkeen")
    wait_until(lambda: folder.stored() == ["ennen", "jälkeen"], "the mail after", seconds=20)
    wait_until(lambda: folder.health.get("code") == "", "the health after", seconds=10)


def test_mail_that_comes_between_looking_and_waiting_is_not_left_for_later(folder: Folder) -> None:
    folder.connect()
    with folder.post.world.scope(), connecting.imap(folder.post.mailbox) as box:
        account = folder.post.account
        cursor = mail.hold(account, "test")
        assert cursor is not None
        beginning.find_place(box, folder.post.mailbox, account, cursor)
        assert reading.fetch_new(box, account, cursor) == 0
        folder.put("juuri silloin")
        box.client.noop()
        began = time.monotonic()
        assert list(reading._until_something_comes(box, threading.Event())) == []
        assert time.monotonic() - began < 5
        assert reading.fetch_new(box, account, cursor) == 1


def test_two_readers_share_a_mailbox_and_one_takes_over(folder: Folder) -> None:
    folder.connect()
    folder.put(*[f"viesti {number}" for number in range(20)])
    first = folder.follow()
    wait_until(lambda: len(folder.stored()) == 20, "the first mails", seconds=15)
    owner = folder.cursor.owner
    folder.follow()
    folder.put("jaettu")
    wait_until(lambda: len(folder.stored()) == 21, "the shared mail", seconds=10)
    assert folder.cursor.owner == owner
    first.set()
    wait_until(lambda: folder.cursor.owner not in {"", owner}, "the second reader", seconds=15)
    folder.put("perintö")
    wait_until(lambda: folder.stored()[-1] == "perintö", "the inherited mail", seconds=10)
    assert len(folder.stored()) == 22


def test_who_slept_through_the_lease_changes_nothing(folder: Folder) -> None:
    folder.connect()
    with folder.post.world.scope():
        account = folder.post.account
        sleeper = mail.hold(account, "sleeper")
        assert sleeper is not None
        assert mail.hold(account, "other") is None
        MailboxCursor.objects.update(lease_until=clock.now() - timedelta(seconds=1))
        other = mail.hold(account, "other")
        assert other is not None
        with pytest.raises(LeaseLost):
            mail.take(sleeper, account, [Fetched(7, folder.post.mail())], up_to=7)
        mail.let_go(sleeper, "sleeper")
        assert mail.take(other, account, [Fetched(3, folder.post.mail())], up_to=3) == 1
    assert (folder.cursor.last_uid, folder.cursor.owner, InboundRaw.unscoped.count()) == (3, "other", 1)


def test_a_full_disk_leaves_the_mail_on_the_server_and_is_said(folder: Folder) -> None:
    folder.connect()
    folder.put("pieni")
    assert folder.read() == 1
    folder.put("iso " + "x" * 400_000)
    before = folder.cursor.last_uid
    with _full_disk():
        assert isinstance(folder.attend(), NotStored)
    assert (folder.cursor.last_uid, len(folder.stored())) == (before, 1)
    assert folder.health["code"] == "mail.not_stored"
    assert folder.read() == 1
    assert folder.cursor.last_uid == before + 1
    with folder.post.world.scope():
        mail.report(folder.post.account, "imap", None)
    assert folder.health["code"] == ""


def test_after_an_outage_the_owner_is_told_what_was_recovered(folder: Folder) -> None:
    folder.connect()
    folder.read()
    MailboxCursor.unscoped.update(read_at=clock.now() - timedelta(minutes=30))
    folder.put("yksi", "kaksi", "kolme")
    assert folder.read() == 3
    told = folder.post.account.health["recovered"]
    assert told["count"] == 3
    lasted = datetime.fromisoformat(told["until"]) - datetime.fromisoformat(told["since"])
    assert timedelta(minutes=29) < lasted < timedelta(minutes=32)


def test_a_quiet_mailbox_is_no_outage(folder: Folder) -> None:
    folder.connect()
    folder.read()
    InboundRaw.unscoped.all().delete()
    MailboxCursor.unscoped.update(read_at=clock.now() - timedelta(minutes=9))
    folder.put("hiljaisuuden jälkeen")
    assert folder.read() == 1
    assert "recovered" not in folder.post.account.health


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
def test_a_certificate_nobody_vouches_for_is_refused_and_a_good_one_is_not(
    folder: Folder, security: Security, trusting: Callable[[], None]
) -> None:
    port = folder.dovecot.imaps_port if security is Security.TLS else folder.dovecot.imap_port
    folder.connect(imap=Server("localhost", port, security, folder.address))
    assert isinstance(folder.attend(), CertificateNotTrusted)
    assert folder.health["code"] == "mail.certificate"
    trusting()
    folder.put("salattu")
    assert folder.read() == 1


def test_encryption_on_a_port_without_it_is_said(folder: Folder) -> None:
    folder.connect(imap=Server("127.0.0.1", folder.dovecot.imap_port, Security.TLS, folder.address))
    assert isinstance(folder.attend(), NoEncryption)
    assert folder.health["code"] == "mail.no_encryption"


def test_wrong_things_are_said_each_in_its_words(folder: Folder) -> None:
    folder.connect(folder="Ei ole")
    assert isinstance(folder.attend(), NoSuchFolder)
    assert folder.health["code"] == "mail.no_folder"
    folder.connect(imap=Server("127.0.0.1", folder.dovecot.imap_port, Security.NONE, "joku@muu.example"))
    assert isinstance(folder.attend(), WrongPassword)
    assert folder.health["code"] == "mail.wrong_password"
    folder.connect(imap=Server("127.0.0.1", free_port(), Security.NONE, folder.address))
    assert isinstance(folder.attend(), ServerUnreachable)
    assert folder.health["code"] == "mail.unreachable"


@pytest.fixture
def trusting(dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Call it, and from then on the host's authority is one of the system's."""

    def trust() -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(dovecot.certificates.authority))
        tls_context.cache_clear()

    yield trust
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    tls_context.cache_clear()


@contextmanager
def _full_disk() -> Iterator[None]:
    """This connection may not make the database's file any larger, as SQLite sees a full disk."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM")  # pages that earlier tests have left free would hold the mail
        cursor.execute("PRAGMA page_count")
        pages = cursor.fetchone()[0]
        cursor.execute(f"PRAGMA max_page_count = {pages + 10}")
    yield
    connection.close()
