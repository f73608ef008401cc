"""F11, F12, F20: somebody else holds the database: writers wait, checkpoints wait, pages pile up."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import httpx
import psutil
import psycopg
import pytest
from pysqlite3 import dbapi2 as sqlite

from tiski.testing.clerk import MIA
from tiski.testing.desk import Desk, demo_password
from tiski.testing.instances import Record
from tiski.testing.ledger import Verdict
from tiski.testing.ports import wait_until
from tiski.testing.premises import Premises
from tiski.testing.shoppers import Crowd
from tiski.testing.tiski_process import TiskiProcess

pytestmark = [pytest.mark.timeout(240)]

BUSY_SECONDS = 5.0
SLACK = 15.0
"""What a crowded machine may add to a time limit before it counts as broken."""
ALARM_MEGABYTES = 75


@contextmanager
def locked(shop: Premises) -> Iterator[None]:
    """Nobody else may write: `BEGIN EXCLUSIVE` on SQLite, the tables of messages and sessions on PostgreSQL."""
    if shop.database_url:
        with psycopg.connect(shop.database_url) as holder:
            holder.execute("LOCK TABLE conversations_message, customers_customer IN ACCESS EXCLUSIVE MODE")
            yield
        return
    holder = sqlite.connect(str(shop.data / "tiski.sqlite3"), isolation_level=None, timeout=20)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        holder.close()


def reply(desk: Desk, conversation: int) -> httpx.Response:
    """One answer, whatever becomes of it."""
    fields = {"mode": "reply", "body": "Hetki!", "client_id": str(uuid4()), "seen_seq": "1000000000"}
    return desk.post(f"conversations/{conversation}/sending/", **fields)


def hold_the_database(shop: Premises, folder: Path, seconds: float) -> dict[str, object]:
    """Lock it while people chat and answer; what they were told, and that nothing was lost."""
    with shop.process() as tiski, Crowd(tiski.address, folder, count=6, pause=0.05) as crowd:
        crowd.steady_since(crowd.now())
        with Desk(tiski.address, email=MIA, password=demo_password(shop.data)) as desk:
            conversation = desk.conversations()[0]
            threads = psutil.Process(tiski.pid).num_threads()
            with locked(shop):
                began, most, took = time.monotonic(), 0, []
                before = crowd.acknowledged
                while time.monotonic() - began < seconds:
                    asked = time.monotonic()
                    answer = reply(desk, conversation)
                    took.append(time.monotonic() - asked)
                    assert answer.status_code == 503
                    assert int(answer.headers["Retry-After"]) > 0
                    most = max(most, psutil.Process(tiski.pid).num_threads())
                stored_meanwhile = crowd.acknowledged - before
                refusals = sum((visitor.refusals for visitor in crowd.visitors), Counter[str]())
            freed = crowd.now()
            recovery = crowd.steady_since(freed)
            wait_until(lambda: reply(desk, conversation).status_code == 200, "an answer taken again", seconds=60)
        crowd.settle()
        verdict = crowd.judge(shop.data, shop.database_url)
    assert verdict == Verdict()
    assert max(took) <= BUSY_SECONDS + SLACK
    assert most <= threads + 4
    assert stored_meanwhile <= len(crowd.visitors)
    assert refusals.keys() <= {"not_stored", "busy"}
    return {
        "held_seconds": seconds,
        "longest_answer_seconds": round(max(took), 1),
        "more_threads": max(0, most - threads),
        "recovery_seconds": round(recovery, 1),
        "lost": len(verdict.lost),
    }


@pytest.mark.both
def test_f11_a_locked_database_refuses_in_time_and_piles_up_no_threads(
    shop: Premises, tmp_path: Path, record: Record
) -> None:
    record(**hold_the_database(shop, tmp_path, 7))


@pytest.mark.both
@pytest.mark.soak
def test_f11_a_database_locked_for_half_a_minute_refuses_in_time_and_piles_up_no_threads(
    shop: Premises, tmp_path: Path, record: Record
) -> None:
    record(**hold_the_database(shop, tmp_path, 30))


def test_f12_a_reader_who_stays_turns_readiness_red_and_leaving_turns_it_green(
    shop: Premises, tmp_path: Path, record: Record
) -> None:
    """The alarm stands a little above the size to which an emptied log shrinks; an import of 100 MB passes it."""
    tiski = shop.process(environment={"TISKI_WAL_ALARM": str(ALARM_MEGABYTES)})
    log = shop.data / "tiski.sqlite3-wal"
    with tiski, Crowd(tiski.address, tmp_path, count=6, pause=0.05) as crowd:
        crowd.steady_since(crowd.now())
        reader = sqlite.connect(f"file:{shop.data / 'tiski.sqlite3'}?mode=ro", uri=True, isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM conversations_message").fetchone()
        shop.rows("CREATE TABLE imported (content BLOB)")
        for _ in range(10):
            shop.rows("INSERT INTO imported SELECT zeroblob(1000000) FROM conversations_message LIMIT 10")
        wait_until(lambda: "wal" in complaints(tiski), "the alarm", seconds=60)
        largest = log.stat().st_size
        crowd.wait_for(20)
        assert log.stat().st_size < largest + 20_000_000
        reader.close()
        gone = crowd.now()
        wait_until(lambda: complaints(tiski) == "ok", "green again", seconds=60)
        seconds = crowd.now() - gone
        crowd.settle()
        assert crowd.judge(shop.data) == Verdict()
    record(largest_log_bytes=largest, log_bytes_after=log.stat().st_size, recovery_seconds=round(seconds, 1))
    assert largest > ALARM_MEGABYTES * 1_000_000


@pytest.mark.both
def test_f20_a_hundred_slow_requests_are_shed_and_the_health_addresses_answer(
    shop: Premises, tmp_path: Path, record: Record
) -> None:
    password = demo_password(shop.data)
    with shop.process() as tiski, Desk(tiski.address, email=MIA, password=password, seconds=90) as desk:
        conversation = desk.conversations()[0]
        with ThreadPoolExecutor(100) as crowd, locked(shop):
            began = time.monotonic()
            answers = [crowd.submit(reply, desk, conversation) for _ in range(100)]
            alive, waits = threading.Event(), []
            while not all(answer.done() for answer in answers) and time.monotonic() - began < 90:
                asked = time.monotonic()
                assert httpx.get(f"{tiski.address}/livez", trust_env=False, timeout=30).status_code == 200
                complaints(tiski)
                waits.append(time.monotonic() - asked)
                alive.wait(0.5)
            seconds = time.monotonic() - began
            statuses = Counter(answer.result().status_code for answer in answers)
            assert all(int(answer.result().headers["Retry-After"]) > 0 for answer in answers)
        wait_until(lambda: complaints(tiski) == "ok", "green again", seconds=60)
        assert reply(desk, conversation).status_code == 200
    record(answers=dict(statuses), all_answered_seconds=round(seconds, 1), slowest_probe_seconds=round(max(waits), 1))
    assert statuses == {503: 100}
    assert seconds <= 3 * BUSY_SECONDS + SLACK
    assert max(waits) <= BUSY_SECONDS + SLACK


def complaints(tiski: TiskiProcess) -> str:
    """What `/readyz` says."""
    return httpx.get(f"{tiski.address}/readyz", trust_env=False, timeout=30).text.strip()
