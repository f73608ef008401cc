"""HTTP/1.1 as uvicorn speaks it, but slow and endless headers, and bodies nobody reads, are cut off.

Security.md A39, A54 and A83.
"""

from __future__ import annotations

import asyncio
from asyncio import TimerHandle

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADER_SECONDS = 10.0
LARGEST_HEADER = 32 * 1024
# Taken and dropped after an early answer: closing at once would reset the connection before the answer is read.
LINGER_SECONDS = 2.0
LINGER_BYTES = 1024 * 1024
TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: text/plain; charset=utf-8\r\n"
    b"content-length: 27\r\nconnection: close\r\n\r\nThe headers are too large.\n"
)


class PatientProtocol(HttpToolsProtocol):
    """Waits for the headers of a request, but neither for ever nor for more of them than any browser sends."""

    _waiting: TimerHandle | None = None
    _header_bytes = 0
    _in_header = True
    _unread: int | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start waiting for the first request."""
        super().connection_made(transport)
        self._begin_header()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what belongs to a header that is not complete."""
        if self._in_header:
            self._header_bytes += len(data)
        super().data_received(data)
        if self._in_header and self._header_bytes > LARGEST_HEADER and not self.transport.is_closing():
            self.transport.write(TOO_LARGE)
            self.transport.close()
        if self._unread is not None:
            self._unread += len(data)
            if self._unread > LINGER_BYTES:
                self._give_up()

    def on_message_begin(self) -> None:
        """A request begins: its headers have to arrive in time."""
        super().on_message_begin()
        self._begin_header()

    def on_headers_complete(self) -> None:
        """The headers are here."""
        self._stop_waiting()
        self._in_header = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The next bytes belong to the next request's headers."""
        super().on_message_complete()
        self._in_header, self._header_bytes = True, 0
        if self._unread is not None:
            self._unread = None
            self._stop_waiting()

    def on_response_complete(self) -> None:
        """After an answer that did not wait for its request's body, little more of that body is taken."""
        still_sending = self.cycle.more_body
        super().on_response_complete()
        if still_sending and self._unread is None:
            self._unread = 0
            self._stop_waiting()
            self._waiting = self.loop.call_later(LINGER_SECONDS, self._give_up)

    def _begin_header(self) -> None:
        self._in_header = True
        if self._waiting is None:
            self._waiting = self.loop.call_later(HEADER_SECONDS, self._give_up)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _give_up(self) -> None:
        self._waiting = None
        if not self.transport.is_closing():
            self.transport.close()
