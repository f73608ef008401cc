"""The one clock: everything that asks for the time asks here."""

from datetime import UTC, datetime


def now() -> datetime:
    """The present moment as an aware UTC time."""
    return datetime.now(UTC)
