"""The registered doors and their addresses."""

from __future__ import annotations

import re
from typing import Any, Generic

from .codec import Codec
from .door import Door
from .principal import Who


class Entrance(Generic[Who]):
    """A registered door with its address and its frames made ready."""

    def __init__(self, door: Door[Who]) -> None:
        self.door = door
        self.address = address(door.path)
        self.codec = Codec(door.hello, door.frames, door.pace)


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
