"""A Redis of one's own: stopped, frozen, flushed and filled as a test wants."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType

import redis

from tiski.testing import processes
from tiski.testing.folders import fast_folder
from tiski.testing.needs import program
from tiski.testing.ports import free_port, wait_until


class Redis:
    """A Redis on a loopback port that keeps nothing on disk. `most_memory` in bytes; when full it refuses writes."""

    def __init__(self, *, most_memory: int = 0) -> None:
        self._most_memory = most_memory
        self._server: subprocess.Popen[bytes] | None = None
        self.port = 0
        self.folder = Path()

    def __enter__(self) -> Redis:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The address in the form `TISKI_REDIS_URL` takes."""
        return f"redis://127.0.0.1:{self.port}"

    @property
    def client(self) -> redis.Redis:
        """A client for what operators do by hand."""
        return redis.Redis(port=self.port, socket_timeout=5)

    def start(self) -> Redis:
        """Start on a free port and wait until it answers."""
        self.folder = Path(tempfile.mkdtemp(prefix="tiski-redis-", dir=fast_folder()))
        self.port = free_port()
        return self.start_again()

    def start_again(self) -> Redis:
        """Start empty on the same port, after `halt`."""
        options = {
            "port": self.port, "bind": "127.0.0.1", "dir": self.folder, "save": "", "appendonly": "no",
            "maxmemory": self._most_memory, "maxmemory-policy": "noeviction",
        }  # fmt: skip
        flags = [part for name, value in options.items() for part in (f"--{name}", str(value))]
        self._server = processes.start([program("redis-server"), *flags], log=self.folder / "redis.log")
        wait_until(self._answers, "Redis answering")
        return self

    def halt(self) -> None:
        """End it at once, as a crash does."""
        if self._server:
            processes.stop(self._server, how=signal.SIGKILL)
        self._server = None

    def freeze(self) -> None:
        """Let it hang, connections open, until `thaw`."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def fill(self) -> None:
        """Write until it refuses to take more; needs `most_memory`."""
        with self.client as client:
            for number in range(1000):
                try:
                    client.set(f"kettle-{number}", b"x" * 100_000)
                except redis.exceptions.OutOfMemoryError:
                    return
        raise AssertionError("Redis took 100 MB; give it most_memory")

    def stop(self) -> None:
        """End it and remove its folder."""
        self.halt()
        if self.folder != Path():
            shutil.rmtree(self.folder, ignore_errors=True)

    def _signal(self, how: signal.Signals) -> None:
        if self._server is not None:
            os.kill(self._server.pid, how)

    def _answers(self) -> bool:
        if self._server and self._server.poll() is not None:
            raise RuntimeError(f"Redis did not start: {(self.folder / 'redis.log').read_text(errors='replace')}")
        try:
            with self.client as client:
                return bool(client.ping())
        except redis.ConnectionError:
            return False
