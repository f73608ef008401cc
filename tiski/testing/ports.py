"""Loopback ports and waiting for what listens on them."""

from __future__ import annotations

import secrets
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

Found = TypeVar("Found")

PORTS = range(20_000, 32_000)  # below those that systems give to outgoing connections
_given: set[int] = set()


class TookTooLong(Exception):
    """Something did not happen in time; the sentence says what."""


def free_port() -> int:
    """A loopback port nobody listens on now, another one each time."""
    while True:
        port = secrets.choice(PORTS)  # not by `random`, which tests seed: processes side by side would choose alike
        with suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            if port not in _given:
                _given.add(port)
                return port


def wait_until(holds: Callable[[], Found], what: str, *, seconds: float = 20.0, pause: float = 0.05) -> Found:
    """Return what `holds()` gives as soon as it is true; raise `TookTooLong` naming `what` after `seconds`."""
    end = time.monotonic() + seconds
    while not (found := holds()):
        if time.monotonic() > end:
            raise TookTooLong(f"{what}: not within {seconds:g} s")
        time.sleep(pause)
    return found


def wait_for_port(port: int, *, seconds: float = 20.0) -> None:
    """Return once something accepts connections on the loopback port."""
    wait_until(lambda: listens(port), f"something listening on port {port}", seconds=seconds)


def listens(port: int) -> bool:
    """Whether something accepts connections on the loopback port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
