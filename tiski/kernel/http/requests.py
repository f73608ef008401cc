"""HTTP requests within one deadline and one size, each redirect checked from the start."""

from __future__ import annotations

import socket
import ssl
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpcore
import orjson

from tiski.kernel.errors import SendFailed

from .addresses import Address, Resolver
from .errors import AddressRefused, HostUnreachable
from .sockets import connect, tls_context, usable
from .urls import PORTS, Target

SECONDS = 5.0
BYTES = 5_000_000
REDIRECTS = 3
AGENT = "Tiski"
_REDIRECTING = frozenset({301, 302, 303, 307, 308})
_SAFE = frozenset({"GET", "HEAD"})
_SECRET_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization"})


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. Header names are in lower case; the body is unpacked."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str

    @property
    def ok(self) -> bool:
        """Any 2xx."""
        return 200 <= self.status < 300

    def json(self) -> Any:
        """The body as JSON; raises HostUnreachable when it is none."""
        try:
            return orjson.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise HostUnreachable("the answer is not JSON") from error

    def expect_success(self) -> None:
        """Raise SendFailed unless it is a 2xx: for now when it is 408, 425, 429 or 5xx, for good otherwise."""
        if not self.ok:
            permanent = self.status < 500 and self.status not in {408, 425, 429}
            raise SendFailed(permanent=permanent, reason="The receiver refused it.")


def request(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    timeout: float = SECONDS,
    most: int = BYTES,
    redirects: int | None = None,
    resolver: Resolver | None = None,
) -> Answer:
    """Send one request and read the whole answer. `timeout` in seconds covers everything, redirects and body included.

    GET and HEAD follow up to 3 redirects, other methods none unless `redirects` says so. A body or an `Authorization`
    header never crosses to another host. Raises AddressRefused or HostUnreachable.
    """
    following = redirects if redirects is not None else (REDIRECTS if method in _SAFE else 0)
    asking = _Asking(method, {name.lower(): value for name, value in (headers or {}).items()}, body)
    target = Target.of(url)
    deadline = time.monotonic() + timeout
    for left in range(following, -1, -1):
        answer = _once(asking, target, deadline=deadline, most=most, resolver=resolver)
        location = answer.headers.get("location")
        if answer.status not in _REDIRECTING or not location or following == 0:
            return answer
        if left:
            further = target.follow(location)
            asking = asking.redirected(answer.status, crosses=further.origin != target.origin)
            target = further
    raise HostUnreachable("too many redirects")


@dataclass(frozen=True, slots=True)
class _Asking:
    method: str
    headers: dict[str, str]
    body: bytes

    def redirected(self, status: int, *, crosses: bool) -> _Asking:
        """The request after a redirect: as a GET without body after 301 to 303, bare when it goes to another host."""
        headers = dict(self.headers)
        method, body = self.method, self.body
        if status in {301, 302, 303} and method not in _SAFE:
            method, body = "GET", b""
            headers = {name: value for name, value in headers.items() if not name.startswith("content-")}
        if crosses and body:
            raise AddressRefused("a redirect would carry the body to another host")
        if crosses:
            headers = {name: value for name, value in headers.items() if name not in _SECRET_HEADERS}
        return _Asking(method, headers, body)


def _once(asking: _Asking, target: Target, *, deadline: float, most: int, resolver: Resolver | None) -> Answer:
    addresses = usable(target.host, target.port, ports=PORTS.values(), deadline=deadline, resolver=resolver)
    headers = asking.headers | {"host": target.authority, "accept-encoding": "gzip", "connection": "close"}
    headers.setdefault("user-agent", AGENT)
    if asking.body or asking.method not in _SAFE:
        headers["content-length"] = str(len(asking.body))
    pool = httpcore.ConnectionPool(ssl_context=tls_context(), network_backend=_ToChecked(addresses, deadline))
    try:
        with (
            pool,
            pool.stream(
                asking.method, target.url, headers=list(headers.items()), content=asking.body or None
            ) as response,
        ):
            found = {
                name.decode("latin-1").lower(): value.decode("latin-1") for name, value in reversed(response.headers)
            }
            body = _read(response.iter_stream(), found.get("content-encoding", ""), most)
    except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError) as error:
        raise HostUnreachable(f"{target.authority}: {type(error).__name__} {error}") from error
    return Answer(response.status, found, body, target.url)


def _read(chunks: Iterable[bytes], encoding: str, most: int) -> bytes:
    """The whole body, or HostUnreachable when it is longer than `most` once unpacked."""
    if encoding.strip().lower() not in {"", "identity", "gzip", "x-gzip"}:
        raise HostUnreachable(f"unexpected content encoding {encoding[:20]!r}")
    packed = "gzip" in encoding.lower()
    body = bytearray()
    for piece in _unpacked(chunks, most) if packed else chunks:
        body += piece
        if len(body) > most:
            raise HostUnreachable("the answer is too large")
    return bytes(body)


def _unpacked(chunks: Iterable[bytes], most: int) -> Iterator[bytes]:
    """Unpack in steps of at most `most` bytes, so that 200 KB cannot become 200 MB in one call."""
    unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        for chunk in chunks:
            yield unpacker.decompress(chunk, most)
            while unpacker.unconsumed_tail:
                yield unpacker.decompress(unpacker.unconsumed_tail, most)
    except zlib.error as error:
        raise HostUnreachable("the answer is packed wrongly") from error


class _ToChecked(httpcore.NetworkBackend):
    """Connects to the addresses that were checked, whatever name the library hands in."""

    def __init__(self, addresses: list[Address], deadline: float) -> None:
        self._addresses = addresses
        self._deadline = deadline

    def connect_tcp(  # noqa: PLR0917  the library's signature
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        return _Stream(connect(self._addresses, port, deadline=self._deadline), self._deadline)


class _Stream(httpcore.NetworkStream):
    """A socket whose every step ends at the deadline, so that a byte now and then gains no time."""

    def __init__(self, connected: socket.socket, deadline: float) -> None:
        self._socket = connected
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._hurry()
        try:
            return self._socket.recv(max_bytes)
        except OSError as error:
            raise httpcore.ReadError(str(error)) from error

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        rest = memoryview(buffer)
        while rest:
            self._hurry()
            try:
                rest = rest[self._socket.send(rest) :]
            except OSError as error:
                raise httpcore.WriteError(str(error)) from error

    def close(self) -> None:
        self._socket.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        self._hurry()
        try:
            return _Stream(ssl_context.wrap_socket(self._socket, server_hostname=server_hostname), self._deadline)
        except (OSError, ValueError) as error:
            self._socket.close()
            raise httpcore.ConnectError(str(error)) from error

    def get_extra_info(self, info: str) -> Any:
        return self._socket if info == "socket" else None

    def _hurry(self) -> None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("out of time")
        self._socket.settimeout(left)
