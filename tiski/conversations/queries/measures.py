"""What operators watch of conversations, over all shops and without their names."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Count, Min

from tiski.accounts.models import Shop
from tiski.conversations.models import InboundRaw, OutboxItem, OutboxState, RawState
from tiski.kernel import clock, metrics
from tiski.kernel.metrics import Reading, Sample

WAITING = (OutboxState.QUEUED, OutboxState.HELD, OutboxState.UNKNOWN)

duplicates = metrics.Count("tiski_duplicates_refused", "Things that came again and changed nothing.", label="channel")
failed_for_good = metrics.Count("tiski_outbox_failed", "Messages that could not be sent, for good.")
repeats = metrics.Count(
    "tiski_possible_double_sends", "Messages sent once more although the other side may have taken them the first time."
)
DUE = metrics.gauge("tiski_outbox_due", "Messages that are due to be sent, by kind of channel.", shared=True)
OLDEST = metrics.gauge(
    "tiski_outbox_oldest_due_seconds",
    "For how long the first message that is not sent has been due, by kind of channel.",
    shared=True,
)
UNCERTAIN = metrics.gauge(
    "tiski_outbox_uncertain",
    "Messages of which nobody knows whether they were taken; they wait for a person.",
    shared=True,
)
QUARANTINED = metrics.gauge("tiski_quarantined", "Received items that could not be understood.", shared=True)


def outbox() -> Iterator[Reading]:
    """What is due to leave the house, and what waits for a person."""
    now = clock.now()
    due = OutboxItem.unscoped.filter(state__in=WAITING, send_after__lte=now)
    found = list(due.values_list("channel_account__kind").annotate(Min("send_after"), Count("id")).order_by())
    yield DUE.read([Sample(number, {"channel": kind}) for kind, _, number in found])
    yield OLDEST.read([Sample((now - oldest).total_seconds(), {"channel": kind}) for kind, oldest, _ in found])
    # By the index of what may be claimed; what failed for good is not in it and told by the shop's own list.
    uncertain = OutboxItem.unscoped.filter(state=OutboxState.UNKNOWN, send_after__isnull=True)
    yield UNCERTAIN.read([Sample(uncertain.count())])


def quarantined() -> Iterator[Reading]:
    """Received items that could not be understood, by the index that begins with the shop."""
    shops = Shop.objects.values_list("id", flat=True)
    quarantined = InboundRaw.unscoped.filter(state=RawState.QUARANTINED)
    yield QUARANTINED.read([Sample(sum(quarantined.filter(shop_id=shop).count() for shop in shops))])
