"""Every action that an open list, header, thread or chat window could show, each done once on a prepared stage.

A case prepares what the action needs and returns the act itself: `CASES["conversations.close"](stage)(stage)`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

from tiski.channels.email import actions as mail
from tiski.channels.email import receiving
from tiski.channels.email.actions.cursors import Fetched
from tiski.channels.email.errors import ServerUnreachable
from tiski.channels.email.mailbox import Passwords, Settings
from tiski.channels.email.models import MailboxCursor
from tiski.conversations import actions as conversations
from tiski.conversations.actions.drafts import restore_draft
from tiski.conversations.contract import Destination, Outgoing
from tiski.conversations.models import Conversation, DraftMode, InboundRaw, Message, OutboxItem, RawState
from tiski.customers import actions as customers
from tiski.customers.actions import Introduction
from tiski.customers.models import Customer
from tiski.kernel import blobs, clock
from tiski.kernel.action import SYSTEM
from tiski.kernel.models import Blob
from tiski.testing.letterbox import Post
from tiski.testing.world import Shopper, World

POISON = b"From: victim@shop.example, evil@x.example\r\nSubject: Kuka?\r\n\r\nwho am I\r\n"


@dataclass(frozen=True, slots=True)
class Stage:
    """Ada's chat and her mail; Mia has answered both."""

    world: World
    post: Post
    ada: Shopper
    chat: Conversation
    mail: Conversation

    @property
    def cursor(self) -> MailboxCursor:
        """The place in the mailbox, held by a worker."""
        cursor = mail.hold(self.post.account, "worker")
        assert cursor is not None
        return cursor

    def answer(self, text: str = "Hei Ada!", *, undo_seconds: int = 0) -> OutboxItem:
        """Mia answers the mail."""
        posted = conversations.reply(
            self.mail, body=text, client_id=uuid4(), seen_seq=99, undo_seconds=undo_seconds, by=self.world.by_mia
        )
        return OutboxItem.objects.get(message_id=posted.message_id)

    def failed(self) -> OutboxItem:
        """An answer that did not arrive."""
        item = self.answer()
        conversations.record_failed(self.sending(item), permanent=True, reason="550 no such mailbox")
        return item

    def sending(self, item: OutboxItem) -> Outgoing:
        """An answer that a worker is sending right now."""
        return conversations.claim_due(1, "worker", item_id=item.id)[0]

    def stranger(self) -> Customer:
        """Somebody else, with a conversation of their own."""
        ben = customers.recognise("email", "ben@example.fi", name="Ben Koski", by=SYSTEM)
        opened = conversations.open_conversation(
            channel_account=self.world.mailbox, customer=ben, subject="Matcha", by=SYSTEM
        )
        conversations.post(opened, body="Onko matchaa?", client_id=uuid4(), by=self.world.by_mia)
        return ben

    def file(self) -> Blob:
        """Something uploaded."""
        return blobs.store(self.world.shop.id, "kuitti.txt", b"12,50", accept=blobs.ANYTHING)

    def raw(self, content: bytes = b"") -> InboundRaw:
        """A mail that came and was not read yet."""
        return InboundRaw.objects.get(id=self.post.lay(content or self.post.mail("Ja teekannu?", subject="Kannu")))


Act = Callable[[], object]
CASES: dict[str, Callable[[Stage], Act]] = {}


def case(*names: str) -> Callable[[Callable[[Stage], Act]], Callable[[Stage], Act]]:
    """Say which actions a case is about."""

    def remember(prepare: Callable[[Stage], Act]) -> Callable[[Stage], Act]:
        CASES.update(dict.fromkeys(names, prepare))
        return prepare

    return remember


def _simple(name: str, act: Callable[[Stage], object]) -> None:
    """A case that needs nothing beforehand."""
    CASES[name] = lambda stage: lambda: act(stage)


_simple(
    "conversations.post_many", lambda on: conversations.post_many([on.ada.says("Vielä yksi"), on.ada.says("ja toinen")])
)
_simple("conversations.post", lambda on: conversations.post(on.mail, body="Kiitos!", client_id=uuid4(), by=SYSTEM))
_simple("conversations.reply", lambda on: on.answer("Tulossa on.", undo_seconds=10))
_simple(
    "conversations.note", lambda on: conversations.note(on.chat, body="Soita.", client_id=uuid4(), by=on.world.by_mia)
)
_simple("conversations.assign", lambda on: conversations.assign(on.chat, to=on.world.mia, by=on.world.by_noor))
_simple("conversations.close", lambda on: conversations.close(on.chat, by=on.world.by_mia))
_simple("conversations.set_subject", lambda on: conversations.set_subject(on.mail, subject="Kannu", by=on.world.by_mia))
_simple("conversations.tag", lambda on: conversations.tag(on.mail, name="palautus", by=on.world.by_mia))
_simple("conversations.mark_read", lambda on: conversations.mark_read(on.mail, seq=1, by=on.world.by_noor))
_simple(
    "conversations.mark_read_by_customer", lambda on: conversations.mark_read_by_customer(on.chat.id, seq=3, by=SYSTEM)
)
_simple("conversations.tell_of_customer", lambda on: conversations.tell_of_customer(on.chat.customer_id, by=SYSTEM))
_simple("conversations.open_conversation", lambda on: on.stranger())
_simple("conversations.open_many", lambda on: on.stranger())
_simple("conversations.store_raw", lambda on: on.raw())
_simple("conversations.store_raw_many", lambda on: on.raw())
_simple("conversations.add_channel", lambda on: conversations.add_channel("chat", name="Toinen", by=SYSTEM))
_simple(
    "conversations.change_channel",
    lambda on: conversations.change_channel(on.post.account, name="Asiakkaat", by=SYSTEM),
)
_simple("conversations.switch_channel", lambda on: conversations.switch_channel(on.post.account, on=False, by=SYSTEM))
_simple("conversations.report_health", lambda on: conversations.report_health(on.post.account, {"imap": {"code": "x"}}))
_simple("conversations.add_upload", lambda on: conversations.add_upload(on.file(), by=on.world.by_mia))
_simple("conversations.add_uploads", lambda on: conversations.add_uploads([on.file()], by=on.world.by_mia))
_simple(
    "conversations.save_draft",
    lambda on: conversations.save_draft(on.chat, mode=DraftMode.REPLY, body="Hei", version=1, by=on.world.by_mia),
)
_simple(
    "conversations.restore_draft",
    lambda on: restore_draft(on.chat, mode=DraftMode.REPLY, body="Hei", files=(), by=on.world.by_mia),
)
_simple(
    "customers.recognise",
    lambda on: customers.recognise("email", "uusi@example.fi", name="Uusi", by=SYSTEM),
)
_simple(
    "customers.recognise_many",
    lambda on: customers.recognise_many(
        [Introduction(shop_id=on.world.shop.id, kind="email", value="uusi@example.fi")], by=SYSTEM
    ),
)
_simple("customers.rename", lambda on: customers.rename(on.chat.customer, name="Ada V.", by=on.world.by_mia))
_simple(
    "customers.add_identity",
    lambda on: customers.add_identity(on.chat.customer, "email", "ada.v@example.fi", by=on.world.by_mia),
)
_simple("customers.merge", lambda on: customers.merge(on.chat.customer, into=on.mail.customer, by=on.world.by_mia))
_simple("email.hold", lambda on: on.cursor)
_simple("email.report", lambda on: mail.report(on.post.account, "imap", ServerUnreachable()))
_simple("email.recovered", lambda on: mail.recovered(on.post.account, count=3, since=clock.now() - timedelta(hours=1)))
_simple("email.ask_for_check", lambda on: mail.ask_for_check(on.post.account, by=on.world.by_noor))
_simple("email.forget_place", lambda on: mail.forget_place(on.post.account, by=on.world.by_noor))
_simple(
    "email.add_mailbox",
    lambda on: mail.add_mailbox(Settings(address="toinen@teepuoti.example"), Passwords(), by=on.world.by_noor),
)
_simple(
    "email.change_mailbox",
    lambda on: mail.change_mailbox(on.post.account, Settings(address="uusi@teepuoti.example"), Passwords(), by=SYSTEM),
)


@case("conversations.unassign")
def _unassign(on: Stage) -> Act:
    conversations.assign(on.chat, to=on.world.mia, by=on.world.by_noor)
    return lambda: conversations.unassign(on.chat, by=on.world.by_mia)


@case("conversations.reopen")
def _reopen(on: Stage) -> Act:
    conversations.close(on.chat, by=on.world.by_mia)
    return lambda: conversations.reopen(on.chat, by=on.world.by_mia)


@case("conversations.untag")
def _untag(on: Stage) -> Act:
    tag = conversations.tag(on.mail, name="palautus", by=on.world.by_mia)
    return lambda: conversations.untag(on.mail, tag=tag, by=on.world.by_mia)


@case("conversations.discard_draft")
def _discard_draft(on: Stage) -> Act:
    conversations.save_draft(on.chat, mode=DraftMode.REPLY, body="Hei", version=1, by=on.world.by_mia)
    return lambda: conversations.discard_draft(on.chat, mode=DraftMode.REPLY, by=on.world.by_mia)


@case("conversations.drop_upload")
def _drop_upload(on: Stage) -> Act:
    blob = on.file()
    conversations.add_upload(blob, by=on.world.by_mia)
    return lambda: conversations.drop_upload(blob.id, by=on.world.by_mia)


@case("conversations.take_back")
def _take_back(on: Stage) -> Act:
    item = on.answer("Hups", undo_seconds=60)
    return lambda: conversations.take_back(item.message, by=on.world.by_mia)


@case("conversations.queue_outbox")
def _queue_outbox(on: Stage) -> Act:
    destination = Destination("ben@example.fi", "<toinen@teepuoti.example>")

    def act() -> None:
        # As `reply` does it: the items are made in the transaction that tells of the message.
        posted = conversations.post(on.mail, body="Myös Benille.", client_id=uuid4(), by=on.world.by_mia)
        conversations.queue_outbox(Message.objects.get(id=posted.message_id), [destination], by=SYSTEM)

    return act


@case("conversations.claim_due")
def _claim_due(on: Stage) -> Act:
    item = on.answer()
    return lambda: on.sending(item)


@case("conversations.record_accepted")
def _record_accepted(on: Stage) -> Act:
    outgoing = on.sending(on.answer())
    return lambda: conversations.record_accepted(outgoing)


@case("conversations.record_failed")
def _record_failed(on: Stage) -> Act:
    outgoing = on.sending(on.answer())
    return lambda: conversations.record_failed(outgoing, permanent=True, reason="550 no such mailbox")


@case("conversations.record_unknown")
def _record_unknown(on: Stage) -> Act:
    outgoing = on.sending(on.answer())
    return lambda: conversations.record_unknown(outgoing, reason="timed out after DATA")


@case("conversations.record_bounced")
def _record_bounced(on: Stage) -> Act:
    item = on.answer()
    conversations.record_accepted(on.sending(item))
    return lambda: conversations.record_bounced(item, reason="mailbox is full")


@case("conversations.retry")
def _retry(on: Stage) -> Act:
    item = on.failed()
    return lambda: conversations.retry(item, by=on.world.by_mia)


@case("conversations.settle", "conversations.settle_many")
def _settle(on: Stage) -> Act:
    raw = on.raw()
    return lambda: conversations.settle(raw, RawState.IGNORED, rule="own")


@case("conversations.count_death")
def _count_death(on: Stage) -> Act:
    raw = on.raw()
    return lambda: [conversations.count_death(raw, reason="died") for _death in range(3)]


@case("conversations.replay")
def _replay(on: Stage) -> Act:
    raw = on.raw()
    conversations.settle(raw, RawState.QUARANTINED, reason="unreadable")
    return lambda: conversations.replay(raw, by=on.world.by_mia)


@case("customers.verify")
def _verify(on: Stage) -> Act:
    identity = customers.add_identity(on.chat.customer, "email", "ada.v@example.fi", by=on.world.by_mia)
    return lambda: customers.verify(identity, by=SYSTEM)


@case("customers.unmerge")
def _unmerge(on: Stage) -> Act:
    done = customers.merge(on.chat.customer, into=on.mail.customer, by=on.world.by_mia)
    return lambda: customers.unmerge(done, by=on.world.by_mia)


@case("email.quarantine")
def _quarantine(on: Stage) -> Act:
    raw = on.raw(POISON)
    return lambda: receiving.understand(raw.id)


@case("email.act")
def _act(on: Stage) -> Act:
    item = on.answer()
    conversations.record_accepted(on.sending(item))
    several = [on.raw(), on.raw(_delivery_report(item.stable_id))]
    return lambda: receiving.understand_many([raw.id for raw in several])


@case("email.take", "email.begin", "email.looked_through", "email.let_go")
def _read_a_folder(on: Stage) -> Act:
    cursor = on.cursor
    fetched = Fetched(8, on.post.mail("Ja teekannu?", subject="Kannu"))

    def act() -> None:
        mail.begin(cursor, uidvalidity=7, last_uid=0, history_uid=0)
        mail.take(cursor, on.post.account, [fetched], up_to=8)
        mail.looked_through(cursor)
        mail.let_go(cursor, "worker")

    return act


def _delivery_report(message_id: str) -> bytes:
    """What a mail server says of a mail it could not deliver (RFC 3464)."""
    return f"""From: MAILER-DAEMON@mx.example\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r
Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r
It did not work.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r
Final-Recipient: rfc822; ada@example.fi\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b\r\n\
Content-Type: text/rfc822-headers\r\n\r\nMessage-ID: {message_id}\r\n\r\n--b--\r\n""".encode()
