"""F02, F13, F19: the database dies at a commit, is damaged, restarts, ends every connection."""

from __future__ import annotations

import os
import random
import signal
import subprocess
from pathlib import Path

import psycopg
import pytest

from tiski.testing.instances import Record
from tiski.testing.ledger import Verdict, unacknowledged
from tiski.testing.needs import program
from tiski.testing.ports import wait_until
from tiski.testing.postgres import Postgres
from tiski.testing.premises import LIVE, Premises
from tiski.testing.shoppers import Crowd

pytestmark = [pytest.mark.timeout(240)]

NO_WORKER = {"TISKI_LONGEST_LAG": "86400"}  # nobody delivers here, and that is not the question
SYNCS = "fdatasync,fsync"
PAGE = 4096


def traced(number: int) -> list[str]:
    """strace that kills a process when one of its threads makes its N-th sync."""
    inject = f"inject={SYNCS}:signal=SIGKILL:when={number}"
    return [str(program("strace")), "-f", "-qq", "-o", "/dev/null", "-e", f"trace={SYNCS}", "-e", inject]


def die_at_syncs(shop: Premises, folder: Path, syncs: list[int]) -> dict[str, object]:
    """Kill the live process at the N-th sync of one of its threads, for each N, while people chat."""
    live = shop.process(LIVE, environment=NO_WORKER)
    with live, Crowd(live.address, folder, count=5, pause=0.02) as crowd:
        crowd.steady_since(crowd.now())
        for number in syncs:
            live.kill()
            live.within = traced(number)
            live.launch()
            assert live.wait(seconds=120) == -signal.SIGKILL  # strace ends as what it traced
            assert crowd.judge(shop.data).lost == [], f"killed at sync {number}"
        live.kill()
        live.within = []
        live.start()
        seconds = crowd.steady_since(crowd.now())
        crowd.settle()
        verdict = crowd.judge(shop.data)
    [(sound,)] = shop.rows("PRAGMA integrity_check")
    assert (verdict, sound) == (Verdict(), "ok")
    return {
        "killed_at": len(syncs),
        "acknowledged": crowd.acknowledged,
        **verdict.figures,
        "stored_without_ack": unacknowledged(crowd.ledger.lines(), shop.stored()),
        "recovery_seconds": round(seconds, 1),
    }


def test_f02_dying_at_a_sync_loses_nothing_that_was_acknowledged(
    shop: Premises, tmp_path: Path, record: Record
) -> None:
    record(**die_at_syncs(shop, tmp_path, [12, 31]))


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_f02_dying_at_each_of_many_syncs_loses_nothing_that_was_acknowledged(
    shop: Premises, tmp_path: Path, record: Record
) -> None:
    record(**die_at_syncs(shop, tmp_path, [*range(1, 41), *range(45, 201, 5)]))


def kill_at(number: int, shop: Premises, cluster: Postgres) -> None:
    """The first of the server's processes for this database that makes its N-th sync dies there, by strace's hand."""
    words = "was terminated by signal 9"
    before = cluster.log().count(words)
    pids = [word for pid in connections_of(shop) for word in ("-p", str(pid))]
    tracer = subprocess.Popen([*traced(number), *pids], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: cluster.log().count(words) > before, f"a crash at sync {number}", seconds=60)
    finally:
        tracer.terminate()
        tracer.wait(20)


def die_at_commits(shop: Premises, folder: Path, syncs: list[int]) -> dict[str, object]:
    """Kill PostgreSQL's process of a connection at its N-th sync, for each N; the server then restarts all of them."""
    cluster = shop.cluster
    assert cluster is not None
    recoveries = []
    with shop.process(LIVE, environment=NO_WORKER) as live, Crowd(live.address, folder, count=5, pause=0.02) as crowd:
        crowd.steady_since(crowd.now())
        for number in syncs:
            kill_at(number, shop, cluster)
            recoveries.append(crowd.steady_since(crowd.now()))
        crowd.settle()
        verdict = crowd.judge(shop.data, shop.database_url)
    assert verdict == Verdict()
    return {
        "killed_at": len(syncs),
        "acknowledged": crowd.acknowledged,
        **verdict.figures,
        "stored_without_ack": unacknowledged(crowd.ledger.lines(), shop.stored()),
        "recovery_seconds": round(max(recoveries), 1),
    }


def connections_of(shop: Premises) -> list[int]:
    """The server's processes that work for this database."""
    pids = shop.rows("SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
    return [pid for (pid,) in pids]


@pytest.mark.both
def test_f02_postgresql_dying_at_a_commit_loses_nothing_that_was_acknowledged(
    on_postgresql: Premises, tmp_path: Path, record: Record
) -> None:
    record(**die_at_commits(on_postgresql, tmp_path, [2, 9]))


@pytest.mark.both
@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_f02_postgresql_dying_at_many_commits_loses_nothing_that_was_acknowledged(
    on_postgresql: Premises, tmp_path: Path, record: Record
) -> None:
    record(**die_at_commits(on_postgresql, tmp_path, [*range(1, 21), *range(30, 201, 10)]))


def test_f13_a_damaged_copy_is_refused_with_a_sentence_and_the_whole_file_is_served(
    shop: Premises, tmp_path: Path, record: Record
) -> None:
    damaged = shop.copy(tmp_path / "damaged")
    file = damaged.data / "tiski.sqlite3"
    damaged.rows("PRAGMA wal_checkpoint(TRUNCATE)")  # else the log still has the pages that are spoilt here
    pages = file.stat().st_size // PAGE
    with file.open("r+b") as content:
        for page in random.sample(range(2, pages), pages // 4):
            content.seek(page * PAGE)
            content.write(os.urandom(PAGE))
    refusing = damaged.process()
    refusing.launch()
    assert refusing.wait(seconds=60) == 1
    assert f"{file}" in refusing.log()
    assert "varmuuskopio" in refusing.log()
    with shop.process() as serving:
        assert serving.is_ready()
    record(damaged_pages=pages // 4, refused=True)


@pytest.mark.both
def test_f19_a_restart_of_postgresql_and_the_end_of_every_connection_lose_nothing(
    on_postgresql: Premises, tmp_path: Path, record: Record
) -> None:
    shop, cluster = on_postgresql, on_postgresql.cluster
    assert cluster is not None
    recoveries: dict[str, float] = {}
    with shop.process() as tiski, Crowd(tiski.address, tmp_path, count=8, pause=0.05) as crowd:
        crowd.steady_since(crowd.now())
        for trouble in ("connections ended", "fast", "kill"):
            crowd.wait_for(20)
            moment = crowd.now()
            if trouble == "connections ended":
                end_every_connection(shop)
            else:
                restart(cluster, trouble)
            recoveries[trouble] = round(crowd.steady_since(moment), 1)
            wait_until(tiski.is_ready, "green again", seconds=60)
        crowd.settle()
        verdict = crowd.judge(shop.data, shop.database_url)
    record(acknowledged=crowd.acknowledged, lost=len(verdict.lost), recovery_seconds=recoveries)
    assert verdict == Verdict()


def end_every_connection(shop: Premises) -> None:
    """As an administrator would, or a failover does."""
    with psycopg.connect(shop.database_url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def restart(cluster: Postgres, how: str) -> None:
    """Stop the server in one way or another and start it on the same files."""
    cluster.halt(how)
    cluster.start_again()
