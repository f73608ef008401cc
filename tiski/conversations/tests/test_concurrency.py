"""Several writers at once, on connections of their own: no duplicates, no gaps, no conversation twice."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction

from tiski.conversations import actions as conversations
from tiski.conversations import queries
from tiski.conversations.actions import Posted, Posting, Refused, indexing
from tiski.conversations.errors import AlreadyClosed, DraftMoved, NewerMessages
from tiski.conversations.models import Closure, Conversation, Draft, Message, Note, ReadMark
from tiski.customers.models import Customer, Identity
from tiski.kernel.action import Actor
from tiski.kernel.errors import Refusal
from tiski.kernel.events import stream
from tiski.kernel.models import Fact
from tiski.kernel.reading import fetch
from tiski.testing.indexed import catch_up
from tiski.testing.world import Shopper, World

pytestmark = pytest.mark.django_db(transaction=True)


Result = TypeVar("Result")


def at_once(*work: Callable[[], Result]) -> list[Result]:
    """Run the pieces of work in threads that start together."""
    gate = threading.Barrier(len(work))

    def run(piece: Callable[[], Result]) -> Result:
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


def opened_by_ada(world: World) -> Conversation:
    """Ada's chat, one message long."""
    [opened] = conversations.post_many([Shopper(world).says("Hei")])
    assert isinstance(opened, Posted)
    return Conversation.unscoped.get(id=opened.conversation_id)


def doing(world: World, work: Callable[[], Result]) -> Callable[[], Result | Refusal]:
    """Work inside the shop; its refusal is an outcome too."""

    def run() -> Result | Refusal:
        with world.scope():
            try:
                return work()
            except Refusal as refusal:
                return refusal

    return run


def test_an_answer_and_the_read_mark_of_its_writer_never_wait_for_each_other_in_a_circle(world: World) -> None:
    for _ in range(20):
        chat, client_id = opened_by_ada(world), uuid4()
        answer = partial(conversations.reply, chat, body="Hei Ada!", client_id=client_id, seen_seq=1, by=world.by_mia)
        reading = partial(conversations.mark_read, chat, seq=1, by=world.by_mia)
        answered, read = at_once(doing(world, answer), doing(world, reading))
        assert isinstance(answered, Posted)
        assert read is None


def test_i3_one_answer_sent_by_many_requests_at_once_is_one_for_all_of_them(world: World) -> None:
    chat, client_id = opened_by_ada(world), uuid4()

    def answer() -> Posted:
        return conversations.reply(chat, body="Hei Ada!", client_id=client_id, seen_seq=1, by=world.by_mia)

    results = at_once(*[doing(world, answer)] * 8)
    assert sorted(result.is_new for result in results if isinstance(result, Posted)) == [False] * 7 + [True]
    assert {(result.seq, result.message_id) for result in results if isinstance(result, Posted)} == {
        (2, Message.unscoped.get(seq=2).id)
    }
    assert Fact.objects.filter(name="conversations.message_posted").count() == 2
    assert (Conversation.unscoped.get().last_seq, ReadMark.unscoped.get().seq) == (2, 2)


def test_of_two_colleagues_who_answer_the_same_at_once_one_is_told_of_the_other(world: World) -> None:
    chat = opened_by_ada(world)

    def answer(by: Actor, client_id: UUID) -> Callable[[], Posted | Refusal]:
        return doing(world, lambda: conversations.reply(chat, body="On.", client_id=client_id, seen_seq=1, by=by))

    results = at_once(answer(world.by_mia, uuid4()), answer(world.by_noor, uuid4()))
    assert {type(result) for result in results} == {Posted, NewerMessages}
    assert Message.unscoped.filter(author_kind="agent").count() == 1


def test_what_is_written_beside_an_answer_at_once_is_kept_once(world: World) -> None:
    chat, client_id = opened_by_ada(world), uuid4()

    def note() -> int:
        return conversations.note(chat, body="Kanta-asiakas.", client_id=client_id, by=world.by_mia).id

    def draft() -> int:
        return conversations.save_draft(chat, mode="reply", body="On, kol", version=0, by=world.by_mia)

    def close() -> None:
        conversations.close(Conversation.objects.get(id=chat.id), by=world.by_mia)

    notes = at_once(*[doing(world, note)] * 4)
    assert notes == [Note.unscoped.get().id] * 4
    drafts = at_once(*[doing(world, draft)] * 4)
    assert drafts.count(1) == 1
    assert [type(other) for other in drafts if other != 1] == [DraftMoved] * 3
    assert Draft.unscoped.get(mode="reply").version == 1
    closed = at_once(*[doing(world, close)] * 4)
    assert [type(outcome) for outcome in closed if outcome is not None] == [AlreadyClosed] * 3
    assert Closure.unscoped.count() == 1


def test_a_message_that_is_committed_late_is_indexed_although_a_later_one_was_before_it(world: World) -> None:
    written, released = threading.Event(), threading.Event()
    if connection.vendor == "sqlite":  # whoever writes, writes alone: nothing can be committed late
        released.set()

    def hold() -> None:
        with transaction.atomic():
            conversations.post_many([Shopper(world).says("hidas kuppi")])
            written.set()
            released.wait(10)
        connection.close()

    slow = threading.Thread(target=hold)
    slow.start()
    written.wait(10)
    conversations.post_many([Shopper(world).says("nopea kuppi")])
    catch_up()
    released.set()
    slow.join()
    catch_up()
    with world.scope():
        hits = queries.said(world.shop, "kuppi").hits
    assert ["".join(piece.text for piece in hit.text) for hit in hits] == ["nopea kuppi", "hidas kuppi"]


def test_two_indexers_at_once_index_everything_once(world: World) -> None:
    shopper = Shopper(world)
    conversations.post_many([shopper.says(f"kuppi {number}") for number in range(60)])
    stream.publish()

    def index() -> list[Posted | Refused]:
        for _ in range(60):
            indexing.index_more(5)
        return []

    at_once(index, index, index)
    catch_up()
    column = "rowid" if connection.vendor == "sqlite" else "message_id"
    indexed = fetch(f"SELECT {column} FROM conversations_terms ORDER BY 1", [])
    assert [row[0] for row in indexed] == sorted(Message.unscoped.values_list("id", flat=True))
