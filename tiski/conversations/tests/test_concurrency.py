"""Several writers at once, on connections of their own: no duplicates, no gaps, no conversation twice."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from django.db import connection

from tiski.conversations import actions as conversations
from tiski.conversations.actions import Posted, Posting, Refused
from tiski.conversations.models import Conversation, Message
from tiski.customers.models import Customer, Identity
from tiski.kernel.models import Fact
from tiski.testing.world import Shopper, World

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*work: Callable[[], list[Posted | Refused]]) -> list[list[Posted | Refused]]:
    """Run the pieces of work in threads that start together."""
    gate = threading.Barrier(len(work))

    def run(piece: Callable[[], list[Posted | Refused]]) -> list[Posted | Refused]:
        try:
            gate.wait(timeout=10)
            return piece()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(work)) as threads:
        return list(threads.map(run, work))


def writing(*postings: Posting) -> Callable[[], list[Posted | Refused]]:
    """What a writer would do with these."""
    return lambda: conversations.post_many(postings)


def test_f25_the_same_first_message_from_ten_writers_is_stored_once(world: World) -> None:
    ada = Shopper(world)
    message = ada.says("Hei, onko ketään?")
    results = at_once(*[writing(message)] * 10)
    outcomes = [outcome for [outcome] in results if isinstance(outcome, Posted)]
    assert len(outcomes) == 10
    assert sorted(outcome.is_new for outcome in outcomes) == [False] * 9 + [True]
    assert len({(outcome.conversation_id, outcome.seq, outcome.message_id) for outcome in outcomes}) == 1
    assert (Message.unscoped.count(), Conversation.unscoped.count()) == (1, 1)
    assert (Customer.unscoped.count(), Identity.unscoped.count()) == (1, 1)
    told = Fact.objects.filter(name__in=["customers.met", "conversations.opened", "conversations.message_posted"])
    assert told.count() == 3


def test_f32_ten_first_messages_of_one_visitor_in_parallel_make_one_conversation(world: World) -> None:
    ada = Shopper(world)
    results = at_once(*[writing(ada.says(f"Kuva {number}")) for number in range(10)])
    assert sorted(outcome.seq for [outcome] in results if isinstance(outcome, Posted)) == list(range(1, 11))
    assert (Conversation.unscoped.count(), Customer.unscoped.count()) == (1, 1)


def test_i3_writers_that_share_conversations_leave_no_gap(world: World) -> None:
    shoppers = [Shopper(world) for _ in range(6)]
    conversations.post_many([shopper.says("0") for shopper in shoppers])
    batches = [
        writing(*[shoppers[(start + step) % 6].says(f"{start}.{step}") for step in range(30)]) for start in range(4)
    ]
    results = at_once(*batches)
    assert all(isinstance(outcome, Posted) and outcome.is_new for batch in results for outcome in batch)
    for conversation in Conversation.unscoped.all():
        said = list(Message.unscoped.filter(conversation=conversation).order_by("seq").values_list("seq", flat=True))
        assert said == list(range(1, 22))
        assert (conversation.last_seq, conversation.customer_seq) == (21, 21)
        last = Message.unscoped.get(conversation=conversation, seq=21)
        assert conversation.last_message_id == last.id


def test_an_agent_and_a_customer_who_write_at_once_are_both_heard(world: World) -> None:
    ada = Shopper(world)
    [opened] = conversations.post_many([ada.says("Hei")])
    assert isinstance(opened, Posted)
    answer = Posting(
        shop_id=world.shop.id,
        conversation_id=opened.conversation_id,
        client_id=uuid4(),
        body="Hei Ada!",
        author=world.by_mia,
    )
    at_once(writing(answer), writing(ada.says("Vielä yksi asia")))
    assert sorted(Message.unscoped.values_list("seq", flat=True)) == [1, 2, 3]
    conversation = Conversation.unscoped.get()
    answered_last = Message.unscoped.get(seq=3).author_kind == "agent"
    assert (conversation.waiting_since is None) == answered_last
