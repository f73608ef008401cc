"""The writer: what it stores, answers and tells, row by row and as a batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
import time_machine
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from msgspec import structs

from tiski.conversations import actions as conversations
from tiski.conversations.actions import Posted, Posting, Refused
from tiski.conversations.errors import EmptyMessage
from tiski.conversations.models import Attachment, Closure, Conversation, Message
from tiski.customers.models import Customer, Identity
from tiski.kernel.action import SYSTEM, Actor, ActorKind
from tiski.kernel.models import Blob, Delivery, Fact
from tiski.testing.world import Shopper, World

Facts = Callable[[], list[tuple[str, dict[str, object]]]]
NOON = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


def posted(outcome: Posted | Refused) -> Posted:
    """The outcome, which must not be a refusal."""
    assert isinstance(outcome, Posted), outcome
    return outcome


def store(*postings: Posting) -> list[Posted]:
    """Post, and expect everything to be stored."""
    return [posted(outcome) for outcome in conversations.post_many(postings)]


def test_a_first_message_opens_everything_once(world: World) -> None:
    ada = Shopper(world)
    with time_machine.travel(NOON, tick=False):
        [first] = store(ada.says("Onko teillä senchaa?"))
    conversation = Conversation.unscoped.get()
    message = Message.unscoped.get()
    assert first == Posted(conversation.id, ada.conversation, 1, message.id, True)
    assert (conversation.last_seq, conversation.customer_seq, conversation.waiting_since) == (1, 1, NOON)
    assert (conversation.last_message_id, conversation.last_message_at) == (message.id, NOON)
    assert (conversation.channel_account_id, conversation.language) == (world.widget.id, "fi")
    assert (message.body, message.author_kind) == ("Onko teillä senchaa?", "customer")
    assert message.customer_id == conversation.customer_id
    assert message.meta == {"page": "https://teepuoti.example/sencha"}
    assert list(Identity.unscoped.values_list("kind", "value", "shown")) == [("visitor", ada.token_hash, "")]


def test_a_first_message_tells_that_someone_was_met_what_was_opened_and_what_was_said(
    world: World, facts: Facts
) -> None:
    facts()
    [first] = store(Shopper(world).says("Onko teillä senchaa?"))
    customer = Conversation.unscoped.get().customer_id
    about = {"conversation": first.conversation_id}
    said = {"message": first.message_id, "seq": 1, "author": "customer", "is_automatic": False, "is_history": False}
    assert facts() == [
        ("customers.met", {"customer": customer, "kind": "visitor"}),
        ("conversations.opened", {**about, "customer": customer, "channel_account": world.widget.id}),
        ("conversations.message_posted", {**about, **said}),
    ]
    told = Fact.objects.order_by("-id")[0]
    assert (told.subject, told.ring) == (f"conversation-{first.conversation_id}", True)
    assert (told.actor_kind, told.actor_id) == ("customer", customer)


def test_f25_the_same_client_id_ten_times_is_one_message_and_one_answer(world: World, facts: Facts) -> None:
    ada = Shopper(world)
    message = ada.says("Hei!")
    outcomes = store(*[message] * 10)
    assert [outcome.is_new for outcome in outcomes] == [True] + [False] * 9
    assert {(outcome.seq, outcome.message_id) for outcome in outcomes} == {(1, outcomes[0].message_id)}
    facts()
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=24)):
        [again] = store(structs.replace(message, body="another text"))
    assert again == structs.replace(outcomes[0], is_new=False)
    assert (Message.unscoped.count(), Conversation.unscoped.count(), Customer.unscoped.count()) == (1, 1, 1)
    assert facts() == []


def test_seq_is_without_gaps_per_conversation_whatever_the_batches(world: World) -> None:
    ada, eero = Shopper(world), Shopper(world)
    store(ada.says("1"), eero.says("1"), ada.says("2"))
    store(eero.says("2"), ada.says("3"))
    store(ada.says("4"))
    for shopper, texts in ((ada, ["1", "2", "3", "4"]), (eero, ["1", "2"])):
        said = Message.unscoped.filter(conversation__uuid=shopper.conversation).order_by("seq")
        assert list(said.values_list("seq", "body")) == list(enumerate(texts, 1))


def test_the_last_message_of_a_batch_is_the_conversations_last(world: World) -> None:
    ada = Shopper(world)
    outcomes = store(ada.says("ensin"), ada.says("sitten"))
    conversation = Conversation.unscoped.get()
    assert (conversation.last_message_id, conversation.last_seq) == (outcomes[1].message_id, 2)


def test_a53_a_token_posts_to_its_own_conversation_only(world: World) -> None:
    ada, mallory = Shopper(world), Shopper(world)
    store(ada.says("Hei"))
    stranger = replace(mallory, conversation=ada.conversation)
    [refused] = conversations.post_many([stranger.says("minäkin täällä")])
    assert isinstance(refused, Refused)
    assert (refused.code, Message.unscoped.count()) == ("conversations.not_found", 1)
    assert not Identity.unscoped.filter(value=mallory.token_hash).exists()


def test_a53_another_shops_conversation_does_not_exist(world: World, other_shop: World) -> None:
    ada = Shopper(world)
    store(ada.says("Hei"))
    [refused] = conversations.post_many([structs.replace(ada.says("Hei"), shop_id=other_shop.shop.id)])
    assert isinstance(refused, Refused)
    assert refused.code == "conversations.not_found"
    known = Conversation.unscoped.get()
    by_id = Posting(
        shop_id=other_shop.shop.id,
        conversation_id=known.id,
        client_id=uuid4(),
        body="Hei",
        author=Actor(ActorKind.AGENT, other_shop.mia.id),
    )
    [also_refused] = conversations.post_many([by_id])
    assert isinstance(also_refused, Refused)
    assert also_refused.code == "conversations.not_found"


def test_a_visitor_may_begin_a_second_conversation_with_the_same_token(world: World) -> None:
    ada = Shopper(world)
    later = replace(ada, conversation=uuid4())
    first, second = store(ada.says("Hei"), later.says("Toinen asia"))
    assert first.conversation_id != second.conversation_id
    assert (Customer.unscoped.count(), second.seq) == (1, 1)


@pytest.mark.parametrize(
    ("body", "code"),
    [("", "conversations.empty"), (" \n\t", "conversations.empty"), ("a" * 4001, "conversations.too_long")],
)
def test_what_cannot_be_a_message_is_refused_and_opens_nothing(world: World, body: str, code: str) -> None:
    [refused] = conversations.post_many([Shopper(world).says(body)])
    assert isinstance(refused, Refused)
    assert (refused.code, Conversation.unscoped.count(), Customer.unscoped.count()) == (code, 0, 0)


def test_the_refusal_of_a_long_message_says_how_long_it_is(world: World) -> None:
    [refused] = conversations.post_many([Shopper(world).says("a" * 4001)])
    assert isinstance(refused, Refused)
    assert "4001" in refused.text
    assert "4000" in refused.text


def test_one_bad_row_is_refused_alone_and_the_others_go_through(world: World) -> None:
    shoppers = [Shopper(world) for _ in range(7)]
    store(*[shopper.says("Hei") for shopper in shoppers])
    batch = [shopper.says("Vielä yksi asia") for shopper in shoppers]
    batch[3] = structs.replace(batch[3], body="half a surrogate \ud83d")
    outcomes = conversations.post_many(batch)
    assert [isinstance(outcome, Posted) for outcome in outcomes] == [True] * 3 + [False] + [True] * 3
    refused = outcomes[3]
    assert isinstance(refused, Refused)
    assert refused.code == "conversations.not_stored"
    assert Message.unscoped.count() == 13
    assert Fact.objects.filter(name="conversations.message_posted").count() == 13
    reached = dict(Conversation.unscoped.values_list("uuid", "last_seq"))
    assert [reached[shopper.conversation] for shopper in shoppers] == [2, 2, 2, 1, 2, 2, 2]


def test_a_null_character_does_not_reach_the_database(world: World) -> None:
    store(Shopper(world).says("tee\x00paketti"))
    assert Message.unscoped.get().body == "teepaketti"


def test_i7_when_the_database_does_not_take_the_batch_nobody_is_told_that_it_did(world: World) -> None:
    ada = Shopper(world)
    store(ada.says("Hei"))

    def full(execute: Callable[..., object], sql: str, *rest: object) -> object:
        if "INSERT INTO" in sql and "conversations_message" in sql:
            raise OperationalError("database or disk is full")
        return execute(sql, *rest)

    with connection.execute_wrapper(full), pytest.raises(OperationalError):
        conversations.post_many([ada.says("Vielä"), Shopper(world).says("Moi")])
    assert (Message.unscoped.count(), Conversation.unscoped.count()) == (1, 1)
    assert Conversation.unscoped.get().last_seq == 1


def test_a_customer_waits_from_their_first_unanswered_message(world: World) -> None:
    ada = Shopper(world)
    with time_machine.travel(NOON, tick=False):
        [first] = store(ada.says("Hei"))
    with time_machine.travel(NOON + timedelta(minutes=3), tick=False):
        store(ada.says("Onko siellä ketään?"))
    assert Conversation.unscoped.get().waiting_since == NOON
    _agent_says(world, first.conversation_id, "Hei Ada, täällä Mia!")
    conversation = Conversation.unscoped.get()
    assert (conversation.waiting_since, conversation.last_seq, conversation.customer_seq) == (None, 3, 2)


def test_automatic_messages_neither_end_nor_begin_the_wait(world: World) -> None:
    with time_machine.travel(NOON, tick=False):
        [first] = store(Shopper(world).says("Hei"))
    with time_machine.travel(NOON + timedelta(seconds=5), tick=False):
        store(_posting(world, first.conversation_id, "Vastaamme pian.", SYSTEM, is_automatic=True))
    assert Conversation.unscoped.get().waiting_since == NOON
    _agent_says(world, first.conversation_id, "Hei!")
    customer = Actor(ActorKind.CUSTOMER, Conversation.unscoped.get().customer_id)
    store(_posting(world, first.conversation_id, "Olen lomalla.", customer, is_automatic=True))
    conversation = Conversation.unscoped.get()
    assert (conversation.waiting_since, conversation.customer_seq) == (None, 4)


def test_history_makes_nobody_wait_and_keeps_its_own_time(world: World) -> None:
    conversation = world.conversation_with_ada()
    old = NOON - timedelta(days=400)
    customer = Actor(ActorKind.CUSTOMER, conversation.customer_id)
    store(_posting(world, conversation.id, "Vanha kysymys", customer, is_history=True, created_at=old))
    stored = Conversation.unscoped.get()
    assert (stored.waiting_since, Message.unscoped.get().created_at) == (None, old)
    assert not Fact.objects.filter(ring=True).exists()


def test_a_customers_message_reopens_a_closed_conversation(world: World, facts: Facts) -> None:
    ada = Shopper(world)
    [first] = store(ada.says("Hei"))
    with world.scope():
        conversations.close(Conversation.objects.get(), by=world.by_mia)
    facts()
    with time_machine.travel(NOON, tick=False):
        store(ada.says("Vielä yksi asia"))
    conversation = Conversation.unscoped.get()
    assert (conversation.closed_at, conversation.waiting_since) == (None, NOON)
    assert [name for name, _data in facts()] == ["conversations.reopened", "conversations.message_posted"]
    closure = Closure.unscoped.get()
    assert (closure.reopened_at, closure.reopened_by_kind, closure.reopened_by_id) == (
        NOON,
        "customer",
        conversation.customer_id,
    )
    assert first.conversation_id == conversation.id


def test_an_automatic_message_leaves_a_closed_conversation_closed(world: World) -> None:
    [first] = store(Shopper(world).says("Hei"))
    with world.scope():
        conversations.close(Conversation.objects.get(), by=world.by_mia)
    customer = Actor(ActorKind.CUSTOMER, Conversation.unscoped.get().customer_id)
    store(_posting(world, first.conversation_id, "Poissaoloviesti", customer, is_automatic=True))
    assert Conversation.unscoped.get().closed_at is not None


def test_files_are_claimed_by_their_uploader_once(world: World, upload: Callable[..., Attachment]) -> None:
    ada, mallory = Shopper(world), Shopper(world)
    receipt = upload(f"visitor-{ada.token_hash}")
    [stolen] = conversations.post_many([mallory.says("Kuitti", files=[receipt.blob_id])])
    assert isinstance(stolen, Refused)
    assert (stolen.code, Conversation.unscoped.filter(uuid=mallory.conversation).count()) == ("conversations.file", 1)
    [sent] = store(ada.says("", files=[receipt.blob_id]))
    receipt.refresh_from_db()
    assert receipt.message_id == sent.message_id
    [again] = conversations.post_many([ada.says("Sama kuitti", files=[receipt.blob_id])])
    assert isinstance(again, Refused)
    assert again.code == "conversations.file"


def test_a_retried_message_with_a_file_is_answered_with_the_first(
    world: World, upload: Callable[..., Attachment]
) -> None:
    ada = Shopper(world)
    message = ada.says("Kuitti", files=[upload(f"visitor-{ada.token_hash}").blob_id])
    [first] = store(message)
    assert store(message) == [structs.replace(first, is_new=False)]


def test_a_file_of_another_shop_cannot_be_sent(
    world: World, other_shop: World, upload: Callable[..., Attachment]
) -> None:
    receipt = upload("agent-1")
    Attachment.unscoped.filter(id=receipt.id).update(shop=other_shop.shop)
    Blob.unscoped.update(shop_id=other_shop.shop.id)
    conversation = world.conversation_with_ada()
    posting = structs.replace(
        _posting(world, conversation.id, "Liite", Actor(ActorKind.AGENT, 1)),
        files=(receipt.blob_id,),
        uploader="agent-1",
    )
    [refused] = conversations.post_many([posting])
    assert isinstance(refused, Refused)
    assert refused.code == "conversations.file"


def test_a_batch_costs_the_same_statements_whatever_its_size(world: World) -> None:
    shoppers = [Shopper(world) for _ in range(40)]
    store(*[shopper.says("Hei") for shopper in shoppers])
    counts = []
    for size in (10, 40):
        with CaptureQueriesContext(connection) as queries:
            store(*[shopper.says("Lisää") for shopper in shoppers[:size]])
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert counts[1] <= 12


def test_post_raises_what_post_many_would_refuse(world: World) -> None:
    conversation = world.conversation_with_ada()
    with world.scope(), pytest.raises(EmptyMessage):
        conversations.post(conversation, body=" ", client_id=uuid4(), by=world.by_mia)
    assert Message.unscoped.count() == 0


def test_the_same_client_id_in_two_conversations_is_two_messages(world: World) -> None:
    client_id = UUID("01940000-0000-7000-8000-000000000001")
    ada, eero = Shopper(world), Shopper(world)
    outcomes = store(ada.says("Hei", client_id=client_id), eero.says("Hei", client_id=client_id))
    assert [outcome.is_new for outcome in outcomes] == [True, True]


def test_nothing_is_stored_for_nothing(world: World) -> None:
    before = Delivery.objects.count()
    assert conversations.post_many([]) == []
    assert Delivery.objects.count() == before


def _posting(world: World, conversation_id: int, body: str, author: Actor, **more: object) -> Posting:
    posting = Posting(
        shop_id=world.shop.id, conversation_id=conversation_id, client_id=uuid4(), body=body, author=author
    )
    return structs.replace(posting, **more)


def _agent_says(world: World, conversation_id: int, body: str) -> None:
    store(_posting(world, conversation_id, body, world.by_mia))
