"""Which addresses may be reached. Our own list, because `ipaddress.is_global` says yes to many that lead inside."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from django.conf import settings

from .errors import AddressRefused, HostUnreachable

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolver = Callable[[str], Sequence[str]]
"""Gives all addresses of a host name, as text."""

MOST_LOOKUPS = 32

# IANA IPv4 Special-Purpose Address Registry, multicast (RFC 5771) and the reserved block.
DENIED_4 = tuple(
    IPv4Network(each)
    for each in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    )
)  # fmt: skip
# Only global unicast is open (RFC 4291 2.4); inside it, what the IANA IPv6 registry keeps for special purposes.
GLOBAL_6 = IPv6Network("2000::/3")
DENIED_6 = tuple(
    IPv6Network(each) for each in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
)
_MAPPED = IPv6Network("::ffff:0:0/96")
_NAT64 = IPv6Network("64:ff9b::/96")
_COMPATIBLE = IPv6Network("::/96")
_SIIT = IPv6Network("::ffff:0:0:0/96")
_NAT64_LOCAL = IPv6Network("64:ff9b:1::/48")

_lookups = threading.BoundedSemaphore(MOST_LOOKUPS)


def checked(host: str, *, timeout: float, resolver: Resolver | None = None) -> list[Address]:
    """All addresses of the host, asked for once; raises AddressRefused when a single one of them is not open."""
    addresses = _addresses(host, timeout=timeout, resolver=resolver or system_resolver)
    allowed = allowed_networks()
    for address in addresses:
        if not is_open(address, allowed):
            raise AddressRefused(f"{host} leads to {address}, which is not open")
    return addresses


def is_open(address: Address, allowed: Iterable[Network] = ()) -> bool:
    """May this address be reached? Every IPv4 address hidden in an IPv6 form must be open as well."""
    allowed = tuple(allowed)
    return all(_is_allowed(each, allowed) or _is_public(each) for each in _forms(address))


def is_allowed(address: Address) -> bool:
    """Has the owner opened this address by name? There any port may be used."""
    allowed = allowed_networks()
    return all(_is_allowed(each, allowed) for each in _forms(address))


def allowed_networks() -> tuple[Network, ...]:
    """The owner's `TISKI_ALLOW_NETWORKS`."""
    return _parsed(tuple(settings.TISKI_ALLOW_NETWORKS))


def system_resolver(host: str) -> list[str]:
    """Ask the operating system."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise HostUnreachable(f"{host} has no address: {error}") from error
    return list(dict.fromkeys(str(each[4][0]) for each in found))


@lru_cache(maxsize=8)
def _parsed(networks: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ip_network(each, strict=False) for each in networks)


def _addresses(host: str, *, timeout: float, resolver: Resolver) -> list[Address]:
    try:
        return [ip_address(host)]
    except ValueError:
        pass
    texts = _within(timeout, resolver, host)
    try:
        # A zone ("fe80::1%eth0") chooses an interface of this machine: never for what a shop names.
        addresses = [ip_address(text) for text in texts if "%" not in text]
    except ValueError as error:
        raise AddressRefused(f"{host} resolves to something odd: {error}") from error
    if not addresses or len(addresses) != len(texts):
        raise AddressRefused(f"{host} has no address that can be used")
    return addresses


def _within(timeout: float, resolver: Resolver, host: str) -> Sequence[str]:
    """Look the name up in a thread, because the system's resolver takes no timeout and may hang for half a minute."""
    if not _lookups.acquire(timeout=timeout):
        raise HostUnreachable("too many name lookups hang")
    found: list[Sequence[str]] = []
    failed: list[HostUnreachable] = []

    def look_up() -> None:
        try:
            found.append(resolver(host))
        except HostUnreachable as error:
            failed.append(error)
        finally:
            _lookups.release()

    thread = threading.Thread(target=look_up, name="resolve", daemon=True)
    thread.start()
    thread.join(timeout)
    if failed:
        raise failed[0]
    if not found:
        raise HostUnreachable(f"the lookup of {host} took too long")
    return found[0]


def _forms(address: Address) -> list[Address]:
    """The addresses that decide: the IPv4 one alone where the network unpacks it, both for forms nobody should use."""
    if isinstance(address, IPv4Address):
        return [address]
    last = IPv4Address(int(address) & 0xFFFFFFFF)
    if address in _MAPPED or address in _NAT64:
        return [last]
    if address in _COMPATIBLE or address in _SIIT or address in _NAT64_LOCAL:
        return [address, last]
    if address.sixtofour is not None:
        return [address, address.sixtofour]
    if address.teredo is not None:
        return [address, *address.teredo]
    return [address]


def _is_allowed(address: Address, allowed: Iterable[Network]) -> bool:
    return any(address in network for network in allowed)


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in network for network in DENIED_4)
    return address in GLOBAL_6 and not any(address in network for network in DENIED_6)
