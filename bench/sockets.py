"""A generator of visitors that costs little: frames are made beforehand, answers are counted, not read."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import secrets
import struct
import time
import uuid
from collections import deque
from dataclasses import dataclass, field

ACK = b'"t":"ack"'
MESSAGE = b'"t":"message"'


def masked(payload: bytes) -> bytes:
    """A text frame as a browser sends it (RFC 6455, section 5.2), with a mask of zeros: allowed, and free."""
    size = len(payload)
    head = bytes([0x81, 0x80 | size]) if size < 126 else b"\x81\xfe" + struct.pack(">H", size)
    return head + b"\0\0\0\0" + payload


@dataclass(slots=True)
class Tally:
    """What all sockets together have sent and heard; `waits` are seconds from send to acknowledgement."""

    sent: int = 0
    acks: int = 0
    messages: int = 0
    refused: int = 0
    waits: list[float] = field(default_factory=list)


class Visitor(asyncio.Protocol):
    """One socket. `window` messages are kept on their way when it is greater than zero."""

    def __init__(self, tally: Tally, *, port: int, token: str, conversation: str, window: int = 0) -> None:
        self.tally = tally
        self.port, self.token, self.conversation, self.window = port, token, conversation, window
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.on_the_way: deque[float] = deque()
        self.transport: asyncio.Transport | None = None
        self._said_hello = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the socket."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            f"GET /w/teepuoti/live HTTP/1.1\r\nHost: localhost:{self.port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nOrigin: http://localhost:{self.port}\r\nSec-WebSocket-Key: {key}\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        """Count what came; the first answer is the handshake, the second the hello's."""
        if not self._said_hello:
            self._said_hello = True
            hello = {"t": "hello", "token": self.token, "conversation": self.conversation, "after": 0}
            self.write(json.dumps(hello).encode())
            return
        if not self.ready.done():
            self.ready.set_result(None)
        self._count(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """The server closed."""
        if not self.ready.done():
            self.ready.set_exception(exc or ConnectionError("closed"))

    def say(self) -> None:
        """Send one message."""
        body = {
            "t": "message", "client_id": str(uuid.UUID(bytes=os.urandom(16), version=4)),
            "conversation": self.conversation, "body": "Onko teillä vihreää teetä irtona?",
            "page": "/demo/", "lang": "fi", "files": [],
        }  # fmt: skip
        self.tally.sent += 1
        self.on_the_way.append(time.perf_counter())
        self.write(json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode())

    def write(self, payload: bytes) -> None:
        """Send one frame."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(masked(payload))

    def _count(self, data: bytes) -> None:
        acks = data.count(ACK)
        self.tally.messages += data.count(MESSAGE)
        self.tally.refused += data.count(b'"t":"refused"')
        if not acks:
            return
        now = time.perf_counter()
        self.tally.acks += acks
        for _ in range(min(acks, len(self.on_the_way))):
            self.tally.waits.append(now - self.on_the_way.popleft())
        for _ in range(acks if self.window else 0):
            self.say()


async def enter(tally: Tally, port: int, count: int, *, per_conversation: int = 1, window: int = 0) -> list[Visitor]:
    """That many sockets, entered; `per_conversation` windows share a visitor's token and conversation."""
    loop = asyncio.get_running_loop()
    visitors: list[Visitor] = []
    token, conversation = "", ""
    for number in range(count):
        if number % per_conversation == 0:
            token, conversation = secrets.token_urlsafe(32), str(uuid.uuid4())
        visitor = Visitor(tally, port=port, token=token, conversation=conversation, window=window)
        await loop.create_connection(lambda made=visitor: made, "127.0.0.1", port)  # type: ignore[misc]
        visitors.append(visitor)
        if number % 50 == 49:
            await asyncio.gather(*(each.ready for each in visitors[-50:]))
    await asyncio.gather(*(each.ready for each in visitors))
    return visitors
