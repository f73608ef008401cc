"""What conversations do when they hear an event."""

from __future__ import annotations

import logging
import os
import random
from datetime import timedelta

from tiski.conversations import actions as conversations
from tiski.conversations.contract import OutcomeUnknown, Outgoing, channel_for
from tiski.conversations.errors import ClaimLost
from tiski.conversations.events import OutboxQueued
from tiski.conversations.models import Message, OutboxItem, OutboxState
from tiski.conversations.queries import situation_of
from tiski.customers.events import (
    CustomerRenamed,
    CustomersMerged,
    CustomersUnmerged,
    IdentityAdded,
)
from tiski.kernel import clock
from tiski.kernel.action import SYSTEM
from tiski.kernel.errors import SendFailed
from tiski.kernel.events import FactRow, Retry, hears

IN_A_MOMENT = timedelta(seconds=5)

log = logging.getLogger(__name__)


@hears(OutboxQueued, slow=True)
def send_what_is_queued(event: OutboxQueued, fact: FactRow) -> None:
    """Claim the item, let its channel send it, and record how it went; every further try is an event of its own."""
    if _server_is_busy(event.item):
        raise Retry(IN_A_MOMENT * random.uniform(0.1, 1))  # noqa: S311  spread out, no secret
    claimed = conversations.claim_due(1, f"{os.getpid()}-{fact.id}", item_id=event.item)
    if not claimed:
        _come_back_if_needed(event.item)
        return
    outgoing = claimed[0]
    try:
        _send(outgoing)
    except ClaimLost:
        log.warning("an outbox item was taken over while it was being sent", extra={"item": outgoing.item_id})


@hears(CustomerRenamed)
def show_the_new_name(event: CustomerRenamed, fact: FactRow) -> None:
    """Rows and headers that show the customer follow their name."""
    conversations.tell_of_customer(event.customer, by=SYSTEM)


@hears(IdentityAdded)
def show_the_new_address(event: IdentityAdded, fact: FactRow) -> None:
    """Who has no name is shown by an address."""
    conversations.tell_of_customer(event.customer, by=SYSTEM)


@hears(CustomersMerged)
def show_one_customer(event: CustomersMerged, fact: FactRow) -> None:
    """The conversations of both are one person's now."""
    conversations.tell_of_customer(event.customer, by=SYSTEM)


@hears(CustomersUnmerged)
def show_both_customers_again(event: CustomersUnmerged, fact: FactRow) -> None:
    """What a merge had shown as one person is two again."""
    for customer in (event.customer, event.returned):
        conversations.tell_of_customer(customer, by=SYSTEM)


def _send(outgoing: Outgoing) -> None:
    message = Message.objects.select_related("channel_account", "conversation").get(id=outgoing.message_id)
    channel = channel_for(message.channel_account.kind)
    situation = situation_of(
        message.conversation,
        author_is_human=message.agent_id is not None,
        channel_account_id=message.channel_account_id,
    )
    verdict = channel.can_send(situation)
    if not verdict.is_allowed:
        conversations.record_failed(outgoing, permanent=True, reason=verdict.reason)
        return
    try:
        accepted = channel.deliver(outgoing)
    except SendFailed as failure:
        conversations.record_failed(outgoing, permanent=failure.permanent, reason=failure.reason)
    except OutcomeUnknown as unknown:
        conversations.record_unknown(outgoing, reason=str(unknown))
    else:
        conversations.record_accepted(outgoing, provider_id=accepted.provider_id)


def _server_is_busy(item_id: int) -> bool:
    """Each channel account sends one after the other: a server that crawls keeps one thread busy, not all of them."""
    now = clock.now()
    mine = OutboxItem.objects.filter(id=item_id).values("channel_account")
    others = OutboxItem.objects.filter(channel_account__in=mine, state=OutboxState.CLAIMED, claimed_until__gte=now)
    return others.exclude(id=item_id).exists()


def _come_back_if_needed(item_id: int) -> None:
    """An item that another worker holds may be left over if that worker dies: look again when its lease is over."""
    item = OutboxItem.objects.filter(id=item_id).values_list("state", "claimed_until").first()
    if item is not None and item[0] == OutboxState.CLAIMED and item[1] is not None:
        raise Retry(max(item[1] - clock.now(), timedelta()) + timedelta(seconds=1))
