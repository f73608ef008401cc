"""Starts servers as children that die with the test run, whatever ends it."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tiski.testing.needs import program


def start(
    command: Sequence[str | Path],
    *,
    log: Path,
    user: str | None = None,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> subprocess.Popen[bytes]:
    """A child in a process group of its own, writing to `log`; it ends with the thread that started it."""
    with log.open("ab") as output:
        return subprocess.Popen(
            [str(program("setpriv")), "--pdeathsig", "TERM", "--", *map(str, command)],
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            user=user,
            group=user,
            extra_groups=[] if user else None,
            env=environment,
            cwd=folder or Path("/"),
        )


def stop(process: subprocess.Popen[bytes], *, how: signal.Signals = signal.SIGTERM, seconds: float = 20.0) -> int:
    """Ask the process to stop, wait, and end its whole group if it does not; returns its exit code."""
    if process.poll() is None:
        process.send_signal(how)
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        kill_group(process)
        return process.wait(seconds)


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL for the process and every child that stayed in its group."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def run(command: Sequence[str | Path], *, user: str | None = None, seconds: float = 120.0) -> str:
    """Run to the end and return what was said; raises `RuntimeError` with it when the exit code is not 0."""
    done = subprocess.run(
        [str(part) for part in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        user=user,
        group=user,
        extra_groups=[] if user else None,
        cwd="/",
        timeout=seconds,
        check=False,
    )
    said = done.stdout.decode(errors="replace")
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))} failed with {done.returncode}: {said}")
    return said
