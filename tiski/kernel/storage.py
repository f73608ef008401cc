"""Room for the data: the disk's, and the write-ahead log of SQLite, which must not grow without end."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import connection

from . import milestones, worker

CHECKPOINT_SECONDS = 30.0
LONG_LOG = 8_000_000
"""Twice what the checkpoints of ordinary commits leave."""


@dataclass(frozen=True, slots=True)
class Room:
    """What is free where the data folder lies; inodes are -1 where the file system counts none."""

    free_bytes: int
    free_inodes: int


def room() -> Room:
    """Ask the file system."""
    space = os.statvfs(settings.TISKI_DATA)
    return Room(space.f_bavail * space.f_frsize, space.f_favail if space.f_files else -1)


def wal_bytes() -> int | None:
    """How large SQLite's write-ahead log is; None on other databases."""
    if connection.vendor != "sqlite":
        return None
    try:
        return Path(f"{connection.settings_dict['NAME']}-wal").stat().st_size
    except FileNotFoundError:
        return 0


@worker.service
def keep_the_log_short(stop: threading.Event) -> None:
    """Copy SQLite's write-ahead log into the database again and again: commits do so only while there are some."""
    while connection.vendor == "sqlite" and not stop.wait(CHECKPOINT_SECONDS):
        empty_the_log()
    connection.close()


def empty_the_log() -> bool:
    """Copy the log; False when a reader keeps part of it, which is tried again later. Waits for nobody."""
    if not _checkpoint("PASSIVE"):
        return False
    if (wal_bytes() or 0) > LONG_LOG:
        _checkpoint("TRUNCATE")
    milestones.reach(milestones.CHECKPOINT)
    return True


def _checkpoint(how: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout")
        patience = cursor.fetchone()[0]
        cursor.execute("PRAGMA busy_timeout=50")  # writers would wait as long as this waits for a reader
        try:
            cursor.execute(f"PRAGMA wal_checkpoint({how})")
            busy, in_log, copied = cursor.fetchone()
        finally:
            cursor.execute(f"PRAGMA busy_timeout={patience}")
    return not busy and in_log == copied
