"""Settings of the chat windows."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from tiski.accounts.models import Agent
from tiski.conversations.models import ChannelAccount
from tiski.testing.world import World

from .conftest import PARTIAL

FIELDS = {
    "name": "Teepuodin chat", "position": "start", "theme": "dark", "shows_people": "no",
    "domains": "www.teepuoti.example\nhttp://localhost:3000", "welcome_fi": "Tervetuloa teelle!", "welcome_sv": "",
    "welcome_en": "",
}  # fmt: skip


@pytest.fixture
def address(world: World) -> str:
    """The settings of the shop's chat window."""
    return f"/teepuoti/settings/widget/{world.widget.id}/"


def kept(world: World) -> ChannelAccount:
    """The chat window as it stands in the database."""
    return ChannelAccount.unscoped.get(id=world.widget.id)


def test_the_settings_lead_to_the_first_window(noor: Client, address: str) -> None:
    assert noor.get("/teepuoti/settings/widget/")["Location"] == address


def test_the_page_holds_what_goes_into_the_shop(world: World, noor: Client, address: str) -> None:
    text = noor.get(address).content.decode()
    key = world.widget.key
    assert f"/w/loader.js&#34; data-key=&#34;{key}&#34;&gt;&lt;/script&gt;" in text
    assert "connect-src http://localhost:8000 ws://localhost:8000;" in text
    assert f"/chat/{key}/</code>" in text
    assert f'src="/chat/{key}/preview/"' in text


def test_what_is_saved_is_what_the_widget_reads(world: World, noor: Client, address: str) -> None:
    assert noor.post(address, FIELDS)["Location"] == address
    account = kept(world)
    assert account.name == "Teepuodin chat"
    assert account.settings == {
        "position": "start",
        "theme": "dark",
        "shows_people": False,
        "domains": ["https://www.teepuoti.example", "http://localhost:3000"],
        "welcome": {"fi": "Tervetuloa teelle!"},
    }
    config = noor.get(f"/w/config/{account.key}.json?lang=fi").json()
    assert (config["position"], config["theme"], config["people"]) == ("start", "dark", [])
    assert config["welcome"] == "Tervetuloa teelle!"
    text = noor.get(address).content.decode()
    assert "https://www.teepuoti.example\nhttp://localhost:3000</textarea>" in text
    assert 'value="Tervetuloa teelle!"' in text


def test_htmx_gets_the_section_alone_with_a_notice(noor: Client, address: str) -> None:
    text = noor.post(address, FIELDS, headers=PARTIAL).content.decode()
    assert "<html" not in text
    assert 'hx-swap-oob="beforeend:#toasts"' in text


@pytest.mark.parametrize(
    ("field", "typed"),
    [("domains", "shop.example; script-src *"), ("name", ""), ("theme", "pink"), ("welcome_fi", "a" * 301)],
)
def test_what_makes_no_sense_is_refused_beside_its_field(
    field: str, typed: str, world: World, noor: Client, address: str
) -> None:
    answer = noor.post(address, FIELDS | {field: typed}, headers=PARTIAL)
    assert answer.status_code == 422
    assert f'id="id_{field}-error"' in answer.content.decode()
    assert kept(world).settings == {}


def test_a_window_is_switched_off_and_on(world: World, noor: Client, address: str) -> None:
    assert noor.post(f"{address}switch/")["Location"] == address
    assert not kept(world).is_on
    text = noor.get(address).content.decode()
    assert "The chat is off. Switch it on to see it." in text
    assert "<iframe" not in text
    noor.post(f"{address}switch/")
    assert kept(world).is_on


def test_another_window_is_added_and_both_are_offered(noor: Client, address: str) -> None:
    answer = noor.post("/teepuoti/settings/widget/", {"name": "Tukkukauppa"})
    added = ChannelAccount.unscoped.get(name="Tukkukauppa")
    assert answer["Location"] == f"/teepuoti/settings/widget/{added.id}/"
    assert (added.kind, added.is_on, added.settings) == ("chat", True, {"domains": []})
    assert f'href="{answer["Location"]}"' in noor.get(address).content.decode()
    assert noor.post("/teepuoti/settings/widget/", {"name": ""}).status_code == 422


def test_a_shop_without_a_window_is_offered_one(world: World, noor: Client) -> None:
    kept(world).delete()
    answer = noor.get("/teepuoti/settings/widget/")
    assert answer.status_code == 200
    assert "No chat window yet" in answer.content.decode()


def test_the_window_of_another_shop_is_not_found(
    kahvila: World, browser_of: Callable[[Agent], Client], address: str, world: World
) -> None:
    otto = browser_of(kahvila.noor)
    other = address.replace("teepuoti", "kahvila")
    assert otto.get(other).status_code == 404
    assert otto.post(other, FIELDS).status_code == 404
    assert otto.post(f"{other}switch/").status_code == 404
    assert (kept(world).settings, kept(world).is_on) == ({}, True)


def test_a_mailbox_is_no_chat_window(world: World, noor: Client) -> None:
    assert noor.get(f"/teepuoti/settings/widget/{world.mailbox.id}/").status_code == 404
