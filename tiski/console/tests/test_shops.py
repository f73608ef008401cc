"""Opening a shop, and arriving without one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from tiski.accounts import actions as accounts
from tiski.accounts.models import Agent, Membership, Shop
from tiski.accounts.policies import actor_of
from tiski.console import actions as console
from tiski.console.errors import MayNotOpenShops
from tiski.conversations.models import ChannelAccount
from tiski.kernel.action import SYSTEM
from tiski.testing.world import World

Browser = Callable[[Agent], Client]


@pytest.fixture
def noor(db: None) -> Agent:
    """The owner of an instance without a shop."""
    agent = accounts.first_owner(name="Noor Haddad", email="noor@teepuoti.example", password="vihreä tee 75")
    Agent.objects.update(language="en")
    agent.refresh_from_db()
    return agent


def test_the_owner_of_the_instance_is_offered_to_open_one(noor: Agent, browser_of: Browser) -> None:
    text = browser_of(noor).get("/").content.decode()
    assert 'action="/shops/new/"' in text
    assert text.count("<h1") == 1


def test_everyone_else_is_told_whom_to_ask(noor: Agent, browser_of: Browser) -> None:
    mia = accounts.create_agent(name="Mia Mäkinen", email="mia@teepuoti.example", password=None, by=SYSTEM)
    browser = browser_of(mia)
    assert "/shops/new/" not in browser.get("/").content.decode()
    assert browser.get("/shops/new/").status_code == 403
    assert browser.post("/shops/new/", {"name": "Kahvila", "language": "fi"}).status_code == 403
    assert Shop.objects.count() == 0


def test_who_is_not_signed_in_opens_nothing(db: None, client: Client) -> None:
    assert client.post("/shops/new/", {"name": "Kahvila", "language": "fi"}).status_code == 302
    assert Shop.objects.count() == 0


def test_a_shop_opens_with_its_owner_and_a_chat_window_that_is_on(noor: Agent, browser_of: Browser) -> None:
    browser = browser_of(noor)
    answer = browser.post("/shops/new/", {"name": "Kahvila Örni", "language": "sv", "key": ""})
    assert answer["Location"] == "/kahvila-orni/settings/widget/"
    shop = Shop.objects.get()
    assert (shop.name, shop.key, shop.language, shop.timezone) == (
        "Kahvila Örni",
        "kahvila-orni",
        "sv",
        "Europe/Helsinki",
    )
    assert Membership.unscoped.get(shop=shop, agent=noor).role == "owner"
    window = ChannelAccount.unscoped.get(shop=shop)
    assert (window.kind, window.name, window.is_on) == ("chat", "Kahvila Örni", True)
    assert browser.get("/")["Location"] == "/kahvila-orni/inbox/open/"


@pytest.mark.parametrize("key", ["teepuoti", "Isot Kirjaimet", "admin"])
def test_a_key_that_does_not_do_is_refused_beside_its_field(key: str, world: World, browser_of: Browser) -> None:
    Agent.objects.filter(pk=world.noor.pk).update(is_owner_of_instance=True)
    answer = browser_of(world.noor).post("/shops/new/", {"name": "Toinen", "language": "fi", "key": key})
    assert answer.status_code == 422
    assert 'id="id_key-error"' in answer.content.decode()
    assert Shop.objects.count() == 1
    assert ChannelAccount.unscoped.filter(kind="chat").count() == 1


def test_the_action_itself_asks_who_it_is(world: World) -> None:
    for by in (world.by_noor, SYSTEM, actor_of(world.mia)):
        with pytest.raises(MayNotOpenShops):
            console.open_shop(name="Toinen", key="toinen", language="fi", timezone="Europe/Helsinki", by=by)
    assert Shop.objects.count() == 1
