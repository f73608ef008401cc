"""Starting the product's processes: everything at once, or one part."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Mapping
from types import FrameType

from . import cores

SUPERVISED = "TISKI_SUPERVISED"
FIRST_WAIT = 1.0
LONGEST_WAIT = 30.0
STABLE_SECONDS = 60.0
STOP_SECONDS = 30.0

log = logging.getLogger(__name__)


def up() -> int:
    """Everything behind one port: the server in this process, the worker as its child, until Ctrl-C."""
    from . import startup

    startup.prepare(demo=True)
    from . import metrics, server, worker_door

    door = server.listen("127.0.0.1", 0)
    door.listen(16)
    metrics.worker_port = door.getsockname()[1]
    worker = Child(
        [sys.executable, "-m", "tiski.config.cli", "worker"],
        environment={worker_door.GIVEN: str(door.fileno())},
        keep_open=(door.fileno(),),
    )
    try:
        _serve({"web", "live"}, listening=lambda: _welcome(worker))
    finally:
        worker.stop()
    return 0


def serve(parts: Collection[str]) -> int:
    """The server with the given parts only, `web` or `live`."""
    from . import startup

    startup.prepare()
    _serve(parts, listening=lambda: None)
    return 0


def work() -> int:
    """The worker until a signal; as a child of `tiski up` also until its parent is gone."""
    from . import startup

    stop = threading.Event()
    supervised = SUPERVISED in os.environ
    if supervised:
        threading.Thread(target=_stop_with_the_parent, args=(stop,), name="parent", daemon=True).start()
    _stop_on_signals(stop, supervised=supervised)
    startup.prepare()
    from django.conf import settings

    from tiski.kernel import worker

    from . import worker_door

    worker_door.open_door(settings.TISKI_HOST, settings.TISKI_WORKER_PORT)
    worker.run(stop)
    return 0


class Child:
    """A process that is started again, later each time, while it dies; its death never ends this process."""

    def __init__(
        self, command: list[str], *, environment: Mapping[str, str] | None = None, keep_open: Collection[int] = ()
    ) -> None:
        """`environment` is added to this process's; `keep_open` are file descriptors that it inherits."""
        self._command = command
        self._environment = environment or {}
        self._keep_open = tuple(keep_open)
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._cores = cores.allowed()
        self._thread = threading.Thread(target=self._keep, name="worker-keeper", daemon=True)

    def start(self) -> None:
        """Start it and keep it running."""
        self._thread.start()

    def stop(self) -> None:
        """Ask it to finish, and end it when that takes too long."""
        self._stopping.set()
        if not self._thread.is_alive():
            return
        process = self._process
        if process is not None and process.poll() is None:
            process.terminate()
        self._thread.join(STOP_SECONDS)
        if process is not None and process.poll() is None:
            process.kill()

    def _keep(self) -> None:
        cores.keep_to(self._cores)  # the server's threads keep to one, its child does not
        wait = FIRST_WAIT
        while not self._stopping.is_set():
            began = time.monotonic()
            # Its end of the pipe closes with this process, however that ends.
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                env={**os.environ, **self._environment, SUPERVISED: "yes"},
                pass_fds=self._keep_open,
            )
            if self._stopping.is_set():
                self._process.terminate()
            code = self._process.wait()
            if self._process.stdin is not None:
                self._process.stdin.close()
            if self._stopping.is_set():
                return
            if time.monotonic() - began > STABLE_SECONDS:
                wait = FIRST_WAIT
            log.error("the worker ended and is started again", extra={"code": code, "wait": wait})
            self._stopping.wait(wait)
            wait = min(wait * 2, LONGEST_WAIT)


def _serve(parts: Collection[str], *, listening: object) -> None:
    from django.conf import settings

    from . import server

    server.run(settings.TISKI_HOST, settings.TISKI_PORT, parts, listening=listening)  # type: ignore[arg-type]


def _welcome(worker: Child) -> None:
    from django.conf import settings

    from tiski.demo import actions as demonstration

    worker.start()
    base = settings.TISKI_BASE_URL
    lines = ["Tiski is open.", "", f"  Console    {base}/", f"  Demo shop  {base}/demo/"]
    sign_in = demonstration.sign_in_file()
    if sign_in.exists():
        lines += [f"  Sign in    {' with '.join(line.split())}" for line in sign_in.read_text().splitlines()]
    else:
        lines.pop()
    print("\n".join([*lines, "", "Stop with Ctrl-C."]), flush=True)


def _stop_on_signals(stop: threading.Event, *, supervised: bool) -> None:
    def on_signal(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            os._exit(128 + number)
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    # Ctrl-C reaches parent and child alike: the parent finishes first and then tells its child.
    signal.signal(signal.SIGINT, signal.SIG_IGN if supervised else on_signal)


def _stop_with_the_parent(stop: threading.Event) -> None:
    while os.read(0, 64):  # not sys.stdin, whose lock would be held when the interpreter ends
        pass
    stop.set()
