"""`/readyz` of a running Tiski turns red for what would make it refuse or lose work, and green again by itself."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import psutil
import pytest
from pysqlite3 import dbapi2 as sqlite

from tiski.testing import plugin
from tiski.testing.needs import Missing
from tiski.testing.ports import wait_until
from tiski.testing.postgres import Postgres
from tiski.testing.premises import Premises
from tiski.testing.tiski_process import TiskiProcess

pytestmark = [pytest.mark.both, pytest.mark.timeout(240)]

DISK = 140_000_000
FEW_FILES = 3_000
MOUNT = 'mount -t tmpfs -o "$1" tmpfs "$2"; cp -a "$3/." "$2/"; shift 3; exec "$@"'
GREEN = (200, "ok\n")
RENAMING = """
from tiski.customers import actions as customers
from tiski.customers.models import Customer
from tiski.kernel.action import SYSTEM
from tiski.kernel.scope import shop_scope
someone = Customer.unscoped.earliest("id")
with shop_scope(someone.shop_id):
    customers.rename(someone, name="Ada Virtanen-Laine", by=SYSTEM)
"""


def readiness(tiski: TiskiProcess) -> tuple[int, str]:
    """What the probe answers now; a probe that finds the server too busy to answer counts as neither colour."""
    try:
        answer = httpx.get(f"{tiski.address}/readyz", timeout=15, trust_env=False)
    except httpx.TimeoutException:
        return 0, "no answer"
    return answer.status_code, answer.text


def turns(tiski: TiskiProcess, *colours: tuple[int, str]) -> None:
    """Wait for an answer; one of several where more than one thing may be wrong at once."""
    wait_until(lambda: readiness(tiski) in colours, f"/readyz is {colours}", seconds=60, pause=0.3)


def red(*complaints: str) -> tuple[int, str]:
    """The answer that names these complaints."""
    return 503, f"not ready: {', '.join(complaints)}\n"


@contextmanager
def on_a_disk(shop: Premises, options: str) -> Iterator[tuple[TiskiProcess, Path]]:
    """The shop on a small disk that only its processes see, and the folder as seen from here."""
    if os.getuid() != 0:
        raise Missing("A small disk needs root to be mounted. Run: sudo make test")
    folder = shop.data.with_name("disk")
    folder.mkdir(mode=0o700)
    mount = [
        "unshare",
        "-m",
        "--propagation",
        "private",
        "sh",
        "-ec",
        MOUNT,
        "sh",
        options,
        str(folder),
        str(shop.data),
    ]
    with Premises(folder, shop.database_url, shop.cluster).process(within=mount) as tiski:
        yield tiski, Path(f"/proc/{tiski.pid}/root{folder}")


def test_a_disk_that_fills_up_is_red_until_there_is_room(shop: Premises) -> None:
    with on_a_disk(shop, f"size={DISK}") as (tiski, inside):
        turns(tiski, GREEN)
        with (inside / "ballast").open("wb") as ballast:
            os.posix_fallocate(ballast.fileno(), 0, DISK - 40_000_000)
        turns(tiski, red("disk"))
        (inside / "ballast").unlink()
        turns(tiski, GREEN)


def test_inodes_that_run_out_are_red_until_files_are_gone(shop: Premises) -> None:
    with on_a_disk(shop, f"size={DISK},nr_inodes={FEW_FILES}") as (tiski, inside):
        turns(tiski, GREEN)
        (inside / "many").mkdir()
        for number in range(FEW_FILES - 500):
            (inside / "many" / str(number)).touch()
        turns(tiski, red("inodes"))
        for path in (inside / "many").iterdir():
            path.unlink()
        turns(tiski, GREEN)


def test_a_database_that_takes_no_write_is_red_until_it_does(shop: Premises, tmp_path: Path) -> None:
    if plugin.database() == "postgresql":
        _a_stopped_server(tmp_path)
        return
    with shop.process() as tiski, closing(sqlite.connect(shop.data / "tiski.sqlite3", isolation_level=None)) as other:
        turns(tiski, GREEN)
        other.execute("PRAGMA busy_timeout=20000")
        other.execute("BEGIN IMMEDIATE")
        turns(tiski, red("database"))
        assert httpx.get(f"{tiski.address}/livez", timeout=15, trust_env=False).status_code == 200
        other.execute("ROLLBACK")
        turns(tiski, GREEN)


def _a_stopped_server(folder: Path) -> None:
    """On a cluster of its own: the others' must go on."""
    with Postgres(durable=True) as cluster:
        data = folder / "own"
        data.mkdir(mode=0o700)
        with TiskiProcess(data, database_url=cluster.url()) as tiski:
            turns(tiski, GREEN)
            cluster.halt("immediate")
            turns(tiski, red("database"))
            assert httpx.get(f"{tiski.address}/livez", timeout=15, trust_env=False).status_code == 200
            cluster.start_again()
            turns(tiski, GREEN)


def test_work_that_is_left_undone_is_red_until_a_worker_does_it(shop: Premises) -> None:
    with shop.process(environment={"TISKI_LONGEST_LAG": "2"}) as tiski:
        worker = wait_until(lambda: _worker(tiski), "the worker", seconds=60)[0]
        turns(tiski, GREEN)
        worker.send_signal(signal.SIGSTOP)
        shop.run(RENAMING)
        turns(tiski, red("lag"))
        worker.send_signal(signal.SIGCONT)
        turns(tiski, GREEN)


def _worker(tiski: TiskiProcess) -> list[psutil.Process]:
    """The child that delivers, once it has begun: a stopped one that never looked would prove nothing."""
    children = psutil.Process(tiski.pid).children()
    return [child for child in children if "worker" in child.cmdline() and child.num_threads() > 5]
