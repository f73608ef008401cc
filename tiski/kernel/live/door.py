"""Doors, where a package plugs its sockets in, and the sessions of those who came in through them."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Collection, Coroutine, Sequence
from typing import Any, ClassVar, Generic

import msgspec
from django.conf import settings
from django.utils import translation

from tiski.kernel.errors import Refusal, TooMany

from .codec import Codec, Pace
from .counters import counters
from .frames import RESYNC, Beat, Frame, Now, Present, Refused, encode, refused
from .gate import Knock
from .principal import OWN_ORIGIN, POLICY, TRY_LATER, Close, Who
from .wire import Wire, text_frame

NOT_UTF8 = 1007
WENT_WRONG = 1011
MOST_BAD_FRAMES = 5
MOST_WAITING = 32
HINTS_STOP_AT = 64 * 1024  # bytes the other side has not taken; above it presence and typing are dropped
CUT_OFF_AT = 1024 * 1024  # above it the socket is closed: the client comes back and catches up by seq

Greet = Callable[["Session[Any]", Any], Coroutine[Any, Any, None]]

log = logging.getLogger(__name__)
RESYNC_FRAME = text_frame(RESYNC)


class Door(Generic[Who]):
    """A socket's address, its frames and what they do. Registered once with `open_door`."""

    path: ClassVar[str]
    hello: ClassVar[type[Frame]]
    frames: ClassVar[tuple[type[Frame], ...]] = ()
    pace: ClassVar[Pace] = Pace()

    def origins(self, knock: Knock) -> Collection[str] | None:
        """Which pages may open this socket; None when the address leads nowhere. In a thread, kept for 10 s."""
        return {OWN_ORIGIN}

    def enter(self, knock: Knock, hello: Any) -> Who:
        """Who says hello; a Refusal or `Close` turns them away. In a thread."""
        raise NotImplementedError

    def recheck(self, principal: Who) -> Who | None:
        """The same person after their rights changed, or None when they may not stay. In a thread."""
        return principal

    async def opened(self, session: Session[Who], hello: Any) -> None:
        """The principal is known: answer the hello. Frames that come meanwhile wait."""

    def handle(self, session: Session[Who], frame: Any) -> Coroutine[Any, Any, None] | None:
        """A frame came up. Plain functions run at once and must not wait; coroutines run one after another."""
        raise NotImplementedError

    async def closed(self, session: Session[Who]) -> None:
        """The socket of someone who had entered is gone."""

    def missed(self, principal: Who, topic: str, after: int) -> Sequence[tuple[int, bytes]]:
        """The followed topic's messages after a seq, in order, as (seq, frame). In a thread."""
        raise NotImplementedError

    def draw_now(self, topic: str, who: list[Present]) -> bytes | None:
        """The frame that tells who is at a topic, or None when this door does not tell it."""
        return encode(Now(topic=topic, who=who))


class Standing:
    """One principal's sessions and the epoch of their rights."""

    __slots__ = ("epoch", "sessions")

    def __init__(self) -> None:
        self.epoch = 0
        self.sessions: set[Session[Any]] = set()


class Session(Generic[Who]):
    """What a door and the hub hold of a socket. All methods belong to the event loop's thread."""

    __slots__ = (
        "__weakref__",
        "_bad",
        "_codec",
        "_early",
        "_full_again",
        "_greet",
        "_loop",
        "_over",
        "_running",
        "_waiting",
        "_wire",
        "address",
        "door",
        "epoch",
        "followed",
        "frozen",
        "heard",
        "held",
        "knock",
        "principal",
        "standing",
        "state",
        "watched",
    )

    principal: Who

    def __init__(self, wire: Wire, door: Door[Who], codec: Codec, *, knock: Knock, greet: Greet) -> None:
        """`greet` judges the hello. `state` is the door's own to keep what it needs between frames."""
        self.door = door
        self._codec = codec
        self.knock: Knock | None = knock
        self.address = knock.client
        self._loop = asyncio.get_running_loop()
        self.heard = self._loop.time()
        self.state: Any = None
        self.standing: Standing | None = None
        self.epoch = 0
        self.watched: set[str] = set()
        self.followed: set[str] = set()
        self.frozen = 0
        self.held: list[tuple[str, int, bytes]] = []
        self._wire = wire
        self._greet: Greet | None = greet
        self._early: list[Any] | None = None
        self._full_again = 0.0
        self._bad = 0
        self._over = 0
        self._running: asyncio.Task[None] | None = None
        self._waiting: deque[Coroutine[Any, Any, None]] | None = None

    @property
    def is_current(self) -> bool:
        """Whether the principal's rights are as they were when last checked."""
        return self.standing is not None and self.standing.epoch == self.epoch

    def send(self, payload: bytes) -> None:
        """Send one JSON frame."""
        self.push(text_frame(payload))

    def push(self, frame: bytes) -> None:
        """Send a finished WebSocket frame; who reads too slowly is closed and catches up later."""
        if not self._wire.offer(frame, most=CUT_OFF_AT):
            counters.slow_closed += 1
            self.close(TRY_LATER, "too slow, reconnect and catch up")

    def hint(self, frame: bytes) -> None:
        """Send a finished frame that may be lost: dropped when the other side is slow."""
        if not self._wire.offer(frame, most=HINTS_STOP_AT):
            counters.dropped_hints += 1

    def refuse(self, refusal: Refusal, client_id: str | None = None) -> None:
        """Tell a refusal in the principal's language."""
        language = self.principal.language if self.standing else ""
        with translation.override(language or settings.LANGUAGE_CODE):
            payload = encode(refused(refusal, client_id))
        self.send(payload)

    def resync(self) -> None:
        """Tell the client to fetch everything again."""
        counters.resyncs += 1
        self.push(RESYNC_FRAME)

    def close(self, code: int, reason: str = "") -> None:
        """End the socket."""
        self._wire.hang_up(code, reason)

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something that waits, after whatever this session already waits for."""
        if self._running is None:
            self._running = self._loop.create_task(self._work_through(work))
            return
        if self._waiting is None:
            self._waiting = deque()
        if len(self._waiting) >= MOST_WAITING:
            work.close()
            self.close(POLICY, "too many requests at once")
            return
        self._waiting.append(work)

    def receive(self, message: bytes, is_text: bool) -> None:
        """Read one frame and hand it to the door."""
        counters.frames += 1
        now = self.heard = self._loop.time()
        try:
            text = str(message, "utf-8")
        except UnicodeDecodeError:
            self.close(NOT_UTF8, "frames are UTF-8")
            return
        try:
            frame = self._codec.decode(text) if is_text else None
        except msgspec.MsgspecError as error:
            self._misread(text, error)
            return
        if frame is None:
            self.close(POLICY, "frames are text")
        elif self._within_pace(now, frame) and type(frame) is not Beat:
            self._hand_over(frame)

    def begin(self) -> None:
        """The hello is answered: hand over what came meanwhile."""
        early, self._early = self._early or [], None
        for frame in early:
            self._hand_over(frame)

    def stop_listening(self) -> None:
        """Read no more frames: the process is about to end, and what it does not acknowledge is sent again."""
        self._wire.release()

    def cut(self) -> None:
        """Forget what this session was still going to do: its socket is gone."""
        if self._running is not None:
            self._running.cancel()
        for work in self._waiting or ():
            work.close()

    def _hand_over(self, frame: Any) -> None:
        try:
            if self._greet is not None or type(frame) is self._codec.hello:
                self._say_hello(frame)
                return
            if self._early is not None:
                self._early.append(frame)
                return
            work = self.door.handle(self, frame)
        except Exception as error:  # noqa: BLE001  told and logged below
            self._failed(error, getattr(frame, "client_id", None))
            return
        if work is not None:
            self.run(work)

    def _say_hello(self, frame: Any) -> None:
        if self._greet is None or type(frame) is not self._codec.hello:
            raise Close(POLICY, "hello comes first, and once")
        self._early = []
        self.run(self._greet(self, frame))
        self._greet = None

    def _within_pace(self, now: float, frame: Any) -> bool:
        codec = self._codec
        full_again = self._full_again
        if full_again <= now:
            full_again, self._over = now, 0
        if full_again - now <= codec.tolerance:
            self._full_again = full_again + codec.step
            return True
        counters.rate_refusals += 1
        self._over += 1
        if self._over > codec.burst or self.standing is None:
            self.close(POLICY, "too many frames")
        else:
            wait = int(full_again - now - codec.tolerance) + 1
            self.refuse(TooMany(wait), getattr(frame, "client_id", None))
        return False

    def _misread(self, text: str, error: Exception) -> None:
        if self._codec.is_unknown(text):
            self._within_pace(self.heard, None)
            return
        counters.bad_frames += 1
        self._bad += 1
        if self.standing is None or self._bad > MOST_BAD_FRAMES:
            self.close(POLICY, "not a frame of this protocol")
        else:
            self.send(encode(Refused(code="bad_frame", text=str(error))))

    async def _work_through(self, work: Coroutine[Any, Any, None]) -> None:
        while True:
            try:
                await work
            except Exception as error:  # noqa: BLE001  told and logged below
                self._failed(error, None)
            if not self._waiting:
                self._running = None
                return
            work = self._waiting.popleft()

    def _failed(self, error: Exception, client_id: str | None) -> None:
        if isinstance(error, Close):
            self.close(error.code, error.reason)
        elif isinstance(error, Refusal):
            self.refuse(error, client_id)
        else:
            log.error("a frame could not be handled", exc_info=error, extra={"door": self.door.path})
            self.close(WENT_WRONG, "something went wrong, reconnect")
