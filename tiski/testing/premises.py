"""A shop that has been opened once and is copied for each test: seconds instead of a first run every time.

shop = opened.copy(tmp_path / "data")            # the data folder, and the database if it is PostgreSQL
with shop.process() as tiski: ...                # `tiski up`
with House(shop) as house: ...                   # `tiski live`, `tiski web` and `tiski worker`, each its own process
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any
from uuid import uuid4

import psycopg
from psycopg import sql
from pysqlite3 import dbapi2 as sqlite

from tiski.testing.ledger import Conversation, stored
from tiski.testing.ports import wait_until
from tiski.testing.postgres import Postgres
from tiski.testing.tiski_process import TiskiProcess

LIFTED = "tiski.testing.lifted"
LIVE, WEB, WORKER = "live", "web", "worker"


@dataclass(frozen=True, slots=True)
class Premises:
    """A data folder and the database that belongs to it; an empty `database_url` means SQLite in the folder."""

    data: Path
    database_url: str = ""
    cluster: Postgres | None = None

    @classmethod
    def open(cls, folder: Path, cluster: Postgres | None = None) -> Premises:
        """Start the product for the first time, with its demo shop, and stop it in order."""
        folder.mkdir(mode=0o700, parents=True)
        url = cluster.create(f"opened_{uuid4().hex}") if cluster else ""
        premises = cls(folder, url, cluster)
        with premises.process() as tiski:
            code = tiski.stop()
        if code != 0:
            raise RuntimeError(f"the first run ended with {code}")
        return premises

    def copy(self, folder: Path) -> Premises:
        """The same shop again, in a folder and a database of its own; this one must not be running."""
        shutil.copytree(self.data, folder)
        if self.cluster is None:
            return Premises(folder)
        name = f"copy_{uuid4().hex}"
        template = self.database_url.rpartition("/")[2]
        with psycopg.connect(self.cluster.url("postgres"), autocommit=True) as connection:
            making = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
            connection.execute(making.format(sql.Identifier(name), sql.Identifier(template)))
        return Premises(folder, self.cluster.url(name), self.cluster)

    def process(self, command: str = "up", **options: Any) -> TiskiProcess:
        """The product or a part of it, not started yet, with the visitors' limits lifted unless `module` is another."""
        return TiskiProcess(self.data, command=command, database_url=self.database_url, **{"module": LIFTED, **options})

    def product(self, **options: Any) -> TiskiProcess:
        """`tiski up` as a host runs it, limits and all."""
        return TiskiProcess(self.data, database_url=self.database_url, **options)

    def stored(self) -> dict[str, Conversation]:
        """What the database has, for the verdict."""
        return stored(self.data, self.database_url)

    def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Ask the database, or change it, past the product; write `%s` for parameters."""
        if self.database_url:
            with psycopg.connect(self.database_url) as server:
                cursor = server.execute(query.encode(), parameters)
                return cursor.fetchall() if cursor.description else []
        file = sqlite.connect(str(self.data / "tiski.sqlite3"), timeout=20)
        try:
            with file:
                return list(file.execute(query.replace("%s", "?"), parameters).fetchall())
        finally:
            file.close()

    def let_a_lease_pass(self) -> None:
        """Make every lease and every waiting time look as if it had begun two minutes earlier."""
        past = "now() - interval '1 second'" if self.database_url else "datetime('now', '-1 second')"
        self.rows(f"UPDATE kernel_delivery SET lease_until = {past} WHERE lease_until IS NOT NULL")
        self.rows(f"UPDATE kernel_delivery SET due = {past} WHERE handler LIKE '%%send_what_is_queued%%'")
        self.rows(f"UPDATE conversations_outboxitem SET claimed_until = {past} WHERE claimed_until IS NOT NULL")
        self.rows(f"UPDATE conversations_outboxitem SET send_after = {past} WHERE send_after IS NOT NULL")

    def run(self, script: str, *words: str, environment: Mapping[str, str] | None = None) -> str:
        """Run a few lines of Python as an operator would in a shell of this installation; returns what they print."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("TISKI_", "DJANGO_"))}
        own = {
            "TISKI_DATA": str(self.data),
            "TISKI_DATABASE_URL": self.database_url,
            "DJANGO_SETTINGS_MODULE": "tiski.config.settings",
        }
        done = subprocess.run(
            [sys.executable, "-c", f"import django\ndjango.setup()\n{script}", *words],
            env=kept | own | dict(environment or {}),
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout


class House:
    """Live, web and worker processes over one database, each of which can be killed and started alone."""

    def __init__(self, premises: Premises, **options: Any) -> None:
        self.premises = premises
        self.parts = {name: premises.process(name, **options) for name in (LIVE, WEB, WORKER)}

    def __enter__(self) -> House:
        for part in self.parts.values():
            part.launch()
        for name in (LIVE, WEB):
            self.wait_until_ready(name)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for part in self.parts.values():
            part.kill()

    @property
    def live(self) -> str:
        """Where the sockets are."""
        return self.parts[LIVE].address

    @property
    def web(self) -> str:
        """Where the pages are."""
        return self.parts[WEB].address

    def kill(self, name: str) -> None:
        """SIGKILL, and started again at once without waiting for it."""
        self.parts[name].kill()
        self.parts[name].launch()

    def wait_until_ready(self, name: str, *, seconds: float = 60.0) -> None:
        """Return when the part answers that it is ready."""
        wait_until(self.parts[name].is_ready, f"tiski {name} ready", seconds=seconds)

    def logs(self) -> str:
        """What all of them printed."""
        return "\n".join(part.log() for part in self.parts.values())
