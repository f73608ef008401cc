"""The product under a load: `tiski up` as one, or web, live and worker as processes of their own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import psutil

from bench import measuring, serving
from tiski.testing.ports import free_port, wait_until
from tiski.testing.tiski_process import TiskiProcess

LOOPBACK = {"TISKI_ALLOW_NETWORKS": "127.0.0.0/8"}  # where the mail server stands
TOGETHER, APART = ("up",), ("web", "live", "worker")  # the second as docs/deploy.md has it for PostgreSQL


class House:
    """All processes of one instance, on both cores: the generator's own takes a small part of one.

    Pages are at `port`, sockets at `live_port`, where nginx would lead both from one address.
    """

    def __init__(self, data: Path, database_url: str, *, commands: Sequence[str], module: str) -> None:
        self.port = free_port()
        environment = LOOPBACK | {"TISKI_BASE_URL": f"http://localhost:{self.port}"}
        self._members = [
            TiskiProcess(
                data, command=command, database_url=database_url, port=None if at else self.port,
                environment=environment, module=module,
            )
            for at, command in enumerate(commands)
        ]  # fmt: skip
        self.live_port = self._members["live" in commands].port

    def start(self) -> None:
        """Start them and wait until pages are ready, which they are not while a worker lags behind."""
        self.launch()
        wait_until(self._members[0].is_ready, "ready for pages", seconds=60)

    def launch(self) -> None:
        """Start them without waiting."""
        for member in self._members:
            member.launch()

    def stop(self) -> None:
        """Stop them as an operator would."""
        for member in self._members:
            member.stop()

    def cpu(self) -> float:
        """Seconds of processor time used so far."""
        return measuring.cpu(
            *(each for member in self._members for each in measuring.family(psutil.Process(member.pid)))
        )

    def memory(self) -> float:
        """Megabytes they hold together; raises `RuntimeError` or `psutil.Error` while one of them is away."""
        return sum(serving.memory(psutil.Process(member.pid)) for member in self._members)
