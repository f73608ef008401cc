"""What is said on the bus, and an ear for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Hint(NamedTuple):
    """Something was said on a channel; most hints carry nothing more."""

    channel: str
    payload: str = ""


class Listening(Protocol):
    """Someone's ear on some channels."""

    def wait(self, seconds: float) -> Sequence[Hint]:
        """What was said, as soon as something is; nothing when the time is over.

        A channel is also named when hints on it may have been missed. Raises what the database raises.
        """
