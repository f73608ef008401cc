"""The lines of the load generator, as cheap as they can be: sockets by frames, requests by kept connections."""

from __future__ import annotations

import asyncio
import base64
import os
import struct
from dataclasses import dataclass, field
from itertools import count
from typing import cast

from bench.sockets import masked

TEXT, CLOSE, PING = 1, 8, 9
_addresses = count()


def next_address() -> str:
    """Another address of this machine: a crowd does not come from one."""
    number = next(_addresses) % 60_000
    return f"127.{1 + number // 250 // 250}.{number // 250 % 250}.{1 + number % 250}"


class Socket(asyncio.Protocol):
    """A WebSocket client: `heard` gets each text frame, `closed` the end; frames of the server are never masked."""

    def __init__(self, head: str) -> None:
        self.head = head
        self.transport: asyncio.Transport | None = None
        self.is_accepted = False
        self._left = b""

    def heard(self, frame: bytes) -> None:
        """A text frame came."""

    def accepted(self) -> None:
        """The handshake is done."""

    def closed(self) -> None:
        """The line is gone."""

    def send(self, payload: bytes) -> bool:
        """Send one text frame; False when there is no line."""
        if self.transport is None or self.transport.is_closing() or not self.is_accepted:
            return False
        self.transport.write(masked(payload))
        return True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the socket."""
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance
        key = base64.b64encode(os.urandom(16)).decode()
        self.transport.write(f"{self.head}Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())

    def data_received(self, data: bytes) -> None:
        """Take the frames apart."""
        data = self._left + data if self._left else data
        if not self.is_accepted:
            head, found, data = data.partition(b"\r\n\r\n")
            if not found:
                self._left = head
                return
            if b" 101 " not in head[:20] and self.transport is not None:
                self.transport.abort()
                return
            self.is_accepted = True
            self.accepted()
        place = 0
        while (end := _end(data, place)) and end[1] <= len(data):
            kind, (start, stop) = data[place] & 15, end
            place = stop
            if kind == TEXT:
                self.heard(data[start:stop])
            elif kind == CLOSE and self.transport is not None:
                self.transport.close()
        self._left = data[place:]

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell it."""
        self.transport, self._left = None, b""
        self.closed()


def _end(data: bytes, place: int) -> tuple[int, int] | None:
    """Where the payload of the frame at this place begins and ends, when its head is there."""
    if len(data) < place + 2:
        return None
    size, start = data[place + 1] & 127, place + 2
    if size == 126:
        if len(data) < place + 4:
            return None
        (size,), start = struct.unpack_from(">H", data, place + 2), place + 4
    elif size == 127:
        if len(data) < place + 10:
            return None
        (size,), start = struct.unpack_from(">Q", data, place + 2), place + 10
    return start, start + size


def handshake(path: str, port: int, *, cookies: str = "") -> str:
    """The beginning of a socket's request."""
    with_cookies = f"Cookie: {cookies}\r\n" if cookies else ""
    return (
        f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Origin: http://localhost:{port}\r\n{with_cookies}"
    )


@dataclass(slots=True)
class Browser:
    """Requests of one person over at most six kept connections, as browsers do; answers are (status, head, body)."""

    port: int
    cookies: str = ""
    csrf: str = ""
    address: str = field(default_factory=next_address)
    _idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = field(default_factory=list)
    _room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(6))

    async def get(self, path: str, *, partial: bool = False) -> tuple[int, str, bytes]:
        """A page, or for htmx a part of one."""
        return await self._ask("GET", path, "HX-Request: true\r\nHX-Request-Type: partial\r\n" if partial else "", b"")

    async def post(self, path: str, body: bytes) -> tuple[int, str, bytes]:
        """A form, as the console's script sends it."""
        head = (
            f"Origin: http://localhost:{self.port}\r\nX-CSRFToken: {self.csrf}\r\nHX-Request: true\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n"
        )
        return await self._ask("POST", path, head, body)

    def close(self) -> None:
        """Close the connections that are kept."""
        for _reader, writer in self._idle:
            writer.close()
        self._idle.clear()

    async def _ask(self, method: str, path: str, head: str, body: bytes) -> tuple[int, str, bytes]:
        cookies = f"Cookie: {self.cookies}\r\n" if self.cookies else ""
        length = f"Content-Length: {len(body)}\r\n" if method == "POST" else ""
        whole = f"{method} {path} HTTP/1.1\r\nHost: localhost:{self.port}\r\n{cookies}{head}{length}\r\n"
        async with self._room:
            while True:
                kept = bool(self._idle)
                reader, writer = self._idle.pop() if kept else await self._connect()
                writer.write(whole.encode() + body)
                try:
                    answer = await asyncio.wait_for(_answer(reader), 30)
                except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
                    writer.close()
                    if kept and not isinstance(error, TimeoutError):
                        continue  # the server had closed a connection that was idle for long
                    raise ConnectionError(str(error)) from error
                self._idle.append((reader, writer))
                return answer

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port, local_addr=(self.address, 0), limit=1_000_000)


async def _answer(reader: asyncio.StreamReader) -> tuple[int, str, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    status, lower = int(head[9:12]), head.lower()
    if "transfer-encoding: chunked" in lower:
        body = b""
        while size := int((await reader.readuntil(b"\r\n")).strip(), 16):
            body += (await reader.readexactly(size + 2))[:-2]
        await reader.readexactly(2)
        return status, head, body
    _name, found, rest = lower.partition("content-length:")
    length = int(rest.partition("\r\n")[0]) if found and status != 304 else 0
    return status, head, await reader.readexactly(length)
