"""What happens before the first request: folders, key, checks, schema, and the demo shop of a first run."""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from . import environment

if TYPE_CHECKING:
    from tiski.kernel.checks import Problem


SCHEMA_LOCK = 0x736368656D61  # "schema"
# So long a thread that calculates keeps the interpreter from the others: from the event loop, and from a writer at each
# statement while it holds SQLite's write lock. Beside three such threads an answer held that for 165 ms (p95) with
# Python's own 5 ms, for 35 to 60 with one; half of one gains nothing more.
SWITCH_SECONDS = 0.001


def prepare(*, demo: bool = False) -> None:
    """Create what is missing, refuse to start on what is wrong, bring the schema up to date.

    With `demo`, the first run also opens the demo shop. Raises SystemExit(1) after printing problems and remedies.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    _make_folders()
    set_up()
    _migrate()
    if _problems(deploy=False):
        raise SystemExit(1)
    if demo:
        from tiski.demo import actions as demonstration
        from tiski.kernel.action import SYSTEM

        demonstration.open_on_first_run(by=SYSTEM)


def check(*, deploy: bool) -> int:
    """Print every problem with its remedy; 0 when there is none."""
    _make_folders()
    set_up()
    if _problems(deploy=deploy):
        return 1
    print("Everything is in order.")
    return 0


def verify_audit() -> int:
    """Walk the audit chain; 0 when every hash agrees."""
    set_up()
    from tiski.accounts import queries as accounts

    broken = accounts.broken_audit_entries()
    for entry in broken:
        print(f"entry {entry} does not agree with the one before it", file=sys.stderr)
    print("The audit chain is whole." if not broken else f"{len(broken)} entries are broken.")
    return 1 if broken else 0


def rotate_keys() -> int:
    """Put a new master key first in the key file; what older keys encrypted stays readable."""
    set_up()
    from django.conf import settings

    from tiski.kernel import secrets

    print(f"The master key is new; the keys of {secrets.rotate(settings.TISKI_KEY_FILE)} shops are wrapped with it.")
    return 0


def set_up() -> None:
    """Load the product with its settings."""
    import django

    django.setup()


def _make_folders() -> None:
    from django.conf import settings

    for folder in (settings.TISKI_DATA, settings.TISKI_DATA / "blobs"):
        _make(folder)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise environment.BadSetting(
            f"TISKI_DATA: {folder} cannot be created ({error.strerror}). Choose a folder you may write to."
        ) from error


def _migrate() -> None:
    from django.core.management import call_command

    from tiski.kernel import checks

    problems = checks.before_migrating()
    if problems:
        _print(problems)
        raise SystemExit(1)
    with _alone():
        call_command("migrate", verbosity=0, interactive=False)
        checks.note_release()


@contextmanager
def _alone() -> Iterator[None]:
    """Processes that start at the same moment bring the schema up to date one after the other."""
    from django.conf import settings
    from django.db import connection

    if connection.vendor != "postgresql":
        file = os.open(settings.TISKI_DATA / "schema.lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
        finally:
            os.close(file)
        return
    # Belongs to the session: it goes with a process that is killed.
    with connection.cursor() as cursor:
        # However long the other one takes; what the migrations themselves wait for keeps its limits.
        cursor.execute("SET lock_timeout = 0; SET statement_timeout = 0")
        cursor.execute("SELECT pg_advisory_lock(%s)", [SCHEMA_LOCK])
        cursor.execute("RESET lock_timeout; RESET statement_timeout")
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [SCHEMA_LOCK])


def _problems(*, deploy: bool) -> bool:
    from tiski.kernel import checks

    problems = checks.run(deploy=deploy)
    _print(problems)
    _print(checks.warnings())
    return bool(problems)


def _print(problems: Sequence[Problem]) -> None:
    for problem in problems:
        print(f"tiski: {problem.what} {problem.remedy}", file=sys.stderr)
