"""What is checked of every request before anything answers it: host, header names, proxies (security.md 4.3).

The live half has no Django middleware, and both halves get the same cleaned request.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.conf import settings
from django.http.request import split_domain_port, validate_host

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
Network = IPv4Network | IPv6Network

ONCE = frozenset({b"host", b"origin", b"forwarded", b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host"})
FORWARDED = frozenset(
    {b"forwarded", b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"x-forwarded-port"}
)
PROBES = frozenset({"/livez", "/readyz"})
LONGEST_QUERY = 4096


@dataclass(frozen=True, slots=True)
class Call:
    """What an ASGI server calls an application with."""

    scope: Scope
    receive: Receive
    send: Send


@dataclass(frozen=True, slots=True)
class Turned:
    """A request that goes no further: the status and the sentence it is answered with."""

    status: int
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Knock:
    """Someone at a door or a route, checked so far as headers can be: `params` are the <names> of its address."""

    method: str
    path: str
    params: dict[str, str]
    query: dict[str, str]
    headers: dict[str, str]
    client: str
    host: str
    secure: bool
    origin: str | None

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies as the browser sent them."""
        pairs = (part.partition("=") for part in self.headers.get("cookie", "").split(";"))
        return {name.strip(): value.strip() for name, _, value in pairs if name.strip()}

    @property
    def own_origins(self) -> frozenset[str]:
        """The origins of Tiski's own pages: the base URL's, and the one this request was sent to."""
        base = urlsplit(settings.TISKI_BASE_URL)
        scheme = "https" if self.secure else "http"
        return frozenset({f"{base.scheme}://{base.netloc}", f"{scheme}://{self.host}"})


def clean(scope: Scope) -> Turned | None:
    """Check and clean a request in place; `client` and `scheme` become the visitor's. None lets it pass."""
    headers: list[tuple[bytes, bytes]] = [(name, value) for name, value in scope["headers"] if b"_" not in name]
    names = [name for name, _ in headers]
    if any(names.count(name) > 1 for name in ONCE.intersection(names)):
        return Turned(400, "A header that may appear once was sent twice.")
    found = dict(headers)
    host = found.get(b"host", b"").decode("latin-1")
    if scope["path"] not in PROBES and not is_known_host(host):
        return Turned(400, "This host name is not served here. Set TISKI_BASE_URL to the public address.")
    _believe_proxies(scope, found)
    scope["headers"] = [(name, value) for name, value in headers if name not in FORWARDED]
    return None


def knock(scope: Scope, params: dict[str, str]) -> Knock:
    """A cleaned request as doors and routes read it."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    query = scope["query_string"][:LONGEST_QUERY].decode("latin-1")
    client = scope.get("client")
    return Knock(
        method=scope.get("method", "GET"),
        path=scope["path"],
        params=params,
        query=dict(parse_qsl(query, keep_blank_values=True, max_num_fields=50)) if query else {},
        headers=headers,
        client=client[0] if client else "",
        host=headers.get("host", ""),
        secure=scope["scheme"] in {"https", "wss"},
        origin=headers.get("origin") or _origin_of_a_plain_get(scope, headers),
    )


def _origin_of_a_plain_get(scope: Scope, headers: dict[str, str]) -> str | None:
    # Chromium sends no Origin with a same-origin GET, but says so in a header that scripts cannot set.
    if scope["type"] != "http" or headers.get("sec-fetch-site") != "same-origin":
        return None
    return f"{scope['scheme']}://{headers.get('host', '')}" if scope["method"] in {"GET", "HEAD"} else None


def _believe_proxies(scope: Scope, headers: dict[bytes, bytes]) -> None:
    proxies = _networks(tuple(settings.TISKI_TRUSTED_PROXIES))
    client = scope.get("client")
    if not proxies or client is None or not _within(client[0], proxies):
        return
    chain = [client[0], *reversed(headers.get(b"x-forwarded-for", b"").decode("latin-1").split(","))]
    visitor = next((hop.strip() for hop in chain if not _within(hop.strip(), proxies)), client[0])
    scope["client"] = (visitor if _is_address(visitor) else client[0], 0)
    scheme = headers.get(b"x-forwarded-proto", b"").decode("latin-1").strip().lower()
    if scheme in {"http", "https"}:
        scope["scheme"] = scheme.replace("http", "ws") if scope["type"] == "websocket" else scheme


def is_known_host(host: str) -> bool:
    """Whether a Host header names this installation."""
    return _known_host(host, tuple(settings.ALLOWED_HOSTS))


@lru_cache(maxsize=256)
def _known_host(host: str, allowed: Sequence[str]) -> bool:
    domain, _ = split_domain_port(host)
    return bool(domain) and validate_host(domain, list(allowed))


@lru_cache(maxsize=8)
def _networks(texts: Sequence[str]) -> tuple[Network, ...]:
    return tuple(ip_network(text, strict=False) for text in texts)


def _within(text: str, networks: tuple[Network, ...]) -> bool:
    try:
        address = ip_address(text)
    except ValueError:
        return False
    return any(address in network for network in networks)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
