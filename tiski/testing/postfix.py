"""A Postfix of one's own: takes mail on a loopback port and hands it to Dovecot."""

from __future__ import annotations

import grp
import os
import pwd
import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from tiski.testing import processes
from tiski.testing.dovecot import Dovecot
from tiski.testing.needs import Missing, program
from tiski.testing.ports import free_port, wait_until

_MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = {daemons}
maillog_file = {folder}/mail.log
maillog_file_prefixes = {folder}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mail.localhost
mydestination =
mynetworks = 127.0.0.0/8
smtp_dns_support_level = disabled
default_transport = error:5.1.2 this test server knows no other domains
virtual_mailbox_domains = {domains}
virtual_mailbox_maps = {recipients}
virtual_transport = lmtp:inet:127.0.0.1:{lmtp}
recipient_delimiter = +
alias_maps =
local_recipient_maps =
smtpd_recipient_restrictions = permit_mynetworks, reject
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {key}
smtpd_tls_security_level = may
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:127.0.0.1:{sasl}
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
smtpd_error_sleep_time = 0
message_size_limit = 60000000
virtual_mailbox_limit = 0
queue_run_delay = 5s
minimal_backoff_time = 5s
in_flow_delay = 0
"""

_MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""

# `master` changes its user for a moment, and the kernel then forgets to end it with its parent; this shell remembers.
# `setsid`, because `master` ends its children as a process group.
_GUARD = "trap 'kill $child' TERM; setsid \"$@\" & child=$!; wait $child; wait $child"

_QUEUES = ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "saved", "trace", "private")


class Postfix:
    """Takes mail from loopback, with or without a password of Dovecot's users, and delivers it to that Dovecot.

    An unknown address in a local domain is refused at RCPT; with `accepts_unknown=True` it is taken and bounces later,
    as many real servers do. Every other domain is refused. Needs root.
    """

    def __init__(self, dovecot: Dovecot, *, accepts_unknown: bool = False, domains: Iterable[str] = ()) -> None:
        self._dovecot = dovecot
        self._accepts_unknown = accepts_unknown
        self._domains = {*domains, *(address.partition("@")[2] for address in dovecot.users)}
        self._master: subprocess.Popen[bytes] | None = None
        self.port = 0
        self.folder = Path()

    def __enter__(self) -> Postfix:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> Postfix:
        """Make queue and configuration, start `master`, and wait until it takes connections."""
        program("postfix")
        if os.getuid() != 0:
            raise Missing("Postfix starts only as root. Run: sudo make test")
        self.folder = Path(tempfile.mkdtemp(prefix="tiski-postfix-"))
        self.folder.chmod(0o755)
        self._make_queue()
        self.port = free_port()
        configuration = self.folder / "etc"
        configuration.mkdir()
        (configuration / "main.cf").write_text(self._main())
        (configuration / "master.cf").write_text(_MASTER.format(port=self.port))
        recipients = [f"{address} taken\n" for address in self._dovecot.users]
        (configuration / "recipients").write_text("".join(recipients))
        self.start_again()
        return self

    def start_again(self) -> None:
        """Start on the same queue and port, after `halt`."""
        master: list[str | Path] = [_daemons() / "master", "-d", "-c", self.folder / "etc"]
        command: list[str | Path] = ["sh", "-c", _GUARD, "sh", *master]
        self._master = processes.start(command, log=self.folder / "start.log")
        try:
            wait_until(self._greets, "Postfix's greeting")
        except Exception as error:
            raise RuntimeError(f"Postfix did not start: {self.log()}") from error

    def halt(self) -> None:
        """Stop the server; what is queued stays queued."""
        if self._master:
            processes.stop(self._master)
        self._master = None

    def stop(self) -> None:
        """Stop the server and remove its queue."""
        self.halt()
        if self.folder != Path():
            shutil.rmtree(self.folder, ignore_errors=True)

    def wait_until_delivered(self, *, seconds: float = 20.0) -> None:
        """Return when the queue is empty."""
        wait_until(lambda: not self.queued(), "the mail queue running empty", seconds=seconds)

    def queued(self) -> int:
        """How many messages wait in the queue."""
        folders = ("maildrop", "incoming", "active", "deferred")
        return sum(1 for folder in folders for path in (self.folder / "queue" / folder).rglob("*") if path.is_file())

    def log(self) -> str:
        """What the server wrote."""
        files = (self.folder / "start.log", self.folder / "mail.log")
        return "".join(file.read_text(errors="replace") for file in files if file.exists())

    def _greets(self) -> bool:
        """Whether one of its processes serves; its door opens earlier, before it has asked Dovecot about passwords."""
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=10) as client:
            return client.recv(4) == b"220 "
        return False

    def _main(self) -> str:
        known = f"texthash:{self.folder}/etc/recipients"
        return _MAIN.format(
            folder=self.folder,
            daemons=_daemons(),
            domains=" ".join(sorted(self._domains)),
            recipients="static:taken" if self._accepts_unknown else known,
            lmtp=self._dovecot.lmtp_port,
            sasl=self._dovecot.sasl_port,
            certificate=self._dovecot.certificates.certificate,
            key=self._dovecot.certificates.key,
        )

    def _make_queue(self) -> None:
        owner = pwd.getpwnam("postfix")
        drop = grp.getgrnam("postdrop").gr_gid
        _folder(self.folder / "data", owner.pw_uid, owner.pw_gid, 0o700)
        _folder(self.folder / "queue", 0, 0, 0o755)
        for name in _QUEUES:
            _folder(self.folder / "queue" / name, owner.pw_uid, 0, 0o700)
        _folder(self.folder / "queue" / "maildrop", owner.pw_uid, drop, 0o730)
        _folder(self.folder / "queue" / "public", owner.pw_uid, drop, 0o710)
        _folder(self.folder / "queue" / "pid", 0, 0, 0o755)


def _folder(path: Path, uid: int, gid: int, mode: int) -> None:
    path.mkdir()
    os.chown(path, uid, gid)
    path.chmod(mode)


def _daemons() -> Path:
    said = processes.run([program("postconf"), "-d", "-h", "daemon_directory"])
    found = re.search(r"^/\S+", said, re.MULTILINE)
    if not found:
        raise Missing(f"Postfix names no daemon_directory: {said}. Install it: sudo apt-get install -y postfix")
    return Path(found[0])
