"""The live application: raw ASGI beside Django, for the sockets and routes that packages have plugged in."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from typing import Any

from tiski.kernel import limits as kernel_limits
from tiski.kernel.errors import TooMany

from . import routes as plugged
from .counters import counters
from .entrance import Entrance, entrances
from .gate import Call, Knock, Receive, Scope, Send, Turned, knock
from .hub import hub
from .principal import OWN_ORIGIN
from .relay import Relay
from .responding import preflight, respond, turn_away
from .routes import ClientGone, Origins, Request, Response, Route, response_to
from .sockets import Limits, Sockets
from .threads import end_threads, in_thread
from .wire import EXTENSION

ORIGINS_SECONDS = 10.0
MOST_ORIGINS = 10_000

log = logging.getLogger(__name__)


class Live:
    """Every socket and route of the live half. Requests come here already cleaned by `gate.clean`."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.sockets = Sockets(hub, limits or Limits())
        self._origins: dict[tuple[Any, ...], tuple[float, Collection[str] | None]] = {}
        self._relay: Relay | None = None
        self._sweep: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to relay facts and to keep the heartbeat."""
        loop = asyncio.get_running_loop()
        self.sockets.draining = False
        self._relay = Relay(hub, loop)
        self._relay.start()
        self._sweep = loop.create_task(self.sockets.sweep())

    async def stop(self) -> None:
        """End what `start` began; sockets are closed by `sockets.hang_up`."""
        if self._sweep is not None:
            self._sweep.cancel()
        if self._relay is not None:
            await asyncio.to_thread(self._relay.stop)
        await asyncio.to_thread(end_threads)

    def answers(self, scope: Scope) -> bool:
        """Whether this request belongs to the live half."""
        path = scope["path"]
        return scope["type"] == "websocket" or any(route.pattern.fullmatch(path) for route in plugged.routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request or keep a socket."""
        if scope["type"] == "websocket":
            await self._socket(Call(scope, receive, send))
        else:
            await self._request(Call(scope, receive, send))

    async def _socket(self, call: Call) -> None:
        found = await self._door(call.scope)
        if isinstance(found, Turned):
            counters.refused_handshakes += 1
            await turn_away(call, found)
            return
        await self.sockets.open(*found, call)

    async def _door(self, scope: Scope) -> tuple[Entrance[Any], Knock] | Turned:
        if EXTENSION not in scope["extensions"]:
            raise RuntimeError("the live application needs uvicorn with ws=tiski.kernel.live.wire.Wire")
        for entrance in entrances:
            match = entrance.address.fullmatch(scope["path"])
            if match is None:
                continue
            visitor = knock(scope, match.groupdict())
            turned = self.sockets.turned(visitor.client)
            if turned is not None:
                return turned
            allowed = await self._allowed(entrance, entrance.door.origins, visitor)
            if allowed is None:
                return Turned(404, "There is no socket at this address.")
            if visitor.origin not in allowed:
                return Turned(403, "This page may not open a socket here.")
            return entrance, visitor
        return Turned(404, "There is no socket at this address.")

    async def _request(self, call: Call) -> None:
        counters.requests += 1
        scope = call.scope
        matches = [(route, found) for route in plugged.routes if (found := route.pattern.fullmatch(scope["path"]))]
        method = {"HEAD": "GET"}.get(scope["method"], scope["method"])
        visitor = knock(scope, matches[0][1].groupdict())
        if method == "OPTIONS":
            method = visitor.headers.get("access-control-request-method", "")
        route = next((route for route, _ in matches if route.method == method), None)
        if route is None:
            methods = ", ".join(route.method for route, _ in matches)
            await respond(call, Response.text("Not this way.", 405, {"allow": methods}), None)
            return
        await self._answer(route, visitor, call)

    async def _answer(self, route: Route, visitor: Knock, call: Call) -> None:
        allowed = {"*"} if route.public else await self._allowed(route, route.cors or _own, visitor)
        if allowed is None:
            await respond(call, Response.text("There is nothing here.", 404), None)
            return
        shared_with = "*" if route.public else visitor.origin
        if shared_with not in allowed:
            await respond(call, Response.text("This page may not ask here.", 403), None)
            return
        if call.scope["method"] == "OPTIONS":
            await respond(call, preflight(route), shared_with)
            return
        request = Request(visitor, call.receive, route.body)
        try:
            if not self.sockets.limits.spares(visitor.client):
                most = self.sockets.limits.requests_a_minute
                kernel_limits.allow(f"request:{visitor.client}", limit=most, per=60)
            response = await route.answer(request)
        except TooMany as refusal:
            response = response_to(refusal)
        except ClientGone:
            return
        await respond(call, response, shared_with)

    async def _allowed(self, plug: object, origins: Origins, visitor: Knock) -> Collection[str] | None:
        """The origins a door or route allows, remembered for a little while so that a handshake costs no query."""
        now = asyncio.get_running_loop().time()
        key = plug, *visitor.params.items()
        known = self._origins.get(key)
        if known is None or known[0] < now:
            if len(self._origins) >= MOST_ORIGINS:
                self._origins.clear()
            known = now + ORIGINS_SECONDS, await in_thread(origins, visitor)
            self._origins[key] = known
        allowed = known[1]
        if allowed is None or OWN_ORIGIN not in allowed:
            return allowed
        return {*allowed, *visitor.own_origins} - {OWN_ORIGIN}


def _own(visitor: Knock) -> Collection[str]:
    return {OWN_ORIGIN}
