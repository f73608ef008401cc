"""Giving, closing, reopening, tagging and reading conversations: exact events, exact refusals."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import uuid4

import pytest
import time_machine

from tiski.conversations import actions as conversations
from tiski.conversations.errors import (
    AlreadyClosed,
    MayNotAnswer,
    NoSuchConversation,
    NotAMember,
    NotClosed,
    SubjectNotOneLine,
)
from tiski.conversations.models import Assignment, Closure, Conversation, ReadMark, Tag, Tagging
from tiski.kernel.action import Actor, ActorKind, ChangeInSafeMethod, safe_method
from tiski.testing.world import World

Facts = Callable[[], list[tuple[str, dict[str, object]]]]
NOON = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


@pytest.fixture
def conversation(world: World) -> Conversation:
    """A conversation with Ada."""
    return world.conversation_with_ada()


def test_a_conversation_is_given_to_an_agent_and_back_to_everyone(
    world: World, conversation: Conversation, facts: Facts
) -> None:
    facts()
    with world.scope():
        conversations.assign(conversation, to=world.mia, by=world.by_noor)
        assert Conversation.objects.get().assignee_id == world.mia.id
        conversations.unassign(conversation, by=world.by_mia)
        assert Conversation.objects.get().assignee_id is None
        given = list(Assignment.objects.order_by("id").values_list("agent_id", "by_kind", "by_id"))
    assert given == [(world.mia.id, "agent", world.noor.id), (None, "agent", world.mia.id)]
    number, mia = conversation.id, world.mia.id
    assert facts() == [
        ("conversations.assigned", {"conversation": number, "agent": mia, "before": None}),
        ("conversations.assigned", {"conversation": number, "agent": None, "before": mia}),
    ]


def test_giving_to_who_has_it_changes_nothing(world: World, conversation: Conversation, facts: Facts) -> None:
    with world.scope():
        conversations.assign(conversation, to=world.mia, by=world.by_mia)
        facts()
        conversations.assign(conversation, to=world.mia, by=world.by_noor)
        assert Assignment.objects.count() == 1
    assert facts() == []


def test_a32_conversations_are_given_only_to_people_who_answer_here(
    world: World, other_shop: World, conversation: Conversation, facts: Facts
) -> None:
    facts()
    with world.scope():
        for stranger in (other_shop.mia, world.ville):
            with pytest.raises(NotAMember) as refusal:
                conversations.assign(conversation, to=stranger, by=world.by_noor)
            assert stranger.name in str(refusal.value)
    assert facts() == []


def test_closing_ends_the_wait_and_is_done_once(world: World, conversation: Conversation, facts: Facts) -> None:
    with world.scope():
        ada = Actor(ActorKind.CUSTOMER, conversation.customer_id)
        conversations.post(conversation, body="Hei", client_id=uuid4(), by=ada)
        facts()
        with time_machine.travel(NOON, tick=False):
            conversations.close(conversation, by=world.by_mia)
        closed = Conversation.objects.get()
        assert (closed.closed_at, closed.waiting_since) == (NOON, None)
        with pytest.raises(AlreadyClosed):
            conversations.close(conversation, by=world.by_mia)
    assert facts() == [("conversations.closed", {"conversation": conversation.id})]


def test_reopening_ends_the_closure(world: World, conversation: Conversation, facts: Facts) -> None:
    with world.scope():
        with pytest.raises(NotClosed):
            conversations.reopen(conversation, by=world.by_mia)
        conversations.close(conversation, by=world.by_mia)
        facts()
        with time_machine.travel(NOON, tick=False):
            conversations.reopen(conversation, by=world.by_noor)
        assert Conversation.objects.get().closed_at is None
        closure = Closure.objects.get()
        assert (closure.reopened_at, closure.reopened_by_id) == (NOON, world.noor.id)
        conversations.close(conversation, by=world.by_mia)
        assert Closure.objects.count() == 2
    assert [name for name, _data in facts()] == ["conversations.reopened", "conversations.closed"]


@pytest.mark.parametrize("verb", ["close", "reopen", "unassign"])
def test_who_may_only_read_changes_nothing(world: World, conversation: Conversation, facts: Facts, verb: str) -> None:
    facts()
    with world.scope(), pytest.raises(MayNotAnswer):
        getattr(conversations, verb)(conversation, by=world.by_ville)
    assert facts() == []


def test_a_conversation_of_another_shop_is_not_found(
    world: World, other_shop: World, conversation: Conversation
) -> None:
    by = other_shop.by_mia
    with other_shop.scope():
        for change in (
            lambda: conversations.close(conversation, by=by),
            lambda: conversations.reopen(conversation, by=by),
            lambda: conversations.assign(conversation, to=other_shop.mia, by=by),
            lambda: conversations.mark_read(conversation, seq=1, by=by),
            lambda: conversations.reply(conversation, body="Hei", client_id=uuid4(), seen_seq=0, by=by),
            lambda: conversations.note(conversation, body="Hei", client_id=uuid4(), by=by),
            lambda: conversations.save_draft(conversation, mode="reply", body="Hei", version=0, by=by),
            lambda: conversations.discard_draft(conversation, mode="reply", by=by),
        ):
            with pytest.raises(NoSuchConversation):
                change()


def test_nothing_changes_inside_a_get(world: World, conversation: Conversation) -> None:
    token = safe_method.set(True)
    try:
        with world.scope():
            for change in (
                lambda: conversations.close(conversation, by=world.by_mia),
                lambda: conversations.mark_read(conversation, seq=0, by=world.by_mia),
                lambda: conversations.reply(conversation, body="Hei", client_id=uuid4(), seen_seq=0, by=world.by_mia),
            ):
                with pytest.raises(ChangeInSafeMethod):
                    change()
    finally:
        safe_method.reset(token)


def test_tags_are_made_once_and_put_on_once(world: World, conversation: Conversation, facts: Facts) -> None:
    facts()
    with world.scope():
        first = conversations.tag(conversation, name="Palautus", by=world.by_mia)
        same = conversations.tag(conversation, name=" palautus ", by=world.by_mia)
        assert (same.id, Tag.objects.count(), Tagging.objects.count(), first.name) == (first.id, 1, 1, "palautus")
        conversations.untag(conversation, tag=first, by=world.by_mia)
        conversations.untag(conversation, tag=first, by=world.by_mia)
        assert Tagging.objects.count() == 0
    on = {"conversation": conversation.id, "tag": first.id}
    assert facts() == [
        ("conversations.tagged", {**on, "is_on": True}),
        ("conversations.tagged", {**on, "is_on": False}),
    ]


@pytest.mark.parametrize("subject", ["Palautus\r\nBcc: evil@x.example", "a" * 251])
def test_a13_a_subject_is_one_line(world: World, conversation: Conversation, subject: str) -> None:
    with world.scope():
        with pytest.raises(SubjectNotOneLine):
            conversations.set_subject(conversation, subject=subject, by=world.by_mia)
        conversations.set_subject(conversation, subject="  Palautus 10482 ", by=world.by_mia)
        assert Conversation.objects.get().subject == "Palautus 10482"


def test_read_marks_only_move_forward_and_never_past_the_end(
    world: World, conversation: Conversation, facts: Facts
) -> None:
    with world.scope():
        for body in ("yksi", "kaksi", "kolme"):
            conversations.post(conversation, body=body, client_id=uuid4(), by=world.by_noor)
        facts()
        for seq in (2, 1, 99, 3):
            conversations.mark_read(conversation, seq=seq, by=world.by_mia)
        assert ReadMark.objects.get().seq == 3
    mark = {"conversation": conversation.id, "agent": world.mia.id}
    assert facts() == [
        ("conversations.read_mark_moved", {**mark, "seq": 2}),
        ("conversations.read_mark_moved", {**mark, "seq": 3}),
    ]


def test_the_customers_own_mark_moves_forward_within_the_conversation(
    world: World, conversation: Conversation, facts: Facts
) -> None:
    with world.scope():
        conversations.post(conversation, body="Hei Ada", client_id=uuid4(), by=world.by_mia)
        facts()
        ada = Actor(ActorKind.CUSTOMER, conversation.customer_id)
        for seq in (9, 1, 1, 0):
            conversations.mark_read_by_customer(conversation.id, seq=seq, by=ada)
        assert Conversation.objects.get().customer_read_seq == 1
    assert facts() == [("conversations.customer_read", {"conversation": conversation.id, "seq": 1})]
