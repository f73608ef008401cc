"""One WebSocket as uvicorn keeps it, with a shorter way in and out.

Going through the ASGI queue and one `send` per message costs about 15 µs more than the rest of the message, so frames
are handed to the session as they are parsed, and finished bytes are written straight to the transport. Handshake,
refusal and end stay ordinary ASGI.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState
from websockets.http11 import Request
from websockets.protocol import OPEN

EXTENSION = "tiski.wire"
LARGEST_FRAME = 64 * 1024
CLOSING_SECONDS = 3.0
SWITCHING_PROTOCOLS = 101

Reader = Callable[[bytes, bool], None]

log = logging.getLogger(__name__)


class _Nowhere:
    """Takes the events that nobody waits for any more."""

    def put_nowait(self, event: object) -> None:
        """Forget the event."""


class Wire(WebSocketsSansIOProtocol):
    """The protocol class given to uvicorn; the live application finds it in `scope["extensions"]`."""

    _reader: Reader | None = None
    _gone: Callable[[], None] | None = None

    def adopt(self, reader: Reader, gone: Callable[[], None]) -> None:
        """From now on `reader` gets each message and `gone` is called once at the end; no task waits meanwhile.

        What only the handshake needed is freed: with the task it is half of an idle socket's memory.
        """
        self._reader, self._gone = reader, gone
        self.queue = _Nowhere()  # type: ignore[assignment]
        del self.scope, self.request, self.response

    def release(self) -> None:
        """Read no more messages."""
        self._reader = None

    def handle_connect(self, event: Request) -> None:
        """Offer this wire to the application that is about to be called."""
        super().handle_connect(event)
        if self.response.status_code == SWITCHING_PROTOCOLS:
            self.scope["extensions"][EXTENSION] = self  # type: ignore[assignment]

    async def run_asgi(self) -> None:
        """Run the application; a socket that was adopted stays open after it."""
        try:
            await self.app(self.scope, self.receive, self.send)
        except ClientDisconnected:
            pass
        except Exception:
            log.exception("a handshake failed")
            self.send_500_response()
        if self._gone is None:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket has ended, whoever ended it."""
        super().connection_lost(exc)
        self._reader = None
        if self._gone is not None:
            self._gone()

    def send_receive_event_to_app(self) -> None:
        """Hand a whole message to the reader as it arrives."""
        message = self.frames[0] if len(self.frames) == 1 else b"".join(self.frames)
        self.frames = []
        if self._reader is not None and not self.close_sent:
            self._reader(message, self.curr_msg_data_type == "text")

    def offer(self, frame: bytes, *, most: int) -> bool:
        """Write a finished WebSocket frame, unless the other side has not taken more than `most` bytes: False then.

        A socket that is closing takes it and says nothing.
        """
        transport = self.transport
        if transport.is_closing():
            return True
        if transport.get_write_buffer_size() > most:
            return False
        if not self.close_sent and self.conn.state is OPEN:
            transport.write(frame)
        return True

    def hang_up(self, code: int, reason: str = "") -> None:
        """Close; whoever does not answer the close within a few seconds is cut off, unsent bytes included."""
        if self.close_sent or self.disconnected or self.transport.is_closing():
            return
        try:
            self.conn.send_close(code, reason)
        except InvalidState:
            return
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.close_timer = self.loop.call_later(CLOSING_SECONDS, self.transport.abort)

    def shutdown(self) -> None:
        """The server stops: a socket that was hung up keeps the moment at which it is cut off."""
        if self.close_sent:
            self.transport.close()
        else:
            super().shutdown()


def text_frame(payload: bytes) -> bytes:
    """A payload as one unmasked text frame (RFC 6455, section 5.2): the same bytes for every receiver."""
    size = len(payload)
    if size < 126:  # the largest length that the second byte can say itself is 125
        return bytes((0x81, size)) + payload
    if size < 1 << 16:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return b"\x81\x7f" + size.to_bytes(8, "big") + payload
