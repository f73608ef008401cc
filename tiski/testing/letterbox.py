"""A shop's mailbox without servers: mails are laid into the ledger and understood as the worker does.

post = open_post(tea_shop(), ADDRESS)            # inside a test that has a database
raw = post.receive(post.mail("Onko senchaa?"))   # from the bytes to the verdict
"""

from __future__ import annotations

from dataclasses import dataclass
from email.message import EmailMessage
from uuid import uuid4

import msgspec

from tiski.channels.email import mailbox as mailboxes
from tiski.channels.email import marks, receiving
from tiski.channels.email.mailbox import Mailbox, Passwords, Security, Server, Settings
from tiski.channels.email.parsing.dedupe import dedupe_key
from tiski.channels.email.parsing.model import Parsed, Request
from tiski.channels.email.parsing.reading import parse
from tiski.conversations import actions as conversations
from tiski.conversations.contract import Outgoing
from tiski.conversations.models import ChannelAccount, InboundRaw, Message, OutboxItem
from tiski.kernel.action import SYSTEM
from tiski.testing.world import World

ADDRESS = "asiakaspalvelu@teepuoti.example"
ADA = "Ada Virtanen <ada@example.fi>"
CHECKER = "mx.teepuoti.example"


@dataclass(frozen=True, slots=True)
class Post:
    """The mailbox of a shop, and everything that comes into it and leaves it."""

    world: World
    address: str = ADDRESS

    @property
    def account(self) -> ChannelAccount:
        """The mailbox as it is stored now."""
        return ChannelAccount.unscoped.get(id=self.world.mailbox.id)

    @property
    def mailbox(self) -> Mailbox:
        """The mailbox, typed."""
        return mailboxes.mailbox_of(self.account)

    def set(self, **changes: object) -> None:
        """Change what the merchant has set."""
        settings = msgspec.structs.replace(self.mailbox.settings, **changes)
        with self.world.scope():
            conversations.change_channel(self.account, settings=mailboxes.stored(settings), by=SYSTEM)

    def mail(
        self, text: str = "Onko senchaa?", *, sender: str = ADA, subject: str = "Kysymys", **headers: str
    ) -> bytes:
        """A mail as a customer's program writes it; `_` in the name of a header stands for a hyphen."""
        mail = EmailMessage()
        mail["From"], mail["To"] = sender, headers.pop("to", self.address)
        mail["Subject"] = subject
        mail["Message-ID"] = headers.pop("message_id", f"<{uuid4()}@example.fi>")
        for name, value in headers.items():
            mail[name.replace("_", "-")] = value
        mail.set_content(text)
        return mail.as_bytes()

    def parse(self, raw: bytes) -> Parsed:
        """What the parser reads in a mail that came to this mailbox."""
        ids = tuple(self.mailbox.settings.authserv_ids)
        return parse(Request(raw=raw, own_addresses=(self.address,), authserv_ids=ids))

    def lay(self, raw: bytes, **envelope: object) -> int:
        """Store a mail as the reader does; returns its number in the ledger."""
        with self.world.scope():
            stored = conversations.store_raw(self.account, raw=raw, dedupe_key=dedupe_key(raw), envelope=envelope)
        return stored.id

    def receive(self, raw: bytes, **envelope: object) -> InboundRaw:
        """Store a mail, understand it, and give what the ledger says of it."""
        number = self.lay(raw, **envelope)
        with self.world.scope():
            receiving.understand(number)
        return self.ledger(number)

    def ledger(self, number: int) -> InboundRaw:
        """One line of the ledger."""
        return InboundRaw.unscoped.select_related("conversation", "message").get(id=number)

    def answer(self, raw: InboundRaw, text: str = "On kyllä!") -> OutboxItem:
        """Mia answers the conversation the mail went to, and nobody holds the answer back."""
        assert raw.conversation is not None
        with self.world.scope():
            posted = conversations.reply(
                raw.conversation, body=text, client_id=uuid4(), seen_seq=99, undo_seconds=0, by=self.world.by_mia
            )
            return OutboxItem.objects.get(message_id=posted.message_id)

    def automatic(self) -> list[Message]:
        """Every automatic answer so far."""
        return list(Message.unscoped.filter(author_kind="system", is_automatic=True).order_by("id"))

    def token(self, raw: InboundRaw) -> str:
        """The address that belongs to the mail's conversation."""
        assert raw.conversation_id is not None
        return marks.reply_address(self.address, raw.conversation_id)


def open_post(world: World, address: str) -> Post:
    """A mailbox of the shop that acknowledges, and whose host knows plus addresses and checks senders."""
    server = Server("mail.example", 465, Security.TLS, address)
    settings = Settings(
        address=address, imap=server, smtp=server, plus_addressing=True, acknowledges=True, authserv_ids=(CHECKER,)
    )
    with world.scope():
        conversations.change_channel(
            world.mailbox,
            settings=mailboxes.stored(settings),
            secret=mailboxes.sealed(Passwords(imap="salaisuus", smtp="salaisuus")),
            by=SYSTEM,
        )
    return Post(world, address)


def outgoing(item: OutboxItem) -> Outgoing:
    """The item as the outbox hands it to its channel."""
    return Outgoing(
        item_id=item.id, fence=1, shop_id=item.shop_id, channel_account_id=item.channel_account_id,
        conversation_id=item.message.conversation_id, message_id=item.message_id, recipient=item.recipient,
        stable_id=item.stable_id, tries=1, is_automatic=item.message.is_automatic,
    )  # fmt: skip
