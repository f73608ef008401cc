"""A door's frames made ready for reading: the tagged union, the known types, the pace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from .frames import Beat, Frame


@dataclass(frozen=True, slots=True)
class Pace:
    """How many frames may come up: `burst` at once, `per_second` in the long run."""

    burst: int = 40
    per_second: float = 10.0


class _Tagged(msgspec.Struct):
    t: str


_tag = msgspec.json.Decoder(_Tagged).decode


class Codec:
    """Reads what comes up through one door; beats are always understood."""

    def __init__(self, hello: type[Frame], frames: Sequence[type[Frame]], pace: Pace) -> None:
        """`step` is the time one frame is worth, `tolerance` how far ahead of it a burst may be."""
        kinds: tuple[type[Frame], ...] = (hello, *frames, Beat)
        self.hello = hello
        self.burst = pace.burst
        self.step = 1.0 / pace.per_second
        self.tolerance = self.step * max(0, pace.burst - 1)
        self._tags = frozenset(kind.__struct_config__.tag for kind in kinds)
        union: Any = kinds[0]
        for kind in kinds[1:]:
            union |= kind
        self._decode = msgspec.json.Decoder(union).decode

    def decode(self, text: str) -> Any:
        """The frame in a text. Raises MsgspecError, also for one nested so deeply that reading it would take no end."""
        try:
            return self._decode(text)
        except RecursionError as error:
            raise msgspec.DecodeError("nested too deeply") from error

    def is_unknown(self, text: str) -> bool:
        """Whether a frame that could not be read is merely of a type this version does not know."""
        try:
            return _tag(text).t not in self._tags
        except (msgspec.MsgspecError, RecursionError):
            return False
