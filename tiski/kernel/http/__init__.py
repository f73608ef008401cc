"""The only way out: guarded requests, and guarded sockets for mail (security.md 2.1).

A name is resolved once, every address is checked against our own list, and the connection goes to the checked address.
Private networks open by the owner's `TISKI_ALLOW_NETWORKS` and by nothing a shop can set.
"""

from __future__ import annotations

from .addresses import Resolver
from .errors import AddressRefused, HostUnreachable
from .requests import Answer, request
from .sockets import open_socket, open_tls_socket, tls_context

__all__ = [
    "AddressRefused",
    "Answer",
    "HostUnreachable",
    "Resolver",
    "open_socket",
    "open_tls_socket",
    "request",
    "tls_context",
]
