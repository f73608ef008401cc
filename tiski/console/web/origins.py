"""The domains of a shop's pages, as merchants type them and as browsers send them in `Origin`."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from tiski.console.errors import NotADomain, TooManyDomains

MOST = 20
_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_PORTS = {"https": 443, "http": 80}


def origins(typed: str) -> list[str]:
    """One origin for each line, each once; a line without a scheme means https. Raises `NotADomain`."""
    found = list(dict.fromkeys(origin(line.strip()) for line in typed.splitlines() if line.strip()))
    if len(found) > MOST:
        raise TooManyDomains(limit=MOST)
    return found


def origin(line: str) -> str:
    """The origin a browser would send from that site (RFC 6454): its scheme, host and unusual port."""
    try:
        parts = urlsplit(line if "://" in line else f"https://{line}")
        host = (parts.hostname or "").encode("idna").decode("ascii").lower()
        port = parts.port
    except ValueError as bad:
        raise NotADomain(line=line[:80]) from bad
    has_more = parts.path.strip("/") or parts.query or parts.fragment or parts.username is not None
    if parts.scheme not in _PORTS or has_more or not _HOST.fullmatch(host):
        raise NotADomain(line=line[:80])
    return f"{parts.scheme}://{host}" + (f":{port}" if port not in {None, _PORTS[parts.scheme]} else "")
