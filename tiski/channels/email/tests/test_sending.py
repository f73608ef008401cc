"""What becomes of a mail that is handed to a server: taken, not taken, or nobody knows."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tiski.channels.email import sending
from tiski.channels.email.errors import NoEncryption, ServerUnreachable, WrongPassword
from tiski.channels.email.letters import Letter
from tiski.channels.email.mailbox import Mailbox, Passwords, Security, Server, Settings
from tiski.conversations.contract import OutcomeUnknown
from tiski.kernel.errors import SendFailed
from tiski.testing.ports import free_port

pytestmark = pytest.mark.usefixtures("loopback")

ADDRESS = "asiakaspalvelu@teepuoti.example"
LETTER = Letter("asiakaspalvelu+b1.x@teepuoti.example", "ada@example.fi", b"Subject: Hei\r\n\r\n.piste\r\n..\r\nloppu")
AUTOMATIC = Letter("", "ada@example.fi", b"Subject: Hei\r\n\r\nhei\r\n")


@dataclass(slots=True)
class Sink:
    """A server that takes mail, except where a test tells it what to say instead."""

    mail: dict[str, str] = field(default_factory=dict)
    rcpt: str = ""
    data: str = ""
    taken: list[tuple[str | None, list[str], bytes]] = field(default_factory=list)

    async def handle_MAIL(  # noqa: N802  aiosmtpd's name and signature
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take the sender, or say what was told."""
        sender = address.strip("<>")
        if sender in self.mail:
            return self.mail[sender]
        envelope.mail_from = sender or "<>"  # aiosmtpd takes an empty one for none at all
        return "250 OK"

    async def handle_RCPT(  # noqa: N802  aiosmtpd's name and signature
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take the recipient, or say what was told."""
        if self.rcpt:
            return self.rcpt
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep the text, or say what was told, or hang up."""
        if self.data == "hang up":
            assert isinstance(server.transport, asyncio.WriteTransport)
            server.transport.abort()
            return "250 never heard"
        if self.data:
            return self.data
        self.taken.append((envelope.mail_from, list(envelope.rcpt_tos), bytes(envelope.original_content or b"")))
        return "250 OK queued as 42"


@pytest.fixture
def sink() -> Iterator[tuple[Sink, Mailbox]]:
    """The sink and a mailbox that sends by it."""
    handler = Sink()
    controller = Controller(handler, hostname="127.0.0.1", port=free_port(), enable_SMTPUTF8=True)
    controller.start()
    yield handler, mailbox(controller.port)
    controller.stop()


def mailbox(port: int, security: Security = Security.NONE, user: str = "", password: str = "") -> Mailbox:
    """A mailbox whose sending server is on this machine."""
    server = Server("127.0.0.1", port, security, user)
    return Mailbox(1, 1, Settings(address=ADDRESS, smtp=server), Passwords(smtp=password))


def refused(mailbox: Mailbox, letter: Letter = LETTER) -> tuple[bool, str]:
    """Whether it failed for good, and the reason."""
    with pytest.raises(SendFailed) as failure:
        sending.send(mailbox, letter)
    return failure.value.permanent, failure.value.reason


def test_a_mail_that_is_taken_arrives_whole(sink: tuple[Sink, Mailbox]) -> None:
    handler, mailbox = sink
    accepted = sending.send(mailbox, LETTER)
    assert accepted.provider_id == "OK queued as 42"
    assert handler.taken == [
        ("asiakaspalvelu+b1.x@teepuoti.example", ["ada@example.fi"], b"Subject: Hei\r\n\r\n.piste\r\n..\r\nloppu\r\n")
    ]


@pytest.mark.parametrize(
    ("answer", "permanent", "words"),
    [
        ("450 4.2.0 greylisted", False, "it is sent again later. (450 4.2.0 greylisted)"),
        ("550 5.1.1 no such user", True, "The address does not exist, or takes no mail."),
        ("552 5.2.2 full", True, "The customer’s mailbox is full. (552 5.2.2 full)"),
        ("554 5.7.1 spam", True, "Ask your mail provider why. (554 5.7.1 spam)"),
        ("554 no", True, "The mail server refused the message. (554 no)"),
    ],
)
def test_a_recipient_that_is_refused_is_said_in_words(
    sink: tuple[Sink, Mailbox], answer: str, permanent: bool, words: str
) -> None:
    handler, mailbox = sink
    handler.rcpt = answer
    is_permanent, reason = refused(mailbox)
    assert is_permanent is permanent
    assert words in reason
    assert handler.taken == []


@pytest.mark.parametrize(("answer", "permanent"), [("451 4.3.0 try later", False), ("554 5.6.0 bad", True)])
def test_a_text_that_is_refused_was_not_sent(sink: tuple[Sink, Mailbox], answer: str, permanent: bool) -> None:
    handler, mailbox = sink
    handler.data = answer
    assert refused(mailbox)[0] is permanent


def test_when_the_line_breaks_after_the_text_nobody_knows(sink: tuple[Sink, Mailbox]) -> None:
    handler, mailbox = sink
    handler.data = "hang up"
    with pytest.raises(OutcomeUnknown, match="whether it took the message"):
        sending.send(mailbox, LETTER)


def test_automatic_mail_goes_with_an_empty_return_path(sink: tuple[Sink, Mailbox]) -> None:
    handler, mailbox = sink
    sending.send(mailbox, AUTOMATIC)
    assert handler.taken[0][0] == "<>"


@pytest.mark.parametrize("letter", [AUTOMATIC, LETTER], ids=["empty", "of one delivery"])
def test_a_relay_that_refuses_the_return_path_gets_the_mailboxs_own(sink: tuple[Sink, Mailbox], letter: Letter) -> None:
    handler, mailbox = sink
    handler.mail = {letter.sender: "550 5.7.60 not permitted to send as this sender"}
    sending.send(mailbox, letter)
    assert handler.taken[0][0] == ADDRESS


def test_a_relay_that_refuses_both_is_believed(sink: tuple[Sink, Mailbox]) -> None:
    handler, mailbox = sink
    handler.mail = {"": "550 5.7.1 no", ADDRESS: "550 5.7.1 nor you"}
    assert "nor you" in refused(mailbox, AUTOMATIC)[1]


def test_an_address_in_other_letters_goes_where_the_server_knows_them(sink: tuple[Sink, Mailbox]) -> None:
    handler, mailbox = sink
    sending.send(mailbox, Letter(ADDRESS, "mıke@example.org", "Subject: ä\r\n\r\nhei\r\n".encode()))
    assert handler.taken[0][1] == ["mıke@example.org"]


Talk = Callable[[socket.socket], None]


@contextmanager
def listening(talk: Talk) -> Iterator[int]:
    """A server that says what it likes, one connection after the other."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _address = server.accept()
                except OSError:
                    return
                with connection:
                    connection.settimeout(5)
                    talk(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def says(*answers: bytes) -> Talk:
    """A banner, then one answer to each line, then silence and the end."""

    def talk(connection: socket.socket) -> None:
        connection.sendall(b"220 hello\r\n")
        lines = connection.makefile("rb")
        for answer in answers:
            if not lines.readline():
                return
            connection.sendall(answer)

    return talk


def test_a_line_that_breaks_before_the_text_is_a_mail_not_sent() -> None:
    with listening(says(b"250 x\r\n", b"250 ok\r\n", b"250 ok\r\n")) as port:
        assert refused(mailbox(port)) == (False, "The mail server closed the connection before it had the message.")


def test_a_server_that_ends_the_service_is_a_mail_not_sent() -> None:
    with listening(says(b"250 x\r\n", b"421 4.3.2 shutting down\r\n")) as port:
        permanent, reason = refused(mailbox(port), AUTOMATIC)
    assert not permanent
    assert "421 4.3.2" in reason


def test_a_server_without_international_addresses_is_not_asked() -> None:
    with listening(says(b"250 x\r\n", b"250 ok\r\n")) as port:
        permanent, reason = refused(mailbox(port), Letter(ADDRESS, "mıke@example.org", b"\r\n"))
    assert permanent
    assert "letters like these" in reason


def test_a_server_that_answers_byte_by_byte_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "SECONDS", 0.5)
    stop = threading.Event()

    def drip(connection: socket.socket) -> None:
        connection.sendall(b"220 hello\r\n")
        connection.recv(1000)
        connection.sendall(b"250 x\r\n")
        while not stop.wait(0.1):
            try:
                connection.sendall(b"2")
            except OSError:
                return

    with listening(drip) as port:
        assert refused(mailbox(port))[0] is False
        stop.set()


def test_encryption_that_is_not_offered_is_said_and_no_password_leaves() -> None:
    heard: list[bytes] = []

    def talk(connection: socket.socket) -> None:
        connection.sendall(b"220 hello\r\n")
        while line := connection.recv(1000):
            heard.append(line)
            connection.sendall(b"250 x\r\n" if line.startswith(b"ehlo") else b"500 what\r\n")

    with listening(talk) as port, pytest.raises(NoEncryption):
        sending.send(mailbox(port, Security.STARTTLS, "ada", "salaisuus"), LETTER)
    assert not any(b"AUTH" in line.upper() or b"MAIL" in line for line in heard)


def test_a_password_beyond_ascii_goes_as_utf_8() -> None:
    heard: list[bytes] = []

    def talk(connection: socket.socket) -> None:
        connection.sendall(b"220 hello\r\n")
        while line := connection.recv(1000):
            heard.append(line)
            connection.sendall(b"250-x\r\n250 AUTH PLAIN\r\n" if line.startswith(b"ehlo") else b"535 5.7.8 no\r\n")

    with listening(talk) as port, pytest.raises(WrongPassword):
        sending.send(mailbox(port, user="ada", password="sälaisuus"), LETTER)
    assert b"AUTH PLAIN AGFkYQBzw6RsYWlzdXVz\r\n" in heard


def test_a_port_where_nobody_listens_is_said() -> None:
    with pytest.raises(ServerUnreachable):
        sending.send(mailbox(free_port()), LETTER)
