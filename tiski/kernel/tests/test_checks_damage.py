"""A damaged database is not served, and what only looks like damage is not called so."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import OperationalError, connection
from django.utils import translation

from tiski.kernel.checks import database

pytestmark = pytest.mark.django_db
OWN_DATABASE = """
import os, sys
os.environ.update(DJANGO_SETTINGS_MODULE="tiski.config.settings", TISKI_DATA=sys.argv[1], TISKI_DATABASE_URL="")
import tiski, sqlite3, django
django.setup()
from django.db import connection
from django.utils import translation
from tiski.kernel import checks
translation.activate("en")
file = os.path.join(sys.argv[1], "tiski.sqlite3")
"""


@pytest.fixture(autouse=True)
def in_english() -> Iterator[None]:
    with translation.override("en"):
        yield


def test_f13_a_damaged_database_is_not_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(database.whole()) == []
    monkeypatch.setattr(database, "_quick_check", lambda file: "*** in database main ***")
    refused = [str(problem) for problem in database.whole()]

    if connection.vendor == "sqlite":
        assert refused[0].endswith("restore the last backup, and do not go on with the damaged file.")
    else:
        assert refused == []


def printed(script: str, folder: Path) -> str:
    """What a process with a SQLite database of its own in this folder says."""
    command = [sys.executable, "-c", OWN_DATABASE + script, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return done.stdout + done.stderr


def test_f13_a_corrupt_page_is_found(tmp_path: Path) -> None:
    script = """
with sqlite3.connect(file) as made:
    made.execute("CREATE TABLE tea (id INTEGER PRIMARY KEY, name TEXT)")
    made.execute("CREATE INDEX names ON tea (name)")
    made.executemany("INSERT INTO tea (name) VALUES (?)", [("x" * 500,)] * 200)
made.close()
with open(file, "r+b") as bytes_of_file:
    bytes_of_file.seek(4096 * 4)
    bytes_of_file.write(os.urandom(4096 * 6))
for problem in checks.before_migrating():
    print(problem.what)
"""

    assert printed(script, tmp_path) == f"The database file {tmp_path}/tiski.sqlite3 is damaged.\n"


def test_f13_an_index_that_others_have_written_since_is_not_taken_for_damage(tmp_path: Path) -> None:
    """SQLite itself does take it so, on a connection that saw the index before."""
    script = """
writer = sqlite3.connect(file, isolation_level=None)
writer.execute("PRAGMA journal_mode=wal")
writer.execute("CREATE VIRTUAL TABLE terms USING fts5(words, content='', contentless_delete=1, detail=none)")
def write():
    for number in range(40):
        writer.execute("INSERT INTO terms(words) VALUES (?)", (f"tea {number}",))
        writer.execute("INSERT INTO terms(terms, rank) VALUES ('merge', 40)")
write()
with connection.cursor() as cursor:
    cursor.execute("SELECT rowid FROM terms WHERE terms MATCH 'tea'").fetchone()
    write()
    print(cursor.execute("PRAGMA quick_check(1)").fetchone()[0].partition(":")[0])
for problem in checks.before_migrating():
    print(problem.what)
"""

    assert printed(script, tmp_path) == "fts5\n"


def test_f13_a_database_that_is_only_busy_is_not_called_damaged(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_file: str) -> str:
        raise OperationalError("database is locked")

    monkeypatch.setattr(database, "_quick_check", refuse)

    expected = ["The database cannot be opened: database is locked."] if connection.vendor == "sqlite" else []
    assert [problem.what for problem in database.whole()] == expected


def test_f13_the_pages_are_looked_through_once_in_each_process(tmp_path: Path) -> None:
    script = """
checks.before_migrating()
with open(file, "r+b") as bytes_of_file:
    bytes_of_file.truncate(0)
    bytes_of_file.write(os.urandom(8192))
print(list(checks.database.whole()))
"""

    assert printed(script, tmp_path) == "[]\n"
