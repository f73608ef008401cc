"""Removing files, slowly enough that a backup in progress finds every file its rows speak of."""

from __future__ import annotations

import contextlib
import math
import os
import shutil
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from tiski.kernel import clock
from tiski.kernel.models.blobs import Blob

from .storing import folder

ORPHANED_AFTER = timedelta(days=1)
REMOVED_AFTER = timedelta(days=7)


def remove(ids: Iterable[str]) -> int:
    """Delete the rows of these blobs; `sweep` takes the bytes later. Returns how many rows there were."""
    return Blob.unscoped.filter(id__in=list(ids)).delete()[0]


def sweep() -> int:
    """Set aside files without a row after a day and delete them a week later; returns how many were set aside.

    A file waits for its row while it is being stored, and a backup copies rows first and files afterwards.
    """
    now = clock.now()
    aside = 0
    for part in sorted(folder().glob("[0-9a-f][0-9a-f]")):
        aside += _set_aside_orphans(part, before=now - ORPHANED_AFTER, now=now)
    _delete_old(folder() / "removed", before=now - REMOVED_AFTER)
    _delete_old(folder() / "incoming", before=now - ORPHANED_AFTER)
    return aside


def _set_aside_orphans(part: Path, *, before: datetime, now: datetime) -> int:
    old = {path.name: path for path in part.iterdir() if _stored(path) < before.timestamp()}
    for known in Blob.unscoped.filter(id__startswith=part.name).values_list("id", flat=True).iterator():
        old.pop(known, None)
    removed = folder() / "removed"
    removed.mkdir(exist_ok=True)
    aside = 0
    for name, path in old.items():
        with contextlib.suppress(FileNotFoundError):
            # The week begins now, not when the file was stored.
            os.utime(path, (now.timestamp(), now.timestamp()))
            path.replace(removed / name)
            aside += 1
    return aside


def _delete_old(place: Path, *, before: datetime) -> None:
    if not place.is_dir():
        return
    for path in place.iterdir():
        if _stored(path) >= before.timestamp():
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _stored(path: Path) -> float:
    """Unix seconds of the file's last change; never, of a file that another worker's sweep took first."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return math.inf
