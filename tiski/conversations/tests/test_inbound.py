"""The ledger of what comes in, and the channel accounts it comes in by."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection

from tiski.conversations import actions as conversations
from tiski.conversations import queries
from tiski.conversations.actions import inbound
from tiski.conversations.errors import KeyTaken, RawTooLarge
from tiski.conversations.models import ChannelAccount, InboundRaw, RawState
from tiski.testing.world import World

Facts = Callable[[], list[tuple[str, dict[str, object]]]]
MAIL = b"From: ada@example.fi\r\nSubject: Sencha\r\n\r\nOnko teill\xe4 senchaa?\r\n\x00"


def test_an_item_is_kept_exactly_as_it_came_and_told_once(world: World, facts: Facts) -> None:
    facts()
    with world.scope():
        first = conversations.store_raw(world.mailbox, raw=MAIL, dedupe_key="k1", envelope={"folder": "INBOX"})
        again = conversations.store_raw(world.mailbox, raw=MAIL, dedupe_key="k1")
        other = conversations.store_raw(world.mailbox, raw=MAIL, dedupe_key="k2")
        item = InboundRaw.objects.get(id=first.id)
    assert (first.is_new, again, other.is_new) == (True, inbound.Stored(first.id, False), True)
    with world.scope():
        assert (item.raw, item.size, item.state, item.envelope) == (MAIL, len(MAIL), "received", {"folder": "INBOX"})
    assert facts() == [
        ("conversations.raw_received", {"raw": first.id, "kind": "email"}),
        ("conversations.raw_received", {"raw": other.id, "kind": "email"}),
    ]


def test_the_same_key_on_another_mailbox_is_another_item(world: World, other_shop: World) -> None:
    with world.scope():
        conversations.store_raw(world.mailbox, raw=MAIL, dedupe_key="k1")
    with other_shop.scope():
        assert conversations.store_raw(other_shop.mailbox, raw=MAIL, dedupe_key="k1").is_new


def test_an_item_of_more_than_50_mb_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbound, "LARGEST_RAW", 10)
    with world.scope(), pytest.raises(RawTooLarge):
        conversations.store_raw(world.mailbox, raw=b"x" * 11, dedupe_key="k")
    assert InboundRaw.unscoped.count() == 0


def test_each_item_ends_in_one_state_and_can_be_replayed(world: World, facts: Facts) -> None:
    conversation = world.conversation_with_ada()
    with world.scope():
        stored = conversations.store_raw(world.mailbox, raw=MAIL, dedupe_key="k")
        item = InboundRaw.objects.get(id=stored.id)
        conversations.settle(item, RawState.THREADED, rule="reply token", conversation=conversation)
        item.refresh_from_db()
        assert (item.state, item.rule, item.conversation_id) == ("threaded", "reply token", conversation.id)
        facts()
        conversations.replay(item, by=world.by_noor)
        item.refresh_from_db()
    assert (item.state, item.rule) == ("received", "")
    assert facts() == [("conversations.raw_received", {"raw": item.id, "kind": "email"})]


def test_f30_an_item_that_kills_the_parser_three_times_is_quarantined(world: World, facts: Facts) -> None:
    with world.scope():
        stored = conversations.store_raw(world.mailbox, raw=MAIL, dedupe_key="k")
        item = InboundRaw.objects.get(id=stored.id)
        facts()
        deaths = [conversations.count_death(item, reason="out of memory") for _ in range(3)]
        item.refresh_from_db()
        assert (deaths, item.state, item.deaths, item.rule) == ([False, False, True], "quarantined", 3, "poison")
        assert queries.quarantined() == 1
        assert [row.reason for row in queries.received(state="quarantined")] == ["out of memory"]
    assert facts() == [("conversations.raw_quarantined", {"raw": item.id, "kind": "email", "reason": "out of memory"})]


def test_the_ledger_belongs_to_its_shop(world: World, other_shop: World) -> None:
    with world.scope():
        conversations.store_raw(world.mailbox, raw=MAIL, dedupe_key="k")
        assert len(queries.received()) == 1
    with other_shop.scope():
        assert queries.received() == []


def test_a_channel_is_added_switched_and_changed(world: World, facts: Facts) -> None:
    facts()
    with world.scope():
        account = conversations.add_channel(
            "email", name="Myynti\r\nBcc: x", settings={"host": "imap.example"}, secret="hunter2!", by=world.by_noor
        )
        assert (account.is_on, account.name) == (False, "Myynti Bcc: x")
        conversations.switch_channel(account, on=True, by=world.by_noor)
        conversations.switch_channel(account, on=True, by=world.by_noor)
        conversations.change_channel(account, settings={"host": "mail.example"}, by=world.by_noor)
        kept = ChannelAccount.objects.get(id=account.id)
    assert (kept.is_on, kept.settings, kept.secret) == (True, {"host": "mail.example"}, "hunter2!")
    assert [name for name, _data in facts()] == ["conversations.channel_changed"] * 3


def test_a60_a_secret_is_nowhere_in_the_clear(world: World) -> None:
    with world.scope():
        account = conversations.add_channel("email", name="Posti", secret="hunter2!", by=world.by_noor)
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM conversations_channelaccount WHERE id = %s", [account.id])
        assert "hunter2" not in cursor.fetchone()[0]


def test_a_key_is_taken_once_on_the_instance(world: World, other_shop: World) -> None:
    with world.scope():
        conversations.add_channel("chat", name="Chat", key="tea", by=world.by_noor)
    with other_shop.scope(), pytest.raises(KeyTaken) as refusal:
        conversations.add_channel("chat", name="Chat", key="tea", by=other_shop.by_noor)
    assert "tea" in str(refusal.value)


def test_health_is_told_only_when_something_but_its_time_changed(world: World, facts: Facts) -> None:
    with world.scope():
        conversations.report_health(world.mailbox, {"state": "ok", "at": "10.00"})
        facts()
        conversations.report_health(world.mailbox, {"state": "ok", "at": "10.01"})
        assert facts() == []
        conversations.report_health(world.mailbox, {"state": "refused", "at": "10.02"})
    assert [name for name, _data in facts()] == ["conversations.channel_changed"]
