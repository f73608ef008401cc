"""Answers and notes: who may write them, what stops them, how they leave, and how an answer is taken back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
import time_machine
from msgspec import structs

from tiski.conversations import actions as conversations
from tiski.conversations.contract import Verdict
from tiski.conversations.errors import (
    AlreadySent,
    CannotSend,
    DraftMoved,
    EmptyMessage,
    FileNotYours,
    MayNotAnswer,
    MessageTooLong,
    NewerMessages,
    NoDestination,
)
from tiski.conversations.models import Attachment, Conversation, Draft, Message, Note, OutboxItem, ReadMark
from tiski.customers import actions as customers
from tiski.kernel.action import SYSTEM, Actor, ActorKind
from tiski.kernel.errors import NotAllowed
from tiski.kernel.models import Delivery
from tiski.testing.world import World

if TYPE_CHECKING:
    from tiski.conversations.tests.conftest import Counter, Letterbox

Facts = Callable[[], list[tuple[str, dict[str, object]]]]
NOON = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


@pytest.fixture
def chat(world: World, counter: Counter) -> Conversation:
    """A conversation at the counter in which Ada has asked something, at noon."""
    return _asked(world, "counter")


@pytest.fixture
def mail(world: World, letterbox: Letterbox) -> Conversation:
    """A conversation by letter in which Ada has asked something, at noon."""
    return _asked(world, "letters")


def test_an_answer_ends_the_wait_and_sends_nothing_out_where_nothing_goes_out(
    world: World, chat: Conversation, facts: Facts
) -> None:
    facts()
    with world.scope():
        posted = conversations.reply(chat, body="On, kolmea lajia.", client_id=uuid4(), seen_seq=1, by=world.by_mia)
        answered = Conversation.objects.get(id=chat.id)
        message = Message.objects.get(seq=2)
        assert (posted.seq, posted.is_new, answered.waiting_since) == (2, True, None)
        assert (message.author_kind, message.agent_id, message.body) == ("agent", world.mia.id, "On, kolmea lajia.")
        assert ReadMark.objects.get().seq == 2
        assert OutboxItem.objects.count() == 0
    assert [name for name, _data in facts()] == ["conversations.message_posted", "conversations.read_mark_moved"]


def test_the_same_answer_twice_is_sent_once_even_when_newer_messages_came_between(
    world: World, mail: Conversation, facts: Facts
) -> None:
    client_id = uuid4()
    with world.scope():
        first = conversations.reply(mail, body="Hei Ada!", client_id=client_id, seen_seq=1, by=world.by_mia)
        _customer_says(mail, "Vielä yksi asia")
        facts()
        again = conversations.reply(mail, body="Hei Ada!", client_id=client_id, seen_seq=1, by=world.by_mia)
        assert again == structs.replace(first, is_new=False)
        assert OutboxItem.objects.count() == 1
    assert facts() == []


def test_an_answer_to_something_older_is_refused_with_the_number_of_new_messages(
    world: World, chat: Conversation
) -> None:
    with world.scope():
        _customer_says(chat, "Tai onko sittenkin matchaa?")
        _customer_says(chat, "Kumpi vain käy.")
        with pytest.raises(NewerMessages) as refusal:
            conversations.reply(chat, body="Senchaa on.", client_id=uuid4(), seen_seq=1, by=world.by_mia)
        assert (refusal.value.details["count"], refusal.value.details["after"]) == (2, 1)
        assert Message.objects.count() == 3
        posted = conversations.reply(
            chat, body="Senchaa on.", client_id=uuid4(), seen_seq=1, force=True, by=world.by_mia
        )
        assert posted.seq == 4


def test_ones_own_answers_and_automatic_messages_are_not_news(world: World, chat: Conversation) -> None:
    with world.scope():
        conversations.reply(chat, body="Hetki!", client_id=uuid4(), seen_seq=1, by=world.by_mia)
        conversations.post(chat, body="Vastaamme pian.", client_id=uuid4(), is_automatic=True, by=SYSTEM)
        conversations.reply(chat, body="On, kolmea.", client_id=uuid4(), seen_seq=1, by=world.by_mia)
        with pytest.raises(NewerMessages) as refusal:
            conversations.reply(chat, body="Minä vastaan.", client_id=uuid4(), seen_seq=1, by=world.by_noor)
        assert refusal.value.details["count"] == 2


def test_who_may_only_read_may_not_answer_nor_note(world: World, chat: Conversation, facts: Facts) -> None:
    facts()
    with world.scope():
        for write in (
            lambda: conversations.reply(chat, body="Hei", client_id=uuid4(), seen_seq=1, by=world.by_ville),
            lambda: conversations.note(chat, body="Hei", client_id=uuid4(), by=world.by_ville),
        ):
            with pytest.raises(MayNotAnswer):
                write()
    assert facts() == []


def test_people_of_another_shop_may_not_answer(world: World, other_shop: World, chat: Conversation) -> None:
    with world.scope(), pytest.raises(MayNotAnswer):
        conversations.reply(chat, body="Hei", client_id=uuid4(), seen_seq=1, by=other_shop.by_mia)


def test_the_channel_decides_whether_an_answer_may_go(
    world: World, chat: Conversation, counter: Counter, facts: Facts
) -> None:
    counter.verdict = Verdict(False, "the 24 hours are over")
    facts()
    with world.scope(), pytest.raises(CannotSend) as refusal:
        conversations.reply(chat, body="Hei", client_id=uuid4(), seen_seq=1, by=world.by_mia)
    assert "the 24 hours are over" in str(refusal.value)
    assert facts() == []


@pytest.mark.parametrize(("body", "error"), [("a" * 4001, MessageTooLong), ("  ", EmptyMessage)])
def test_an_answer_must_fit_the_channel(world: World, chat: Conversation, body: str, error: type[Exception]) -> None:
    with world.scope(), pytest.raises(error):
        conversations.reply(chat, body=body, client_id=uuid4(), seen_seq=1, by=world.by_mia)


def test_a_letter_is_held_for_ten_seconds_in_the_transaction_that_stores_it(world: World, mail: Conversation) -> None:
    with world.scope(), time_machine.travel(NOON, tick=False):
        posted = conversations.reply(mail, body="Hei Ada!", client_id=uuid4(), seen_seq=1, by=world.by_mia)
        item = OutboxItem.objects.get()
        assert (item.message_id, item.recipient, item.state) == (posted.message_id, "ada@example.fi", "held")
        assert item.stable_id == f"<m.{posted.message_id}@teepuoti.example>"
        assert item.send_after == NOON + timedelta(seconds=10)
        due = Delivery.objects.get(handler="conversations.handlers.send_what_is_queued").due
        assert due == NOON + timedelta(seconds=10)


def test_a_letter_without_undo_is_queued_at_once(world: World, mail: Conversation) -> None:
    with world.scope():
        conversations.reply(mail, body="Hei!", client_id=uuid4(), seen_seq=1, undo_seconds=0, by=world.by_mia)
        assert OutboxItem.objects.get().state == "queued"


def test_a_letter_to_nobody_is_refused_whole(world: World, letterbox: Letterbox, facts: Facts) -> None:
    account = world.way_in("letters")
    with world.scope():
        nobody = customers.recognise("visitor", "f" * 64, by=SYSTEM)
        conversation = conversations.open_conversation(channel_account=account, customer=nobody, by=SYSTEM)
        facts()
        with pytest.raises(NoDestination):
            conversations.reply(conversation, body="Hei!", client_id=uuid4(), seen_seq=0, by=world.by_mia)
        assert Message.objects.count() == 0
    assert facts() == []


def test_formatting_is_cleaned_before_it_is_stored(world: World, mail: Conversation) -> None:
    hostile = '<p onclick="x()">Hei <b>Ada</b><script>x()</script></p>'
    with world.scope():
        conversations.reply(mail, body="Hei Ada", html=hostile, client_id=uuid4(), seen_seq=1, by=world.by_mia)
        assert Message.objects.get(seq=2).html == "<p>Hei <b>Ada</b></p>"


def test_an_answer_that_is_held_can_be_taken_back_and_everything_is_as_before(
    world: World, mail: Conversation, upload: Callable[..., Attachment], facts: Facts
) -> None:
    receipt = upload(f"agent-{world.mia.id}")
    with world.scope():
        posted = conversations.reply(
            mail, body="Väärä hinta", client_id=uuid4(), seen_seq=1, files=[receipt.blob_id], by=world.by_mia
        )
        facts()
        conversations.take_back(Message.objects.get(id=posted.message_id), by=world.by_mia)
        restored = Conversation.objects.get(id=mail.id)
        first = Message.objects.get(seq=1)
        assert (restored.waiting_since, restored.last_message_id) == (NOON, first.id)
        assert restored.last_message_at == first.created_at
        assert restored.last_seq == 2
        assert OutboxItem.objects.get().state == "cancelled"
        draft = Draft.objects.get(mode="reply")
        assert (draft.body, draft.files) == ("Väärä hinta", [receipt.blob_id])
        again = conversations.reply(
            mail, body="Oikea hinta", client_id=uuid4(), seen_seq=2, files=[receipt.blob_id], by=world.by_mia
        )
        assert again.seq == 3
    assert [name for name, _data in facts()][:2] == ["conversations.draft_saved", "conversations.message_withdrawn"]


def test_an_answer_that_has_left_cannot_be_taken_back(world: World, mail: Conversation, facts: Facts) -> None:
    with world.scope():
        with time_machine.travel(NOON, tick=False):
            posted = conversations.reply(mail, body="Hei", client_id=uuid4(), seen_seq=1, by=world.by_mia)
        with time_machine.travel(NOON + timedelta(seconds=11), tick=False):
            assert len(conversations.claim_due(10, "worker")) == 1
        facts()
        with pytest.raises(AlreadySent):
            conversations.take_back(Message.objects.get(id=posted.message_id), by=world.by_mia)
        assert Message.objects.get(id=posted.message_id).withdrawn_at is None
        assert Draft.objects.get(mode="reply").body == ""
    assert facts() == []


def test_only_its_writer_takes_an_answer_back(world: World, mail: Conversation) -> None:
    with world.scope():
        posted = conversations.reply(mail, body="Hei", client_id=uuid4(), seen_seq=1, by=world.by_mia)
        with pytest.raises(NotAllowed):
            conversations.take_back(Message.objects.get(id=posted.message_id), by=world.by_noor)


def test_a_note_has_no_seq_and_leaves_the_wait_alone(world: World, chat: Conversation, facts: Facts) -> None:
    client_id = uuid4()
    facts()
    with world.scope():
        written = conversations.note(chat, body="Varastossa 4 kpl.", client_id=client_id, by=world.by_mia)
        same = conversations.note(chat, body="Varastossa 4 kpl.", client_id=client_id, by=world.by_mia)
        assert (same.id, Note.objects.count()) == (written.id, 1)
        noted = Conversation.objects.get(id=chat.id)
        assert (noted.last_seq, noted.waiting_since) == (1, NOON)
    assert facts() == [("conversations.note_added", {"conversation": chat.id, "note": written.id})]


def test_a_note_takes_its_writers_files_only(
    world: World, chat: Conversation, upload: Callable[..., Attachment]
) -> None:
    mine, noors = upload(f"agent-{world.mia.id}"), upload(f"agent-{world.noor.id}")
    with world.scope():
        with pytest.raises(FileNotYours):
            conversations.note(chat, body="Liitteet", client_id=uuid4(), files=[noors.blob_id], by=world.by_mia)
        assert Note.objects.count() == 0
        written = conversations.note(chat, body="Liite", client_id=uuid4(), files=[mine.blob_id], by=world.by_mia)
    mine.refresh_from_db()
    assert mine.note_id == written.id


def test_sending_empties_the_draft_so_that_a_late_save_revives_nothing(world: World, chat: Conversation) -> None:
    with world.scope():
        version = conversations.save_draft(chat, mode="reply", body="On, kol", version=0, by=world.by_mia)
        conversations.reply(chat, body="On, kolmea.", client_id=uuid4(), seen_seq=1, by=world.by_mia)
        with pytest.raises(DraftMoved):
            conversations.save_draft(chat, mode="reply", body="On, kolme", version=version, by=world.by_mia)
        assert Draft.objects.get().body == ""


def _asked(world: World, kind: str) -> Conversation:
    conversation = world.conversation_with_ada(world.way_in(kind))
    with world.scope(), time_machine.travel(NOON, tick=False):
        _customer_says(conversation, "Onko teillä senchaa?")
    return conversation


def _customer_says(conversation: Conversation, body: str) -> None:
    ada = Actor(ActorKind.CUSTOMER, conversation.customer_id)
    conversations.post(conversation, body=body, client_id=uuid4(), by=ada)
