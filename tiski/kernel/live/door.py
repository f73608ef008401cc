"""Doors: where a package plugs its sockets in. A door knows who may enter and what its frames mean."""

from __future__ import annotations

import re
from collections.abc import Collection, Coroutine, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

import msgspec

from .frames import Beat, Frame, Now, Present, encode
from .gate import Knock

if TYPE_CHECKING:
    from .session import Session

OWN_ORIGIN = "own"
"""Stands in a door's or route's origins for the origins of Tiski's own pages."""

LOGIN_EXPIRED = 4401
POLICY = 1008
RESTART = 1012
TRY_LATER = 1013


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who is behind a socket. Doors extend it with what they need to know.

    `id` names the person in epochs and presence (`agent-7`); `expires` is when the login ends, in seconds since 1970.
    """

    id: str
    shop_id: int
    name: str = ""
    language: str = ""
    expires: float | None = None


Who = TypeVar("Who", bound=Principal)


class Close(Exception):
    """Ends the socket with a code and a reason of at most 120 bytes."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Pace:
    """How many frames may come up: `burst` at once, `per_second` in the long run."""

    burst: int = 40
    per_second: float = 10.0


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


class Entrance(Generic[Who]):
    """A registered door with its address and its frames made ready."""

    def __init__(self, door: Door[Who]) -> None:
        kinds: tuple[type[Frame], ...] = (door.hello, *door.frames, Beat)
        self.door = door
        self.address = address(door.path)
        self.tags = frozenset(kind.__struct_config__.tag for kind in kinds)
        union: Any = kinds[0]
        for kind in kinds[1:]:
            union |= kind
        self.decode = msgspec.json.Decoder(union).decode
        self.step = 1.0 / door.pace.per_second
        self.tolerance = self.step * max(0, door.pace.burst - 1)


class _Tagged(msgspec.Struct):
    t: str


def is_unknown(entrance: Entrance[Any], text: str) -> bool:
    """Whether a frame that could not be read is merely of a type this version does not know."""
    try:
        return _tag(text).t not in entrance.tags
    except msgspec.MsgspecError:
        return False


_tag = msgspec.json.Decoder(_Tagged).decode
entrances: list[Entrance[Any]] = []


def open_door(door: Door[Any]) -> None:
    """Register a door; from now on sockets at its address are answered."""
    if any(entrance.door.path == door.path for entrance in entrances):
        raise ValueError(f"two doors at {door.path}")
    entrances.append(Entrance(door))


def address(path: str) -> re.Pattern[str]:
    """The pattern of an address whose <names> stand for one segment each."""
    parts = re.split(r"<(\w+)>", path)
    patterns = [rf"(?P<{part}>[A-Za-z0-9_-]{{1,80}})" if n % 2 else re.escape(part) for n, part in enumerate(parts)]
    return re.compile("".join(patterns))
