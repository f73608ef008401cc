"""The thread and what stands around it: order, pages, states, events, header, composer, earlier conversations."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
import time_machine

from tiski.conversations import actions as conversations
from tiski.conversations import queries
from tiski.conversations.contract import Ability, Verdict
from tiski.conversations.errors import NoSuchConversation
from tiski.conversations.models import Attachment, Conversation, Message, OutboxItem
from tiski.conversations.queries import ItemKind, ThreadItem
from tiski.customers import actions as customers
from tiski.customers import queries as customer_queries
from tiski.customers.models import Customer
from tiski.kernel.action import SYSTEM, Actor, ActorKind
from tiski.testing.world import World

if TYPE_CHECKING:
    from tiski.conversations.tests.conftest import Counter, Letterbox

NOON = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


@pytest.fixture
def mail(world: World, letterbox: Letterbox) -> Conversation:
    """A conversation by letter, without a message yet."""
    return world.conversation_with_ada(world.way_in("letters"))


def ada_says(conversation: Conversation, body: str, **more: Any) -> int:
    """Ada writes; returns the seq."""
    ada = Actor(ActorKind.CUSTOMER, conversation.customer_id)
    return conversations.post(conversation, body=body, client_id=uuid4(), by=ada, **more).seq


def told(items: list[ThreadItem]) -> list[str]:
    """The thread in short: text of what was said, name of what happened."""
    return [item.event or item.text for item in items]


def test_messages_notes_and_events_stand_in_the_order_of_time(world: World, mail: Conversation) -> None:
    with world.scope(), time_machine.travel(NOON, tick=False) as clock:

        def later() -> None:
            clock.shift(timedelta(minutes=1))

        ada_says(mail, "Hei")
        later()
        conversations.assign(mail, to=world.mia, by=world.by_noor)
        later()
        conversations.note(mail, body="Varastossa 4", client_id=uuid4(), by=world.by_mia)
        later()
        conversations.reply(mail, body="Hei Ada!", client_id=uuid4(), seen_seq=1, by=world.by_mia)
        later()
        conversations.close(mail, by=world.by_mia)
        later()
        ada_says(mail, "Kiitos!")
        items = queries.thread(mail)
    assert told(items) == ["Hei", "assigned", "Varastossa 4", "Hei Ada!", "closed", "reopened", "Kiitos!"]
    assert [item.kind for item in items][1:3] == [ItemKind.EVENT, ItemKind.NOTE]
    assert (items[0].author_name, items[2].author_name, items[3].author_name) == (
        "Ada Virtanen",
        "Mia Mäkinen",
        "Mia Mäkinen",
    )
    assert (items[1].author_name, items[1].about) == ("Noor Haddad", "Mia Mäkinen")
    assert [item.seq for item in items] == [1, None, None, 2, None, None, 3]
    assert len({item.dom_id for item in items}) == 7


def test_messages_keep_their_numbers_order_when_clocks_jump(world: World, mail: Conversation) -> None:
    with world.scope():
        for shift in (0, -60, 30):
            with time_machine.travel(NOON + timedelta(minutes=shift), tick=False):
                ada_says(mail, f"{shift}")
        assert told(queries.thread(mail)) == ["0", "-60", "30"]


def test_a_bubble_is_known_by_the_client_id_it_was_made_with(world: World, mail: Conversation) -> None:
    client_id = uuid4()
    with world.scope():
        conversations.reply(mail, body="Hei", client_id=client_id, seen_seq=0, by=world.by_mia)
        [item] = queries.thread(mail)
    assert (item.dom_id, item.seq) == (f"message-{client_id}", 1)


def test_one_entry_alone_is_the_one_in_the_thread(world: World, mail: Conversation) -> None:
    with world.scope():
        ada_says(mail, "Hei")
        note = conversations.note(mail, body="Varastossa 4", client_id=uuid4(), by=world.by_mia)
        conversations.reply(mail, body="Hei Ada!", client_id=uuid4(), seen_seq=1, by=world.by_mia)
        items = {item.text: item for item in queries.thread(mail)}
        assert queries.message_at(mail, 1) == items["Hei"]
        assert queries.message_at(mail, 2) == items["Hei Ada!"]
        assert queries.note_at(mail, note.id) == items["Varastossa 4"]
        assert queries.message_at(mail, 3) is None
        assert queries.note_at(mail, note.id + 1) is None
        elsewhere = world.conversation_with_ada()
        assert queries.note_at(elsewhere, note.id) is None


def test_pages_hold_fifty_and_carry_what_happened_beside_them(world: World, mail: Conversation) -> None:
    with world.scope():
        for number in range(120):
            with time_machine.travel(NOON + timedelta(minutes=number), tick=False):
                ada_says(mail, f"{number}")
            if number in {30, 100}:
                with time_machine.travel(NOON + timedelta(minutes=number, seconds=30), tick=False):
                    conversations.note(mail, body=f"muistiinpano {number}", client_id=uuid4(), by=world.by_mia)
        with time_machine.travel(NOON + timedelta(hours=3), tick=False):
            newest = queries.thread(mail)
            older = queries.thread(mail, before=newest[0].seq)
            oldest = queries.thread(mail, before=older[0].seq)
            after = queries.thread(mail, after=118)
    assert [item.seq for item in newest if item.seq] == list(range(71, 121))
    assert [item.seq for item in older if item.seq] == list(range(21, 71))
    assert [item.seq for item in oldest if item.seq] == list(range(1, 21))
    assert [item.text for page in (oldest, older, newest) for item in page if item.kind == ItemKind.NOTE] == [
        "muistiinpano 30",
        "muistiinpano 100",
    ]
    assert told(after) == ["118", "119"]


def test_a_page_takes_at_most_six_queries(
    world: World, mail: Conversation, upload: Callable[..., Attachment], django_assert_max_num_queries: Any
) -> None:
    with world.scope():
        for _ in range(60):
            ada_says(mail, "Hei")
        file = upload(f"agent-{world.mia.id}")
        conversations.reply(mail, body="Liite", client_id=uuid4(), seen_seq=60, files=[file.blob_id], by=world.by_mia)
        conversations.note(mail, body="Muistiinpano", client_id=uuid4(), by=world.by_mia)
        for after, before in ((0, None), (40, None), (0, 55)):
            with django_assert_max_num_queries(6):
                queries.thread(mail, after, before)
        [answer] = [item for item in queries.thread(mail) if item.text == "Liite"]
    assert [(row.name, row.size, row.content_type) for row in answer.files] == [("kuitti.pdf", 412, "application/pdf")]


def test_an_answers_state_is_what_the_outbox_and_the_customer_say(
    world: World, mail: Conversation, letterbox: Letterbox
) -> None:
    with world.scope(), time_machine.travel(NOON, tick=False):
        posted = conversations.reply(mail, body="Hei", client_id=uuid4(), seen_seq=0, by=world.by_mia)

        def state() -> tuple[str, str]:
            [item] = queries.thread(mail)
            return item.state, item.reason

        [held] = queries.thread(mail)
        assert (held.state, held.next_at, held.recipients) == (
            "held",
            NOON + timedelta(seconds=10),
            ("ada@example.fi",),
        )
        OutboxItem.objects.update(state="claimed")
        assert state() == ("sending", "")
        OutboxItem.objects.update(state="failed", error="550 no such mailbox")
        assert state() == ("failed", "550 no such mailbox")
        OutboxItem.objects.update(state="accepted", error="")
        assert state() == ("sent", "")
        ada = Actor(ActorKind.CUSTOMER, mail.customer_id)
        conversations.mark_read_by_customer(mail.id, seq=posted.seq, by=ada)
        assert state() == ("read", "")


def test_an_answer_taken_back_leaves_a_line_in_its_place(world: World, mail: Conversation) -> None:
    with world.scope():
        posted = conversations.reply(mail, body="Väärin", client_id=uuid4(), seen_seq=0, by=world.by_mia)
        before = queries.thread(mail)[0].dom_id
        conversations.take_back(Message.objects.get(id=posted.message_id), by=world.by_mia)
        [item] = queries.thread(mail)
    assert (item.dom_id, item.kind, item.event, item.text) == (before, ItemKind.EVENT, "withdrawn", "")


def test_a_mail_shows_its_clean_html_with_inline_pictures_and_its_quote_apart(world: World, mail: Conversation) -> None:
    html = '<p>Hei</p><img src="cid:logo@x">'
    meta = {"quoted": "> aiempi", "inline": {"logo@x": "b" * 32}, "remote_images": 2, "unverified": True, "raw": 7}
    with world.scope():
        ada_says(mail, "Hei", html=html, meta=meta)
        [item] = queries.thread(mail, address=lambda blob: f"/files/{blob}/")
    assert item.html is not None
    assert f'src="/files/{"b" * 32}/"' in item.html
    assert (item.quoted, item.remote_images, item.is_verified, item.raw_id) == ("> aiempi", 2, False, 7)


def test_the_header_says_whose_conversation_it_is(
    world: World, mail: Conversation, django_assert_num_queries: Any
) -> None:
    with world.scope():
        ada_says(mail, "Hei")
        conversations.assign(mail, to=world.mia, by=world.by_mia)
        conversations.tag(mail, name="Palautus", by=world.by_mia)
        conversations.mark_read(mail, seq=1, by=world.by_mia)
        with django_assert_num_queries(1):
            head = queries.header(mail.id, world.mia)
        tags = queries.tags(mail.id)
    assert (head.subject, head.customer_name, head.channel_kind) == ("Sencha", "Ada Virtanen", "letters")
    assert (head.assignee_name, head.last_seq, head.read_seq) == ("Mia Mäkinen", 1, 1)
    assert [tag.name for tag in tags] == ["palautus"]
    assert Ability.SENDS_OUT in head.can


def test_a_conversation_is_opened_as_a_queryset_would(world: World, mail: Conversation) -> None:
    asked = Conversation.unscoped.select_related("channel_account").get(id=mail.id)
    with world.scope():
        found = [queries.opened(mail.id), queries.header(mail.id, world.mia).conversation]
    for same in found:
        for one, other in ((same, asked), (same.channel_account, asked.channel_account)):
            names = [field.attname for field in one._meta.concrete_fields]
            assert [getattr(one, name) for name in names] == [getattr(other, name) for name in names]


def test_the_header_of_another_shops_conversation_does_not_exist(
    world: World, other_shop: World, mail: Conversation
) -> None:
    with other_shop.scope(), pytest.raises(NoSuchConversation):
        queries.header(mail.id, other_shop.mia)


def test_the_composer_knows_the_verdict_the_recipients_and_both_drafts(
    world: World, mail: Conversation, letterbox: Letterbox
) -> None:
    letterbox.verdict = Verdict(False, "too late")
    with world.scope():
        conversations.save_draft(mail, mode="note", body="muista", version=0, by=world.by_mia)
        composer = queries.composer(mail, world.mia)
    assert (composer.verdict.is_allowed, composer.verdict.reason) == (False, "too late")
    assert (composer.recipients, composer.longest_body) == (("ada@example.fi",), 100_000)
    assert (composer.reply.version, composer.note.body, composer.note.version) == (0, "muista", 1)


def test_what_a_channel_is_told_about_the_conversation(world: World, counter: Counter) -> None:
    conversation = world.conversation_with_ada(world.way_in("counter"))
    with world.scope(), time_machine.travel(NOON, tick=False):
        assert queries.situation_of(conversation).last_inbound_at is None
        ada_says(conversation, "Hei")
        conversations.reply(conversation, body="Hei!", client_id=uuid4(), seen_seq=1, by=world.by_mia)
        situation = queries.situation_of(Conversation.objects.get(id=conversation.id))
    assert (situation.last_inbound_at, situation.conversation_id, situation.customer_id) == (
        NOON,
        conversation.id,
        conversation.customer_id,
    )


def test_m08_earlier_conversations_are_those_of_the_whole_person(world: World, mail: Conversation) -> None:
    with world.scope():
        ada_says(mail, "Ensin")
        visitor = customers.recognise("visitor", "f" * 64, by=SYSTEM)
        chat = conversations.open_conversation(channel_account=world.widget, customer=visitor, by=SYSTEM)
        ada_says(chat, "Sitten")
        assert queries.earlier_conversations([mail.customer_id], without=mail.id) == []
        customers.merge(visitor, into=Customer.objects.get(id=mail.customer_id), by=world.by_mia)
        family = customer_queries.family(mail.customer_id)
        [earlier] = queries.earlier_conversations(family, without=mail.id)
    assert (earlier.id, earlier.snippet, earlier.channel_kind, earlier.is_closed) == (chat.id, "Sitten", "chat", False)
