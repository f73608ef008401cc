"""Writing answers of the live half: its security headers, CORS, refusals before a handshake, files in pieces."""

from __future__ import annotations

import asyncio
from pathlib import Path

from django.conf import settings

from .gate import Call, Send, Turned
from .routes import Response, Route

PIECE = 64 * 1024
YEAR = 31_536_000


async def respond(call: Call, response: Response, shared_with: str | None) -> None:
    """Send an answer; `shared_with` is the origin whose scripts may read it, or "*"."""
    body = response.body
    size = len(body) if isinstance(body, bytes) else await asyncio.to_thread(_size, body)
    headers = {
        "content-type": response.content_type,
        "content-length": str(size),
        "x-content-type-options": "nosniff",
        "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
        "referrer-policy": "strict-origin",
        **_sharing(shared_with),
        **({"strict-transport-security": f"max-age={YEAR}"} if settings.SECURE else {}),
        **response.headers,
    }
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await call.send({"type": "http.response.start", "status": response.status, "headers": raw})
    if call.scope["method"] == "HEAD":
        await call.send({"type": "http.response.body", "body": b""})
    elif isinstance(body, bytes):
        await call.send({"type": "http.response.body", "body": body})
    else:
        await _send_file(call.send, body, size)


def preflight(route: Route) -> Response:
    """What a browser asks before a cross-origin request that is not simple."""
    allowed = {
        "access-control-allow-methods": route.method,
        "access-control-allow-headers": "authorization, content-type",
        "access-control-max-age": "7200",
    }
    return Response(204, headers=allowed)


async def turn_away(call: Call, turned: Turned) -> None:
    """Answer a request or a handshake that goes no further; no socket is opened."""
    kind = "websocket.http.response" if call.scope["type"] == "websocket" else "http.response"
    body = f"{turned.sentence}\n".encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    if turned.status in {429, 503}:
        headers.append((b"retry-after", b"5"))
    await call.send({"type": f"{kind}.start", "status": turned.status, "headers": headers})
    await call.send({"type": f"{kind}.body", "body": body})


def _sharing(shared_with: str | None) -> dict[str, str]:
    if shared_with is None:
        return {"vary": "origin", "cross-origin-resource-policy": "same-origin"}
    shared = {"access-control-allow-origin": shared_with, "cross-origin-resource-policy": "cross-origin"}
    return shared if shared_with == "*" else shared | {"vary": "origin", "access-control-expose-headers": "retry-after"}


async def _send_file(send: Send, path: Path, size: int) -> None:
    file = await asyncio.to_thread(path.open, "rb")
    try:
        sent = 0
        while sent < size:
            piece = await asyncio.to_thread(file.read, min(PIECE, size - sent))
            if not piece:
                raise OSError(f"{path.name} became shorter while it was sent")
            sent += len(piece)
            await send({"type": "http.response.body", "body": piece, "more_body": sent < size})
    finally:
        file.close()


def _size(path: Path) -> int:
    return path.stat().st_size
