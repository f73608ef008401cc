"""The line before SQLite's write lock: fair, in time, left by everyone who ends; other processes get in."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from django.db import IntegrityError, OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import ConnectionHandler
from pytest_django import DjangoDbBlocker

from tiski.config import databases
from tiski.kernel.queued_sqlite3.turns import Turns, go_first, line_before

Connection = BaseDatabaseWrapper
STRANGER = """
import sys, time
from pathlib import Path
from tiski.config import databases
from django.conf import settings
settings.configure(DATABASES={"default": databases.sqlite(Path(sys.argv[1]))})
from django.db import connection, transaction
connection.ensure_connection()
print("ready", flush=True)
waits = []
for _ in range(20):
    asked = time.monotonic()
    with transaction.atomic(), connection.cursor() as cursor:
        waits.append(time.monotonic() - asked)
        cursor.execute("INSERT INTO cup (tea) VALUES ('stranger')")
    time.sleep(0.005)
print(max(waits))
"""


@pytest.fixture
def handler(tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[ConnectionHandler]:
    """A database of cups; each thread has its own connection, which waits for half a second."""
    settings = databases.sqlite(tmp_path / "cups.sqlite3")
    settings["OPTIONS"] |= {"timeout": 0.5}
    with django_db_blocker.unblock():
        opened = ConnectionHandler({"default": settings})
        with opened["default"].cursor() as cursor:
            cursor.execute("CREATE TABLE cup (id integer PRIMARY KEY, tea text)")
            cursor.execute("CREATE TABLE saucer (cup integer REFERENCES cup (id) DEFERRABLE INITIALLY DEFERRED)")
        yield opened
        opened["default"].close()


def begin(connection: Connection) -> None:
    """As `transaction.atomic` does."""
    connection.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
    connection.in_atomic_block = True


def end(connection: Connection, how: Callable[[], None]) -> None:
    """As `transaction.atomic` does."""
    connection.in_atomic_block = False
    how()
    connection.set_autocommit(True)


def pour(connection: Connection, tea: str) -> None:
    """Write one row."""
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO cup (tea) VALUES (%s)", [tea])


def cups(connection: Connection) -> list[str]:
    """What was stored."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tea FROM cup ORDER BY id")
        return [row[0] for row in cursor.fetchall()]


def wait_until_in_line(turns: Turns, count: int) -> None:
    """Let so many threads stand in line."""
    deadline = time.monotonic() + 5
    while turns.waiting() < count:
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_who_comes_first_is_served_first_and_who_stores_for_many_before_all() -> None:
    turns, served = Turns(), list[str]()
    assert turns.take(1)

    def write(name: str) -> None:
        if name == "chat":
            go_first()
        assert turns.take(5)
        served.append(name)
        turns.pass_on()

    threads = []
    for place, name in enumerate(["mia", "noor", "ville", "chat"], start=1):
        threads.append(threading.Thread(target=write, args=(name,)))
        threads[-1].start()
        wait_until_in_line(turns, place)
    turns.pass_on()
    for thread in threads:
        thread.join(5)
    assert served == ["chat", "mia", "noor", "ville"]
    assert turns.take(0)


def test_who_waits_too_long_leaves_the_line_and_the_others_move_up() -> None:
    turns, outcomes = Turns(), list[bool]()
    assert turns.take(1)
    patient = threading.Thread(target=lambda: outcomes.append(turns.take(5)))
    began = time.monotonic()
    assert not turns.take(0.05)
    assert 0.05 <= time.monotonic() - began < 2
    patient.start()
    wait_until_in_line(turns, 1)
    assert not turns.take(0)
    turns.pass_on()
    patient.join(5)
    assert outcomes == [True]


def test_many_threads_are_served_evenly(handler: ConnectionHandler) -> None:
    stop, counts, together = threading.Event(), [0] * 4, threading.Barrier(4)

    def write(place: int) -> None:
        connection = handler["default"]
        together.wait(10)
        while not stop.is_set():
            begin(connection)
            pour(connection, str(place))
            end(connection, connection.commit)
            counts[place] += 1
        connection.close()

    threads = [threading.Thread(target=write, args=(place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(1)
    stop.set()
    for thread in threads:
        thread.join(5)
    assert len(cups(handler["default"])) == sum(counts)
    assert max(counts) < 2 * min(counts) + 5


@pytest.mark.parametrize("writers", [1, 3])
def test_a_process_that_writes_without_end_lets_another_in(
    writers: int, handler: ConnectionHandler, tmp_path: Path
) -> None:
    stop = threading.Event()

    def write() -> None:
        connection = handler["default"]
        while not stop.is_set():
            begin(connection)
            pour(connection, "ours")
            end(connection, connection.commit)
        connection.close()

    file = str(tmp_path / "cups.sqlite3")
    stranger = subprocess.Popen([sys.executable, "-c", STRANGER, file], stdout=subprocess.PIPE, text=True)
    assert stranger.stdout is not None
    assert stranger.stdout.readline() == "ready\n"
    threads = [threading.Thread(target=write) for _ in range(writers)]
    for thread in threads:
        thread.start()
    longest = float(stranger.communicate(timeout=60)[0])
    stop.set()
    for thread in threads:
        thread.join(5)
    assert longest < 2


def test_who_does_not_get_the_turn_in_time_hears_that_the_database_is_locked(handler: ConnectionHandler) -> None:
    connection = handler["default"]
    turns = line_before(connection.settings_dict["NAME"])
    assert turns.take(1)
    for attempt in (begin, partial(pour, tea="sencha")):
        began = time.monotonic()
        with pytest.raises(OperationalError, match="database is locked"):
            attempt(connection)
        assert 0.5 <= time.monotonic() - began < 3
    turns.pass_on()
    pour(connection, "sencha")
    assert cups(connection) == ["sencha"]


def test_another_process_is_waited_for_no_longer_either(handler: ConnectionHandler, tmp_path: Path) -> None:
    connection = handler["default"]
    script = "import sys, tiski, sqlite3; f = sqlite3.connect(sys.argv[1], isolation_level=None)"
    script += "; f.execute('BEGIN IMMEDIATE'); print('held', flush=True); sys.stdin.read()"
    holder = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "cups.sqlite3")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    began = time.monotonic()
    with pytest.raises(OperationalError, match="database is locked"):
        begin(connection)
    assert 0.5 <= time.monotonic() - began < 3
    holder.communicate("")
    begin(connection)
    pour(connection, "sencha")
    end(connection, connection.commit)
    assert cups(connection) == ["sencha"]


@pytest.mark.parametrize("how", ["commit", "rollback", "close", "failed commit"])
def test_the_turn_ends_with_the_transaction_however_that_ends(how: str, handler: ConnectionHandler) -> None:
    connection = handler["default"]
    turns = line_before(connection.settings_dict["NAME"])
    begin(connection)
    pour(connection, "sencha")
    assert not turns.take(0)
    if how == "close":
        connection.close()
        connection.in_atomic_block, connection.closed_in_transaction, connection.connection = False, False, None
    elif how == "failed commit":
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO saucer VALUES (7)")
        connection.in_atomic_block = False
        with pytest.raises(IntegrityError):
            connection.commit()
        end(connection, connection.rollback)
    else:
        end(connection, getattr(connection, how))
    assert turns.take(0)
    turns.pass_on()
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout")
        assert cursor.fetchone() == (500,)


def test_one_statement_takes_a_turn_of_its_own(handler: ConnectionHandler) -> None:
    connection = handler["default"]
    turns = line_before(connection.settings_dict["NAME"])
    assert turns.take(1)

    def pour_elsewhere() -> None:
        pour(handler["default"], "sencha")
        handler["default"].close()

    poured = threading.Thread(target=pour_elsewhere)
    poured.start()
    wait_until_in_line(turns, 1)
    assert cups(connection) == []
    turns.pass_on()
    poured.join(5)
    assert cups(connection) == ["sencha"]
    assert turns.take(0)


def test_a_forked_child_is_in_no_line() -> None:
    turns = line_before("forked")
    assert turns.take(1)
    child = os.fork()
    if not child:
        os._exit(0 if line_before("forked").take(0) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    turns.pass_on()
