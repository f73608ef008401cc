"""The mail that leaves: its headers, its references, and that nothing anyone wrote can change its recipients."""

from __future__ import annotations

from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from tiski.channels.email import letters, marks
from tiski.channels.email.letters import Letter
from tiski.conversations import actions as conversations
from tiski.conversations.models import Conversation, Message, OutboxItem
from tiski.kernel import blobs
from tiski.kernel.action import Actor, ActorKind
from tiski.testing.letterbox import outgoing

if TYPE_CHECKING:
    from tiski.testing.letterbox import Post

OUTLOOK = "<AM0PR04MB12345678901234567890ABCDEF@AM0PR04MB1234567.eurprd04.prod.outlook.com>"


def written(post: Post, item: OutboxItem) -> tuple[Letter, EmailMessage]:
    """The letter, and what a mail program reads in it."""
    with post.world.scope():
        letter = letters.letter(post.mailbox, outgoing(item))
    mail = BytesParser(policy=default).parsebytes(letter.content)
    assert isinstance(mail, EmailMessage)
    return letter, mail


def test_a_persons_answer(post: Post) -> None:
    first = post.receive(post.mail(message_id="<first@example.fi>", subject="Kysymys teestä"))
    item = post.answer(first, "On kyllä, 42 purkkia.\nhttps://teepuoti.example/sencha")
    letter, mail = written(post, item)
    assert str(mail["From"]) == '"Mia, Teepuoti" <asiakaspalvelu@teepuoti.example>'
    assert str(mail["To"]) == "ada@example.fi"
    assert str(mail["Subject"]) == "Re: Kysymys teestä"
    assert str(mail["Reply-To"]) == post.token(first)
    assert str(mail["Message-ID"]) == item.stable_id
    assert mail["Auto-Submitted"] is None
    assert mail["X-Auto-Response-Suppress"] is None
    assert letter.sender == marks.return_path(post.address, item.id)
    assert letter.recipient == "ada@example.fi"
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert plain.get_content().splitlines() == ["On kyllä, 42 purkkia.", "https://teepuoti.example/sencha"]
    assert 'href="https://teepuoti.example/sencha"' in html.get_content()
    assert "<img" not in html.get_content()
    [automatic] = post.automatic()
    acknowledgement = OutboxItem.unscoped.get(message=automatic)
    assert str(mail["In-Reply-To"]) == "<first@example.fi>"
    assert str(mail["References"]).split() == ["<first@example.fi>", acknowledgement.stable_id]


def test_an_automatic_answer(post: Post) -> None:
    post.receive(post.mail(subject="Voitit auton"))
    letter, mail = written(post, OutboxItem.unscoped.get())
    assert letter.sender == ""
    assert str(mail["Auto-Submitted"]) == "auto-replied"
    assert str(mail["X-Auto-Response-Suppress"]) == "All"
    assert "Voitit" not in letter.content.decode()
    assert str(mail["From"]) == "Teepuoti <asiakaspalvelu@teepuoti.example>"


def test_without_plus_addresses_the_mailbox_itself_is_the_return_path(post: Post) -> None:
    post.set(plus_addressing=False, sender_name="Teepuodin väki")
    letter, mail = written(post, post.answer(post.receive(post.mail())))
    assert letter.sender == post.address
    assert mail["Reply-To"] is None
    assert str(mail["From"]) == '"Mia, Teepuodin väki" <asiakaspalvelu@teepuoti.example>'


def test_the_same_item_gives_the_same_message_id_and_date_on_every_try(post: Post) -> None:
    item = post.answer(post.receive(post.mail()))
    one, two = written(post, item)[1], written(post, item)[1]
    assert (one["Message-ID"], one["Date"]) == (two["Message-ID"], two["Date"])


def test_a_long_message_id_is_repeated_as_it_was_written(post: Post) -> None:
    first = post.receive(post.mail(message_id=OUTLOOK))
    letter, mail = written(post, post.answer(first))
    assert f"\r\nIn-Reply-To: {OUTLOOK}\r\n".encode() in letter.content
    assert OUTLOOK in str(mail["References"]).split()


def test_references_are_the_first_and_the_last_twenty(post: Post) -> None:
    post.set(acknowledges=False)
    first = post.receive(post.mail(message_id="<0@example.fi>"))
    for number in range(1, 40):
        post.receive(post.mail(message_id=f"<{number}@example.fi>", In_Reply_To="<0@example.fi>"))
    _letter, mail = written(post, post.answer(first))
    kept = [0, *range(20, 40)]
    assert str(mail["References"]).split() == [f"<{number}@example.fi>" for number in kept]
    assert str(mail["In-Reply-To"]) == "<39@example.fi>"


def test_what_was_said_in_the_chat_or_taken_back_is_no_reference(post: Post) -> None:
    first = post.receive(post.mail(message_id="<first@example.fi>"))
    assert first.conversation is not None
    with post.world.scope():
        ada = Actor(ActorKind.CUSTOMER, first.conversation.customer_id)
        conversations.post(
            first.conversation, body="Chatissa", client_id=uuid4(), channel_account_id=post.world.widget.id, by=ada
        )
    withdrawn = post.answer(first)
    Message.unscoped.filter(id=withdrawn.message_id).update(withdrawn_at=first.received_at)
    _letter, mail = written(post, post.answer(first))
    assert str(mail["In-Reply-To"]) == "<first@example.fi>"
    assert withdrawn.stable_id not in str(mail["References"])
    assert len(str(mail["References"]).split()) == 2


@pytest.mark.parametrize(
    "evil", ["Ada\r\nBcc: evil@x.example", "Ada\nBcc: evil@x.example", "Ada\u2028Bcc: evil@x.example"]
)
def test_a13_a_line_break_in_a_name_or_subject_adds_no_header(post: Post, evil: str) -> None:
    item = post.answer(post.receive(post.mail()))
    post.set(sender_name=evil)
    Message.unscoped.filter(id=item.message_id).update(meta={"subject": evil})
    letter, mail = written(post, item)
    assert mail["Bcc"] is None
    assert [address.addr_spec for address in mail["To"].addresses] == ["ada@example.fi"]
    assert letter.recipient == "ada@example.fi"
    assert not any(line.lower().startswith(b"bcc:") for line in letter.content.splitlines())


@pytest.mark.parametrize(
    "evil", ["a@x.example\r\nBcc: evil@x.example", "a@x.example,b@x.example", "nobody", "@x.example", ""]
)
def test_a13_an_address_that_is_not_exactly_one_is_refused(evil: str) -> None:
    with pytest.raises(ValueError, match="not an address"):
        letters.deliverable(evil)


@pytest.mark.parametrize(
    ("stored", "used"),
    [
        ("Ada.Virtanen+tee@Example.FI", "Ada.Virtanen+tee@example.fi"),
        ("ada@äö.example", "ada@xn--4ca0b.example"),
        ("mıke@example.org", "mıke@example.org"),
    ],
)
def test_mail_goes_to_the_stored_address(post: Post, stored: str, used: str) -> None:
    item = post.answer(post.receive(post.mail()))
    OutboxItem.unscoped.filter(id=item.id).update(recipient=stored)
    letter, _mail = written(post, OutboxItem.unscoped.get(id=item.id))
    assert letter.recipient == used
    assert used.partition("@")[2].encode() in letter.content


def test_files_of_the_answer_go_along_under_their_names(post: Post) -> None:
    first = post.receive(post.mail())
    assert first.conversation is not None
    with post.world.scope():
        blob = blobs.store(post.world.shop.id, "hinnasto ä.txt", b"sencha 9,90\n", accept=blobs.ANYTHING)
        conversations.add_upload(blob, by=post.world.by_mia)
        posted = conversations.reply(
            first.conversation, body="Liitteenä.", client_id=uuid4(), seen_seq=9, files=[blob.id], by=post.world.by_mia
        )
        item = OutboxItem.objects.get(message_id=posted.message_id)
    _letter, mail = written(post, item)
    [file] = mail.iter_attachments()
    assert (file.get_filename(), file.get_payload(decode=True)) == ("hinnasto ä.txt", b"sencha 9,90\n")


def test_every_line_is_short_enough_for_smtp(post: Post) -> None:
    first = post.receive(post.mail(subject="ä" * 240))
    letter, mail = written(post, post.answer(first, "x" * 5000 + "\n.\n..\nloppu"))
    assert max(len(line) for line in letter.content.split(b"\r\n")) <= 998
    assert Conversation.unscoped.get().subject == "ä" * 240
    plain = mail.get_body(("plain",))
    assert plain is not None
    assert plain.get_content().splitlines() == ["x" * 5000, ".", "..", "loppu"]
