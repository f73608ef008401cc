"""Readiness: whether this process should be sent traffic (reliability.md 9)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from . import clock, storage
from .models import Delivery, Pulse

FREE_BYTES = 50_000_000
FREE_INODES = 1000

stopping = False
"""Set when the process has been told to stop: it finishes what it has and takes nothing new."""


def complaints(process: str = "web") -> list[str]:
    """What keeps this process from being ready; empty when it is. Performs one real database write."""
    return list(_complaints(process))


def _complaints(process: str) -> Iterator[str]:
    if stopping:
        yield "stopping"
    yield from _short_of_room()
    try:
        Pulse.objects.update_or_create(process=process, defaults={"at": clock.now()})
        if _unmigrated():
            yield "schema"
        overdue = clock.now() - timedelta(seconds=settings.TISKI_LONGEST_LAG)
        if Delivery.objects.filter(dead_at__isnull=True, due__lt=overdue, lease_until__isnull=True, tries=0).exists():
            yield "lag"
    except DatabaseError:
        connection.close()
        yield "database"


def _short_of_room() -> Iterator[str]:
    try:
        room = storage.room()
    except OSError:
        yield "disk"
        return
    if room.free_bytes < FREE_BYTES:
        yield "disk"
    if 0 <= room.free_inodes < FREE_INODES:
        yield "inodes"
    if (storage.wal_bytes() or 0) > settings.TISKI_WAL_ALARM * 1_000_000:
        yield "wal"


_migrated = False


def _unmigrated() -> bool:
    global _migrated
    if not _migrated:
        executor = MigrationExecutor(connection)
        _migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    return not _migrated
