"""Teepuoti with a conversation in it, and browsers of its people and of strangers."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.test import Client

from tiski.accounts.models import Agent
from tiski.conversations import actions as conversations
from tiski.conversations.models import Conversation
from tiski.kernel.action import Actor, ActorKind
from tiski.testing.world import World, coffee_shop, tea_shop

PARTIAL = {"hx-request": "true", "hx-request-type": "partial"}


@pytest.fixture
def world(db: None) -> World:
    """Teepuoti, whose mailbox sends nowhere, as the demo's; its people read English, as these tests do."""
    shop = tea_shop()
    Agent.objects.update(language="en")
    with shop.scope():
        conversations.change_channel(shop.mailbox, settings={"demo": True}, by=shop.by_noor)
    return shop


@pytest.fixture
def kahvila(db: None) -> World:
    """Another shop on the same instance."""
    return coffee_shop()


@pytest.fixture
def ada(world: World) -> Conversation:
    """Ada's mail about sencha, one message long."""
    return asked(world, world.conversation_with_ada(), "Milloin senchaa tulee lisää?")


def asked(world: World, conversation: Conversation, text: str) -> Conversation:
    """Ada says something."""
    with world.scope():
        by = Actor(ActorKind.CUSTOMER, conversation.customer_id, "Ada Virtanen")
        conversations.post(conversation, body=text, client_id=uuid4(), by=by)
        conversation.refresh_from_db()
    return conversation


@pytest.fixture
def browser_of() -> Callable[[Agent], Client]:
    """A browser in which someone has signed in."""

    def sign_in(agent: Agent) -> Client:
        client = Client()
        client.force_login(agent)
        return client

    return sign_in


@pytest.fixture
def mia(world: World, browser_of: Callable[[Agent], Client]) -> Client:
    """Mia's browser."""
    return browser_of(world.mia)


@pytest.fixture
def noor(world: World, browser_of: Callable[[Agent], Client]) -> Client:
    """Noor's browser."""
    return browser_of(world.noor)
