"""Hints as PostgreSQL notifications: those of a transaction are heard when it has committed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db import connection

from .hint import Hint


def notify(channel: str, payload: str) -> None:
    """Say it with this thread's connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [channel, payload])


class Ear:
    """Takes notifications from this thread's connection as they come, but for those it said itself."""

    def wait(self, seconds: float) -> Sequence[Hint]:
        """See `hint.Listening`."""
        own = connection.connection.info.backend_pid
        heard = connection.connection.notifies(timeout=seconds, stop_after=1)
        return [Hint(told.channel, told.payload) for told in heard if told.pid != own]


@contextmanager
def listen(channels: Sequence[str]) -> Iterator[Ear]:
    """Listen with this thread's connection for as long as it lives."""
    with connection.cursor() as cursor:
        for channel in channels:
            cursor.execute(f"LISTEN {channel}")
    yield Ear()
