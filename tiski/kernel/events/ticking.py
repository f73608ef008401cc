"""Schedules: a tick is a fact with a unique key, so that two workers make one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from django.db import IntegrityError, transaction

from tiski.kernel import clock
from tiski.kernel.action import SYSTEM
from tiski.kernel.models import Delivery, Fact

from .event import Event, FactRow, Schedule, hears, schedules


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticked(Event):
    """A schedule's interval has begun."""

    name: ClassVar[str] = "kernel.ticked"
    instance_wide: ClassVar[bool] = True
    schedule: str


def ensure_ticks(known: dict[str, int]) -> None:
    """Write the next tick of every schedule that has none yet; `known` remembers what this worker has written."""
    for schedule in schedules.values():
        slot = int(clock.now().timestamp() // schedule.every.total_seconds()) + 1
        if known.get(schedule.name, 0) < slot:
            _write(schedule, slot)
            known[schedule.name] = slot


@hears(Ticked)
def run_the_schedule(event: Ticked, fact: FactRow) -> None:
    """Run what is scheduled; a schedule that a new version no longer has is dropped in silence."""
    schedule = schedules.get(event.schedule)
    if schedule is not None:
        schedule.run()


def _write(schedule: Schedule, slot: int) -> None:
    key = f"tick:{schedule.name}:{slot}"
    due = datetime.fromtimestamp(slot * schedule.every.total_seconds(), tz=UTC)
    if Fact.objects.filter(key=key).exists():
        return
    try:
        with transaction.atomic():
            fact = Fact.objects.create(
                name=Ticked.name, data={"schedule": schedule.name}, actor_kind=SYSTEM.kind, at=clock.now(), key=key
            )
            Delivery.objects.create(fact=fact, handler=f"{__name__}.run_the_schedule".removeprefix("tiski."), due=due)
    except IntegrityError:
        return  # another worker was first
