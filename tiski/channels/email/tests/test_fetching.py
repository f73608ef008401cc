"""Mail servers with oddities of their own: no mail of theirs stops a folder, and none is lost without a word."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from tiski.channels.email import connecting, fetching
from tiski.channels.email.actions.cursors import Fetched
from tiski.channels.email.errors import NoEncryption, ServerUnreachable
from tiski.channels.email.fetching import Suspects
from tiski.channels.email.mailbox import Mailbox, Passwords, Security, Server, Settings

pytestmark = pytest.mark.usefixtures("loopback")

MAILS = {uid: b"Subject: %d\r\n\r\nhi\r\n" % uid for uid in (1, 2, 3)}


@dataclass(slots=True)
class OddServer:
    """As much of IMAP as reading needs, with faults on order."""

    mails: dict[int, bytes] = field(default_factory=lambda: dict(MAILS))
    refuses: int = 0
    hangs_up_at: int = 0
    uid_comes_last: bool = False
    size: int | None = None
    said_first: bytes = b"IMAP4rev1"
    heard: list[bytes] = field(default_factory=list)

    def talk(self, connection: socket.socket) -> None:
        """Answer one client until it goes."""
        connection.sendall(b"* OK hello\r\n")
        for line in connection.makefile("rb"):
            self.heard.append(line)
            tag, command, rest = (line.strip() + b"  ").split(b" ", 2)
            answer = self.answer(command.upper(), rest.strip())
            if answer is None:
                return
            connection.sendall(answer.replace(b"TAG", tag))

    def answer(self, command: bytes, rest: bytes) -> bytes | None:
        """What is said to a command; None to hang up."""
        if command == b"CAPABILITY":
            signed_in = any(b"LOGIN" in line for line in self.heard)
            return b"* CAPABILITY " + (b"IMAP4rev1 IDLE" if signed_in else self.said_first) + b"\r\nTAG OK done\r\n"
        if command == b"STARTTLS":
            return b"TAG NO not today\r\n"
        if command == b"EXAMINE":
            return b"* 3 EXISTS\r\nTAG OK [READ-ONLY] done\r\n"
        if command == b"UID" and rest.startswith(b"SEARCH"):
            return b"* SEARCH " + b" ".join(b"%d" % uid for uid in self.mails) + b"\r\nTAG OK done\r\n"
        return self.fetched(rest) if command == b"UID" else b"TAG OK done\r\n"

    def fetched(self, rest: bytes) -> bytes | None:
        """The answer to UID FETCH."""
        wanted = [int(uid) for uid in re.findall(rb"\d+", rest.split(b" ")[1])]
        if b"RFC822.SIZE" in rest:
            lines = [b"* 1 FETCH (UID %d RFC822.SIZE %d)\r\n" % (uid, self._size(uid)) for uid in wanted]
            return b"".join(lines) + b"TAG OK done\r\n"
        if self.refuses in wanted and b"HEADER" not in rest:
            return b"TAG NO that one is broken\r\n"
        if self.hangs_up_at in wanted:
            return None
        return b"".join(self._literal(uid, rest) for uid in wanted if uid in self.mails) + b"TAG OK done\r\n"

    def _size(self, uid: int) -> int:
        return len(self.mails[uid]) if self.size is None else self.size

    def _literal(self, uid: int, rest: bytes) -> bytes:
        content = self.mails[uid].split(b"\r\n\r\n")[0] + b"\r\n\r\n" if b"HEADER" in rest else self.mails[uid]
        about = b'UID %d INTERNALDATE "22-Nov-2026 10:00:00 +0200"' % uid
        if self.uid_comes_last:
            return b"* 1 FETCH (BODY[] {%d}\r\n%s %s)\r\n" % (len(content), content, about)
        return b"* 1 FETCH (%s BODY[] {%d}\r\n%s)\r\n" % (about, len(content), content)


@contextmanager
def reached(server: OddServer, security: Security = Security.NONE) -> Iterator[Mailbox]:
    """A mailbox on that server."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _address = listening.accept()
                except OSError:
                    return
                with connection:
                    connection.settimeout(5)
                    server.talk(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        imap = Server("127.0.0.1", listening.getsockname()[1], security, "ada")
        yield Mailbox(1, 1, Settings(address="a@b.example", imap=imap), Passwords(imap="salaisuus"))
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def read(server: OddServer, suspects: Suspects | None = None) -> list[tuple[int, str, bytes]]:
    """Everything that is fetched: number, what is missing, and the bytes."""
    with reached(server) as mailbox, connecting.imap(mailbox) as box, connecting.faults():
        found: list[Fetched] = []
        for batch in fetching.mails(box, fetching.search(box, "ALL"), suspects or Suspects()):
            found += batch
    return [(mail.uid, mail.partial, mail.raw) for mail in found]


WHOLE = [(uid, "", raw) for uid, raw in MAILS.items()]


def test_a_server_that_names_the_uid_after_the_mail_is_understood() -> None:
    assert read(OddServer(uid_comes_last=True)) == WHOLE


def test_a_mail_the_server_cannot_read_costs_only_itself() -> None:
    assert read(OddServer(refuses=2)) == [WHOLE[0], (2, "not_fetched", b"Subject: 2\r\n\r\n"), WHOLE[2]]


def test_a_mail_that_breaks_the_connection_every_time_is_given_up_in_the_end() -> None:
    server, suspects = OddServer(hangs_up_at=2), Suspects()
    for _each in range(fetching.HOPELESS_AFTER):
        with pytest.raises(ServerUnreachable):
            read(server, suspects)
    assert read(server, suspects) == [WHOLE[0], (2, "not_fetched", b""), WHOLE[2]]


def test_a_connection_that_broke_once_costs_no_mail() -> None:
    server, suspects = OddServer(hangs_up_at=2), Suspects()
    with pytest.raises(ServerUnreachable):
        read(server, suspects)
    server.hangs_up_at = 0
    assert read(server, suspects) == WHOLE
    assert not suspects.breaks


def test_a_mail_that_is_larger_than_was_said_keeps_its_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "LARGEST", 100)
    server = OddServer(size=10)
    server.mails[2] = b"Subject: 2\r\n\r\n" + b"x" * 1000
    assert read(server) == [WHOLE[0], (2, "too_large", b"Subject: 2\r\n\r\n"), WHOLE[2]]


def test_what_a_server_can_do_is_asked_again_after_signing_in() -> None:
    with reached(OddServer()) as mailbox, connecting.imap(mailbox) as box:
        assert "IDLE" in box.client.capabilities


def test_encryption_that_was_taken_away_is_noticed_before_the_password() -> None:
    server = OddServer()
    with reached(server, Security.STARTTLS) as mailbox, pytest.raises(NoEncryption), connecting.imap(mailbox):
        pass
    assert not any(b"LOGIN" in line or b"salaisuus" in line for line in server.heard)


def test_encryption_that_is_refused_is_noticed_before_the_password() -> None:
    server = OddServer(said_first=b"IMAP4rev1 STARTTLS")
    with reached(server, Security.STARTTLS) as mailbox, pytest.raises(NoEncryption), connecting.imap(mailbox):
        pass
    assert not any(b"LOGIN" in line for line in server.heard)


def test_reading_changes_nothing_on_the_server() -> None:
    server = OddServer()
    read(server)
    said = b"".join(server.heard).upper()
    assert b"EXAMINE" in said
    for word in (b"SELECT", b"STORE", b"EXPUNGE", b"CLOSE", b"MOVE", b"BODY[]"):
        assert word not in said
