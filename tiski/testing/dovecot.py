"""A Dovecot of one's own: IMAP, IMAPS, LMTP and the password check for Postfix, on loopback ports."""

from __future__ import annotations

import os
import pwd
import shutil
import ssl
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from imap_tools import BaseMailBox, MailBox, MailboxLoginError, MailBoxUnencrypted

from tiski.testing import processes
from tiski.testing.certificates import Certificates, make_certificates
from tiski.testing.needs import Missing, program
from tiski.testing.ports import free_port, wait_for_port

_MAIL_USER = "nobody"

_CONFIGURATION = """\
protocols = imap lmtp
listen = 127.0.0.1
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
instance_name = {folder}
default_internal_user = {internal}
default_internal_group = {group}
default_login_user = {login}
first_valid_uid = 1
auth_mechanisms = plain login
disable_plaintext_auth = no
auth_failure_delay = 0
auth_username_format = %Lu
recipient_delimiter = +
mail_location = maildir:{folder}/mail/%u
mail_max_userip_connections = 200
maildir_stat_dirs = yes
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{key}
protocol lmtp {{
  hostname = localhost
  postmaster_address = postmaster@localhost
}}
namespace inbox {{
  inbox = yes
  mailbox Sent {{
    auto = create
    special_use = \\Sent
  }}
  mailbox Junk {{
    auto = create
    special_use = \\Junk
  }}
}}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {folder}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail/%u
}}
service imap-login {{
  {chroot}
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    port = {lmtp}
  }}
}}
service auth {{
  inet_listener sasl {{
    port = {sasl}
  }}
}}
service anvil {{
  {chroot}
  # No growing delay after wrong passwords.
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
"""


class Dovecot:
    """Mailboxes for the users given as `{address: password}`; mail arrives by LMTP or by `put`.

    Plus addresses (`asiakaspalvelu+token@...`) arrive in the plain address's inbox. Runs as root or not.
    """

    def __init__(self, users: Mapping[str, str]) -> None:
        self.users = dict(users)
        self.folder = Path()
        self.imap_port = self.imaps_port = self.lmtp_port = self.sasl_port = 0
        self.certificates = Certificates(Path(), Path(), Path())
        self._server: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Dovecot:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> Dovecot:
        """Write the configuration, start, and wait until IMAP answers."""
        _check_version()
        self.folder = Path(tempfile.mkdtemp(prefix="tiski-dovecot-"))
        self.folder.chmod(0o755)
        (self.folder / "mail").mkdir()
        if os.getuid() == 0:
            owner = pwd.getpwnam(_MAIL_USER)
            os.chown(self.folder / "mail", owner.pw_uid, owner.pw_gid)
        self.certificates = make_certificates(self.folder)
        self.imap_port, self.imaps_port, self.lmtp_port, self.sasl_port = (free_port() for _ in range(4))
        self._write_users()
        (self.folder / "dovecot.conf").write_text(self._configuration())
        self.start_again()
        return self

    def start_again(self) -> None:
        """Start on the same mail and ports, after `halt`."""
        command: list[str | Path] = [program("dovecot"), "-F", "-c", self.folder / "dovecot.conf"]
        self._server = processes.start(command, log=self.folder / "start.log")
        try:
            wait_for_port(self.imap_port)
        except Exception as error:
            raise RuntimeError(f"Dovecot did not start: {self.log()}") from error

    def halt(self) -> None:
        """Stop the server; connections break, the mail stays."""
        if self._server:
            processes.stop(self._server)
        self._server = None

    def stop(self) -> None:
        """Stop the server and remove its mail."""
        self.halt()
        if self.folder != Path():
            shutil.rmtree(self.folder, ignore_errors=True)

    def add_user(self, address: str, password: str) -> None:
        """Another mailbox, or another password for one; known at once."""
        self.users[address] = password
        self._write_users()

    def mailbox(self, address: str, folder: str = "INBOX", *, tls: bool = False) -> BaseMailBox:
        """A signed-in mailbox of imap-tools; use it in a `with`."""
        box: BaseMailBox
        if tls:
            context = ssl.create_default_context(cafile=str(self.certificates.authority))
            box = MailBox("localhost", self.imaps_port, timeout=10, ssl_context=context)
        else:
            box = MailBoxUnencrypted("127.0.0.1", self.imap_port, timeout=10)
        try:
            return box.login(address, self.users[address], folder)
        except MailboxLoginError:
            box.client.shutdown()
            raise

    def put(self, address: str, message: bytes, folder: str = "INBOX") -> None:
        """Lay a raw message into a folder as it is, by IMAP APPEND."""
        with self.mailbox(address) as box:
            box.append(message, folder)

    def log(self) -> str:
        """What the server wrote."""
        files = (self.folder / "start.log", self.folder / "dovecot.log")
        return "".join(file.read_text(errors="replace") for file in files if file.exists())

    def _write_users(self) -> None:
        lines = [f"{address}:{{PLAIN}}{password}\n" for address, password in self.users.items()]
        # Renamed into place: Dovecot may read the file at any moment.
        fresh = self.folder / "users.new"
        fresh.write_text("".join(lines))
        fresh.chmod(0o644)
        fresh.rename(self.folder / "users")

    def _configuration(self) -> str:
        root = os.getuid() == 0
        me = pwd.getpwuid(os.getuid())
        owner = pwd.getpwnam(_MAIL_USER) if root else me
        return _CONFIGURATION.format(
            folder=self.folder,
            internal="dovecot" if root else me.pw_name,
            login="dovenull" if root else me.pw_name,
            group="dovecot" if root else me.pw_gid,
            chroot="" if root else "chroot =",
            uid=owner.pw_uid,
            gid=owner.pw_gid,
            certificate=self.certificates.certificate,
            key=self.certificates.key,
            imap=self.imap_port,
            imaps=self.imaps_port,
            lmtp=self.lmtp_port,
            sasl=self.sasl_port,
        )


def _check_version() -> None:
    version = processes.run([program("dovecot"), "--version"]).split()[0]
    if not version.startswith("2.3."):
        raise Missing(
            f"Dovecot {version}: the tests are written for 2.3 (Debian 12): sudo apt-get install -y dovecot-imapd"
        )
    for folder in ("/usr/lib/dovecot", "/usr/libexec/dovecot"):
        if (Path(folder) / "lmtp").exists():
            return
    raise Missing("Dovecot's LMTP is missing. Install it: sudo apt-get install -y dovecot-lmtpd")
