"""Routes: plain HTTP answered by the live half, beside its sockets and with the same checks and limits."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from tiski.kernel.errors import Invalid, Refusal
from tiski.kernel.statuses import answered_with, status_of

from .entrance import address
from .frames import Refused, encode, refused
from .gate import Knock, Receive
from .principal import LOGIN_EXPIRED, Close

Origins = Callable[[Knock], Collection[str] | None]

LARGEST_BODY = 64 * 1024

log = logging.getLogger(__name__)


class BodyTooLarge(Invalid):
    """More was sent than this address takes."""

    code = "too_large"
    sentence = _("This is too large to be sent here. Send something smaller.")


answered_with(413, BodyTooLarge)


class ClientGone(Exception):
    """The other side hung up before its body was complete."""


@dataclass(frozen=True, slots=True)
class Response:
    """Status, body and headers. A `Path` as the body is sent from the disk in pieces."""

    status: int = 200
    body: bytes | Path = b""
    content_type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
        """A frame or anything msgspec can write, never cached."""
        body = value if isinstance(value, bytes) else encode(value)
        return cls(status, body, "application/json", {"cache-control": "no-store", **(headers or {})})

    @classmethod
    def text(cls, sentence: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
        """One line of plain text."""
        return cls(status, f"{sentence}\n".encode(), headers=headers or {})


class Request:
    """A checked request. The body is read only by those who ask for it, and never past the route's cap.

    A handler that learns the visitor's language sets `language`, so that refusals are told in it.
    """

    def __init__(self, knock: Knock, receive: Receive, largest_body: int) -> None:
        self.knock = knock
        self.method = knock.method
        self.path = knock.path
        self.params = knock.params
        self.query = knock.query
        self.headers = knock.headers
        self.client = knock.client
        self.cookies = knock.cookies
        self.language = ""
        self._receive = receive
        self._largest_body = largest_body

    @property
    def bearer(self) -> str:
        """The token of the Authorization header, or empty."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body as it arrives; raises `BodyTooLarge` past the cap and `ClientGone` when it breaks off."""
        length = self.headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self._largest_body:
            raise BodyTooLarge
        size, more = 0, True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            piece, more = message.get("body", b""), message.get("more_body", False)
            size += len(piece)
            if size > self._largest_body:
                raise BodyTooLarge
            if piece:
                yield piece

    async def body(self) -> bytes:
        """The whole body."""
        return b"".join([piece async for piece in self.pieces()])


Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Route:
    """An address of the live half and who answers there; `cors` names the pages that may ask."""

    method: str
    path: str
    pattern: Any
    handler: Handler
    cors: Origins | None
    public: bool
    body: int

    async def answer(self, request: Request) -> Response:
        """Run the handler; refusals become their status and the `refused` frame."""
        try:
            return await self.handler(request)
        except Refusal as refusal:
            with translation.override(request.language or settings.LANGUAGE_CODE):
                return response_to(refusal)
        except Close as close:
            status = 401 if close.code == LOGIN_EXPIRED else 403
            return Response.json(Refused(code="not_allowed", text=close.reason), status)
        except (msgspec.MsgspecError, RecursionError) as error:
            return Response.json(Refused(code="bad_frame", text=str(error)), 400)


routes: list[Route] = []


def route(
    method: str, path: str, *, cors: Origins | None = None, public: bool = False, body: int = LARGEST_BODY
) -> Callable[[Handler], Handler]:
    """Register the handler of a method and an address with <names>.

    `cors(knock)` names the origins whose scripts may ask and read, in a thread, kept for 10 s; None means Tiski's own
    pages only. `public` answers every origin alike, for what holds nothing private.
    """

    def register(handler: Handler) -> Handler:
        if any((known.method, known.path) == (method, path) for known in routes):
            raise ValueError(f"two routes at {method} {path}")
        routes.append(Route(method, path, address(path), handler, cors, public, body))
        return handler

    return register


def response_to(refusal: Refusal) -> Response:
    """A refusal as an HTTP answer: the status of its kind, the `refused` frame, and when to try again."""
    retry_after = getattr(refusal, "retry_after", None)
    return Response.json(
        refused(refusal), status_of(refusal), {"retry-after": str(retry_after)} if retry_after else None
    )
