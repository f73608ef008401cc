"""How long a message takes from a visitor's window at one live process to another window of theirs at another."""

from __future__ import annotations

import json
import secrets
import time
from types import TracebackType
from typing import Any
from uuid import uuid4

from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

PAUSE = 0.02


class Window:
    """One of a visitor's windows, at a live process of one's choice: no proxy between."""

    def __init__(self, address: str, token: str, conversation: str) -> None:
        self.conversation = conversation
        self._hello = {"t": "hello", "token": token, "conversation": conversation, "after": 0}
        self._opening = connect(
            f"{address.replace('http', 'ws', 1)}/w/teepuoti/live", origin=Origin(address), proxy=None, compression=None
        )
        self._socket: ClientConnection

    def __enter__(self) -> Window:
        self._socket = self._opening.__enter__()
        self._send(**self._hello)
        self._next("ready", 20)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opening.__exit__(kind, error, trace)

    def say(self) -> int:
        """Send a message and return its seq once it is acknowledged."""
        message = {
            "conversation": self.conversation,
            "body": "Onko ketään?",
            "page": "/demo/",
            "lang": "fi",
            "files": [],
        }
        self._send(t="message", client_id=str(uuid4()), **message)
        return int(self._next("ack", 20)["seq"])

    def hear(self, seconds: float) -> int:
        """The seq of the next message; raises TimeoutError."""
        return int(self._next("message", seconds)["seq"])

    def _send(self, **frame: Any) -> None:
        self._socket.send(json.dumps(frame))

    def _next(self, kind: str, seconds: float) -> dict[str, Any]:
        end = time.monotonic() + seconds
        while True:
            frame: dict[str, Any] = json.loads(self._socket.recv(timeout=max(0.0, end - time.monotonic())))
            if frame["t"] == "beat":
                self._send(**frame)
            if frame["t"] == kind:
                return frame


def crossings(here: str, there: str, *, count: int, longest: float) -> list[float]:
    """Seconds from sending here until it is shown there, sorted; raises TimeoutError when one takes too long.

    `here` and `there` are addresses of live processes.
    """
    token, conversation, seconds = secrets.token_urlsafe(32), str(uuid4()), []
    with Window(here, token, conversation) as first:
        first.say()
        with Window(there, token, conversation) as second:
            for _ in range(count):
                sent = time.monotonic()
                seq = first.say()
                if second.hear(longest) != seq:
                    raise AssertionError("another message came than was sent")
                seconds.append(time.monotonic() - sent)
                time.sleep(PAUSE)
    return sorted(seconds)
