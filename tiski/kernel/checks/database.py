"""The database keeps what it is given, is whole, and has a schema this version can work with (reliability.md 5)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from functools import cache
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder
from django.utils.translation import gettext as _

import tiski
from tiski.kernel.secrets import redact, unreadable_keys

from .problem import Problem

POSTGRESQL = 15
PRAGMAS = {"journal_mode": "wal", "synchronous": 2, "mmap_size": 0, "foreign_keys": 1}
DURABLE = {
    "fsync": {"on"},
    "full_page_writes": {"on"},
    "synchronous_commit": {"on", "local", "remote_write", "remote_apply"},
}
NETWORK_FILE_SYSTEMS = {"9p", "afs", "ceph", "cifs", "davfs", "glusterfs", "ncpfs", "nfs", "nfs4", "smb3", "smbfs"}
# So damaged that not even its settings can be read.
DAMAGED = ("malformed", "not a database")
# Rows of this app among the applied migrations are releases that have worked on this database.
RELEASES = "tiski-release"


def reachable() -> Iterator[Problem]:
    """The database can be opened at all."""
    try:
        connection.ensure_connection()
    except DatabaseError as error:
        yield _unusable(error)


def on_a_local_disk(mounts: str | None = None) -> Iterator[Problem]:
    """WAL needs shared memory and honest syncing, which network shares do not give."""
    if connection.vendor != "sqlite":
        return
    kind = _file_system(Path(settings.TISKI_DATA), mounts if mounts is not None else _mounts())
    if kind in NETWORK_FILE_SYSTEMS or kind.startswith("fuse.ssh"):
        yield Problem(
            _("The data folder lies on a network share (%(kind)s), where SQLite loses data.") % {"kind": kind},
            _("Move TISKI_DATA to a local disk, or use PostgreSQL with TISKI_DATABASE_URL."),
        )


def whole() -> Iterator[Problem]:
    """No page of the SQLite file is damaged; asked once in each process."""
    if connection.vendor != "sqlite" or not _is_open():
        return
    try:
        found = _quick_check(str(connection.settings_dict["NAME"]))
    except DatabaseError as error:
        yield _unusable(error)
    else:
        if found != "ok":
            yield _damaged()


def not_too_new() -> Iterator[Problem]:
    """A newer release may already have worked here: its direct successor during an upgrade, no later one."""
    if not _is_open():
        return
    recorder = MigrationRecorder(connection)
    applied = recorder.applied_migrations()
    newer = sorted(_release(name) for app, name in applied if app == RELEASES and _release(name) > _release(_this()))
    if len(newer) > 1:
        yield Problem(
            _("The database was used by version %(found)s; this is %(ours)s.")
            % {"found": ".".join(map(str, newer[-1])), "ours": _this()},
            _("Install that version again, or restore a backup made with this one."),
        )


def durable() -> Iterator[Problem]:
    """What is committed survives a power cut, on the very settings this connection has."""
    if not _is_open():
        return
    if connection.vendor == "sqlite":
        yield from _sqlite_settings()
    elif connection.vendor == "postgresql":
        yield from _postgresql_settings()


def migrated() -> Iterator[Problem]:
    """Every migration of this version has been applied."""
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        yield Problem(
            _("The database lacks %(count)d changes of this version.") % {"count": len(missing)},
            _("Run `tiski migrate`; `tiski up` does it as well."),
        )


def keys_fit() -> Iterator[Problem]:
    """The key file is the one that the stored secrets were encrypted with."""
    count = unreadable_keys()
    if count:
        yield Problem(
            _("The key file does not belong to this database: the stored passwords of %(count)d shops cannot be read.")
            % {"count": count},
            _("Put back %(file)s from your backup.") % {"file": settings.TISKI_KEY_FILE},
        )


def note_release() -> None:
    """Write down that this release has migrated the database, for `not_too_new`."""
    recorder = MigrationRecorder(connection)
    if (RELEASES, _this()) not in recorder.applied_migrations():
        recorder.record_applied(RELEASES, _this())


def _is_open() -> bool:
    """`reachable` has said it already when not."""
    return connection.connection is not None


def _unusable(error: DatabaseError) -> Problem:
    if connection.vendor == "sqlite" and any(sign in str(error) for sign in DAMAGED):
        return _damaged()
    return Problem(
        _("The database cannot be opened: %(reason)s.") % {"reason": redact(str(error)).strip().rstrip(".")},
        _("Check TISKI_DATABASE_URL, and that the server runs or the data folder can be written."),
    )


def _damaged() -> Problem:
    return Problem(
        _("The database file %(file)s is damaged.") % {"file": connection.settings_dict["NAME"]},
        _("Keep a copy of it, restore the last backup, and do not go on with the damaged file."),
    )


@cache
def _quick_check(_file: str) -> str:
    """What SQLite says, asked on a connection of its own.

    A full-text table keeps in mind how its lists lay when the connection saw it first. The check compares that with
    what other processes have written since, and would take the difference for damage.
    """
    with closing(connection.copy()) as fresh, fresh.cursor() as cursor:
        cursor.execute("PRAGMA quick_check(1)")
        return str(cursor.fetchone()[0])


def _sqlite_settings() -> Iterator[Problem]:
    found: dict[str, object] = {"transaction_mode": getattr(connection, "transaction_mode", None)}
    with connection.cursor() as cursor:
        for name in PRAGMAS:
            cursor.execute(f"PRAGMA {name}")
            found[name] = cursor.fetchone()[0]
    for name, wanted in {**PRAGMAS, "transaction_mode": "IMMEDIATE"}.items():
        if found[name] != wanted:
            yield Problem(
                _("SQLite runs with %(name)s=%(found)s instead of %(wanted)s.")
                % {"name": name, "found": found[name], "wanted": wanted},
                _("Put the data folder on an ordinary local disk and leave the database settings as they come."),
            )


def _postgresql_settings() -> Iterator[Problem]:
    version = int(getattr(connection, "pg_version", 0)) // 10_000
    if version < POSTGRESQL:
        yield Problem(
            _("PostgreSQL %(found)d is too old.") % {"found": version},
            _("Use PostgreSQL %(floor)d or newer.") % {"floor": POSTGRESQL},
        )
    with connection.cursor() as cursor:
        for name, good in DURABLE.items():
            cursor.execute("SELECT current_setting(%s)", [name])
            found = str(cursor.fetchone()[0])
            if found not in good:
                yield Problem(
                    _("PostgreSQL runs with %(name)s=%(found)s and would lose messages in a power cut.")
                    % {"name": name, "found": found},
                    _("Set %(name)s = on in postgresql.conf and reload the server.") % {"name": name},
                )


def _mounts() -> str:
    try:
        return Path("/proc/self/mounts").read_text(encoding="utf-8")
    except OSError:
        return ""


def _file_system(folder: Path, mounts: str) -> str:
    """The kind of the innermost mount that holds the folder."""
    place = folder.resolve()
    best, kind = "", ""
    for line in mounts.splitlines():
        fields = line.split()
        if len(fields) < 3:
            continue
        point = fields[1].replace("\\040", " ")
        if place.is_relative_to(point) and len(point) >= len(best):
            best, kind = point, fields[2]
    return kind


def _this() -> str:
    return ".".join(tiski.__version__.split(".")[:2])


def _release(name: str) -> tuple[int, ...]:
    return tuple(int(part) for part in name.split(".") if part.isdecimal())
