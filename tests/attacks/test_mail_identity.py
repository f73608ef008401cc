"""Who a mail is from, and which conversation it may enter: threading is an authentication protocol (A01-A09)."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tiski.accounts import actions as accounts
from tiski.channels.email import letters, marks
from tiski.conversations import actions as conversations
from tiski.conversations.models import Conversation, InboundRaw, Message, OutboxItem
from tiski.customers.models import Customer, Identity
from tiski.testing.letterbox import CHECKER, Post, outgoing

EVE = "Eve <eve@example.net>"
DENIED = f"{CHECKER}; dmarc=fail header.from=example.fi"
SECRET = "Tilausnumeroni on 48213 ja osoitteeni Kissankuja 4."


@pytest.fixture
def first(post: Post) -> InboundRaw:
    """Ada's first mail, which holds what only she and the shop may know, and Mia's answer to it."""
    raw = post.receive(post.mail(SECRET, subject="Osoite", message_id="<first@example.fi>"))
    post.answer(raw)
    return raw


def letter_to_leave(post: Post, item: OutboxItem) -> letters.Letter:
    """What is handed to the SMTP server for an item of the outbox."""
    with post.world.scope():
        return letters.letter(post.mailbox, outgoing(item))


def bodies(raw: InboundRaw) -> list[str]:
    """What stands in the conversation of a mail."""
    return list(Message.unscoped.filter(conversation=raw.conversation).order_by("seq").values_list("body", flat=True))


def forged_marks(post: Post, first: InboundRaw, second: InboundRaw) -> list[dict[str, str]]:
    """Claims to belong to the first conversation: with no, a short, a wrong or another conversation's MAC."""
    number, domain = first.conversation_id, post.address.partition("@")[2]
    local = post.address.partition("@")[0]
    mac = post.token(second).partition(".")[2].partition("@")[0]
    ours = OutboxItem.unscoped.filter(message__conversation=first.conversation).latest("id")
    return [
        {"In_Reply_To": f"<reply-{number}@{domain}>"},
        {"In_Reply_To": f"<m.{ours.message_id}@{domain}>"},
        {"In_Reply_To": f"<m.{ours.message_id}.@{domain}>"},
        {"In_Reply_To": f"<m.{ours.message_id}.{mac[:25]}@{domain}>"},
        {"In_Reply_To": f"<m.{ours.message_id}.{mac}@{domain}>"},
        {"References": f"<m.{ours.message_id}.{'a' * 26}@{domain}>"},
        {"to": f"{local}+r{number}@{domain}"},
        {"to": f"{local}+r{number}.{mac}@{domain}"},
        {"to": f"{local}+r{number}.{mac[:8]}@{domain}"},
        {"to": f"{local}+r{number}.{'a' * 26}@{domain}"},
        {"Delivered_To": f"{local}+r{number}.{'7' * 26}@{domain}"},
    ]


@pytest.mark.parametrize("sender", [EVE, "Ada Virtanen <ada@example.fi>"], ids=["Eve", "somebody as Ada"])
def test_a01_a_forged_mark_never_enters_the_conversation_it_names(post: Post, first: InboundRaw, sender: str) -> None:
    second = post.receive(post.mail("Toinen asia", sender=EVE))
    post.answer(second)
    before = bodies(first)
    for claim in forged_marks(post, first, second):
        raw = post.receive(post.mail("Osoitteeni muuttui.", sender=sender, **claim))
        assert (raw.state, raw.rule) == ("new", "new"), claim
        assert raw.conversation_id not in {first.conversation_id, second.conversation_id}, claim
    assert bodies(first) == before


def test_a01_a_mark_is_bound_to_its_conversation_and_mailbox_by_128_bits(post: Post, other_post: Post) -> None:
    tokens = {marks.reply_address(box.address, number) for box in (post, other_post) for number in range(1, 200)}
    macs = {token.partition(".")[2].partition("@")[0] for token in tokens}
    assert len(macs) == len(tokens) == 398
    assert {len(mac) for mac in macs} == {26}
    foreign = marks.reply_address(other_post.address, 7).replace(other_post.address.partition("@")[0], "asiakaspalvelu")
    assert marks.conversation_in([foreign.replace("kahvila", "teepuoti")], post.address) is None
    assert marks.conversation_in([marks.reply_address(post.address, 7)], post.address) == 7


def test_a02_a_mail_under_an_agents_address_is_an_ordinary_senders_mail(post: Post, first: InboundRaw) -> None:
    waiting = OutboxItem.unscoped.count()
    for dmarc in (f"{CHECKER}; dmarc=none", DENIED):
        raw = post.receive(
            post.mail(
                "Hei Ada, maksa tilille FI00.",
                sender=f"Mia Mäkinen <{post.world.mia.email}>",
                subject="Re: Osoite",
                In_Reply_To="<notification-1@teepuoti.example>",
                References="<first@example.fi>",
                Authentication_Results=dmarc,
                to=post.address,
            )
        )
        assert raw.conversation_id != first.conversation_id
        assert raw.message is not None
        assert (raw.message.author_kind, raw.message.agent_id) == ("customer", None)
    sent_on = OutboxItem.unscoped.order_by("id")[waiting:]
    assert {item.recipient for item in sent_on} <= {post.world.mia.email}  # at most an acknowledgement to the writer
    assert all("FI00" not in item.message.body for item in sent_on)


def test_a02_even_with_a_true_mark_an_agents_address_speaks_as_an_unproved_sender(
    post: Post, first: InboundRaw
) -> None:
    waiting = OutboxItem.unscoped.count()
    raw = post.receive(post.mail("Maksa tilille FI00.", sender=post.world.mia.email, to=post.token(first)))
    assert raw.message is not None
    assert (raw.rule, raw.message.author_kind, raw.message.meta["unverified"]) == ("token:unverified", "customer", True)
    assert OutboxItem.unscoped.count() == waiting


@pytest.mark.parametrize("subject", ["Re: Osoite", "Re: [#{number}] Osoite", "[T-{number}] Osoite", "Vs: T-{number}"])
def test_a03_a_subject_with_the_requesters_address_reveals_no_history(
    post: Post, first: InboundRaw, subject: str
) -> None:
    raw = post.receive(
        post.mail(
            "Lähettäisitkö koko keskustelun?",
            subject=subject.format(number=first.conversation_id),
            Cc="eve@example.net",
        )
    )
    assert raw.conversation_id != first.conversation_id
    assert Identity.unscoped.filter(value="eve@example.net").count() == 0
    answer = post.answer(raw, "En voi lähettää sitä.")
    letter = letter_to_leave(post, answer)
    assert letter.recipient == "ada@example.fi"
    assert b"eve@example.net" not in letter.content
    assert b"48213" not in letter.content
    assert b"Kissankuja" not in letter.content
    assert {item.recipient for item in OutboxItem.unscoped.all()} == {"ada@example.fi"}


def test_a04_a_forwarded_token_lets_a_stranger_write_but_read_nothing(post: Post, first: InboundRaw) -> None:
    customer = Conversation.unscoped.get(pk=first.conversation_id or 0).customer_id
    raw = post.receive(post.mail("Ada välitti minulle.", sender=EVE, to=post.token(first)))
    assert (raw.state, raw.rule, raw.conversation_id) == ("threaded", "token:unverified", first.conversation_id)
    assert raw.message is not None
    assert raw.message.meta["unverified"] is True
    assert Conversation.unscoped.get(pk=first.conversation_id or 0).customer_id == customer
    assert not Identity.unscoped.filter(customer_id=customer, value="eve@example.net").exists()
    letter = letter_to_leave(post, post.answer(first, "Hei Ada!"))
    assert letter.recipient == "ada@example.fi"
    assert b"eve@example.net" not in letter.content
    assert b"48213" not in letter.content


AGENTS_OWN = [
    f"{CHECKER}; dmarc=pass header.from=example.fi",
    f"  {CHECKER.upper()}  ; dmarc = pass header.from=example.fi",
    f"{CHECKER} 1; (comment) dmarc=pass (really) header.from=example.fi",
    f"(x) {CHECKER}; dmarc=pass header.from=example.fi",
    f'"{CHECKER}"; dmarc=pass header.from=example.fi',
    f"{CHECKER}\n\t; dmarc=pass header.from=example.fi",
]


@pytest.mark.parametrize("forged", AGENTS_OWN)
def test_a05_a_verdict_the_sender_wrote_below_ours_counts_for_nothing(
    post: Post, first: InboundRaw, forged: str
) -> None:
    plain = post.mail("Olen muka Ada.", to=post.token(first))
    raw = post.receive(f"Authentication-Results: {DENIED}\nAuthentication-Results: {forged}\n".encode() + plain)
    assert (raw.state, raw.rule) == ("threaded", "token:unverified")


@pytest.mark.parametrize(
    "forged",
    [
        "mx.evil.example; dmarc=pass header.from=example.fi",
        f"mx.evil.example ({CHECKER}; dmarc=pass)",
        f"{CHECKER}.evil.example; dmarc=pass header.from=example.fi",
        f"evil-{CHECKER}; dmarc=pass header.from=example.fi",
        f"{CHECKER} none (; dmarc=pass header.from=example.fi)",
        f'{CHECKER}; reason="; dmarc=pass header.from=example.fi"',
    ],
)
def test_a05_a_verdict_of_somebody_else_is_no_verdict(post: Post, forged: str) -> None:
    parsed = post.parse(f"Authentication-Results: {forged}\n".encode() + post.mail())
    assert (parsed.authentication.dmarc, parsed.authentication.source) != ("pass", "authentication-results")
    assert parsed.authentication.dmarc == "unknown"


def test_a06_who_has_left_the_shop_confers_nothing_by_an_old_letter(post: Post, first: InboundRaw) -> None:
    world = post.world
    with world.scope():
        membership = world.mia.memberships.get(shop=world.shop)
        accounts.remove_member(membership, by=world.by_noor)
    waiting = OutboxItem.unscoped.count()
    ours = OutboxItem.unscoped.filter(message__conversation=first.conversation).latest("id").stable_id
    raw = post.receive(post.mail("Rahat palautetaan.", sender=world.mia.email, In_Reply_To=ours))
    assert raw.message is not None
    assert raw.message.author_kind == "customer"
    assert raw.message.meta["unverified"] is True
    assert OutboxItem.unscoped.count() == waiting
    assert post.answer is not None
    assert letter_to_leave(post, post_by_noor(post, first)).recipient == "ada@example.fi"


def post_by_noor(post: Post, raw: InboundRaw) -> OutboxItem:
    """Noor answers the conversation of a mail."""
    assert raw.conversation is not None
    with post.world.scope():
        posted = conversations.reply(
            raw.conversation, body="Hei!", client_id=uuid4(), seen_seq=99, undo_seconds=0, by=post.world.by_noor
        )
        return OutboxItem.objects.get(message_id=posted.message_id)


def test_a07_headers_that_imitate_ours_confer_nothing(post: Post, first: InboundRaw) -> None:
    claim = {
        "X_Tiski_Ticket": str(first.conversation_id),
        "X_Tiski_Conversation": str(first.conversation_id),
        "X_Tiski_Verified": "yes",
        "X_Tiski_Agent": str(post.world.mia.id),
        "RT_Send_CC": "eve@example.net",
        "X_Loop": post.address,
        "List_Id": "<tuki.teepuoti.example>",
        "Resent_To": "eve@example.net",
    }
    raw = post.receive(post.mail("Olen osa tuota.", sender=EVE, Auto_Submitted="no", **claim))
    assert raw.conversation_id != first.conversation_id
    assert raw.message is not None
    assert raw.message.author_kind == "customer"
    assert set(raw.message.meta) <= {"raw", "from", "quoted"}
    letter = letter_to_leave(post, post.answer(raw))
    assert letter.recipient == "eve@example.net"
    for word in (b"X-Tiski", b"RT-Send", b"X-Loop", b"Resent", b"List-Id"):
        assert word.lower() not in letter.content.lower()


def test_a07_a_header_may_raise_suspicion_but_never_lower_it(post: Post) -> None:
    raw = post.receive(post.mail(Auto_Submitted="no", Precedence="bulk", Return_Path="<>"))
    assert raw.state == "automatic"
    raw = post.receive(post.mail(sender="no-reply@example.net", Auto_Submitted="no", X_Auto_Response_Suppress="None"))
    assert raw.state == "automatic"
    assert post.automatic() == []


SEVERAL_SENDERS = [
    (b"victim@shop.com,evil@x.com", "from_several_addresses"),
    (b"<victim@shop.com>evil@x.com", "from_several_addresses"),
    (b"victim@shop.com(<evil@x.com>", "from_malformed"),
    (b"=?utf-8?q?a=40b?=c@host.example", "from_encoded_address"),
    (b"=?utf-8?q?victim=40shop.com?= x@evil.com", "from_encoded_address"),
    (b"victim@shop.com\r\nFrom: evil@x.com", "from_repeated"),
    (b"Victims: victim@shop.com, evil@x.com;", "from_is_a_group"),
    (b"victim@shop.com\x00@evil.com", "from_malformed"),
]


@pytest.mark.parametrize(("written", "reason"), SEVERAL_SENDERS)
def test_a08_a_sender_that_is_not_exactly_one_plain_address_is_set_aside(
    post: Post, written: bytes, reason: str
) -> None:
    raw = post.receive(b"From: " + written + b"\r\nTo: x@teepuoti.example\r\nSubject: Hei\r\n\r\nHei\r\n")
    assert (raw.state, raw.reason, raw.conversation_id) == ("quarantined", reason, None)
    assert not Customer.unscoped.exists()
    assert post.automatic() == []


def test_a08_a_name_in_quotes_that_is_another_address_does_not_become_the_sender(post: Post) -> None:
    raw = post.receive(post.mail(sender='"victim@shop.com" <evil@x.com>'))
    assert raw.conversation is not None
    assert Customer.unscoped.get(id=raw.conversation.customer_id).name == ""
    assert list(Identity.unscoped.values_list("value", flat=True)) == ["evil@x.com"]
    assert {item.recipient for item in OutboxItem.unscoped.all()} == {"evil@x.com"}


ALIKE = [
    "mike@example.org",
    "mıke@example.org",
    "mikе@example.org",  # a Cyrillic е
    "mike+tee@example.org",
    "m.ike@example.org",
    "mike@exämple.org",
    "mike@exаmple.org",  # a Cyrillic а
    "ⓐdmin@example.org",
    "admin@example.org",
]


def test_a09_addresses_that_only_look_alike_are_different_people_and_get_their_own_mail(post: Post) -> None:
    customers: dict[int, str] = {}
    for sender in ALIKE:
        raw = post.receive(f"From: {sender}\r\nTo: {post.address}\r\nSubject: Hei\r\n\r\nHei\r\n".encode())
        assert raw.conversation is not None, sender
        assert raw.conversation.customer_id not in customers, sender
        customers[raw.conversation.customer_id] = sender
        assert post.answer(raw).recipient == sender
    again = post.receive(post.mail(sender="MIKE@Example.ORG"))
    assert again.conversation is not None
    assert customers[again.conversation.customer_id] == "mike@example.org"
    assert post.receive(post.mail(sender="mike@example.org.")).state == "quarantined"
