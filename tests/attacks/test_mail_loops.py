"""Mail that would make us the sender of what nobody wanted: codes, bombs, loops, extra recipients (A10-A13)."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from django.db import IntegrityError, transaction
from django.test import Client

from tiski.channels.email.mailbox import Security, Server
from tiski.conversations import actions as conversations
from tiski.conversations.contract import channel_for
from tiski.conversations.models import Conversation, InboundRaw, Message, OutboxItem
from tiski.conversations.queries import thread
from tiski.kernel.errors import SendFailed
from tiski.testing.letterbox import Post, outgoing
from tiski.testing.ports import free_port

SIGN_IN_MAILS = [
    ("Google <no-reply@accounts.google.com>", "Security code: 482113"),
    ("Microsoft account team <account-security-noreply@accountprotection.microsoft.com>", "Your single-use code"),
    ("Apple <appleid@id.apple.com>", "Verify your Apple ID email address"),
    ("Slack <no-reply-bT8c@slack.com>", "Confirm your email address on Slack"),
    ("Facebook <security@facebookmail.com>", "123456 is your code"),
    ("GitHub <noreply@github.com>", "[GitHub] Please verify your device"),
    ("Okta <team@okta.com>", "Activate your account"),
    ("Shopify <account@shopify.com>", "Log in to Shopify"),
]


@pytest.mark.parametrize(("sender", "subject"), SIGN_IN_MAILS, ids=lambda value: value.partition("<")[0].strip())
def test_a10_a_sign_in_code_is_marked_and_enters_nobodys_conversation(post: Post, sender: str, subject: str) -> None:
    """Whoever had it sent to the address of a conversation of theirs must not find it there."""
    theirs = post.receive(post.mail("Hei!", sender="eve@example.net"))
    ours = post.answer(theirs)
    sent = OutboxItem.unscoped.count()
    claim = {"to": post.token(theirs), "In_Reply_To": ours.stable_id, "Cc": "eve@example.net"}
    raw = post.receive(post.mail("Koodisi on 482113.", sender=sender, subject=subject, **claim))
    assert (raw.state, raw.rule) == ("automatic", "new:sensitive")
    assert raw.conversation_id != theirs.conversation_id
    assert raw.message is not None
    assert raw.message.meta["sensitive"] is True
    assert OutboxItem.unscoped.count() == sent
    with post.world.scope():
        assert [item.is_sensitive for item in thread(Conversation.objects.get(pk=raw.conversation_id or 0))] == [True]


def test_a10_people_who_work_there_are_people(post: Post) -> None:
    raw = post.receive(post.mail(sender="Aino Aalto <aino.aalto@github.com>"))
    assert raw.state == "new"
    assert raw.message is not None
    assert "sensitive" not in raw.message.meta
    assert len(post.automatic()) == 1


def test_a11_a_victims_address_gets_three_automatic_answers_that_repeat_nothing(post: Post) -> None:
    abuse = "Vastaa heti, senkin huijari http://evil.example"
    for number in range(60):
        raw = post.receive(post.mail(f"{abuse} {number}", sender="Iloinen Huijari <uhri@example.org>", subject=abuse))
        assert raw.state == "new"
    said = [answer.body + answer.meta["subject"] for answer in post.automatic()]
    assert len(said) == 3
    assert OutboxItem.unscoped.filter(recipient="uhri@example.org").count() == 3
    for word in ("huijari", "Huijari", "Iloinen", "evil", "heti"):
        assert not any(word in text for text in said)


def test_a11_a_mailbox_sends_sixty_automatic_answers_in_ten_minutes_whoever_asks(post: Post) -> None:
    reasons = [post.receive(post.mail(sender=f"uhri{number}@example.org")).reason for number in range(63)]
    assert reasons == [""] * 60 + ["not_acknowledged_budget"] * 3
    assert len(post.automatic()) == 60


REPORT = """\
Return-Path: <>
From: Mail Delivery System <MAILER-DAEMON@example.fi>
To: {to}
Subject: Undelivered: Re: [T-{number}] Kysymys
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

Your message T-{number} to <ada@example.fi> could not be delivered.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.example.fi

Final-Recipient: rfc822; ada@example.fi
Action: failed
Status: 5.1.1
--b
Content-Type: text/rfc822-headers

Message-ID: <m.{number}.{mac}@teepuoti.example>
--b--
"""


def test_a12_a_bounce_that_names_a_conversation_proves_nothing_and_is_not_answered(post: Post) -> None:
    first = post.receive(post.mail())
    item = post.answer(first)
    before = (Message.unscoped.count(), OutboxItem.unscoped.count())
    forged = REPORT.format(to=post.address, number=first.conversation_id, mac="a" * 26)
    raw = post.receive(forged.encode())
    assert (raw.state, raw.rule, raw.reason) == ("ignored", "bounce", "not about a mail of ours")
    assert OutboxItem.unscoped.get(id=item.id).state == "queued"
    assert (Message.unscoped.count(), OutboxItem.unscoped.count()) == before


def test_a12_who_answers_each_of_our_answers_hears_one(post: Post) -> None:
    """An answering machine that marks itself in no way, and keeps the reference."""
    last = post.receive(post.mail("Olen poissa."))
    for _ in range(20):
        ours = OutboxItem.unscoped.latest("id").stable_id
        again = post.receive(post.mail("Olen poissa.", subject="Re: Olen poissa", In_Reply_To=ours))
        assert again.conversation_id == last.conversation_id
    assert len(post.automatic()) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"sender": "asiakaspalvelu@teepuoti.example"},
        {"sender": "ASIAKASPALVELU@teepuoti.example"},
        {"sender": "no-reply@example.net"},
        {"Return_Path": "<>"},
        {"Auto_Submitted": "auto-generated"},
        {"sender": "MAILER-DAEMON@example.net"},
    ],
    ids=str,
)
def test_a12_our_own_mailbox_and_machines_are_never_answered(post: Post, headers: dict[str, str]) -> None:
    post.receive(post.mail("Hei!", **headers))
    assert OutboxItem.unscoped.count() == 0


def test_a12_a_letter_of_ours_that_comes_back_is_known_by_its_mark(post: Post) -> None:
    first = post.receive(post.mail())
    item = post.answer(first)
    back = post.receive(post.mail("On kyllä!", sender="forwarder@example.net", message_id=item.stable_id))
    assert (back.state, back.rule) == ("ignored", "own")
    assert len(post.automatic()) == 1


class Capture:
    """An SMTP server that writes down every command of the session."""

    def __init__(self) -> None:
        self.recipients: list[list[str]] = []
        self.letters: list[bytes] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep envelope and letter."""
        self.recipients.append(list(envelope.rcpt_tos))
        self.letters.append(bytes(envelope.original_content or b""))
        return "250 OK"


@pytest.fixture
def captured(post: Post, loopback: None) -> Iterator[Capture]:
    """Where the mailbox's letters go."""
    handler = Capture()
    controller = Controller(handler, hostname="127.0.0.1", port=free_port())
    controller.start()
    post.set(smtp=Server("127.0.0.1", controller.port, Security.NONE, ""))
    yield handler
    controller.stop()


def deliver(post: Post, item: OutboxItem) -> None:
    """Send one item through the real channel."""
    with post.world.scope():
        channel_for("email").deliver(outgoing(item))


def only_ada_gets_it(captured: Capture) -> None:
    """Exactly the intended recipient, in the session and in the header."""
    assert captured.recipients == [["ada@example.fi"]]
    [letter] = captured.letters
    names = [line.partition(b":")[0].lower() for line in letter.partition(b"\r\n\r\n")[0].split(b"\r\n")]
    assert b"bcc" not in names
    assert b"cc" not in names
    assert names.count(b"to") == 1
    assert names.count(b"subject") == 1


INJECTED = [
    "x\r\nBcc: evil@x.example",
    "x\nBcc: evil@x.example",
    "x\rBcc: evil@x.example",
    "x\u2028Bcc: evil@x.example",
]


@pytest.mark.parametrize("evil", INJECTED, ids=repr)
@pytest.mark.parametrize("place", ["subject", "name"])
def test_a13_a_line_break_in_a_mail_adds_no_recipient(post: Post, captured: Capture, place: str, evil: str) -> None:
    word = "=?utf-8?q?" + "".join(f"={byte:02X}" for byte in evil.encode()) + "?="
    sender = f"{word} <ada@example.fi>" if place == "name" else "ada@example.fi"
    subject = word if place == "subject" else "Hei"
    raw = post.receive(f"From: {sender}\r\nTo: {post.address}\r\nSubject: {subject}\r\n\r\nHei\r\n".encode())
    assert raw.conversation is not None
    assert not set("\r\n\u2028") & set(raw.conversation.subject + raw.conversation.customer.name)
    deliver(post, post.answer(raw))
    only_ada_gets_it(captured)


@pytest.mark.parametrize("evil", INJECTED, ids=repr)
def test_a13_a_line_break_in_a_form_adds_no_recipient(post: Post, captured: Capture, evil: str) -> None:
    raw = post.receive(post.mail())
    mia, noor = Client(), Client()
    mia.force_login(post.world.mia)
    noor.force_login(post.world.noor)
    profile = {"name": f"Mia {evil}", "language": "fi", "theme": "system", "density": "compact"}
    shop = {"name": f"Teepuoti {evil}", "language": "fi", "timezone": "Europe/Helsinki"}
    said = {mia.post("/account/", profile).status_code, noor.post("/teepuoti/settings/shop/", shop).status_code}
    assert said <= {302, 422}
    post.world.mia.refresh_from_db()
    post.world.shop.refresh_from_db()
    assert not set("\r\n\u2028") & set(post.world.mia.name + post.world.shop.name)
    deliver(post, post.answer(raw))
    only_ada_gets_it(captured)


@pytest.mark.parametrize(
    "recipient",
    [
        "ada@example.fi, evil@x.example",
        "ada@example.fi evil@x.example",
        "<ada@example.fi><evil@x.example>",
    ],
)
def test_a13_a_stored_address_that_is_not_exactly_one_is_sent_to_nobody(
    post: Post, captured: Capture, recipient: str
) -> None:
    raw: InboundRaw = post.receive(post.mail())
    item = post.answer(raw)
    OutboxItem.unscoped.filter(id=item.id).update(recipient=recipient)
    with pytest.raises(SendFailed) as failure:
        deliver(post, OutboxItem.unscoped.get(id=item.id))
    assert failure.value.permanent
    assert captured.recipients == []


def test_a13_the_database_itself_holds_no_recipient_of_two_lines(post: Post) -> None:
    item = post.answer(post.receive(post.mail()))
    with pytest.raises(IntegrityError), transaction.atomic():
        OutboxItem.unscoped.filter(id=item.id).update(recipient="ada@example.fi\r\nRCPT TO:<evil@x.example>")


def test_a13_a_dot_on_its_own_ends_no_letter(post: Post, captured: Capture) -> None:
    raw = post.receive(post.mail())
    assert raw.conversation is not None
    smuggled = "Hei\n.\nMAIL FROM:<evil@x.example>\nRCPT TO:<evil@x.example>\nDATA\nosta\n.\n"
    with post.world.scope():
        posted = conversations.reply(
            raw.conversation, body=smuggled, client_id=uuid4(), seen_seq=99, undo_seconds=0, by=post.world.by_mia
        )
        item = OutboxItem.objects.get(message_id=posted.message_id)
    deliver(post, item)
    only_ada_gets_it(captured)
