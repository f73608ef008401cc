"""The one clock: everything that asks for the time asks here."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

_told: ContextVar[datetime | None] = ContextVar("told_time", default=None)


def now() -> datetime:
    """The present moment as an aware UTC time, or the one told by `as_of`."""
    return _told.get() or datetime.now(UTC)


@contextmanager
def as_of(moment: datetime) -> Iterator[None]:
    """Write history: whatever is done inside happened at `moment`. For imports and the demo shop."""
    token = _told.set(moment)
    try:
        yield
    finally:
        _told.reset(token)
