"""The outbox: claimed under a fence, sent by the channel, tried again by the book, never twice by itself in doubt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
import time_machine
from django.db import IntegrityError, transaction

from tiski.conversations import actions as conversations
from tiski.conversations.contract import Destination, OutcomeUnknown, Verdict
from tiski.conversations.errors import ClaimLost, NotWaitingForRetry
from tiski.conversations.models import Conversation, Message, OutboxItem
from tiski.kernel.action import Actor, ActorKind
from tiski.kernel.errors import SendFailed
from tiski.kernel.events import delivering
from tiski.testing.world import World

if TYPE_CHECKING:
    from tiski.conversations.tests.conftest import Letterbox

Facts = Callable[[], list[tuple[str, dict[str, object]]]]
NOON = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


@pytest.fixture
def item(world: World, letterbox: Letterbox) -> OutboxItem:
    """An answer to Ada that may leave at noon."""
    conversation = world.conversation_with_ada(world.way_in("letters"))
    with world.scope(), time_machine.travel(NOON, tick=False):
        ada = Actor(ActorKind.CUSTOMER, conversation.customer_id)
        conversations.post(conversation, body="Hei", client_id=uuid4(), by=ada)
        conversations.reply(conversation, body="Hei!", client_id=uuid4(), seen_seq=1, undo_seconds=0, by=world.by_mia)
        return OutboxItem.objects.get()


def at(moment: datetime) -> int:
    """Let the worker run at this moment; how many deliveries it took."""
    with time_machine.travel(moment, tick=False):
        return delivering.run_due("worker")


def state(item: OutboxItem) -> tuple[str, datetime | None, int]:
    """Where the item stands now."""
    item = OutboxItem.unscoped.get(id=item.id)
    return item.state, item.send_after, item.tries


def test_an_answer_leaves_by_its_channel_and_its_acceptance_is_recorded(
    letterbox: Letterbox, item: OutboxItem, facts: Facts
) -> None:
    facts()
    at(NOON)
    [outgoing] = letterbox.delivered
    assert (outgoing.recipient, outgoing.stable_id, outgoing.tries) == ("ada@example.fi", item.stable_id, 1)
    sent = OutboxItem.unscoped.get()
    assert (sent.state, sent.provider_id, sent.accepted_at, sent.send_after) == ("accepted", "250 ok", NOON, None)
    about = {"conversation": outgoing.conversation_id, "message": item.message_id, "item": item.id}
    assert facts() == [("conversations.message_delivered", about)]
    at(NOON + timedelta(days=1))
    assert len(letterbox.delivered) == 1


def test_what_is_held_does_not_leave_before_its_time(world: World, letterbox: Letterbox) -> None:
    conversation = world.conversation_with_ada(world.way_in("letters"))
    with world.scope(), time_machine.travel(NOON, tick=False):
        conversations.reply(conversation, body="Hei!", client_id=uuid4(), seen_seq=0, by=world.by_mia)
    at(NOON + timedelta(seconds=9))
    assert letterbox.delivered == []
    at(NOON + timedelta(seconds=10))
    assert len(letterbox.delivered) == 1


def test_an_answer_that_was_taken_back_never_leaves(world: World, letterbox: Letterbox) -> None:
    conversation = world.conversation_with_ada(world.way_in("letters"))
    with world.scope(), time_machine.travel(NOON, tick=False):
        conversations.reply(conversation, body="Hei!", client_id=uuid4(), seen_seq=0, by=world.by_mia)
        conversations.take_back(Message.objects.get(), by=world.by_mia)
    at(NOON + timedelta(minutes=1))
    assert letterbox.delivered == []


def test_f31_a_temporary_failure_is_tried_after_1_5_15_60_minutes_then_every_4_hours_up_to_72(
    letterbox: Letterbox, item: OutboxItem, facts: Facts
) -> None:
    facts()
    now, waits, warned = NOON, [], []
    while state(item)[0] == "queued":
        letterbox.results = [SendFailed(permanent=False, reason="451 try later")]
        at(now)
        _state, due, tries = state(item)
        warned += [tries for name, _data in facts() if name == "conversations.message_delayed"]
        if due is None:
            break
        waits.append((due - now).total_seconds() / 60)
        now = due
    expected = [1, 5, 15, 60] + [240] * (len(waits) - 4)
    assert [floor <= waited <= floor * 1.1 for floor, waited in zip(expected, waits, strict=True)] == [True] * len(
        waits
    )
    assert state(item)[0] == "failed"
    assert timedelta(hours=72) <= now - NOON < timedelta(hours=77)
    assert warned == [6]
    assert OutboxItem.unscoped.get().error == "451 try later"


def test_a_permanent_failure_is_final_at_once_and_told(letterbox: Letterbox, item: OutboxItem, facts: Facts) -> None:
    letterbox.results = [SendFailed(permanent=True, reason="550 no such mailbox")]
    facts()
    at(NOON)
    assert state(item) == ("failed", None, 1)
    [(name, data)] = facts()
    assert (name, data["reason"]) == ("conversations.message_failed", "550 no such mailbox")
    at(NOON + timedelta(days=3))
    assert len(letterbox.delivered) == 1


def test_f04_an_unknown_outcome_is_tried_once_more_after_15_minutes_then_waits_for_a_person(
    letterbox: Letterbox, item: OutboxItem, facts: Facts
) -> None:
    letterbox.results = [OutcomeUnknown("timed out after DATA"), OutcomeUnknown("timed out after DATA")]
    at(NOON)
    assert state(item) == ("unknown", NOON + timedelta(minutes=15), 1)
    at(NOON + timedelta(minutes=14))
    assert len(letterbox.delivered) == 1
    facts()
    at(NOON + timedelta(minutes=15))
    assert state(item) == ("unknown", None, 2)
    assert [name for name, _data in facts()] == ["conversations.message_failed"]
    at(NOON + timedelta(days=3))
    assert [outgoing.stable_id for outgoing in letterbox.delivered] == [item.stable_id] * 2


def test_f03_what_a_dead_worker_held_is_sent_again_once_under_the_same_name(
    letterbox: Letterbox, item: OutboxItem, facts: Facts
) -> None:
    for beginning in (NOON, NOON + timedelta(seconds=61)):
        with time_machine.travel(beginning, tick=False):
            assert [taken.item_id for taken in conversations.claim_due(5, "killed")] == [item.id]
    facts()
    with time_machine.travel(NOON + timedelta(seconds=122), tick=False):
        assert conversations.claim_due(5, "survivor") == []
    assert state(item)[:2] == ("unknown", None)
    assert [name for name, _data in facts()] == ["conversations.message_failed"]
    assert letterbox.delivered == []


def test_a_handler_that_finds_the_item_taken_comes_back_when_the_lease_is_over(
    letterbox: Letterbox, item: OutboxItem
) -> None:
    with time_machine.travel(NOON, tick=False):
        conversations.claim_due(1, "killed")
    at(NOON + timedelta(seconds=1))
    assert letterbox.delivered == []
    at(NOON + timedelta(seconds=62))
    assert (len(letterbox.delivered), state(item)[0]) == (1, "accepted")


def test_f39_the_result_of_an_old_claim_is_refused(world: World, letterbox: Letterbox, item: OutboxItem) -> None:
    with world.scope():
        with time_machine.travel(NOON, tick=False):
            [paused] = conversations.claim_due(1, "paused")
        with time_machine.travel(NOON + timedelta(minutes=10), tick=False):
            [current] = conversations.claim_due(1, "current")
            assert current.fence == paused.fence + 1
            with pytest.raises(ClaimLost):
                conversations.record_accepted(paused)
            with pytest.raises(ClaimLost):
                conversations.record_failed(paused, permanent=True, reason="too late")
            conversations.record_accepted(current)
            with pytest.raises(ClaimLost):
                conversations.record_accepted(current)
    assert state(item)[0] == "accepted"


def test_an_item_is_claimed_by_one_worker_only(letterbox: Letterbox, item: OutboxItem) -> None:
    with time_machine.travel(NOON, tick=False):
        assert len(conversations.claim_due(10, "first")) == 1
        assert conversations.claim_due(10, "second") == []


def test_the_channel_is_asked_again_before_sending(letterbox: Letterbox, item: OutboxItem) -> None:
    letterbox.verdict = Verdict(False, "the customer has left the channel")
    at(NOON)
    assert letterbox.delivered == []
    assert (state(item)[0], OutboxItem.unscoped.get().error) == ("failed", "the customer has left the channel")


def test_a_person_can_send_a_failed_answer_again(world: World, letterbox: Letterbox, item: OutboxItem) -> None:
    with world.scope(), pytest.raises(NotWaitingForRetry):
        conversations.retry(item, by=world.by_mia)
    letterbox.results = [SendFailed(permanent=True, reason="550")]
    at(NOON)
    with world.scope(), time_machine.travel(NOON + timedelta(hours=1), tick=False):
        conversations.retry(item, by=world.by_mia)
    assert state(item)[0] == "queued"
    at(NOON + timedelta(hours=1))
    assert (state(item)[0], len(letterbox.delivered)) == ("accepted", 2)


def test_what_bounces_is_told_once(world: World, item: OutboxItem, facts: Facts) -> None:
    at(NOON)
    facts()
    with world.scope():
        for _ in range(2):
            conversations.record_bounced(item, reason="550 5.1.1 no such user")
    assert [name for name, _data in facts()] == ["conversations.message_failed"]
    assert state(item)[0] == "bounced"


def test_a_message_goes_once_to_each_recipient(world: World, item: OutboxItem) -> None:
    with world.scope(), pytest.raises(IntegrityError), transaction.atomic():
        conversations.queue_outbox(item.message, [Destination(item.recipient, "<other>")], by=world.by_mia)


def test_a13_a_recipient_is_one_line(world: World, item: OutboxItem) -> None:
    hostile = Destination("ada@example.fi\r\nBcc: evil@x.example", "<id>")
    with world.scope(), pytest.raises(IntegrityError), transaction.atomic():
        conversations.queue_outbox(item.message, [hostile], by=world.by_mia)


def test_f41_a_claim_says_whose_shop_it_is_for(
    world: World, other_shop: World, letterbox: Letterbox, item: OutboxItem
) -> None:
    conversation = other_shop.conversation_with_ada(other_shop.way_in("letters"))
    with other_shop.scope(), time_machine.travel(NOON, tick=False):
        conversations.reply(
            conversation, body="Moi!", client_id=uuid4(), seen_seq=0, undo_seconds=0, by=other_shop.by_mia
        )
        claimed = conversations.claim_due(10, "worker")
    assert [outgoing.shop_id for outgoing in claimed] == [world.shop.id, other_shop.shop.id]
    assert Conversation.unscoped.count() == 2
    assert replace(claimed[0], tries=1) == claimed[0]
