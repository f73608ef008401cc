"""When things that should happen regularly last did: a backup, a proven restore, a complete checkpoint."""

from __future__ import annotations

from datetime import datetime

from . import clock
from .models import Pulse

BACKUP = "backup"
RESTORE = "restore"
CHECKPOINT = "checkpoint"
_ALL = (BACKUP, RESTORE, CHECKPOINT)


def reach(milestone: str, at: datetime | None = None) -> None:
    """Write down that it has happened, now or at `at`."""
    Pulse.objects.update_or_create(process=milestone, defaults={"at": at or clock.now()})


def all_reached() -> dict[str, datetime]:
    """When each was last reached, those that never were left out."""
    return dict(Pulse.objects.filter(process__in=_ALL).values_list("process", "at"))
