"""Connections to the shop's mail servers: guarded, encrypted, and with every fault said in words."""

from __future__ import annotations

import imaplib
import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from typing import Any

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


class GuardedImap(imaplib.IMAP4):
    """imaplib over a socket whose address was checked; encrypted before anything is said."""

    def __init__(self, server: Server) -> None:
        self._server = server
        super().__init__(server.host, server.port, TIMEOUT)
        if server.security is Security.STARTTLS:
            self.starttls(ssl_context=tls_context())

    def _create_socket(self, timeout: float | None) -> socket.socket:
        return _socket(self._server)


class ImapBox(BaseMailBox):
    """imap-tools on a guarded connection."""

    def __init__(self, server: Server) -> None:
        self._server = server
        super().__init__()

    def _get_mailbox_client(self) -> imaplib.IMAP4:
        return GuardedImap(self._server)


class GuardedSmtp(smtplib.SMTP):
    """smtplib over a socket whose address was checked."""

    def __init__(self, server: Server, *, local_hostname: str) -> None:
        self._server = server
        super().__init__(server.host, server.port, local_hostname=local_hostname, timeout=TIMEOUT)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:  # type: ignore[override]
        return _socket(self._server)


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
            box.login(server.user, mailbox.passwords.imap, initial_folder=None)
        try:
            box.folder.set(mailbox.settings.folder, readonly=True)
        except MailboxFolderSelectError as error:
            raise NoSuchFolder from error
        yield box
    finally:
        with suppress(ImapToolsError, imaplib.IMAP4.error, OSError):
            box.logout()


@contextmanager
def smtp(mailbox: Mailbox) -> Iterator[GuardedSmtp]:
    """A signed-in connection for sending. Raises a `MailboxFault`."""
    server = mailbox.settings.smtp
    if server is None:
        raise ServerUnreachable
    with faults():
        client = GuardedSmtp(server, local_hostname=mailbox.domain or "localhost")
    try:
        with faults():
            client.ehlo()
            if server.security is Security.STARTTLS:
                client.starttls(context=tls_context())
                client.ehlo()
            if server.user:
                client.login(server.user, mailbox.passwords.smtp)
        yield client
    finally:
        with suppress(smtplib.SMTPException, OSError):
            client.quit()


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
    except (HostUnreachable, OSError, smtplib.SMTPConnectError, smtplib.SMTPServerDisconnected) as error:
        raise _unreachable(error) from error
    except imaplib.IMAP4.abort as error:
        raise ServerUnreachable from error
    except imaplib.IMAP4.error as error:
        raise (NoEncryption if "TLS" in str(error) else MailboxFault)() from error
    except (ImapToolsError, smtplib.SMTPException) as error:
        raise MailboxFault from error


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


def _socket(server: Server) -> Any:
    if server.security is Security.TLS:
        return open_tls_socket(server.host, server.port, timeout=TIMEOUT)
    plain = open_socket(server.host, server.port, timeout=TIMEOUT)
    if server.security is Security.NONE and not ip_address(plain.getpeername()[0]).is_loopback:
        plain.close()
        raise NoEncryption  # a password in the clear goes to this machine alone
    plain.settimeout(TIMEOUT)
    return plain
