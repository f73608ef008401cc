"""The parent's side of the parser child: one long-lived process that is replaced when a mail kills it.

`parse(raw)` is all a caller needs. Clocks on the wall are kept here, because a stopped child cannot keep its own.
"""

import atexit
import contextlib
import fcntl
import os
import selectors
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from tiski.channels.email.parsing import limits
from tiski.channels.email.parsing.model import Answer, Parsed, Request, Unparseable

__all__ = ["ParserChild", "Unparseable", "close", "parse", "problems_with_limits"]

_LENGTH = struct.Struct(">I")
_ROOT = Path(__file__).resolve().parents[3]
_CHUNK = 1024 * 1024
_PIPE_BYTES = 256 * 1024
# A child is replaced after so many mails, before crumbs of memory add up to its limit.
_MAILS_PER_CHILD = 5000

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Answer).decode


class ParserChild:
    """One child process and the right to talk to it; safe to share between threads, which then take turns."""

    def __init__(self, *, wall_seconds: float = limits.WALL_SECONDS) -> None:
        self._wall_seconds = wall_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._read_by_process = 0
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The process that would read the next mail, or None when it is yet to be started."""
        return self._process.pid if self._process else None

    def parse(
        self,
        raw: bytes,
        *,
        own_addresses: Sequence[str] = (),
        authserv_ids: Sequence[str] = (),
        dkim_keys: Mapping[str, str] | None = None,
    ) -> Parsed:
        """Read one mail. Raises Unparseable, `died` set when the child was lost to it; the next call starts another."""
        if len(raw) > limits.RAW_BYTES:
            raise Unparseable("too_large")
        request = Request(
            raw=raw,
            own_addresses=tuple(own_addresses),
            authserv_ids=tuple(authserv_ids),
            dkim_keys=dict(dkim_keys or {}),
        )
        answer = self._ask(request)
        if answer.parsed is None:
            raise Unparseable(answer.refused, died=answer.leaving)
        return answer.parsed

    def limits_in_force(self) -> dict[str, int]:
        """What the child says of its own limits: soft values by name, and `memory_refused` when the cap was felt."""
        return self._ask(Request(raw=b"", probe_limits=True)).limits

    def close(self) -> None:
        """End the child. A later call of `parse` starts a new one."""
        with self._lock:
            self._end()

    def _ask(self, request: Request) -> Answer:
        frame = _encode(request)
        with self._lock:
            process = self._running()
            try:
                answer = _decode(_exchange(process, frame, time.monotonic() + self._wall_seconds))
            except (_Lost, msgspec.DecodeError, OSError) as lost:
                raise Unparseable(self._cause(lost), died=True) from lost
            self._read_by_process += 1
            if answer.leaving or self._read_by_process >= _MAILS_PER_CHILD:
                self._end()
            return answer

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is not None:
            self._end()
        if self._process is None:
            self._process = _start()
            self._read_by_process = 0
        return self._process

    def _cause(self, lost: Exception) -> str:
        """End what is left of the child and say in a word what became of it."""
        process = self._process
        if process is None:
            return "child_died"
        timed_out = isinstance(lost, _TimedOut)
        if not timed_out:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=2)
        code = process.poll()
        self._end()
        if timed_out:
            return "wall_time_exceeded"
        return "cpu_time_exceeded" if code == -_SIGXCPU else "child_died"

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        process.wait()


class _Lost(Exception):
    """The child ended before it answered."""


class _TimedOut(_Lost):
    """The child did not answer in time."""


_SIGXCPU = 24


def _start() -> subprocess.Popen[bytes]:
    # Nothing of our environment goes along: no key, no database address. -P and -s keep other folders off its path.
    environment = {"PYTHONPATH": str(_ROOT), "PYTHONDONTWRITEBYTECODE": "1", "LC_ALL": "C.UTF-8", "PATH": os.defpath}
    process = subprocess.Popen(
        [sys.executable, "-P", "-s", "-m", "tiski.channels.email.parsing"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
        cwd="/",
        env=environment,
        start_new_session=True,
    )
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            os.set_blocking(pipe.fileno(), False)
            _widen(pipe.fileno())
    return process


def _widen(pipe: int) -> None:
    """Room for nearly every mail at once; where the system gives no more, both sides take turns more often."""
    with contextlib.suppress(AttributeError, OSError):
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


def _exchange(process: subprocess.Popen[bytes], frame: bytes, deadline: float) -> bytearray:
    """Send one frame and receive one, never waiting beyond the deadline."""
    if process.stdin is None or process.stdout is None:
        raise _Lost
    _send(process.stdin.fileno(), _LENGTH.pack(len(frame)), frame, deadline)
    source = process.stdout.fileno()
    (length,) = _LENGTH.unpack(_receive(source, _LENGTH.size, deadline))
    return _receive(source, length, deadline)


def _send(target: int, head: bytes, content: bytes, deadline: float) -> None:
    """Both with one call where they fit: the child is not woken by a length to wait for the rest."""
    left = [memoryview(head), memoryview(content)]
    while left:
        try:
            written = os.writev(target, left)
        except BlockingIOError:
            _wait(target, selectors.EVENT_WRITE, deadline)
            continue
        while left and written >= len(left[0]):
            written -= len(left.pop(0))
        if left:
            left[0] = left[0][written:]


def _receive(source: int, length: int, deadline: float) -> bytearray:
    received = bytearray()
    while len(received) < length:
        try:
            chunk = os.read(source, min(_CHUNK, length - len(received)))
        except BlockingIOError:
            _wait(source, selectors.EVENT_READ, deadline)
            continue
        if not chunk:
            raise _Lost
        received += chunk
    return received


def _wait(descriptor: int, event: int, deadline: float) -> None:
    with selectors.PollSelector() as selector:
        selector.register(descriptor, event)
        if not selector.select(max(0.0, deadline - time.monotonic())):
            raise _TimedOut


_shared = ParserChild()
atexit.register(_shared.close)


def parse(
    raw: bytes,
    *,
    own_addresses: Sequence[str] = (),
    authserv_ids: Sequence[str] = (),
    dkim_keys: Mapping[str, str] | None = None,
) -> Parsed:
    """Read one mail in this process's parser child, started when first needed.

    `own_addresses` are the addresses of our channels (a mail from one of them is our own, a loop); `authserv_ids` name
    the servers whose Authentication-Results count; `dkim_keys` maps `<selector>._domainkey.<domain>` to its TXT record.
    Raises Unparseable(reason, died).
    """
    return _shared.parse(raw, own_addresses=own_addresses, authserv_ids=authserv_ids, dkim_keys=dkim_keys)


def close() -> None:
    """End this process's child; for a clean stop."""
    _shared.close()


def problems_with_limits() -> list[str]:
    """Which of the child's limits do not apply on this machine, as codes; empty when all do (security.md section 3)."""
    try:
        found = _shared.limits_in_force()
    except Unparseable as problem:
        return [f"parser_{problem.reason}"]
    expected = {"as": limits.MEMORY_BYTES, "fsize": 0, "nofile": limits.OPEN_FILES}
    problems = [f"parser_limit_{name}" for name, value in expected.items() if found.get(name) != value]
    if found.get("cpu", -1) < 0:
        problems.append("parser_limit_cpu")
    if not found.get("memory_refused"):
        problems.append("parser_limit_memory")
    return problems
