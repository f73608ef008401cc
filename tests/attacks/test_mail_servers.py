"""Mail servers that are not who they say, or would rather not encrypt: no password reaches them (A14)."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from django.test import Client
from pytest_django.fixtures import Settings as DjangoSettings

from tiski.accounts.models import Agent
from tiski.channels.email import connecting
from tiski.channels.email.errors import CertificateNotTrusted, MailboxFault, NoEncryption, ServerUnreachable
from tiski.channels.email.mailbox import Mailbox, Passwords, Security, Server, Settings
from tiski.kernel.events import delivering
from tiski.kernel.http import tls_context
from tiski.testing.certificates import Certificates, Flaw, make_certificates
from tiski.testing.letterbox import Post

PASSWORD = "salaisuus-kanarialintu"
USER = "asiakaspalvelu@teepuoti.example"
Talk = Callable[["MailServer", socket.socket], None]

IMAP_GREETING = b"* OK [CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN] ready\r\n"
SMTP_GREETING = b"220 mail.example ESMTP\r\n"


@dataclass(slots=True)
class MailServer:
    """A server on this machine that holds one kind of conversation, and keeps what it was told, by TLS or without."""

    talk: Talk
    context: ssl.SSLContext
    heard: bytearray = field(default_factory=bytearray)
    listener: socket.socket = field(default_factory=socket.socket)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.listener.getsockname()[1])

    def serve(self) -> None:
        """Take connections until the listener is closed."""
        while True:
            try:
                connected, _peer = self.listener.accept()
            except OSError:
                return
            connected.settimeout(10)
            with connected, suppress(OSError, ssl.SSLError):
                self.talk(self, connected)

    def hear(self, line: socket.socket) -> bytes:
        """The next command."""
        said = b""
        while not said.endswith(b"\n"):
            piece = line.recv(1000)
            if not piece:
                raise OSError("hung up")
            said += piece
        self.heard += said
        return said

    def encrypted(self, plain: socket.socket) -> ssl.SSLSocket:
        """The line, encrypted from here on."""
        return self.context.wrap_socket(plain, server_side=True)


def imap_tag(command: bytes) -> bytes:
    """What the answer to a command begins with."""
    return command.split()[0]


def imaps(server: MailServer, plain: socket.socket) -> None:
    """IMAP inside TLS that would take any password."""
    with server.encrypted(plain) as line:
        line.sendall(IMAP_GREETING)
        while True:
            line.sendall(imap_tag(server.hear(line)) + b" OK done\r\n")


def smtps(server: MailServer, plain: socket.socket) -> None:
    """SMTP inside TLS that would take any password."""
    with server.encrypted(plain) as line:
        line.sendall(SMTP_GREETING)
        smtp_on(server, line)


def smtp_on(server: MailServer, line: socket.socket) -> None:
    """Greet, and say yes to everything."""
    while True:
        greets = server.hear(line).upper().startswith((b"EHLO", b"HELO"))
        line.sendall(b"250-mail.example\r\n250 AUTH PLAIN LOGIN\r\n" if greets else b"235 fine\r\n")


def imap_starttls(server: MailServer, plain: socket.socket) -> None:
    """IMAP that encrypts when asked."""
    plain.sendall(IMAP_GREETING)
    while True:
        command = server.hear(plain)
        if b"STARTTLS" in command.upper():
            plain.sendall(imap_tag(command) + b" OK go ahead\r\n")
            imaps(server, plain)
        plain.sendall(b"* CAPABILITY IMAP4rev1 STARTTLS\r\n" + imap_tag(command) + b" OK done\r\n")


def smtp_starttls(server: MailServer, plain: socket.socket) -> None:
    """SMTP that encrypts when asked."""
    plain.sendall(SMTP_GREETING)
    while True:
        command = server.hear(plain).upper()
        if command.startswith(b"STARTTLS"):
            plain.sendall(b"220 go ahead\r\n")
            with server.encrypted(plain) as line:
                smtp_on(server, line)
        plain.sendall(b"250-mail.example\r\n250 STARTTLS\r\n")


def imap_stripped(server: MailServer, plain: socket.socket) -> None:
    """IMAP whose STARTTLS somebody on the way has cut out."""
    plain.sendall(b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready\r\n")
    while True:
        command = server.hear(plain)
        plain.sendall(b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n" + imap_tag(command) + b" OK done\r\n")


def smtp_stripped(server: MailServer, plain: socket.socket) -> None:
    """SMTP whose STARTTLS somebody on the way has cut out."""
    plain.sendall(SMTP_GREETING)
    smtp_on(server, plain)


def imap_refusing(server: MailServer, plain: socket.socket) -> None:
    """IMAP that offers STARTTLS and then does not want it."""
    plain.sendall(IMAP_GREETING)
    while True:
        command = server.hear(plain)
        answer = b" BAD not now" if b"STARTTLS" in command.upper() else b" OK done"
        plain.sendall(b"* CAPABILITY IMAP4rev1 STARTTLS\r\n" + imap_tag(command) + answer + b"\r\n")


def smtp_refusing(server: MailServer, plain: socket.socket) -> None:
    """SMTP that offers STARTTLS and then does not want it."""
    plain.sendall(SMTP_GREETING)
    while True:
        wants = server.hear(plain).upper().startswith(b"STARTTLS")
        plain.sendall(b"454 not now\r\n" if wants else b"250-mail.example\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n")


def imap_ahead(server: MailServer, plain: socket.socket) -> None:
    """IMAP where somebody on the way adds answers before the encryption begins, as if they came from inside."""
    plain.sendall(IMAP_GREETING)
    while True:
        command = server.hear(plain)
        tag = imap_tag(command)
        if b"STARTTLS" in command.upper():
            nexts = [tag[:-1] + bytes([tag[-1] + step]) for step in (1, 2, 3)]
            injected = b"".join(each + b" OK you are in\r\n" for each in nexts)
            plain.sendall(tag + b" OK go ahead\r\n" + injected)
            with server.encrypted(plain) as line:
                while True:
                    line.sendall(imap_tag(server.hear(line)) + b" NO never\r\n")
        plain.sendall(b"* CAPABILITY IMAP4rev1 STARTTLS\r\n" + tag + b" OK done\r\n")


def smtp_ahead(server: MailServer, plain: socket.socket) -> None:
    """SMTP where somebody on the way adds answers before the encryption begins."""
    plain.sendall(SMTP_GREETING)
    while True:
        if server.hear(plain).upper().startswith(b"STARTTLS"):
            plain.sendall(b"220 go ahead\r\n250-mail.example\r\n250 AUTH PLAIN\r\n235 you are in\r\n")
            with server.encrypted(plain) as line:
                while True:
                    server.hear(line)
                    line.sendall(b"554 never\r\n")
        plain.sendall(b"250-mail.example\r\n250 STARTTLS\r\n")


@pytest.fixture
def certificates(tmp_path: Path, request: pytest.FixtureRequest) -> Certificates:
    """The server's certificate, with the flaw a test asks for."""
    return make_certificates(tmp_path, flaw=getattr(request, "param", Flaw.NONE))


@pytest.fixture
def start(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch, settings: DjangoSettings
) -> Iterator[Callable[[Talk], MailServer]]:
    """Starts servers whose authority this machine trusts, as it would a public one."""
    settings.TISKI_ALLOW_NETWORKS = ["127.0.0.0/8"]
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.authority))
    tls_context.cache_clear()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.certificate, certificates.key)
    started: list[tuple[MailServer, threading.Thread]] = []

    def begin(talk: Talk) -> MailServer:
        server = MailServer(talk, context)
        server.listener.bind(("127.0.0.1", 0))
        server.listener.listen()
        thread = threading.Thread(target=server.serve, daemon=True)
        thread.start()
        started.append((server, thread))
        return server

    yield begin
    for server, thread in started:
        server.listener.shutdown(socket.SHUT_RDWR)
        server.listener.close()
        thread.join(15)
    tls_context.cache_clear()


def fault_of(server: MailServer, kind: str, security: Security) -> MailboxFault | None:
    """How signing in there ends."""
    there = Server("127.0.0.1", server.port, security, USER)
    box = Mailbox(1, 1, Settings(address=USER, imap=there, smtp=there), Passwords(imap=PASSWORD, smtp=PASSWORD))
    try:
        with connecting.imap(box) if kind == "imap" else connecting.smtp(box):
            return None
    except MailboxFault as fault:
        return fault


ENCRYPTED = [
    ("imap", imaps, Security.TLS),
    ("smtp", smtps, Security.TLS),
    ("imap", imap_starttls, Security.STARTTLS),
    ("smtp", smtp_starttls, Security.STARTTLS),
]


def no_password_was_told(server: MailServer) -> None:
    """Neither plainly, nor in the form in which protocols carry it."""
    assert PASSWORD.encode() not in server.heard
    assert b"AUTH PLAIN " not in server.heard.upper()
    assert b"LOGIN" not in server.heard.upper()


@pytest.mark.parametrize(("kind", "talk", "security"), ENCRYPTED)
def test_a14_a_good_certificate_is_taken_and_the_password_told(
    start: Callable[[Talk], MailServer], kind: str, talk: Talk, security: Security
) -> None:
    """Without this the refusals below would prove nothing."""
    server = start(talk)
    assert fault_of(server, kind, security) is None
    assert b"LOGIN" in server.heard.upper() or b"AUTH PLAIN" in server.heard.upper()


@pytest.mark.parametrize("certificates", [Flaw.WRONG_HOST, Flaw.EXPIRED, Flaw.SELF_SIGNED], indirect=True)
@pytest.mark.parametrize(("kind", "talk", "security"), ENCRYPTED)
def test_a14_a_certificate_that_proves_nothing_gets_no_password(
    start: Callable[[Talk], MailServer], kind: str, talk: Talk, security: Security
) -> None:
    server = start(talk)
    assert type(fault_of(server, kind, security)) is CertificateNotTrusted
    no_password_was_told(server)


STRIPPED = [
    ("imap", imap_stripped),
    ("smtp", smtp_stripped),
    ("imap", imap_refusing),
    ("smtp", smtp_refusing),
]


@pytest.mark.parametrize(("kind", "talk"), STRIPPED)
def test_a14_without_the_encryption_that_was_chosen_no_password_is_told(
    start: Callable[[Talk], MailServer], kind: str, talk: Talk
) -> None:
    server = start(talk)
    assert type(fault_of(server, kind, Security.STARTTLS)) is NoEncryption
    no_password_was_told(server)


@pytest.mark.parametrize(("kind", "talk"), [("imap", imap_ahead), ("smtp", smtp_ahead)])
def test_a14_what_was_said_before_the_encryption_does_not_count_after_it(
    start: Callable[[Talk], MailServer], kind: str, talk: Talk
) -> None:
    server = start(talk)
    assert fault_of(server, kind, Security.STARTTLS) is not None
    clear = server.heard.upper().partition(b"STARTTLS")[0]
    assert b"LOGIN" not in clear
    assert b"AUTH" not in clear


@pytest.mark.parametrize("kind", ["imap", "smtp"])
def test_a14_a_server_that_does_not_speak_tls_hears_nothing(start: Callable[[Talk], MailServer], kind: str) -> None:
    server = start(smtp_stripped)
    assert type(fault_of(server, kind, Security.TLS)) in {NoEncryption, ServerUnreachable}
    no_password_was_told(server)


@pytest.mark.parametrize("certificates", [Flaw.WRONG_HOST], indirect=True)
def test_a14_the_mailbox_shows_the_fault_to_its_owner(start: Callable[[Talk], MailServer], post: Post) -> None:
    server = start(imaps)
    Agent.objects.update(language="en")
    post.set(imap=Server("127.0.0.1", server.port, Security.TLS, USER), smtp=None)
    noor = Client()
    noor.force_login(post.world.noor)
    place = f"/teepuoti/settings/mailbox/{post.account.id}/"
    assert noor.post(f"{place}check/").status_code == 302
    delivering.run_due("worker")
    assert post.account.health["imap"]["code"] == "mail.certificate"
    assert "certificate is not valid for this name, so no password was sent" in noor.get(place).content.decode()
    no_password_was_told(server)
