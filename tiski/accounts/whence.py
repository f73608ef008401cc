"""Where the present request came from, so that facts and audit entries can say it without knowing HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_address: ContextVar[str] = ContextVar("address", default="")


@contextmanager
def coming_from(address: str) -> Iterator[None]:
    """Work on behalf of a request from this IP address."""
    token = _address.set(address)
    try:
        yield
    finally:
        _address.reset(token)


def address() -> str:
    """IP address of the present request, or empty for work that nobody asked for over the network."""
    return _address.get()
