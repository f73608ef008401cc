"""Readiness: whether this process should be sent traffic (reliability.md 9)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from . import clock
from .models import Delivery, Pulse

FREE_BYTES = 50_000_000
LONGEST_LAG = timedelta(seconds=60)

stopping = False
"""Set when the process has been told to stop: it finishes what it has and takes nothing new."""


def complaints(process: str = "web") -> list[str]:
    """What keeps this process from being ready; empty when it is. Performs one real database write."""
    return list(_complaints(process))


def _complaints(process: str) -> Iterator[str]:
    if stopping:
        yield "stopping"
    if shutil.disk_usage(settings.TISKI_DATA).free < FREE_BYTES:
        yield "disk"
    try:
        Pulse.objects.update_or_create(process=process, defaults={"at": clock.now()})
        if _unmigrated():
            yield "schema"
        overdue = clock.now() - LONGEST_LAG
        if Delivery.objects.filter(dead_at__isnull=True, due__lt=overdue, lease_until__isnull=True, tries=0).exists():
            yield "lag"
    except DatabaseError:
        connection.close()
        yield "database"


_migrated = False


def _unmigrated() -> bool:
    global _migrated
    if not _migrated:
        executor = MigrationExecutor(connection)
        _migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    return not _migrated
