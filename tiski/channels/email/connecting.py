"""Connections to the shop's mail servers: guarded, encrypted, and with every fault said in words."""

from __future__ import annotations

import base64
import imaplib
import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ipaddress import ip_address

from imap_tools import BaseMailBox
from imap_tools.errors import ImapToolsError, MailboxFolderSelectError, MailboxLoginError

from tiski.channels.email.errors import (
    CertificateNotTrusted,
    MailboxFault,
    NoEncryption,
    NoSuchFolder,
    ServerUnreachable,
    WrongPassword,
)
from tiski.channels.email.mailbox import Mailbox, Security, Server
from tiski.kernel.http import HostUnreachable, open_socket, open_tls_socket, tls_context

TIMEOUT = 20.0
LONGEST = 45.0


class _Hurried:
    """A connection with an end: who answers byte by byte never times out, and would hold a worker for ever."""

    _clock: threading.Timer | None = None

    def hurry(self, until: float) -> None:
        """Cut the connection at that moment (monotonic), unless it is told to take its time."""
        self._clock = threading.Timer(max(until - time.monotonic(), 0), self.cut)
        self._clock.daemon = True
        self._clock.start()

    def take_time(self) -> None:
        """From now on it may last."""
        if self._clock is not None:
            self._clock.cancel()

    def cut(self) -> None:
        """End the connection under whoever waits on it, from another thread."""
        connected: socket.socket | None = getattr(self, "sock", None)
        if connected is not None:
            with suppress(OSError):
                connected.shutdown(socket.SHUT_RDWR)


class GuardedImap(_Hurried, imaplib.IMAP4):
    """imaplib over a socket whose address was checked; encrypted before anything is said."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._until = time.monotonic() + LONGEST
        super().__init__(server.host, server.port, TIMEOUT)
        if server.security is not Security.STARTTLS:
            return
        try:
            if "STARTTLS" not in self.capabilities:
                raise NoEncryption
            self.starttls(ssl_context=tls_context())
        except imaplib.IMAP4.error as error:
            self.shutdown()
            raise NoEncryption from error
        except (MailboxFault, OSError):
            self.shutdown()
            raise

    def _create_socket(self, timeout: float | None) -> socket.socket:
        connected = _socket(self._server)
        self.hurry(self._until)
        return connected


class ImapBox(BaseMailBox):
    """imap-tools on a guarded connection."""

    def __init__(self, server: Server) -> None:
        self._server = server
        super().__init__()

    def _get_mailbox_client(self) -> imaplib.IMAP4:
        return GuardedImap(self._server)


class GuardedSmtp(_Hurried, smtplib.SMTP):
    """smtplib over a socket whose address was checked; all of it takes `within` seconds."""

    def __init__(self, server: Server, *, local_hostname: str, within: float) -> None:
        self._server = server
        self._until = time.monotonic() + within
        super().__init__(server.host, server.port, local_hostname=local_hostname, timeout=TIMEOUT)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        connected = _socket(self._server)
        self.hurry(self._until)
        return connected

    def encrypt(self) -> None:
        """STARTTLS, or nothing at all: what a server says before it is forgotten (RFC 3207 section 4.2)."""
        self.ehlo()
        try:
            self.starttls(context=tls_context())
        except smtplib.SMTPServerDisconnected:
            raise
        except smtplib.SMTPException as error:
            raise NoEncryption from error

    def sign_in(self, user: str, password: str) -> None:
        """Log in; passwords beyond ASCII go by PLAIN as UTF-8 (RFC 4616), which smtplib would refuse to encode."""
        self.ehlo_or_helo_if_needed()
        if f"{user}{password}".isascii():
            self.login(user, password)
            return
        token = base64.b64encode(b"\0" + user.encode() + b"\0" + password.encode()).decode()
        code, answer = self.docmd("AUTH", f"PLAIN {token}")
        if code != 235:
            raise smtplib.SMTPAuthenticationError(code, answer)


@contextmanager
def imap(mailbox: Mailbox) -> Iterator[ImapBox]:
    """A signed-in connection with the mailbox's folder open read-only. Raises a `MailboxFault`."""
    server = mailbox.settings.imap
    if server is None:
        raise ServerUnreachable
    with faults():
        box = ImapBox(server)
    try:
        with faults():
            _sign_in(box, server.user, mailbox.passwords.imap)
            try:
                box.folder.set(mailbox.settings.folder, readonly=True)
            except MailboxFolderSelectError as error:
                raise NoSuchFolder from error
        box.client.take_time()
        yield box
    finally:
        with suppress(ImapToolsError, imaplib.IMAP4.error, OSError):
            box.logout()
        with suppress(OSError):
            box.client.shutdown()


@contextmanager
def smtp(mailbox: Mailbox, *, within: float = LONGEST) -> Iterator[GuardedSmtp]:
    """A signed-in connection for sending, cut after so many seconds. Raises a `MailboxFault`."""
    server = mailbox.settings.smtp
    if server is None:
        raise ServerUnreachable
    with faults():
        client = GuardedSmtp(server, local_hostname=mailbox.domain or "localhost", within=within)
    try:
        with faults():
            if server.security is Security.STARTTLS:
                client.encrypt()
            client.ehlo()
            if server.user and mailbox.passwords.smtp:
                client.sign_in(server.user, mailbox.passwords.smtp)
        yield client
    finally:
        with suppress(smtplib.SMTPException, OSError):
            client.quit()
        client.take_time()
        client.close()


@contextmanager
def faults() -> Iterator[None]:
    """Turn what libraries raise while connecting into our own words: theirs like to hold passwords."""
    try:
        yield
    except MailboxFault:
        raise
    except (MailboxLoginError, smtplib.SMTPAuthenticationError) as error:
        raise WrongPassword from error
    except ssl.SSLCertVerificationError as error:
        raise CertificateNotTrusted from error
    except (ssl.SSLError, smtplib.SMTPNotSupportedError) as error:
        raise NoEncryption from error
    except (smtplib.SMTPConnectError, smtplib.SMTPServerDisconnected, imaplib.IMAP4.abort) as error:
        raise ServerUnreachable from error
    except (ImapToolsError, imaplib.IMAP4.error, smtplib.SMTPException, UnicodeError) as error:
        raise MailboxFault from error
    except (HostUnreachable, OSError) as error:
        raise _unreachable(error) from error


def _unreachable(error: BaseException) -> MailboxFault:
    """A certificate that was not trusted may stand behind a guarded connection's own error."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return CertificateNotTrusted()
        if isinstance(cause, ssl.SSLError):
            return NoEncryption()
        cause = cause.__cause__ or cause.__context__
    return ServerUnreachable()


def _sign_in(box: ImapBox, user: str, password: str) -> None:
    if f"{user}{password}".isascii():
        box.login(user, password, initial_folder=None)
    else:
        try:
            box.login_utf8(user, password, initial_folder=None)
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as error:
            raise WrongPassword from error
    # Many servers name IDLE only to those who have signed in.
    _said, lines = box.client.capability()
    if lines and isinstance(lines[-1], bytes):
        box.client.capabilities = tuple(lines[-1].decode("ascii", "replace").upper().split())


def _socket(server: Server) -> socket.socket:
    if server.security is Security.TLS:
        return open_tls_socket(server.host, server.port, timeout=TIMEOUT)
    plain = open_socket(server.host, server.port, timeout=TIMEOUT)
    if server.security is Security.NONE and not ip_address(plain.getpeername()[0]).is_loopback:
        plain.close()
        raise NoEncryption  # a password in the clear goes to this machine alone
    plain.settimeout(TIMEOUT)
    return plain
