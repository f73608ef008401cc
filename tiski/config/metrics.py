"""`/metrics`: who may read it, and one answer for all processes that `tiski up` started.

Nothing is public here. A scraper shows the token, or asks from a configured network and not through a proxy: behind
one on this machine every stranger would come from loopback.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterable, Mapping
from functools import lru_cache
from ipaddress import ip_address, ip_network

from django.conf import settings

from tiski.kernel import metrics
from tiski.kernel.errors import Unavailable
from tiski.kernel.live import gate
from tiski.kernel.live.gate import Call, Scope, Turned
from tiski.kernel.live.responding import respond, turn_away
from tiski.kernel.live.routes import Response
from tiski.kernel.live.threads import in_thread

PATH = "/metrics"
NOTHING = Turned(404, "There is nothing here.")
BUSY = Turned(503, "Too much is going on to say how much. Ask again soon.")
WORKER_SECONDS = 3.0
LARGEST_ANSWER = 4_000_000
_PROXIES = frozenset({"forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"})

worker_port = 0
"""Where the worker that this process started tells its own numbers, on loopback; 0 when it started none."""


async def answer(call: Call, process: str) -> None:
    """Answer a request for the metrics of a process and of its worker."""
    if not _is_allowed(call.scope):
        await turn_away(call, NOTHING)
        return
    others = [text for text in [await _of_the_worker()] if text]
    try:
        body = await in_thread(metrics.exposition, process, of_others=others)
    except Unavailable:
        await turn_away(call, BUSY)
        return
    await respond(call, Response(200, body, metrics.CONTENT_TYPE, {"cache-control": "no-store"}), None)


def may_read(peer: str, headers: Mapping[str, str]) -> bool:
    """Whether a request with these headers (names in lower case) from this address may see the metrics."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme:
        known = settings.TISKI_METRICS_TOKEN
        return bool(known) and scheme.lower() == "bearer" and secrets.compare_digest(token.encode(), known.encode())
    if _PROXIES.intersection(headers) or "origin" in headers or not _is_plain_host(headers.get("host", "")):
        return False
    try:
        address = ip_address(peer)
    except ValueError:
        return False
    return any(address in network for network in _networks(tuple(settings.TISKI_METRICS_NETWORKS)))


def _is_allowed(scope: Scope) -> bool:
    names: list[str] = [name.decode("latin-1").lower() for name, _ in scope["headers"]]
    if names.count("authorization") > 1 or names.count("host") > 1 or scope["method"] not in {"GET", "HEAD"}:
        return False
    headers = dict(zip(names, (value.decode("latin-1") for _, value in scope["headers"]), strict=True))
    client = scope.get("client")
    return may_read(client[0] if client else "", headers)


def _is_plain_host(host: str) -> bool:
    """An address in digits or a name of ours: a foreign name that was made to lead here is a page's trick."""
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
    try:
        ip_address(name.strip("[]"))
    except ValueError:
        return gate.is_known_host(host)
    return True


@lru_cache(maxsize=8)
def _networks(texts: Iterable[str]) -> tuple[gate.Network, ...]:
    return tuple(ip_network(text, strict=False) for text in texts)


async def _of_the_worker() -> str:
    """The worker's own numbers; nothing while it is down or too busy to say."""
    if not worker_port:
        return ""
    try:
        async with asyncio.timeout(WORKER_SECONDS):
            reader, writer = await asyncio.open_connection("127.0.0.1", worker_port)
            try:
                writer.write(f"GET {PATH}?own HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n".encode())
                answered = await reader.read(LARGEST_ANSWER)
                while piece := await reader.read(LARGEST_ANSWER):
                    answered += piece
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return ""
    head, _, body = answered.partition(b"\r\n\r\n")
    return body.decode() if head.split(b" ", 2)[1:2] == [b"200"] else ""
