"""The people and the shop every test knows: Teepuoti sells tea, Noor owns it, Mia answers, Ada buys.

world = tea_shop()                                  # inside a test that has a database
with world.scope():
    conversations.post(world.conversation_with_ada(), body="Hei Ada!", client_id=uuid4(), by=world.by_mia)
conversations.post_many([Shopper(world).says("Hei!")])   # what the widget's writer does
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from tiski.accounts import actions as accounts
from tiski.accounts.models import Agent, Role, Shop
from tiski.accounts.policies import actor_of
from tiski.conversations import actions as conversations
from tiski.conversations.actions import Posting, Visitor
from tiski.conversations.models import ChannelAccount, Conversation
from tiski.customers import actions as customers
from tiski.customers.models import Customer
from tiski.kernel.action import SYSTEM, Actor
from tiski.kernel.scope import shop_scope
from tiski.kernel.tokens import hash_token


@dataclass(frozen=True, slots=True)
class World:
    """A shop with its people: Noor Haddad owns it, Mia Mäkinen answers, Ville Korpi may only read."""

    shop: Shop
    noor: Agent
    mia: Agent
    ville: Agent
    widget: ChannelAccount
    mailbox: ChannelAccount

    @property
    def by_noor(self) -> Actor:
        """Noor as the one who does it."""
        return actor_of(self.noor)

    @property
    def by_mia(self) -> Actor:
        """Mia as the one who does it."""
        return actor_of(self.mia)

    @property
    def by_ville(self) -> Actor:
        """Ville as the one who tries it."""
        return actor_of(self.ville)

    def scope(self) -> AbstractContextManager[None]:
        """Work inside the shop."""
        return shop_scope(self.shop.id)

    def way_in(self, kind: str, name: str = "") -> ChannelAccount:
        """A channel account of any kind, switched on."""
        with self.scope():
            account = conversations.add_channel(kind, name=name or kind, by=SYSTEM)
            conversations.switch_channel(account, on=True, by=SYSTEM)
        return account

    def ada(self) -> Customer:
        """Ada Virtanen, known by her email address."""
        with self.scope():
            return customers.recognise("email", "ada@example.fi", name="Ada Virtanen", language="fi", by=SYSTEM)

    def conversation_with_ada(self, account: ChannelAccount | None = None, subject: str = "Sencha") -> Conversation:
        """A conversation of Ada's without a message, in the mailbox unless told."""
        with self.scope():
            return conversations.open_conversation(
                channel_account=account or self.mailbox, customer=self.ada(), subject=subject, language="fi", by=SYSTEM
            )


@dataclass(frozen=True, slots=True)
class Shopper:
    """Someone with the widget open: the token and the conversation's uuid their browser made."""

    world: World
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    conversation: UUID = field(default_factory=uuid4)

    @property
    def token_hash(self) -> str:
        """What the database keeps of the token."""
        return hash_token(self.token)

    def says(self, body: str, *, client_id: UUID | None = None, files: Sequence[str] = ()) -> Posting:
        """A message as the widget's writer gets it."""
        visitor = Visitor(
            token_hash=self.token_hash,
            conversation=self.conversation,
            channel_account_id=self.world.widget.id,
            language="fi",
        )
        return Posting(
            shop_id=self.world.shop.id,
            client_id=client_id or uuid4(),
            body=body,
            visitor=visitor,
            files=tuple(files),
            meta={"page": "https://teepuoti.example/sencha"},
        )


def tea_shop(*, password: str | None = None) -> World:
    """Teepuoti, with its people, a widget and a mailbox; with a password everyone can sign in by it."""
    return _shop("Teepuoti", ("Noor Haddad", "Mia Mäkinen", "Ville Korpi"), password)


def coffee_shop(*, password: str | None = None) -> World:
    """Kahvila, another shop on the same instance, whose people have no business in Teepuoti."""
    return _shop("Kahvila", ("Otto Lind", "Sara Berg", "Timo Salo"), password)


def _shop(name: str, people: tuple[str, str, str], password: str | None) -> World:
    key = name.lower()
    owner, agent, viewer = (_agent(person, key, password) for person in people)
    shop = accounts.create_shop(name=name, key=key, language="fi", timezone="Europe/Helsinki", by=actor_of(owner))
    with shop_scope(shop.id):
        for person, role in ((agent, Role.AGENT), (viewer, Role.VIEWER)):
            accounts.add_member(shop, person, role=role, by=actor_of(owner))
        widget = conversations.add_channel("chat", name=f"{name}: chat", by=SYSTEM)
        mailbox = conversations.add_channel("email", name=f"{name}: asiakaspalvelu", by=SYSTEM)
        for account in (widget, mailbox):
            conversations.switch_channel(account, on=True, by=SYSTEM)
    return World(shop, owner, agent, viewer, widget, mailbox)


def _agent(name: str, key: str, password: str | None) -> Agent:
    email = f"{name.split(maxsplit=1)[0].lower()}@{key}.example"
    return accounts.create_agent(name=name, email=email, password=password, by=SYSTEM)
