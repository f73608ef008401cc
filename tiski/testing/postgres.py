"""A PostgreSQL cluster of one's own, thrown away afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

import psycopg
from psycopg import sql

from tiski.testing import processes
from tiski.testing.folders import fast_folder
from tiski.testing.needs import Missing, program
from tiski.testing.ports import free_port, wait_until

LEAST_VERSION = 15
_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
_STOPS = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT, "kill": signal.SIGKILL}


class Postgres:
    """A cluster on a loopback port with a database `tiski` owned by role `tiski`, trusted without a password.

    PostgreSQL refuses to run as root, so root runs it as user `postgres`. `durable=True` keeps fsync, full pages and
    synchronous commits and puts the files on disk: for faults and benchmarks. `settings` are more `name=value` pairs.
    """

    def __init__(self, *, durable: bool = False, settings: Sequence[str] = ()) -> None:
        self._durable = durable
        self._settings = [*(() if durable else _FAST), *settings]
        self._server: subprocess.Popen[bytes] | None = None
        self._user = "postgres" if os.getuid() == 0 else None
        self.port = 0
        self.folder = Path()

    def __enter__(self) -> Postgres:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The process id of the server that starts all others."""
        if self._server is None:
            raise RuntimeError("PostgreSQL is not running.")
        return self._server.pid

    def url(self, database: str = "tiski") -> str:
        """The address in the form `TISKI_DATABASE_URL` takes."""
        return f"postgresql://tiski@127.0.0.1:{self.port}/{quote(database)}"

    def start(self) -> Postgres:
        """Make the cluster, start it, wait until it answers, and make the database."""
        _check_version()
        place = Path(tempfile.gettempdir()) if self._durable else fast_folder()
        self.folder = Path(tempfile.mkdtemp(prefix="tiski-postgres-", dir=place))
        if self._user:
            owner = _owner(self._user)
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
        options = ("--no-sync", "--auth=trust", "--username=tiski", "--encoding=UTF8", "--locale=C.UTF-8")
        processes.run([_beside_postgres("initdb"), *options, "--pgdata", self.folder / "data"], user=self._user)
        self.port = free_port()
        self.start_again()
        self.create("tiski")
        return self

    def start_again(self) -> None:
        """Start the server on the same files and port, after `halt`."""
        settings = [
            "listen_addresses=127.0.0.1",
            f"port={self.port}",
            f"unix_socket_directories={self.folder}",
            "max_connections=60",
            "shared_buffers=64MB",
            *self._settings,
        ]
        flags = [flag for setting in settings for flag in ("-c", setting)]
        command = [_beside_postgres("postgres"), "-D", self.folder / "data", *flags]
        self._server = processes.start(command, log=self.folder / "server.log", user=self._user)
        wait_until(self._answers, "PostgreSQL answering", seconds=60)

    def create(self, database: str) -> str:
        """Make another empty database and return its address."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
        return self.url(database)

    def halt(self, how: str = "fast") -> None:
        """Stop the server and keep its files: `fast` ends connections first, `immediate` and `kill` are crashes."""
        if self._server:
            processes.stop(self._server, how=_STOPS[how], seconds=60)
        self._server = None

    def stop(self) -> None:
        """Stop the server if it runs and remove the cluster."""
        self.halt("immediate")
        if self.folder != Path():
            shutil.rmtree(self.folder, ignore_errors=True)

    def log(self) -> str:
        """What the server wrote."""
        return (self.folder / "server.log").read_text(errors="replace")

    def _answers(self) -> bool:
        if self._server and self._server.poll() is not None:
            raise RuntimeError(f"PostgreSQL did not start: {self.log()}")
        try:
            psycopg.connect(self.url("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


def _beside_postgres(name: str) -> Path:
    # What lies in /usr/bin under these names are Debian's wrappers; the real ones lie beside postgres.
    return program("postgres").resolve().parent / name


def _check_version() -> None:
    version = int(processes.run([program("postgres"), "--version"]).split()[2].split(".")[0])
    if version < LEAST_VERSION:
        raise Missing(
            f"PostgreSQL {version} is too old, the tests need {LEAST_VERSION}: sudo apt-get install -y postgresql"
        )


def _owner(user: str) -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(user)
    except KeyError as error:
        raise Missing(f"User {user} is missing. Install it: sudo apt-get install -y postgresql") from error
