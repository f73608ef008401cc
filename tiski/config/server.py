"""The server process: one port for sockets, pages and files, and a stop that loses nothing."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import resource
import socket
import threading
from collections.abc import Callable, Collection
from types import FrameType
from typing import Any

import uvicorn

from tiski.kernel import batch, health
from tiski.kernel.live import app as live
from tiski.kernel.live import gate
from tiski.kernel.live.gate import Call, Receive, Scope, Send, Turned
from tiski.kernel.live.responding import turn_away
from tiski.kernel.live.wire import LARGEST_FRAME, Wire

from . import cores, metrics, static_files
from .environment import BadSetting
from .http_protocol import PatientProtocol
from .readiness import Readiness
from .wsgi_bridge import THREADS, WsgiBridge

WEB = "web"
LIVE = "live"
DRAIN_SECONDS = 15.0
STOP_SECONDS = 30.0
STUCK_SECONDS = 10.0
# What was sent before the signal is still in the kernel's queues: it is read and answered before the door closes.
# Turns of the loop and not seconds, because a busy loop turns slowly: one accepts, the next reads.
LAST_TURNS, TURN_SECONDS = 10, 0.01
KEEP_ALIVE_SECONDS = 30
MOST_FILES = 65_536
SPARE_FILES = 256
# Python's own seven hundred looks too often through what waits to be stored, and messages make no cycles. Pages make
# some: by twenty thousand, freeing them holds every visitor up for 10 to 35 ms; by two thousand, for 1 to 3.
COLLECT_AT = (2_000, 20, 20)

log = logging.getLogger(__name__)


class Root:
    """Cleans every request and gives it to the half that answers it."""

    def __init__(self, parts: Collection[str]) -> None:
        self._live = live if LIVE in parts else None
        self._web = WsgiBridge(_django(), THREADS[_vendor()]) if WEB in parts else None
        self._name = "-".join(sorted(parts))
        self._readiness = Readiness(self._name)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application for HTTP and WebSockets."""
        call = Call(scope, receive, send)
        path = scope["path"]
        if scope["type"] == "http" and path in gate.PROBES:
            await turn_away(call, await self._probe(path))
            return
        if scope["type"] == "http" and path == metrics.PATH:
            await metrics.answer(call, self._name)
            return
        turned = gate.clean(scope)
        if turned is not None:
            await turn_away(call, turned)
        elif self._live is not None and self._live.answers(scope):
            await self._live(scope, receive, send)
        elif scope["type"] == "websocket":
            await turn_away(call, Turned(404, "This process holds no sockets."))
        elif path.startswith("/static/"):
            await static_files.answer(call)
        elif self._web is not None:
            await self._web(call)
        else:
            await turn_away(call, Turned(404, "This process answers no pages."))

    async def _probe(self, path: str) -> Turned:
        """`/livez` says that the loop turns; `/readyz` that traffic is welcome."""
        if path == "/livez":
            return Turned(200, "ok")
        complaints = [*await self._readiness.complaints(), *(["writer"] if _writer_is_stuck() else [])]
        return Turned(503, f"not ready: {', '.join(complaints)}") if complaints else Turned(200, "ok")


class Server(uvicorn.Server):
    """uvicorn, with our order of stopping (reliability.md 9)."""

    def __init__(self, config: uvicorn.Config, parts: Collection[str], listening: Callable[[], None]) -> None:
        super().__init__(config)
        self._parts = parts
        self._listening = listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to relay before the first socket can come."""
        health.stopping = False
        if LIVE in self._parts:
            await live.start()
        await super().startup(sockets)
        self._listening()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Red, a last look, no newcomers, what was taken is stored and answered, sockets sent away, then the rest."""
        health.stopping = True
        for _ in range(LAST_TURNS):
            await asyncio.sleep(TURN_SECONDS)
        for server in self.servers:
            server.close()
        if LIVE in self._parts:
            live.sockets.refuse_frames()
            if not await asyncio.to_thread(batch.drain_all, DRAIN_SECONDS):
                log.error("not everything that waited could be stored; nothing of it was acknowledged")
            await asyncio.sleep(0)  # the last acknowledgements were handed to the loop, not yet written
            live.sockets.hang_up()
        await super().shutdown(sockets)
        if LIVE in self._parts:
            await live.stop()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal stops in order; a second one, or too long a stop, ends the process at once."""
        if self.should_exit:
            os._exit(128 + sig)
        self.should_exit = True
        deadline = threading.Timer(STOP_SECONDS, os._exit, [1])
        deadline.daemon = True
        deadline.start()


def run(
    host: str, port: int, parts: Collection[str] = (WEB, LIVE), *, listening: Callable[[], None] = lambda: None
) -> None:
    """Serve until a signal; `listening` is called once connections are accepted."""
    listener = listen(host, port)
    keep_to_one_core()
    _raise_file_limit()

    def began() -> None:
        gc.collect()
        gc.freeze()  # what is loaded now stays: no collection has to walk it again
        gc.set_threshold(*COLLECT_AT)
        listening()

    build(parts, began).run(sockets=[listener])


def _vendor() -> str:
    from django.db import connection

    return connection.vendor


def keep_to_one_core() -> None:
    """Keep this thread, and those it starts, to one core where the database is a file (decision 35).

    One of them computes at a time, and whoever computes on another core than the last finds nothing in its caches.
    """
    if _vendor() == "sqlite":
        cores.keep_to(sorted(cores.allowed())[:1])


def build(parts: Collection[str], listening: Callable[[], None]) -> Server:
    """The server of some parts, ready to run on a listening socket."""
    config = uvicorn.Config(
        Root(parts),
        loop="uvloop",
        http=PatientProtocol,
        ws=Wire,
        ws_max_size=LARGEST_FRAME,
        ws_per_message_deflate=False,
        ws_ping_interval=None,
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=int(STOP_SECONDS - DRAIN_SECONDS) - 5,
    )
    return Server(config, parts, listening)


def listen(host: str, port: int) -> socket.socket:
    """A bound socket; raises `BadSetting` with the remedy when the address cannot be had."""
    listener: socket.socket | None = None
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        if listener is not None:
            listener.close()
        reason = f"cannot listen on {host}, port {port} ({error.strerror})"
        raise BadSetting(f"{reason}. Choose others with --host and --port.") from error
    listener.setblocking(False)
    return listener


def adopt(descriptor: int) -> socket.socket:
    """A bound socket that another process opened and handed over."""
    return socket.socket(fileno=descriptor)


def _raise_file_limit() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    live.sockets.most = min(live.sockets.most, max(wanted, soft) - SPARE_FILES)


def _writer_is_stuck() -> bool:
    return any(gatherer.oldest() > STUCK_SECONDS for gatherer in batch.gatherers.values())


def _django() -> Any:
    from .warming import warm
    from .wsgi import application

    warm()
    return application
