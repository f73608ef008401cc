"""A mailbox on a real Dovecot, connected to a shop under test: mails arrive in it, and reading it is watched."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from email.parser import BytesParser
from email.policy import default

from imap_tools import MailBoxUnencrypted

from tiski.channels.email import actions as mail
from tiski.channels.email import beginning, connecting, mailbox, reading, receiving
from tiski.channels.email.errors import MailboxFault
from tiski.channels.email.fetching import Suspects
from tiski.channels.email.mailbox import Passwords, Security, Server
from tiski.channels.email.models import MailboxCursor
from tiski.conversations import actions as conversations
from tiski.conversations.models import ChannelAccount, InboundRaw
from tiski.kernel import clock
from tiski.kernel.action import SYSTEM
from tiski.testing.dovecot import Dovecot
from tiski.testing.letterbox import Post

PASSWORD = "salaisuus-ä"


@dataclass(slots=True)
class Folder:
    """A mailbox on the host, connected to the shop."""

    post: Post
    dovecot: Dovecot
    address: str
    name: str = "INBOX"
    threads: list[tuple[threading.Thread, threading.Event]] = field(default_factory=list)

    def connect(self, **changes: object) -> None:
        """Connect it now, as the form in the settings does."""
        server = Server("127.0.0.1", self.dovecot.imap_port, Security.NONE, self.address)
        self.post.set(**({"address": self.address, "imap": server, "folder": self.name} | changes))
        passwords = mailbox.sealed(Passwords(imap=PASSWORD, smtp=PASSWORD))
        with self.post.world.scope():
            conversations.change_channel(self.post.account, secret=passwords, by=SYSTEM)
        ChannelAccount.unscoped.filter(id=self.post.account.id).update(enabled_at=clock.now())

    def put(self, *texts: str, age: timedelta = timedelta(0)) -> None:
        """Let mails arrive, each with a text of its own."""
        with signed_in(self) as box:
            for text in texts:
                raw = self.post.mail(text, subject=text[:60], to=self.address, message_id=f"<{hash(text)}@example.fi>")
                box.append(raw, self.name, dt=clock.now() - age)

    def read(self) -> int:
        """Read once, from connecting to hanging up; how many mails were new."""
        with self.post.world.scope():
            account = self.post.account
            cursor = mail.hold(account, "test")
            assert cursor is not None
            with connecting.imap(self.post.mailbox) as box:
                beginning.find_place(box, self.post.mailbox, account, cursor)
                new = reading.fetch_new(box, account, cursor)
            mail.let_go(cursor, "test")
        return new

    def attend(self) -> MailboxFault | None:
        """Read along as the worker does; for what ends by itself."""
        return reading.attend(self.post.account.id, "test", Suspects(), threading.Event())

    def follow(self) -> threading.Event:
        """A reader of a worker, in a thread of its own; the event stops it."""
        stop = threading.Event()
        thread = threading.Thread(target=reading.follow, args=(self.post.account.id, stop), daemon=True)
        thread.start()
        self.threads.append((thread, stop))
        return stop

    def stored(self) -> list[str]:
        """Subjects of what was stored, in order."""
        return [subject_of(raw) for raw in InboundRaw.unscoped.order_by("id")]

    def understand_all(self) -> None:
        """What the worker does with it."""
        with self.post.world.scope():
            waiting = list(InboundRaw.objects.filter(state="received").order_by("id").values_list("id", flat=True))
            assert receiving.understand_many(waiting) == {}

    @property
    def cursor(self) -> MailboxCursor:
        """Where reading stands."""
        return MailboxCursor.unscoped.get(channel_account=self.post.account)

    @property
    def health(self) -> dict[str, str]:
        """What is known of reading."""
        told: dict[str, str] = self.post.account.health.get("imap", {})
        return told


@contextmanager
def folder_of(post: Post, dovecot: Dovecot, address: str) -> Iterator[Folder]:
    """A mailbox of the shop, not connected yet; whoever still reads it afterwards is stopped."""
    folder = Folder(post, dovecot, address)
    yield folder
    for _thread, stop in folder.threads:
        stop.set()
    for thread, _stop in folder.threads:
        thread.join(20)
        assert not thread.is_alive()


def signed_in(folder: Folder) -> MailBoxUnencrypted:
    """The host's own view of the mailbox."""
    box = MailBoxUnencrypted("127.0.0.1", folder.dovecot.imap_port, timeout=10)
    return box.login_utf8(folder.address, PASSWORD, folder.name)


def make_folder(folder: Folder, *, anew: bool = False) -> None:
    """Make the folder on the host; `anew` deletes it first, so that its numbers begin again."""
    name, folder.name = folder.name, "INBOX"
    with signed_in(folder) as box:
        if anew:
            box.folder.delete(name)
        box.folder.create(name)
    folder.name = name


def subject_of(raw: InboundRaw) -> str:
    """The subject of a stored mail."""
    return str(BytesParser(policy=default).parsebytes(raw.raw)["Subject"])
