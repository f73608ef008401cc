"""Mails that are understood together: each ends as it would alone, and what is wrong with one harms no other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from msgspec.structs import replace

from tiski.channels.email import actions as mail
from tiski.channels.email import mailbox as mailboxes
from tiski.channels.email import receiving
from tiski.channels.email.actions.cursors import Fetched
from tiski.channels.email.placing import Letter, Received
from tiski.conversations import actions as conversations
from tiski.conversations.models import Attachment, Conversation, InboundRaw, Message, OutboxItem
from tiski.customers import actions as customers
from tiski.customers.models import Customer
from tiski.kernel import clock
from tiski.kernel.action import SYSTEM
from tiski.kernel.events import delivering
from tiski.kernel.models import Delivery, Fact

if TYPE_CHECKING:
    from tiski.testing.letterbox import Post

POISON = b"From: victim@shop.example,evil@x.example\r\nSubject: two\r\n\r\nhi\r\n"
REFUSE = {
    "sqlite": """
        CREATE TRIGGER refuse BEFORE UPDATE ON conversations_inboundraw
        WHEN NEW.id = {number} AND NEW.state <> 'received'
        BEGIN SELECT RAISE(ABORT, 'refused'); END
    """,
    "postgresql": """
        CREATE FUNCTION refused() RETURNS trigger AS 'BEGIN RAISE EXCEPTION ''refused''; END' LANGUAGE plpgsql;
        CREATE TRIGGER refuse BEFORE UPDATE ON conversations_inboundraw FOR EACH ROW
        WHEN (NEW.id = {number} AND NEW.state <> 'received') EXECUTE FUNCTION refused();
    """,
}
ALLOW = {
    "sqlite": "DROP TRIGGER refuse",
    "postgresql": "DROP TRIGGER refuse ON conversations_inboundraw; DROP FUNCTION refused()",
}


@contextmanager
def verdict_refused(number: int) -> Iterator[None]:
    """The database takes no verdict on this item: whoever writes one fails with everything else they wrote."""
    run(REFUSE[connection.vendor].format(number=number))
    try:
        yield
    finally:
        run(ALLOW[connection.vendor])


def run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def understand(post: Post, *numbers: int) -> dict[int, Exception]:
    """Read mails together, as the worker does."""
    with post.world.scope():
        return receiving.understand_many(numbers)


def states(post: Post, *numbers: int) -> list[str]:
    """How the items of the ledger stand."""
    return [post.ledger(number).state for number in numbers]


def said() -> list[tuple[int, int, str]]:
    """What customers have written: conversation, place in it, first line."""
    theirs = Message.unscoped.filter(author_kind="customer").order_by("conversation_id", "seq")
    return [(each.conversation_id, each.seq, each.body.strip()) for each in theirs]


def test_mails_of_a_new_thread_come_into_one_conversation_in_order(post: Post) -> None:
    post.set(acknowledges=False)
    first, second, third = (f"<{number}@example.fi>" for number in range(3))
    numbers = [
        post.lay(post.mail("Onko senchaa?", message_id=first)),
        post.lay(post.mail("Muu asia", sender="Otso <otso@example.fi>")),
        post.lay(post.mail("Ja matchaa?", message_id=second, In_Reply_To=first, References=first)),
        post.lay(post.mail("Unohtakaa matcha.", message_id=third, In_Reply_To=second, References=f"{first} {second}")),
    ]
    assert understand(post, *numbers) == {}
    assert states(post, *numbers) == ["new", "new", "threaded", "threaded"]
    one, other = Conversation.unscoped.order_by("id")
    assert said() == [
        (one.id, 1, "Onko senchaa?"),
        (one.id, 2, "Ja matchaa?"),
        (one.id, 3, "Unohtakaa matcha."),
        (other.id, 1, "Muu asia"),
    ]


def test_mails_of_one_conversation_are_numbered_in_the_order_in_which_they_came(post: Post) -> None:
    begun = post.receive(post.mail("Hei"))
    texts = [f"asia {number}" for number in range(5)]
    numbers = [post.lay(post.mail(text, to=post.token(begun))) for text in texts]
    assert understand(post, *numbers) == {}
    assert states(post, *numbers) == ["threaded"] * 5
    assert [body for _conversation, _seq, body in said()] == ["Hei", *texts]


def test_a_stranger_who_writes_twice_is_met_once_and_begins_two_conversations(post: Post) -> None:
    numbers = [post.lay(post.mail(text)) for text in ("Onko senchaa?", "Missä paketti on?")]
    assert understand(post, *numbers) == {}
    ada = Customer.unscoped.get()
    assert list(Conversation.unscoped.values_list("customer_id", flat=True)) == [ada.id, ada.id]


def test_a_merged_customer_is_answered_by_the_one_who_remains(post: Post) -> None:
    post.receive(post.mail("Hei", sender="Ada <vanha@example.fi>"))
    with post.world.scope():
        gone, kept = Customer.objects.get(), post.world.ada()
        customers.merge(gone, into=kept, by=SYSTEM)
    numbers = [post.lay(post.mail("Taas minä", sender=f"<{who}@example.fi>")) for who in ("vanha", "ada")]
    assert understand(post, *numbers) == {}
    owners = [post.ledger(number).conversation for number in numbers]
    assert [each and each.customer_id for each in owners] == [kept.id, kept.id]


def test_a_mail_out_of_two_folders_is_one_message_also_when_both_copies_come_at_once(post: Post) -> None:
    settings = mailboxes.stored(second_folder(post))
    with post.world.scope():
        second = conversations.add_channel("email", name="Työ", settings=settings, by=SYSTEM)
        raw = post.mail()
        copies = [conversations.store_raw(account, raw=raw, dedupe_key="same").id for account in (post.account, second)]
    assert understand(post, *copies) == {}
    assert states(post, *copies) == ["new", "duplicate"]
    assert post.ledger(copies[0]).message_id == post.ledger(copies[1]).message_id
    assert len(said()) == 1


def second_folder(post: Post) -> mailboxes.Settings:
    """The settings of a second folder of the mailbox."""
    return replace(post.mailbox.settings, folder="Työ")


def test_a_mail_that_is_named_twice_is_posted_once(post: Post) -> None:
    number = post.lay(post.mail())
    assert understand(post, number, number) == {}
    assert understand(post, number) == {}
    assert len(said()) == 1


def test_a_mail_that_is_fetched_twice_at_once_is_one_line_in_the_ledger(post: Post) -> None:
    raw, other = post.mail("Onko senchaa?"), post.mail("Entä matchaa?")
    with post.world.scope():
        cursor = mail.hold(post.account, "worker")
        assert cursor is not None
        copy = b"Received: by another.example\r\n" + raw
        fetched = [Fetched(1, raw), Fetched(2, other), Fetched(3, copy)]
        assert mail.take(cursor, post.account, fetched, up_to=3) == 2
        assert mail.take(cursor, post.account, [Fetched(4, copy), Fetched(5, post.mail("Uusi"))], up_to=5) == 1
        items = list(InboundRaw.objects.order_by("id"))
    assert [each.raw for each in items[:2]] == [raw, other]
    assert [each.envelope["uid"] for each in items] == [1, 2, 5]
    assert Fact.objects.filter(name="conversations.raw_received").count() == 3


def test_what_cannot_be_read_is_set_aside_and_the_mails_around_it_are_posted(post: Post) -> None:
    numbers = [post.lay(raw) for raw in (post.mail("ennen"), POISON, b"\r\n", post.mail("jälkeen"))]
    numbers.append(post.lay(post.mail(""), partial="too_large"))
    assert understand(post, *numbers) == {}
    assert states(post, *numbers) == ["new", "quarantined", "quarantined", "new", "quarantined"]
    assert [body for _conversation, _seq, body in said()] == ["ennen", "jälkeen"]
    assert Fact.objects.filter(name="conversations.raw_quarantined").count() == 3


def test_each_is_thanked_once(post: Post) -> None:
    senders = [f"asiakas{number}@example.fi" for number in (3, 1, 2, 0, 4)]
    numbers = [post.lay(post.mail(sender=sender)) for sender in senders]
    assert understand(post, *numbers) == {}
    assert sorted(OutboxItem.unscoped.values_list("recipient", flat=True)) == sorted(senders)
    for item in OutboxItem.unscoped.select_related("message__conversation"):
        asked = Message.unscoped.get(conversation=item.message.conversation, seq=1)
        assert item.recipient == asked.meta["from"]
        assert f"T-{asked.conversation_id}" in item.message.body


def test_one_sender_is_thanked_within_the_budget_however_many_mails_come_at_once(post: Post) -> None:
    numbers = [post.lay(post.mail(f"asia {number}")) for number in range(8)]
    assert understand(post, *numbers) == {}
    reasons = [post.ledger(number).reason for number in numbers]
    assert reasons == ["", "", "", *["not_acknowledged_budget"] * 5]
    assert OutboxItem.unscoped.count() == 3


def test_files_of_several_mails_stay_with_their_mails(post: Post) -> None:
    numbers = [post.lay(with_file(name)) for name in ("lista.txt", "kuitti.txt")]
    assert understand(post, *numbers) == {}
    names = [Attachment.unscoped.get(message=post.ledger(number).message).name for number in numbers]
    assert names == ["lista.txt", "kuitti.txt"]


def with_file(name: str) -> bytes:
    return (
        f"From: ada@example.fi\r\nSubject: {name}\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\n\r\nLiitteenä\r\n--m\r\n"
        f"Content-Type: text/plain\r\nContent-Disposition: attachment; filename={name}\r\n\r\n{name}\r\n--m--\r\n"
    ).encode()


def test_sixteen_mails_take_few_more_statements_than_one(post: Post, django_assert_max_num_queries: Any) -> None:
    post.set(acknowledges=False)
    known = "<known@example.fi>"
    post.receive(post.mail("Hei", message_id=known))
    raws = [post.mail(f"asia {number}", sender=f"<a{number}@example.fi>") for number in range(12)]
    raws += [post.mail(f"vastaus {number}", In_Reply_To=known) for number in range(4)]
    numbers = [post.lay(raw) for raw in raws]
    with django_assert_max_num_queries(40):
        assert understand(post, *numbers) == {}
    assert states(post, *numbers) == ["new"] * 12 + ["threaded"] * 4


def test_what_a_slow_group_does_not_reach_is_put_off_without_a_try(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = [post.lay(post.mail(text)) for text in ("Onko senchaa?", "Entä matchaa?")]
    monkeypatch.setattr(receiving, "PATIENCE_SECONDS", -1.0)
    outcomes = understand(post, *numbers)
    assert [getattr(outcomes[number], "after", None) for number in numbers] == [timedelta(), timedelta()]
    assert states(post, *numbers) == ["received", "received"]
    assert understand(post, numbers[0]) == {}
    assert states(post, *numbers) == ["new", "received"]


@pytest.mark.parametrize(
    ("envelope", "acknowledges", "sizes"),
    [({}, True, [2] * 9), ({"history": True}, True, [16, 2]), ({}, False, [16, 2])],
)
def test_a_transaction_holds_few_mails_and_fewer_that_are_thanked(
    post: Post, envelope: dict[str, object], acknowledges: bool, sizes: list[int]
) -> None:
    post.set(acknowledges=acknowledges)
    letters = [
        Letter(
            Received(number, post.mailbox.id, str(number), clock.now(), envelope, 0),
            post.mailbox,
            post.parse(post.mail()),
        )
        for number in range(18)
    ]
    assert [len(some) for some in receiving._apart(letters)] == sizes


def test_large_mails_are_not_held_all_at_once() -> None:
    waiting = [Received(number, 1, "", clock.now(), {}, size) for number, size in enumerate((3, 2, 9, 1, 1))]
    sizes = [replace(each, size=each.size * 1_000_000) for each in waiting]
    found = [[each.id for each in some] for some in receiving._of_bounded_size(sizes)]
    assert found == [[0], [1], [2], [3, 4]]


def test_when_one_verdict_fails_nothing_of_the_group_is_left_and_the_others_go_through(
    transactional_db: None, post: Post
) -> None:
    numbers = [post.lay(post.mail(f"asia {number}", sender=f"<a{number}@example.fi>")) for number in range(3)]
    with verdict_refused(numbers[1]):
        with post.world.scope(), pytest.raises(Exception, match="refused"):
            receiving.understand_many(numbers)
        assert (states(post, *numbers), said(), Customer.unscoped.count()) == (["received"] * 3, [], 0)
        delivering.run_due("worker", quick=True)
        assert states(post, *numbers) == ["new", "received", "new"]
        assert [body for _conversation, _seq, body in said()] == ["asia 0", "asia 2"]
        assert (Customer.unscoped.count(), Conversation.unscoped.count(), OutboxItem.unscoped.count()) == (2, 2, 2)
        failed = Delivery.objects.get(handler="channels.email.handlers.read_what_came")
    assert (failed.tries, "refused" in failed.error, failed.dead_at) == (1, True, None)
    Delivery.objects.filter(id=failed.id).update(due=clock.now())
    delivering.run_due("worker", quick=True)
    assert states(post, *numbers) == ["new"] * 3
    assert len(said()) == 3
