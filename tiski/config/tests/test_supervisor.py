"""The worker as a child: started again when it dies, ended with its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tiski.config import cores, supervisor
from tiski.testing.ports import wait_until

WRITES_ITS_PID = "import os, sys; open(sys.argv[1], 'a').write(f'{os.getpid()}\\n');"
PARENT = """
import sys, time
from tiski.config.supervisor import Child
Child(sys.argv[1:]).start()
time.sleep(60)
"""
CHILD = """
import os, sys, threading
from tiski.config import supervisor
open(sys.argv[1], 'a').write(f'{os.getpid()}\\n')
stop = threading.Event()
threading.Thread(target=supervisor._stop_with_the_parent, args=(stop,), daemon=True).start()
sys.exit(0 if stop.wait(30) else 1)
"""


def pids(file: Path) -> list[int]:
    """The processes that have written their id."""
    return [int(line) for line in file.read_text().splitlines()] if file.exists() else []


def test_a_child_that_dies_is_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "FIRST_WAIT", 0.01)
    file = tmp_path / "pids"
    child = supervisor.Child([sys.executable, "-c", WRITES_ITS_PID, str(file)])
    child.start()
    wait_until(lambda: len(pids(file)) >= 3, "three lives")
    child.stop()
    assert len(set(pids(file))) == len(pids(file))


def test_a_child_may_use_the_cores_that_its_parent_leaves(tmp_path: Path) -> None:
    file, before = tmp_path / "cores", os.sched_getaffinity(0)
    writes = "import os, sys; open(sys.argv[1], 'w').write(str(sorted(os.sched_getaffinity(0))))"
    child = supervisor.Child([sys.executable, "-c", f"{writes}; import time; time.sleep(60)", str(file)])
    try:
        cores.keep_to(sorted(before)[:1])
        child.start()
        wait_until(lambda: file.exists() and file.read_text() == str(sorted(before)), "a life on every core")
    finally:
        os.sched_setaffinity(0, before)
        child.stop()


def test_a_stop_ends_the_child_and_it_stays_ended(tmp_path: Path) -> None:
    file = tmp_path / "pids"
    child = supervisor.Child([sys.executable, "-c", WRITES_ITS_PID + "import time; time.sleep(60)", str(file)])
    child.start()
    wait_until(lambda: len(pids(file)) == 1, "a life")
    child.stop()
    assert _is_gone(pids(file)[0])


def test_a_child_that_does_not_stop_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "STOP_SECONDS", 0.3)
    file = tmp_path / "pids"
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);" + WRITES_ITS_PID + "time.sleep(60)"
    child = supervisor.Child([sys.executable, "-c", stubborn, str(file)])
    child.start()
    wait_until(lambda: len(pids(file)) == 1, "a life")
    child.stop()
    wait_until(lambda: _is_gone(pids(file)[0]), "its end", seconds=5)


def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    file = tmp_path / "pids"
    root = Path(__file__).parents[3]
    command = [sys.executable, "-c", PARENT, sys.executable, "-c", CHILD, str(file)]
    parent = subprocess.Popen(command, cwd=root, env={**os.environ, "PYTHONPATH": str(root)})
    try:
        wait_until(lambda: len(pids(file)) == 1, "a life")
    finally:
        parent.send_signal(signal.SIGKILL)
        parent.wait(10)
    wait_until(lambda: _is_gone(pids(file)[0]), "its end", seconds=10)


def _is_gone(pid: int) -> bool:
    # In a container nobody may collect the orphan: a zombie has ended too.
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True
