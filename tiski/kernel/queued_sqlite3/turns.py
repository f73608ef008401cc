"""The line in which a process's writers wait for SQLite's write lock: first come, first served.

SQLite itself makes a writer sleep and try again, longer each time, so that a busy process serves whoever happens to be
awake and leaves others asleep for seconds. In a line each gets the lock as soon as the one before has committed.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque

# Other processes are not in the line; they get in when nobody of this one has written for a pause: at least once in so
# many seconds (docs/decisions/0014).
LONGEST_RUN = 0.010
PAUSE = 0.0015

_thread = threading.local()


class Turns:
    """The line before one database file. A turn belongs to a connection, not to a thread, and is taken once."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._line: deque[threading.Lock] = deque()
        self._is_taken = False
        self._freed_at = self._run_began = 0.0

    def take(self, seconds: float) -> bool:
        """Wait for the turn; False when it did not come within so many seconds."""
        with self._guard:
            ticket = self._stand_in_line() if self._is_taken else None
            if ticket is None:
                self._is_taken, now = True, time.monotonic()
                self._run_began = now if now - self._freed_at > PAUSE else self._run_began
        if ticket is not None and not ticket.acquire(timeout=max(0.0, seconds)) and self._left_the_line(ticket):
            return False
        self._let_others_in()
        return True

    def pass_on(self) -> None:
        """Give the turn to the next in line."""
        with self._guard:
            if self._line:
                self._line.popleft().release()
            else:
                self._is_taken, self._freed_at = False, time.monotonic()

    def waiting(self) -> int:
        """How many stand in line."""
        return len(self._line)

    def _stand_in_line(self) -> threading.Lock:
        ticket = threading.Lock()
        ticket.acquire()
        if getattr(_thread, "goes_first", False):
            self._line.appendleft(ticket)
        else:
            self._line.append(ticket)
        return ticket

    def _let_others_in(self) -> None:
        """Pause, with the turn, when this process has left no gap for too long."""
        if time.monotonic() - self._run_began > LONGEST_RUN:
            time.sleep(PAUSE)
            self._run_began = time.monotonic()

    def _left_the_line(self, ticket: threading.Lock) -> bool:
        with self._guard:
            if ticket not in self._line:
                return False  # the turn came at the last moment
            self._line.remove(ticket)
            return True


_lines: dict[str, Turns] = {}


def line_before(file: str) -> Turns:
    """This process's line before a database file."""
    return _lines.get(file) or _lines.setdefault(file, Turns())


def go_first() -> None:
    """Let this thread stand at the head of every line: for the one that stores for many at once."""
    _thread.goes_first = True


# Whoever had the turn goes on in the parent only.
os.register_at_fork(after_in_child=_lines.clear)
