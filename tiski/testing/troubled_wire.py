"""A bad line: a TCP proxy on loopback that delays, stalls, throttles, cuts, or falls silent without a word.

    with TroubledWire(tiski.port) as wire:      # reach the server at 127.0.0.1:wire.port
        wire.trouble = Trouble(cut_after=(1, 30))
        ...
        wire.trouble = CALM                     # from now on, also for lines that are open

It reads WebSocket frames (RFC 6455, section 5.2) as far as their lengths, so that a line can be cut exactly between two
of them. Everything else passes as it comes. TCP itself hides loss and reordering: what is lost comes later, and so does
everything behind it, which is what `late` does.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
import time
from dataclasses import dataclass
from types import TracebackType

CHUNK = 16_384
END_OF_HANDSHAKE = b"\r\n\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What is wrong with the line, in both directions. Times are in seconds.

    `late` is the share of pieces that come late, by up to `lateness`; `bytes_per_second` 0 means as fast as it goes.
    `cut_after` cuts each new line after so many WebSocket frames, from and to. `is_deaf`: nothing passes any more, and
    nobody is told, not even of the other side's end; what was said meanwhile comes when it is over.
    """

    late: float = 0.0
    lateness: float = 0.0
    bytes_per_second: int = 0
    cut_after: tuple[int, int] | None = None
    is_deaf: bool = False


CALM = Trouble()


class TroubledWire:
    """The proxy, in a thread with an event loop of its own. `seed` makes its choices the same again."""

    def __init__(self, server: int, *, seed: int = 1) -> None:
        self.port = 0
        self.cuts = 0
        self.passed = {"up": 0, "down": 0}
        """Bytes that went to the server, and that came from it."""
        self.hung_up: list[tuple[str, float]] = []
        """Which side ended a line (`up` is the client's, `down` the server's), and when (monotonic)."""
        self._server = server
        self._trouble = CALM
        self._audible = asyncio.Event()
        self._random = random.Random(seed)
        self._loop = asyncio.new_event_loop()
        self._lines: set[asyncio.Task[None]] = set()
        self._listening = threading.Event()
        self._thread = threading.Thread(target=self._run, name="troubled-wire", daemon=True)

    def __enter__(self) -> TroubledWire:
        self._thread.start()
        if not self._listening.wait(10):
            raise RuntimeError("The proxy did not start.")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    @property
    def address(self) -> str:
        """Where the product is reached over this line, without a slash at the end."""
        return f"http://localhost:{self.port}"

    @property
    def trouble(self) -> Trouble:
        """What is wrong with the line now; set it to change that."""
        return self._trouble

    @trouble.setter
    def trouble(self, trouble: Trouble) -> None:
        self._trouble = trouble
        change = self._audible.clear if trouble.is_deaf else self._audible.set
        self._loop.call_soon_threadsafe(change)

    def cut_all(self) -> None:
        """Cut every line that is open."""
        self._loop.call_soon_threadsafe(lambda: [line.cancel() for line in self._lines])

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._audible.set()
        listening = self._loop.run_until_complete(asyncio.start_server(self._line, "127.0.0.1", 0))
        self.port = listening.sockets[0].getsockname()[1]
        self._listening.set()
        self._loop.run_forever()
        listening.close()
        for line in self._lines:
            line.cancel()
        self._loop.run_until_complete(asyncio.gather(*self._lines, return_exceptions=True))
        self._loop.close()

    async def _line(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            return
        self._lines.add(task)
        task.add_done_callback(self._lines.discard)
        writers = [writer]
        try:
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._server)
            writers.append(server_writer)
            cut = _Cut(self._frames_until_the_cut())
            async with asyncio.TaskGroup() as both:
                for way, source, target in (("up", reader, server_writer), ("down", server_reader, writer)):
                    heard: asyncio.Queue[bytes] = asyncio.Queue()
                    both.create_task(self._hear(way, source, heard))
                    both.create_task(self._pass(way, heard, target, cut))
        except (OSError, asyncio.CancelledError, BaseExceptionGroup):
            pass  # whatever ended one direction ends the line
        finally:
            for each in writers:
                with contextlib.suppress(OSError):
                    each.transport.abort()

    async def _hear(self, way: str, reader: asyncio.StreamReader, heard: asyncio.Queue[bytes]) -> None:
        """Take what one side says, and its end, also while the line is deaf."""
        while piece := await reader.read(CHUNK):
            heard.put_nowait(piece)
        self.hung_up.append((way, time.monotonic()))
        heard.put_nowait(b"")

    async def _pass(self, way: str, heard: asyncio.Queue[bytes], writer: asyncio.StreamWriter, cut: _Cut) -> None:
        frames = _Frames()
        writer.transport.set_write_buffer_limits(0)  # what passed before a cut has left before the cut
        while True:
            piece = await heard.get()
            await self._hold_up()
            if not piece:
                raise ConnectionResetError
            fitting = frames.bytes_of(piece, cut)
            await self._write(way, writer, piece[:fitting])
            if cut.is_due:
                self.cuts += 1
                raise ConnectionResetError

    async def _write(self, way: str, writer: asyncio.StreamWriter, piece: bytes) -> None:
        """All at once, or drop by drop: a tenth of a second's worth, and a byte at the least."""
        while piece:
            rate = self._trouble.bytes_per_second
            size = max(rate // 10, 1) if rate else len(piece)
            drop, piece = piece[:size], piece[size:]
            await asyncio.sleep(len(drop) / rate if rate else 0)
            writer.write(drop)
            self.passed[way] += len(drop)
            await writer.drain()

    async def _hold_up(self) -> None:
        trouble = self._trouble
        if trouble.late and self._random.random() < trouble.late:
            await asyncio.sleep(self._random.uniform(0, trouble.lateness))
        await self._audible.wait()

    def _frames_until_the_cut(self) -> int | None:
        return self._random.randint(*self._trouble.cut_after) if self._trouble.cut_after else None


@dataclass(slots=True)
class _Cut:
    """How many more frames a line carries, in both directions together; None when it is not cut."""

    frames: int | None

    @property
    def is_due(self) -> bool:
        """Whether the line has carried its last frame."""
        return self.frames == 0


class _Frames:
    """Where frames end in one direction of a line, after the handshake."""

    def __init__(self) -> None:
        self._handshake = b""
        self._is_open = False
        self._head = b""
        self._left = 0

    def bytes_of(self, piece: bytes, cut: _Cut) -> int:
        """How many bytes of the piece may pass before the cut; frames that end are counted."""
        place = 0 if self._is_open else self._skip_handshake(piece)
        while place < len(piece) and not cut.is_due:
            if self._left:
                step = min(self._left, len(piece) - place)
                self._left -= step
                place += step
            else:
                self._head += piece[place : place + 1]
                place += 1
                length = _payload_after(self._head)
                if length is None:
                    continue
                self._head, self._left = b"", length
            if not self._left and cut.frames is not None:
                cut.frames -= 1
        return place

    def _skip_handshake(self, piece: bytes) -> int:
        seen = len(self._handshake)
        self._handshake += piece
        end = self._handshake.find(END_OF_HANDSHAKE)
        if end < 0:
            return len(piece)
        self._is_open = b"websocket" in self._handshake[:end].lower()
        if not self._is_open:
            self._handshake = b""
            return len(piece)
        return end + len(END_OF_HANDSHAKE) - seen


def _payload_after(head: bytes) -> int | None:
    """The length of what follows a frame's head, its mask included; None while the head is not whole."""
    if len(head) < 2:
        return None
    length, more = head[1] & 0x7F, 4 if head[1] & 0x80 else 0
    width = {126: 2, 127: 8}.get(length, 0)
    if len(head) < 2 + width:
        return None
    return (int.from_bytes(head[2 : 2 + width]) if width else length) + more
