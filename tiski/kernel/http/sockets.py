"""Connections to checked addresses only."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Collection
from functools import lru_cache
from ipaddress import ip_address

import certifi

from .addresses import Address, Resolver, checked, is_allowed
from .errors import AddressRefused, HostUnreachable
from .urls import host_name

SECONDS = 10.0
MAIL_PORTS = frozenset({25, 110, 143, 465, 587, 993, 995, 2525})


def open_socket(
    host: str,
    port: int,
    *,
    timeout: float = 10.0,
    ports: Collection[int] = MAIL_PORTS,
    resolver: Resolver | None = None,
) -> socket.socket:
    """A connected plain socket, for protocols that start TLS themselves. `timeout` covers lookup and connection.

    Raises AddressRefused or HostUnreachable, which look the same to a shop. Other ports than `ports` are open only in
    networks the owner has allowed.
    """
    deadline = time.monotonic() + timeout
    addresses = usable(host, port, ports=ports, deadline=deadline, resolver=resolver)
    connected = connect(addresses, port, deadline=deadline)
    connected.settimeout(timeout)
    return connected


def open_tls_socket(
    host: str,
    port: int,
    *,
    timeout: float = 10.0,
    context: ssl.SSLContext | None = None,
    resolver: Resolver | None = None,
) -> ssl.SSLSocket:
    """The same with TLS from the first byte; certificate and host name are verified."""
    plain = open_socket(host, port, timeout=timeout, resolver=resolver)
    try:
        return (context or tls_context()).wrap_socket(plain, server_hostname=host_name(host))
    except (OSError, ValueError) as error:
        plain.close()
        raise HostUnreachable(f"TLS with {host} failed: {error}") from error


@lru_cache(maxsize=1)
def tls_context() -> ssl.SSLContext:
    """Verifies against the system's authorities and the bundled list; at least TLS 1.2. Also for STARTTLS."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def usable(
    host: str, port: int, *, ports: Collection[int], deadline: float, resolver: Resolver | None
) -> list[Address]:
    """The host's checked addresses, when this port may be used with all of them."""
    addresses = checked(host_name(host), timeout=_left(deadline), resolver=resolver)
    if port not in ports and not all(is_allowed(address) for address in addresses):
        raise AddressRefused(f"port {port} is not open")
    return addresses


def connect(addresses: list[Address], port: int, *, deadline: float) -> socket.socket:
    """Connect to the first of these addresses that answers; they share the time that is left."""
    last: Exception | None = None
    for position, address in enumerate(addresses):
        share = _left(deadline) / (len(addresses) - position)
        try:
            return _connected(address, port, share)
        except OSError as error:
            last = error
    raise HostUnreachable(f"no connection to port {port}: {last}") from last


def _connected(address: Address, port: int, timeout: float) -> socket.socket:
    connected = socket.create_connection((str(address), port), timeout=timeout)
    peer = ip_address(str(connected.getpeername()[0]).partition("%")[0])
    if peer not in {address, getattr(address, "ipv4_mapped", None)}:
        connected.close()
        raise AddressRefused(f"connected to {peer} instead of {address}")
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connected


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise HostUnreachable("out of time")
    return left
