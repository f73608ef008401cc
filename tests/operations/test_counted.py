"""What is counted where it happens: refusals, repeats, and what came twice."""

from __future__ import annotations

from uuid import uuid4

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tiski.channels.chat.plugs import writing
from tiski.conversations import actions as conversations
from tiski.conversations.contract import Destination
from tiski.conversations.models import InboundRaw, Message, RawState
from tiski.kernel import limits, metrics
from tiski.kernel.errors import TooMany
from tiski.testing.world import Shopper, World, tea_shop

pytestmark = pytest.mark.django_db(transaction=True)

Numbers = dict[tuple[str, str], float]


@pytest.fixture
def world() -> World:
    """Teepuoti."""
    return tea_shop()


def numbers() -> Numbers:
    """Our own samples by name and the one label they have besides the process."""
    text = metrics.exposition("test").decode()
    return {
        (sample.name, "".join(value for label, value in sample.labels.items() if label != "process")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith("tiski_")
    }


def grown(before: Numbers, name: str, label: str = "") -> float:
    """By how much a number has grown."""
    return numbers().get((name, label), 0.0) - before.get((name, label), 0.0)


def test_limits_count_their_refusals_by_what_they_are_about(world: World) -> None:
    before = numbers()
    limits.allow("tea:ada@example.fi", limit=1, per=60)
    for _ in range(2):
        with pytest.raises(TooMany):
            limits.allow("tea:ada@example.fi", limit=1, per=60)
    limits.allow_stored("cups/ada@example.fi", limit=1, per=60)
    with pytest.raises(TooMany):
        limits.allow_stored("cups/ada@example.fi", limit=1, per=60)
    assert grown(before, "tiski_limit_refusals_total", "tea") == 2
    assert grown(before, "tiski_limit_refusals_total", "cups") == 1
    assert "ada" not in metrics.exposition("test").decode()


def test_what_comes_twice_is_counted_by_its_channel(world: World) -> None:
    before = numbers()
    posting = Shopper(world).says("Hei", client_id=uuid4())
    writing.writer._work([posting])
    writing.writer._work([posting, posting])
    with world.scope():
        for _ in range(3):
            conversations.store_raw(world.mailbox, raw=b"Subject: Hei\r\n\r\nhei\r\n", dedupe_key="hei")
    assert grown(before, "tiski_duplicates_refused_total", "chat") == 2
    assert grown(before, "tiski_duplicates_refused_total", "email") == 2


def test_a_message_whose_outcome_nobody_knew_counts_when_it_is_sent_again(world: World) -> None:
    before = numbers()
    with world.scope():
        conversations.post(world.conversation_with_ada(), body="On!", client_id=uuid4(), by=world.by_mia)
        to_ada = Destination("ada@example.fi", "<1@teepuoti.example>")
        [item] = conversations.queue_outbox(Message.objects.latest("id"), [to_ada], by=world.by_mia)
    assert numbers()["tiski_outbox_due", "email"] == 1
    [sending] = conversations.claim_due(1, "worker", item_id=item.id)
    with world.scope():
        conversations.record_unknown(sending, reason="the line broke")
        assert grown(before, "tiski_possible_double_sends_total") == 0
        type(item).objects.update(send_after=item.created_at)
    [again] = conversations.claim_due(1, "worker", item_id=item.id)
    assert grown(before, "tiski_possible_double_sends_total") == 1
    with world.scope():
        conversations.record_failed(again, permanent=True, reason="no such address")
    assert grown(before, "tiski_outbox_failed_total") == 1
    assert ("tiski_outbox_due", "email") not in numbers()


def test_what_was_not_understood_is_counted_over_all_shops(world: World) -> None:
    with world.scope():
        stored = conversations.store_raw(world.mailbox, raw=b"\0", dedupe_key="rikki")
        conversations.settle(InboundRaw.objects.get(id=stored.id), RawState.QUARANTINED, reason="damaged")
    assert numbers()["tiski_quarantined", ""] == 1
