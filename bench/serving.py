"""Processes under measurement: the demo shop's data, a server pinned to one core, its memory and CPU."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

from tiski.testing.ports import free_port

SERVER_CORE, GENERATOR_CORE = 0, 1


@contextmanager
def served(data: Path, command: list[str]) -> Iterator[tuple[psutil.Process, int]]:
    """A server on its core and the port it answers on; stopped afterwards."""
    port = free_port()
    environment = os.environ | {
        "TISKI_DATA": str(data),
        "TISKI_PORT": str(port),
        "TISKI_BASE_URL": f"http://localhost:{port}",
    }
    with (data / "bench.log").open("ab") as log:
        process = subprocess.Popen([sys.executable, "-m", *command], env=environment, stdout=log, stderr=log)
    seen = psutil.Process(process.pid)
    try:
        wait_until_ready(port, process)
        pin(seen, SERVER_CORE)
        yield seen, port
    finally:
        process.terminate()
        process.wait(40)


def wait_until_ready(port: int, process: subprocess.Popen[bytes]) -> None:
    """Ask until it says so, for at most a minute."""
    for _ in range(600):
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}")
        try:
            if httpx.get(f"http://localhost:{port}/livez", trust_env=False, timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise RuntimeError("the server did not become ready within a minute")


def memory(process: psutil.Process) -> float:
    """Megabytes of the process and its children: proportional shares, so that shared pages count once."""
    family = [process, *process.children(recursive=True)]
    return float(sum(each.memory_full_info().pss for each in family)) / 1e6


def generate_on_the_other_core() -> None:
    """Keep this process off the server's core."""
    if (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {GENERATOR_CORE})


def pin(process: psutil.Process, core: int) -> None:
    """Every thread, also those that run already."""
    if (os.cpu_count() or 1) > 1:
        for thread in process.threads():
            os.sched_setaffinity(thread.id, {core})
