"""The product itself as a process of its own: started, killed, started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

import httpx

from tiski.testing import processes
from tiski.testing.ports import free_port, wait_until

READY_WITHIN = 60.0


class TiskiProcess:
    """`tiski up` (or another command) on a free port, with a data folder of its own.

    `environment` adds or replaces `TISKI_...` settings. Without `database_url` it keeps its rows in SQLite. `module`
    is another one that takes the command's words (`tiski.testing.lifted`); `within` is a command that runs it, such as
    `["strace", "-f"]`.
    """

    def __init__(
        self,
        data: Path,
        *,
        command: str = "up",
        database_url: str = "",
        port: int | None = None,
        environment: Mapping[str, str] | None = None,
        module: str = "tiski.config.cli",
        within: Sequence[str] = (),
    ) -> None:
        self._command = command
        self._module = module
        self.within = within
        self._process: subprocess.Popen[bytes] | None = None
        self.data = data
        self.port = port or free_port()
        self._environment = {
            "TISKI_DATA": str(data),
            "TISKI_PORT": str(self.port),
            "TISKI_BASE_URL": self.address,
            "TISKI_DATABASE_URL": database_url,
            **(environment or {}),
        }

    def __enter__(self) -> TiskiProcess:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    @property
    def address(self) -> str:
        """Where it is reached, without a slash at the end."""
        return f"http://localhost:{self.port}"

    @property
    def pid(self) -> int:
        """The process id of the first process; it may have children."""
        if self._process is None:
            raise RuntimeError(f"tiski {self._command} is not running.")
        return self._process.pid

    def start(self) -> TiskiProcess:
        """Start and wait until it is ready; call again after `kill` or `stop` to go on with the same data."""
        self.launch()
        if self._command != "worker":
            wait_until(self.is_ready, f"tiski {self._command} ready", seconds=READY_WITHIN)
        return self

    def launch(self) -> None:
        """Start without waiting, for what should refuse to start."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("TISKI_", "DJANGO_"))}
        command = [*self.within, sys.executable, "-m", self._module, self._command]
        root = Path(__file__).parents[2]
        self._process = processes.start(command, log=self._log, environment=kept | self._environment, folder=root)

    def stop(self, *, seconds: float = 40.0) -> int:
        """Ask it to stop as an operator would (SIGTERM); returns the exit code."""
        process = self._process
        self._process = None
        return 0 if process is None else processes.stop(process, seconds=seconds)

    def kill(self) -> None:
        """SIGKILL for it and its children: nothing gets a chance to tidy up."""
        if self._process:
            processes.kill_group(self._process)
            self._process.wait(20)
        self._process = None

    def pause(self) -> None:
        """Freeze all its processes (SIGSTOP) until `resume`."""
        os.killpg(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after `pause`."""
        os.killpg(self.pid, signal.SIGCONT)

    def wait(self, *, seconds: float = 30.0) -> int:
        """Wait until it ends by itself; returns the exit code."""
        if self._process is None:
            raise RuntimeError(f"tiski {self._command} is not running.")
        return self._process.wait(seconds)

    def is_ready(self) -> bool:
        """Whether `/readyz` says so now; raises `RuntimeError` with its log when it has ended."""
        if self._process and self._process.poll() is not None:
            raise RuntimeError(f"tiski {self._command} ended with {self._process.returncode}:\n{self.log()}")
        try:
            return httpx.get(f"{self.address}/readyz", timeout=5, trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    def log(self) -> str:
        """Everything it printed and logged, over all its starts."""
        return self._log.read_text(errors="replace")

    @property
    def _log(self) -> Path:
        # Beside the data folder: the product must find that one as an operator would leave it.
        return self.data.with_name(f"{self.data.name}-{self._command}-{self.port}.log")
