"""The inbox: what is in which view, in what order, page after page, and what a row says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine

from tiski.conversations import actions as conversations
from tiski.conversations import queries
from tiski.conversations.models import Conversation
from tiski.conversations.queries import InboxCounts
from tiski.customers import actions as customers
from tiski.customers.models import Customer
from tiski.kernel.action import SYSTEM, Actor, ActorKind
from tiski.kernel.errors import NotFound
from tiski.testing.world import Shopper, World

NOON = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


def ask(world: World, body: str, *, minute: int, name: str = "") -> Conversation:
    """A visitor asks something so many minutes after noon."""
    shopper = Shopper(world)
    with time_machine.travel(NOON + timedelta(minutes=minute), tick=False):
        conversations.post_many([shopper.says(body)])
    conversation = Conversation.unscoped.get(uuid=shopper.conversation)
    if name:
        with world.scope():
            customers.rename(conversation.customer, name=name, by=SYSTEM)
    return conversation


def numbers(world: World, view: str) -> list[int]:
    """Ids of Mia's view, in its order."""
    with world.scope():
        return [row.id for row in queries.inbox(world.shop, world.mia, view).rows]


def test_each_view_holds_what_it_says_newest_first(world: World) -> None:
    first, second, third, fourth = (ask(world, f"Kysymys {n}", minute=n) for n in range(4))
    with world.scope():
        conversations.assign(second, to=world.mia, by=world.by_noor)
        conversations.assign(third, to=world.noor, by=world.by_noor)
        conversations.close(fourth, by=world.by_mia)
        counts = queries.inbox_counts(world.mia.id)
    assert numbers(world, "open") == [third.id, second.id, first.id]
    assert numbers(world, "mine") == [second.id]
    assert numbers(world, "unassigned") == [first.id]
    assert numbers(world, "closed") == [fourth.id]
    assert counts == InboxCounts(open=3, mine=1, unassigned=1)


def test_a_view_that_does_not_exist_and_a_place_that_is_none_are_not_found(world: World) -> None:
    with world.scope():
        for view, before in (("everything", None), ("open", "yesterday"), ("open", "9" * 40 + "-1")):
            with pytest.raises(NotFound):
                queries.inbox(world.shop, world.mia, view, before)


def test_pages_follow_each_other_without_gap_or_repetition(world: World) -> None:
    with time_machine.travel(NOON, tick=False):
        conversations.post_many([Shopper(world).says(f"Kysymys {n}") for n in range(120)])
    with world.scope():
        seen: list[int] = []
        before: str | None = None
        sizes = []
        while True:
            page = queries.inbox(world.shop, world.mia, "open", before)
            sizes.append(len(page.rows))
            seen += [row.id for row in page.rows]
            before = page.next
            if before is None:
                break
    assert sizes == [50, 50, 20]
    assert seen == sorted(Conversation.unscoped.values_list("id", flat=True), reverse=True)


def test_a_page_takes_one_query(world: World, django_assert_num_queries: Any) -> None:
    conversations.post_many([Shopper(world).says("Hei") for _ in range(60)])
    with world.scope(), django_assert_num_queries(1):
        assert len(queries.inbox(world.shop, world.mia, "open").rows) == 50


def test_a_row_says_who_what_where_and_since_when(world: World) -> None:
    conversation = ask(world, "Onko  teillä\nsenchaa?", minute=3, name="Ada Virtanen")
    with world.scope():
        conversations.assign(conversation, to=world.noor, by=world.by_noor)
        conversations.save_draft(conversation, mode="reply", body="On", version=0, by=world.by_mia)
        row = queries.row(conversation.id, "open", world.mia)
    asked_at = NOON + timedelta(minutes=3)
    assert row is not None
    assert (row.customer_name, row.snippet, row.last_author, row.channel_kind) == (
        "Ada Virtanen",
        "Onko teillä senchaa?",
        "customer",
        "chat",
    )
    assert (row.last_at, row.waiting_since, row.assignee_name) == (asked_at, asked_at, "Noor Haddad")
    assert (row.is_unread, row.has_draft, row.is_closed, row.last_seq) == (True, True, False, 1)


def test_a_row_leaves_its_view_when_it_no_longer_belongs(world: World) -> None:
    conversation = ask(world, "Hei", minute=0)
    with world.scope():
        assert queries.row(conversation.id, "unassigned", world.mia) is not None
        conversations.assign(conversation, to=world.noor, by=world.by_noor)
        assert queries.row(conversation.id, "unassigned", world.mia) is None
        assert queries.row(conversation.id, "mine", world.mia) is None
        assert queries.row(conversation.id, "mine", world.noor) is not None


def test_unread_is_what_the_customer_wrote_after_what_this_agent_has_read(world: World) -> None:
    conversation = ask(world, "Hei", minute=0)

    def unread() -> tuple[bool, bool]:
        rows = [queries.row(conversation.id, "open", agent) for agent in (world.mia, world.noor)]
        return rows[0] is not None and rows[0].is_unread, rows[1] is not None and rows[1].is_unread

    with world.scope():
        assert unread() == (True, True)
        conversations.mark_read(conversation, seq=1, by=world.by_mia)
        assert unread() == (False, True)
        conversations.post(conversation, body="Hei!", client_id=uuid4(), by=world.by_mia)
        conversations.post(conversation, body="Kiitos", client_id=uuid4(), is_automatic=True, by=SYSTEM)
        assert unread() == (False, True)
        ada = Actor(ActorKind.CUSTOMER, conversation.customer_id)
        conversations.post(conversation, body="Vielä yksi", client_id=uuid4(), by=ada)
        assert unread() == (True, True)


def test_who_has_no_name_is_called_by_an_address_and_else_a_visitor(world: World) -> None:
    visitor = ask(world, "Hei", minute=0)
    with world.scope():
        nameless = customers.recognise("email", "Eero@Example.FI", by=SYSTEM)
    written = Conversation.unscoped.create(shop=world.shop, customer=nameless, channel_account=world.mailbox)
    with world.scope():
        names = {row.id: row.customer_name for row in queries.inbox(world.shop, world.mia, "open").rows}
    assert names == {visitor.id: names[visitor.id], written.id: "Eero@Example.FI"}
    assert names[visitor.id] not in {"", "Eero@Example.FI"}


def test_a_merged_customer_is_called_by_the_name_of_the_one_who_remains(world: World) -> None:
    conversation = ask(world, "Hei", minute=0)
    with world.scope():
        customers.merge(Customer.objects.get(id=conversation.customer_id), into=world.ada(), by=world.by_mia)
        row = queries.row(conversation.id, "open", world.mia)
        assert row is not None
        assert row.customer_name == "Ada Virtanen"


def test_a31_another_shops_conversations_are_in_no_view(world: World, other_shop: World) -> None:
    conversation = ask(world, "Hei", minute=0)
    with other_shop.scope():
        assert queries.inbox(other_shop.shop, other_shop.mia, "open").rows == []
        assert queries.row(conversation.id, "open", other_shop.mia) is None
        assert queries.inbox_counts(other_shop.mia.id) == InboxCounts(0, 0, 0)


def test_a_long_or_strange_message_is_shortened_to_one_clean_line(world: World) -> None:
    long = ask(world, "sana " * 100, minute=1)
    strange = ask(world, "\u202eexe.kuitti\u200b", minute=2)
    with world.scope():
        snippets = {row.id: row.snippet for row in queries.inbox(world.shop, world.mia, "open").rows}
    assert len(snippets[long.id]) <= 121
    assert snippets[long.id].endswith("…")
    assert snippets[strange.id] == "exe.kuitti"


def test_finding_by_name_address_phone_subject_and_number(world: World, other_shop: World) -> None:
    visitor = ask(world, "Hei", minute=0, name="Äijälä Eero")
    mail = world.conversation_with_ada(subject="Palautus tilaukselle 10482")
    other_shop.conversation_with_ada(subject="Palautus")
    with world.scope():
        customers.add_identity(mail.customer, "phone", "+358 40 123 4567", by=SYSTEM)

        def found(words: str) -> list[int]:
            return [row.id for row in queries.search(world.shop, world.mia, words)]

        assert found("äijä") == [visitor.id]
        assert found("ADA@exam") == [mail.id]
        assert found("040") == []
        assert found("+35840") == [mail.id]
        assert found("tilaukselle") == []  # what was said and written is found by `said`
        assert visitor.id in found(str(visitor.id))
        customers.merge(visitor.customer, into=mail.customer, by=SYSTEM)
        assert sorted(found("ada")) == sorted([visitor.id, mail.id])
        assert found("  ") == []
        assert found("%") == []
