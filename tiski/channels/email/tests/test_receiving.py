"""From a stored mail to its verdict: once each, whoever asks how often; bad mails and bounces in their place."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import connection

from tiski.channels.email import actions as mail
from tiski.channels.email import child, marks, receiving
from tiski.channels.email.parsing.model import Parsed
from tiski.channels.email.placing import Letter, Received
from tiski.conversations import actions as conversations
from tiski.conversations.models import Attachment, Conversation, InboundRaw, Message, OutboxItem
from tiski.kernel import clock
from tiski.kernel.action import SYSTEM
from tiski.kernel.events import Retry
from tiski.kernel.models import Fact

if TYPE_CHECKING:
    from tiski.testing.letterbox import Post

REPORT = """\
From: MAILER-DAEMON@example.fi (Mail Delivery System)
To: {to}
Subject: Undelivered Mail Returned to Sender
Content-Type: multipart/report; report-type=delivery-status; boundary="b"
MIME-Version: 1.0

--b
Content-Type: text/plain

<ada@example.fi>: no such user

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.example.fi

Final-Recipient: rfc822; ada@example.fi
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 {status} no such user

--b
Content-Type: text/rfc822-headers

Message-ID: {original}
Subject: Re: Kysymys

--b--
"""


@pytest.fixture
def sent(post: Post) -> OutboxItem:
    """An answer to Ada that her server has taken."""
    item = post.answer(post.receive(post.mail()))
    OutboxItem.unscoped.filter(id=item.id).update(state="accepted", accepted_at=clock.now())
    return item


def report(*, to: str, original: str = "<x@example.fi>", action: str = "failed", status: str = "5.1.1") -> bytes:
    """A delivery status mail (RFC 3464)."""
    return REPORT.format(to=to, original=original, action=action, status=status).encode()


def state(item: OutboxItem) -> tuple[str, str]:
    """How the sending stands now."""
    item = OutboxItem.unscoped.get(id=item.id)
    return item.state, item.error


def received(number: int) -> Received:
    """An item of the ledger as the worker takes it up."""
    raw = InboundRaw.unscoped.get(id=number)
    return Received(raw.id, raw.channel_account_id, raw.dedupe_key, raw.received_at, raw.envelope, raw.size)


def counts() -> tuple[int, int, int]:
    """Conversations, messages of customers, and automatic answers."""
    theirs = Message.unscoped.filter(author_kind="customer")
    return Conversation.unscoped.count(), theirs.count(), Message.unscoped.filter(is_automatic=True).count()


def test_a_mail_understood_again_is_posted_once(post: Post) -> None:
    raw = post.receive(post.mail("Onko senchaa?"))
    with post.world.scope():
        receiving.understand(raw.id)
    assert counts() == (1, 1, 1)
    again = post.ledger(raw.id)
    assert (again.state, again.conversation_id, again.message_id) == ("new", raw.conversation_id, raw.message_id)


def test_a_mail_read_again_on_request_is_not_posted_again(post: Post) -> None:
    raw = post.receive(post.mail())
    with post.world.scope():
        conversations.replay(raw, by=SYSTEM)
        receiving.understand(raw.id)
    again = post.ledger(raw.id)
    assert (again.state, again.rule, again.message_id) == ("threaded", "again", raw.message_id)
    assert counts() == (1, 1, 1)


def test_two_workers_that_understand_a_mail_at_once_post_it_once(
    transactional_db: None, post: Post, parsed_twice: Parsed
) -> None:
    number = post.lay(post.mail())
    letter, start = Letter(received(number), post.mailbox, parsed_twice), threading.Barrier(2)
    failures: list[BaseException] = []

    def work() -> None:
        try:
            with post.world.scope():
                start.wait(5)
                mail.act([letter])
        except BaseException as error:  # noqa: BLE001  told to the test
            failures.append(error)
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _each in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(20)
    assert failures == []
    assert counts() == (1, 1, 1)


@pytest.fixture
def parsed_twice(post: Post) -> Parsed:
    """What both workers have read."""
    return post.parse(post.mail())


def test_the_same_mail_fetched_twice_is_one_line_in_the_ledger(post: Post) -> None:
    raw = post.mail()
    assert post.lay(raw) == post.lay(b"Received: by another.example\r\n" + raw)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"From: victim@shop.example,evil@x.example\r\nSubject: two\r\n\r\nhi\r\n", "from_several_addresses"),
        (b"From: a@x.example\r\nFrom: b@x.example\r\n\r\nhi\r\n", "from_repeated"),
        (b"Subject: nobody\r\n\r\nhi\r\n", "from_missing"),
        (b"From: =?utf-8?q?a=40b?=@x.example\r\n\r\nhi\r\n", "from_encoded_address"),
        (b"\r\n \r\n", "empty"),
        (b"no header at all", "not_a_mail"),
        (b"From: a@x.example\r\nX: " + b"y" * 300_000 + b"\r\n\r\nhi", "headers_too_large"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_mail_that_cannot_be_read_is_set_aside_with_its_reason(post: Post, raw: bytes, reason: str) -> None:
    bad = post.receive(raw)
    assert (bad.state, bad.rule, bad.reason) == ("quarantined", "unreadable", reason)
    assert bad.conversation_id is None
    assert bad.raw == raw
    assert post.receive(post.mail()).state == "new"


@pytest.mark.parametrize("partial", ["too_large", "not_fetched"])
def test_a_mail_of_which_only_a_part_is_here_is_set_aside_however_often_it_is_read(post: Post, partial: str) -> None:
    raw = post.receive(post.mail(""), partial=partial)
    assert (raw.state, raw.reason) == ("quarantined", partial)
    with post.world.scope():
        conversations.replay(raw, by=SYSTEM)
        receiving.understand(raw.id)
    assert (post.ledger(raw.id).state, counts()) == ("quarantined", (0, 0, 0))


def test_a_mail_on_which_the_parser_dies_is_tried_three_times(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    number = post.lay(post.mail())
    with post.world.scope(), child.ParserChild(wall_seconds=0.0) as parser, monkeypatch.context() as meanwhile:
        meanwhile.setattr(child, "_shared", parser)
        for _each in range(2):
            with pytest.raises(Retry):
                receiving.understand(number)
        receiving.understand(number)
    bad = post.ledger(number)
    assert (bad.state, bad.rule, bad.reason, bad.deaths) == ("quarantined", "poison", "wall_time_exceeded", 3)
    assert post.receive(post.mail("Seuraava")).state == "new"


def test_a_bounce_to_the_return_path_is_told_on_the_message(post: Post, sent: OutboxItem) -> None:
    raw = post.receive(report(to=marks.return_path(post.address, sent.id)))
    assert (raw.state, raw.rule, raw.conversation_id) == ("bounce", "bounce", sent.message.conversation_id)
    assert state(sent) == ("bounced", "550 5.1.1 no such user")
    assert Fact.objects.filter(name="conversations.message_failed").count() == 1
    assert counts()[1:] == (1, 1)


def test_a_bounce_that_encloses_our_mail_is_told_as_well(post: Post, sent: OutboxItem) -> None:
    raw = post.receive(report(to=post.address, original=sent.stable_id))
    assert (raw.state, state(sent)[0]) == ("bounce", "bounced")


def test_a_delay_changes_nothing(post: Post, sent: OutboxItem) -> None:
    raw = post.receive(report(to=post.address, original=sent.stable_id, action="delayed", status="4.4.1"))
    assert (raw.state, state(sent)) == ("bounce", ("accepted", ""))


def test_a_bounce_that_proves_nothing_is_ignored(post: Post, other_post: Post, sent: OutboxItem) -> None:
    guess = "a" * 26
    forged = [
        report(to=post.address),
        report(to=f"asiakaspalvelu+b{sent.id}.{guess}@teepuoti.example"),
        report(to=marks.reply_address(post.address, sent.id).replace("+r", "+b")),
        report(to=marks.return_path(other_post.address, sent.id)),
        report(to=post.address, original=f"<m.{sent.message_id}.{guess}@teepuoti.example>"),
    ]
    for each in forged:
        raw = post.receive(each)
        assert (raw.state, raw.reason, raw.conversation_id) == ("ignored", "not about a mail of ours", None)
    assert state(sent) == ("accepted", "")
    foreign = other_post.receive(report(to=other_post.address, original=sent.stable_id))
    assert (foreign.state, state(sent)) == ("ignored", ("accepted", ""))


def test_an_out_of_office_answer_to_the_return_path_is_no_bounce(post: Post, sent: OutboxItem) -> None:
    away = {"to": marks.return_path(post.address, sent.id), "Auto_Submitted": "auto-replied", "Return_Path": "<>"}
    raw = post.receive(post.mail("Palaan maanantaina.", subject="Poissaoloviesti", In_Reply_To=sent.stable_id, **away))
    assert (raw.state, raw.conversation_id) == ("automatic", sent.message.conversation_id)
    assert state(sent)[0] == "accepted"


def test_history_stands_where_it_was_written_and_nobody_waits(post: Post) -> None:
    raw = post.receive(post.mail(Date="Mon, 02 Nov 2026 12:00:00 +0200"), history=True)
    assert raw.message is not None
    assert raw.message.created_at.isoformat() == "2026-11-02T10:00:00+00:00"
    assert raw.conversation is not None
    assert raw.conversation.waiting_since is None


def test_a_mail_that_waited_on_the_server_stands_where_the_server_got_it(post: Post) -> None:
    arrived = clock.now().replace(microsecond=0) - timedelta(hours=5)
    raw = post.receive(post.mail(Date="Mon, 02 Nov 2020 12:00:00 +0200"), arrived_at=arrived.isoformat())
    assert raw.message is not None
    assert raw.conversation is not None
    assert (raw.message.created_at, raw.conversation.waiting_since) == (arrived, arrived)
    future = (clock.now() + timedelta(days=400)).isoformat()
    ahead = post.receive(post.mail("Aikakone"), arrived_at=future)
    assert ahead.message is not None
    assert abs(ahead.message.created_at - clock.now()) < timedelta(minutes=1)
    assert datetime.fromisoformat(future) > ahead.message.created_at


def test_files_come_along_and_pictures_keep_their_place(post: Post) -> None:
    parts = b"""From: ada@example.fi\r\nTo: asiakaspalvelu@teepuoti.example\r\nSubject: Kuva\r\nMIME-Version: 1.0\r
Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\nContent-Type: text/html\r\n\r
<p>Katso <img src="cid:kuva@x"></p>\r\n--m\r\nContent-Type: text/plain; name=lista.txt\r
Content-Disposition: attachment; filename=lista.txt\r\nContent-ID: <kuva@x>\r\n\r\nsencha\r\n--m--\r\n"""
    raw = post.receive(parts)
    assert raw.message is not None
    attachment = Attachment.unscoped.get(message=raw.message)
    assert attachment.name == "lista.txt"
    assert raw.message.meta["inline"] == {"kuva@x": attachment.blob_id}


def test_bytes_that_no_database_text_may_hold_are_set_aside_or_shown_without_them(post: Post) -> None:
    nothing = post.receive(b"Content-Type: multipart/mixed; boundary=a\r\n" + b"\x00\xff(" * 3000)
    assert nothing.state == "quarantined"
    raw = post.receive(b"From: a\x00da@example.fi\r\nFrom: x\r\nSubject: \x00\xff\r\n\r\nhi \x00 there\r\n")
    assert raw.state == "quarantined"
    shown = post.receive(
        b"From: ada@example.fi\r\nSubject: A\x00B\xff\r\nMessage-ID: <\x00@x>\r\n\r\nhi \x00 there\r\n"
    )
    assert shown.state == "new"
    assert shown.message is not None
    assert "\x00" not in shown.message.body
