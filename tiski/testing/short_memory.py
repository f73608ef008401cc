"""The parser child in a machine that runs out of memory: who holds too much is killed, as the kernel would."""

from __future__ import annotations

import os
import resource
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tiski.channels.email import child


@contextmanager
def short_of_memory(most: int) -> Iterator[None]:
    """Kill the parser child whenever it holds more than so many bytes, as the kernel does when memory runs out."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.002):
            with suppress(OSError, TypeError):
                pid = child._shared.pid or 0
                if resident(pid) > most:
                    os.kill(pid, signal.SIGKILL)

    thread = threading.Thread(target=watch, name="memory")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(10)
        child.close()


def resident(pid: int) -> int:
    """Bytes of memory that a process holds."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()
