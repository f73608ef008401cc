"""One strict reading of a URL: what two parsers could read differently is refused."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Self
from urllib.parse import quote, urljoin

import idna

from .errors import AddressRefused

LONGEST = 4096
PORTS = {"http": 80, "https": 443}
_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9a-fA-F:.]+\]|[^/?#@:\[\]]+)(?::(?P<port>[0-9]{1,5}))?(?P<path>[/?][^#]*)?(?:#.*)?",
    re.IGNORECASE,
)
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
# What a resolver may take for a number: a last label of digits, or of hexadecimal digits after 0x (WHATWG URL 3.5).
_NUMERIC = re.compile(r"[0-9]+|0x[0-9a-f]*")


@dataclass(frozen=True, slots=True)
class Target:
    """A URL taken apart: host in ASCII without brackets, path with the query."""

    scheme: str
    host: str
    port: int
    path: str

    @classmethod
    def of(cls, url: object) -> Self:
        """Read a URL; raises AddressRefused for everything unusual."""
        if not isinstance(url, str) or len(url) > LONGEST:
            raise AddressRefused("not a URL, or too long")
        if any(_is_forbidden(character) for character in url):
            raise AddressRefused("backslash, space or control character in the URL")
        parts = _URL.fullmatch(url)
        if parts is None:
            raise AddressRefused("not a plain http or https URL")
        scheme = parts["scheme"].lower()
        port = int(parts["port"]) if parts["port"] else PORTS[scheme]
        if not 0 < port < 65536:
            raise AddressRefused("impossible port")
        path = quote(parts["path"] or "/", safe="/?&=+$,;:@!*'()[]~%-._")
        return cls(scheme, host_name(parts["host"]), port, path if path.startswith("/") else f"/{path}")

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port: what a secret may not leave."""
        return self.scheme, self.host, self.port

    @property
    def authority(self) -> str:
        """The `Host` header: the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The whole URL again."""
        return f"{self.scheme}://{self.authority}{self.path}"

    def follow(self, location: str) -> Target:
        """Where a redirect leads; read as strictly as the first URL."""
        if any(_is_forbidden(character) for character in location):
            raise AddressRefused("backslash, space or control character in a redirect")
        try:
            return Target.of(urljoin(self.url, location))
        except ValueError as error:
            raise AddressRefused("a redirect that cannot be read") from error


def host_name(host: str) -> str:
    """The host in ASCII, without brackets; raises AddressRefused when any mapping would change what was written."""
    try:
        if ":" in host:
            return str(IPv6Address(host[1:-1] if host.startswith("[") and host.endswith("]") else host))
        ascii_host = _in_ascii(host)
        if _NUMERIC.fullmatch(ascii_host.rsplit(".", 1)[-1]):
            return str(IPv4Address(ascii_host))
    except AddressValueError as error:
        raise AddressRefused("not an address in its usual form") from error
    if len(ascii_host) > 253 or not all(_LABEL.fullmatch(label) for label in ascii_host.split(".")):
        raise AddressRefused("not a host name")
    return ascii_host


def _in_ascii(host: str) -> str:
    """IDNA 2008 without any mapping: refuses `①②⑦.⓪.⓪.①` and invisible characters, accepts `teehäuser.de`."""
    if host.isascii():
        return host.lower()
    # The ideographic full stop survives NFKC and is a dot to every resolver.
    if unicodedata.normalize("NFKC", host) != host or host.lower() != host or "\u3002" in host:
        raise AddressRefused("a host name that changes when it is normalised")
    try:
        return idna.encode(host, uts46=False, std3_rules=True).decode("ascii")
    except (idna.IDNAError, UnicodeError) as error:
        raise AddressRefused("not an international host name") from error


def _is_forbidden(character: str) -> bool:
    return character == "\\" or character.isspace() or unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
