"""How someone's rights stand: sessions whose epoch is older than their principal's get nothing until checked again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .session import Session


class Standing:
    """One principal's sessions and the epoch of their rights."""

    __slots__ = ("epoch", "sessions")

    def __init__(self) -> None:
        self.epoch = 0
        self.sessions: set[Session[Any]] = set()
