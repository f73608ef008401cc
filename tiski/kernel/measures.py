"""What the kernel knows of itself: writers, sockets, deliveries, storage, and what has proved itself when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from datetime import datetime

from django.db.models import Count, Min

from . import batch, clock, metrics, milestones, storage
from .live.counters import counters
from .metrics import Reading, Sample
from .models import Delivery

ACK = metrics.histogram(
    "tiski_ack_seconds", "Seconds from a message's arrival to its acknowledgement after the commit."
)
GROUP = metrics.histogram("tiski_group_size", "Messages stored by one commit.")
FAILED = metrics.counter("tiski_commits_failed", "Group commits of which nothing was stored.")
REFUSED = metrics.counter("tiski_queue_refused", "Messages refused because the writer's queue was full.")
QUEUE = metrics.gauge("tiski_queue_length", "Messages that wait for the next commit.")
QUEUE_OLDEST = metrics.gauge("tiski_queue_oldest_seconds", "For how long the first of them has waited.")
SOCKETS = metrics.gauge("tiski_sockets", "Sockets that are open.")
COUNTED = {
    name: metrics.counter(f"tiski_{name}", meaning)
    for name, meaning in {
        "sockets_opened": "Sockets that were opened.",
        "sockets_closed": "Sockets that ended.",
        "reconnects": "Sockets whose hello named what the client already had.",
        "refused_handshakes": "Sockets that were refused before they opened.",
        "refused_hellos": "Sockets that were refused at their hello.",
        "frames": "Frames that clients sent.",
        "bad_frames": "Frames that could not be read.",
        "rate_refusals": "Frames refused because they came too fast.",
        "requests": "HTTP requests the live half answered.",
        "facts": "Facts that the relay has read.",
        "news": "News that were sent to consoles.",
        "messages": "Messages that were sent to those who follow a conversation.",
        "catch_ups": "Times a follower was behind and was caught up from the database.",
        "resyncs": "Clients told to fetch everything again.",
        "rechecks": "Times a watcher's rights were asked again.",
        "dropped_hints": "Hints dropped because a client was slow.",
        "slow_closed": "Sockets closed because they read too slowly.",
        "silent_closed": "Sockets closed because nothing was heard from them.",
    }.items()
}
DUE = metrics.gauge("tiski_deliveries_due", "Deliveries that are due.", shared=True)
DUE_OLDEST = metrics.gauge(
    "tiski_delivery_oldest_due_seconds",
    "For how long the first delivery that is not done has been due.",
    shared=True,
)
DEAD = metrics.gauge("tiski_dead_letters", "Deliveries that failed for good and wait for a person.", shared=True)
FREE = metrics.gauge("tiski_disk_free_bytes", "Free space where the data folder lies.", shared=True)
FREE_INODES = metrics.gauge("tiski_disk_free_inodes", "Free inodes where the data folder lies.", shared=True)
WAL = metrics.gauge("tiski_wal_bytes", "Size of SQLite's write-ahead log.", shared=True)
AGES = {
    milestone: metrics.gauge(f"tiski_last_{milestone}_age_seconds", meaning, shared=True)
    for milestone, meaning in {
        milestones.BACKUP: "Seconds since the last backup; no sample before the first.",
        milestones.RESTORE: "Seconds since a backup of this instance was last restored and found whole.",
        milestones.CHECKPOINT: "Seconds since SQLite's write-ahead log was last copied completely.",
    }.items()
}


@metrics.measure
def writers() -> Iterator[Reading]:
    """Each writer's acknowledgements, groups and queue."""
    known = [({"writer": name}, gatherer) for name, gatherer in sorted(batch.gatherers.items())]
    yield ACK.read([Sample(gatherer.tally.waits, labels) for labels, gatherer in known])
    yield GROUP.read([Sample(gatherer.tally.sizes, labels) for labels, gatherer in known])
    yield FAILED.read([Sample(gatherer.tally.failed_batches, labels) for labels, gatherer in known])
    yield REFUSED.read([Sample(gatherer.tally.refused, labels) for labels, gatherer in known])
    yield QUEUE.read([Sample(gatherer.waiting(), labels) for labels, gatherer in known])
    yield QUEUE_OLDEST.read([Sample(gatherer.oldest(), labels) for labels, gatherer in known])


@metrics.measure
def sockets() -> Iterator[Reading]:
    """What the live half has counted."""
    yield SOCKETS.read([Sample(counters.sockets_opened - counters.sockets_closed)])
    for field in fields(counters):
        yield COUNTED[field.name].read([Sample(getattr(counters, field.name))])


@metrics.measure
def deliveries() -> Iterator[Reading]:
    """What is due and not done, and what failed for good."""
    now = clock.now()
    due = Delivery.objects.filter(dead_at__isnull=True, due__lte=now).aggregate(oldest=Min("due"), number=Count("id"))
    yield DUE.read([Sample(due["number"])])
    yield DUE_OLDEST.read([Sample(_seconds_since(due["oldest"], now) if due["oldest"] else 0.0)])
    yield DEAD.read([Sample(Delivery.objects.filter(dead_at__isnull=False).count())])


@metrics.measure
def places() -> Iterator[Reading]:
    """Room on the disk, and the log that SQLite writes ahead."""
    room = storage.room()
    yield FREE.read([Sample(room.free_bytes)])
    yield FREE_INODES.read([Sample(room.free_inodes)])
    wal = storage.wal_bytes()
    if wal is not None:
        yield WAL.read([Sample(wal)])


@metrics.measure
def proofs() -> Iterator[Reading]:
    """When a backup was last made, a restore last proven and the log last emptied."""
    reached, now = milestones.all_reached(), clock.now()
    for milestone, age in AGES.items():
        yield age.read([Sample(_seconds_since(reached[milestone], now))] if milestone in reached else [])


def _seconds_since(moment: datetime, now: datetime) -> float:
    return max(0.0, (now - moment).total_seconds())
