"""Who may be behind a socket, and how a socket ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

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
