"""Django behind the event loop, in a few threads that no slow visitor can hold.

A request's body is complete before it takes a thread, and its answer leaves the thread whole. a2wsgi builds the
environment; its own responder is not used because its chunk-by-chunk hand-over costs 150 µs more per page.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from tempfile import SpooledTemporaryFile
from typing import IO, Any, cast

from a2wsgi.wsgi import build_environ
from django.utils.translation import gettext as _

from tiski.kernel.live.gate import Call, Turned
from tiski.kernel.live.responding import turn_away

from .public_answers import PublicAnswers

# Each thread keeps its own connection. SQLite answers inside the process, where one thread computes at a time and a
# second one waits for what the first reads; a database server has to be waited for by more.
THREADS = {"sqlite": 2, "postgresql": 4}
MOST_WAITING = 200
LONGEST_WAIT = 8.0  # seconds for a thread; who waited longer is told at once, so that a stuck database piles up nothing
LARGEST_BODY = 32 * 1024 * 1024
IN_MEMORY = 1024 * 1024
PIECE = 256 * 1024
SLOWEST_UPLOAD = 16_000  # bytes a second; slower than that is cut off
PATIENCE = 30.0

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

log = logging.getLogger(__name__)


class FileToSend:
    """What Django gives back for a file: the bridge sends it piece by piece without holding a thread."""

    def __init__(self, file: IO[bytes], block_size: int = PIECE) -> None:
        self.file = file

    def __iter__(self) -> Iterator[bytes]:
        return iter(lambda: self.file.read(PIECE), b"")

    def close(self) -> None:
        """Close the file, and with it the response."""
        self.file.close()


class Answer:
    """Status, headers and the pieces of a WSGI response."""

    def __init__(self) -> None:
        self.status = 500
        self.headers: list[tuple[bytes, bytes]] = []
        self.pieces: Iterator[bytes] = iter(())
        self.close: Callable[[], None] = lambda: None

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: object = None) -> Callable[[bytes], None]:
        """WSGI's `start_response`."""
        self.status = int(status.split(" ", 1)[0])
        self.headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        return _refuse_write

    def take(self) -> tuple[bytes, bool]:
        """The next piece of the body and whether it was the last."""
        taken, size = [], 0
        for piece in self.pieces:
            taken.append(piece)
            size += len(piece)
            if size >= PIECE:
                return b"".join(taken), False
        self.close()
        return b"".join(taken), True


class WsgiBridge:
    """Answers HTTP requests with a WSGI application in a few threads."""

    def __init__(self, application: Application, threads: int) -> None:
        self._application = application
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="web")
        self._waiting = 0
        self._public = PublicAnswers()

    async def __call__(self, call: Call) -> None:
        """Read the body, run the application in a thread, send its answer."""
        kept = self._public.find(call.scope)
        if kept is not None:
            await call.send({"type": "http.response.start", "status": kept.status, "headers": kept.headers})
            await call.send({"type": "http.response.body", "body": kept.body})
            return
        if self._waiting >= MOST_WAITING:
            await turn_away(call, _too_many())
            return
        self._waiting += 1
        try:
            with cast("IO[bytes]", SpooledTemporaryFile(IN_MEMORY)) as body:
                size = await _read_body(call, body)
                if isinstance(size, Turned):
                    await turn_away(call, size)
                elif size >= 0:
                    await self._answer(call, body, size)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """End the threads when their requests are answered."""
        self._pool.shutdown(wait=False)

    async def _answer(self, call: Call, body: IO[bytes], size: int) -> None:
        loop = asyncio.get_running_loop()
        environ = cast("dict[str, Any]", build_environ(cast("Any", call.scope), cast("Any", body)))
        environ["CONTENT_LENGTH"] = str(size)
        environ["wsgi.file_wrapper"] = FileToSend
        # A context of its own, so that nothing a request sets (language, shop) is seen by the thread's next one.
        context = contextvars.copy_context()
        latest = time.monotonic() + LONGEST_WAIT
        begun = await loop.run_in_executor(self._pool, context.run, self._run, environ, latest)
        if begun is None:
            await turn_away(call, _too_many())
            return
        answer, piece, last = begun
        if last:
            self._public.keep(call.scope, answer.status, answer.headers, piece)
        try:
            await call.send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
            await call.send({"type": "http.response.body", "body": piece, "more_body": not last})
            while not last:
                piece, last = await loop.run_in_executor(self._pool, answer.take)
                await call.send({"type": "http.response.body", "body": piece, "more_body": not last})
        finally:
            if not last:
                await loop.run_in_executor(self._pool, answer.close)

    def _run(self, environ: dict[str, Any], latest: float) -> tuple[Answer, bytes, bool] | None:
        """The answer's first piece; None when the thread came too late."""
        if time.monotonic() > latest:
            return None
        answer = Answer()
        response = self._application(environ, answer.start)
        answer.pieces = iter(response)
        answer.close = getattr(response, "close", answer.close)
        piece, last = answer.take()
        return answer, piece, last


def _too_many() -> Turned:
    return Turned(503, _("Very many pages are being asked for just now. Try again in a moment."))


async def _read_body(call: Call, body: IO[bytes]) -> int | Turned:
    """The body's size, -1 when the visitor went away, or why it was not taken."""
    declared = next((value for name, value in call.scope["headers"] if name == b"content-length"), b"0")
    if not declared.isdigit() or int(declared) > LARGEST_BODY:
        return Turned(413, _("This is too large to be sent here. Send something smaller."))
    size = 0
    try:
        async with asyncio.timeout(PATIENCE + int(declared) / SLOWEST_UPLOAD):
            more = True
            while more:
                message = await call.receive()
                if message["type"] == "http.disconnect":
                    return -1
                piece, more = message.get("body", b""), message.get("more_body", False)
                size += len(piece)
                if size > LARGEST_BODY:
                    return Turned(413, _("This is too large to be sent here. Send something smaller."))
                body.write(piece)
    except TimeoutError:
        return Turned(408, _("Sending took too long. Try again with a better connection or a smaller file."))
    body.seek(0)
    return size


def _refuse_write(piece: bytes) -> None:
    raise NotImplementedError("Django never writes this way")
