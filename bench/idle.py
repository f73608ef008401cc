"""B10: the whole product at rest."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil

from bench.budget import Figure
from bench.serving import memory, wait_until_ready
from tiski.testing.ports import free_port


def run(data: Path) -> dict[str, Figure]:
    """How soon `tiski up` is ready the second time, and what it holds after ten seconds of rest."""
    port = free_port()
    environment = os.environ | {
        "TISKI_DATA": str(data),
        "TISKI_PORT": str(port),
        "TISKI_BASE_URL": f"http://localhost:{port}",
    }
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "tiski.config.cli", "up"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until_ready(port, process)
        ready = time.perf_counter() - began
        time.sleep(10)
        held = memory(psutil.Process(process.pid))
    finally:
        process.terminate()
        process.wait(40)
    conditions = f"tiski up with the demo shop, server and worker together; ready after {ready:.1f} s"
    return {
        "B10": Figure(held, "MB PSS", "<= 250", held <= 250, conditions),
        "B10r": Figure(ready, "s until ready", "<= 5", ready <= 5, "warm install, second start"),
    }
