"""PostgreSQL: `pg_dump` and our own counting look at the same exported snapshot."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psycopg
from django.db import connection
from psycopg import sql

from .problem import BackupProblem
from .snapshot import BLOBS, BORN, TABLES_WITHOUT_PROMISE, Snapshot

NAMES = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY tablename"
ANYTHING = "SELECT count(*) FROM pg_class WHERE relnamespace = current_schema()::regnamespace"
_VARIABLES = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE"}
_SAID = 600


def take(target: Path, tell: Callable[[str], None]) -> Snapshot:
    """Dump the database as it is now. Raises `BackupProblem`."""
    with _connect() as source:
        source.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        source.execute("SET LOCAL idle_in_transaction_session_timeout = 0")  # it waits while pg_dump works
        snapshot = _one(source, "SELECT pg_export_snapshot()")
        _run(
            ["pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}", "--file", target]
        )
        blobs = dict(source.execute(BLOBS).fetchall())
        return Snapshot(
            _counts(source),
            {str(key): str(value) for key, value in blobs.items()},
            str(_one(source, BORN["postgresql"])),
        )


def is_empty() -> bool:
    """Whether nothing at all is in the database."""
    with _connect() as target:
        return int(_one(target, ANYTHING)) == 0


def put(dump: Path) -> None:
    """Fill the empty database from a dump, all of it or nothing. Raises `BackupProblem`."""
    options = ("--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error")
    _run(["pg_restore", *options, "--dbname", str(_parameters()["dbname"]), dump])


def counts() -> dict[str, int]:
    """How many rows each table has."""
    with _connect() as target:
        return _counts(target)


def _counts(database: psycopg.Connection[Any]) -> dict[str, int]:
    names = [row[0] for row in database.execute(NAMES).fetchall() if row[0] not in TABLES_WITHOUT_PROMISE]
    counting = sql.SQL("SELECT count(*) FROM {}")
    return {name: int(_one(database, counting.format(sql.Identifier(name)))) for name in names}


def _one(database: psycopg.Connection[Any], question: Any) -> Any:
    row = database.execute(question).fetchone()
    return row[0] if row else None


def _connect() -> psycopg.Connection[Any]:
    try:
        return psycopg.connect(**_parameters())
    except psycopg.OperationalError as error:
        raise BackupProblem(f"PostgreSQL does not answer ({str(error).strip()}). Check the database's URL.") from error


def _parameters() -> dict[str, Any]:
    known = {*_VARIABLES, "sslmode", "sslrootcert", "sslcert", "sslkey"}
    return {name: value for name, value in connection.get_connection_params().items() if name in known and value}


def _run(command: Sequence[str | Path]) -> None:
    """Run a program of PostgreSQL's; the password goes by the environment, which others cannot read."""
    program = shutil.which(command[0])
    if program is None:
        raise BackupProblem(f"{command[0]} is missing. Install it: sudo apt-get install -y postgresql-client")
    parameters = _parameters()
    environment = {
        **os.environ,
        **{_VARIABLES[name]: str(parameters[name]) for name in _VARIABLES if name in parameters},
    }
    environment |= {f"PG{name.upper()}": str(value) for name, value in parameters.items() if name.startswith("ssl")}
    done = subprocess.run([program, *map(str, command[1:])], env=environment, capture_output=True, check=False)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()[-_SAID:]
        raise BackupProblem(f"{command[0]} failed: {said}. Its release must be at least the server's.")
