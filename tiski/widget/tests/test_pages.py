"""The widget's public addresses: who may read them, how long they keep, and that they never set a cookie."""

from __future__ import annotations

import gzip
import json

import pytest
from django.core.cache import cache
from django.test import Client

from tiski.conversations import actions as conversations
from tiski.kernel.action import SYSTEM
from tiski.testing.world import World, tea_shop
from tiski.ui import statics
from tiski.widget.web import modules

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    cache.clear()
    return tea_shop()


def test_the_loader_is_for_every_page_and_keeps_for_five_minutes(client: Client) -> None:
    answer = client.get("/w/loader.js", HTTP_ACCEPT_ENCODING="gzip")
    assert gzip.decompress(answer.content) == modules.file(modules.LOADER)
    assert answer["Content-Type"] == "text/javascript; charset=utf-8"
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert answer["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer["Cache-Control"] == "public, max-age=300, stale-while-revalidate=86400"
    assert answer.cookies == {}
    again = client.get("/w/loader.js", HTTP_ACCEPT_ENCODING="gzip", HTTP_IF_NONE_MATCH=answer["ETag"])
    assert again.status_code == 304


def test_modules_at_their_own_hash_never_change(client: Client) -> None:
    now = client.get(modules.address(modules.PANEL))
    assert now.content == modules.file(modules.PANEL)
    assert now["Cache-Control"] == "public, max-age=31536000, immutable"
    assert client.get("/w/0123456789ab/panel.js")["Cache-Control"].startswith("public, max-age=300")
    assert client.get(f"/w/{statics.tree_hash()}/secrets.js").status_code == 404


def test_the_config_is_public_short_lived_and_knows_nobody(client: Client, world: World) -> None:
    answer = client.get(f"/w/config/{world.widget.key}.json?lang=sv")
    config = json.loads(answer.content)
    assert config["lang"] == "sv"
    assert answer["Content-Type"] == "application/json"
    assert answer["Cache-Control"] == "public, max-age=60, stale-while-revalidate=86400"
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert answer.cookies == {}
    assert "Cookie" not in answer["Vary"]


def test_a_config_asked_for_again_costs_no_query(
    client: Client, world: World, django_assert_num_queries: object
) -> None:
    address = f"/w/config/{world.widget.key}.json?lang=fi"
    client.get(address)
    with django_assert_num_queries(0):  # type: ignore[operator]
        assert client.get(address).status_code == 200


def test_a_widget_that_is_off_or_unknown_is_not_found(client: Client, world: World) -> None:
    with world.scope():
        conversations.switch_channel(world.widget, on=False, by=SYSTEM)
    assert client.get(f"/w/config/{world.widget.key}.json").status_code == 404
    assert client.get("/w/config/nobody.json").status_code == 404
    assert client.get(f"/chat/{world.widget.key}/").status_code == 404


def test_the_hosted_page_speaks_the_visitors_language_and_may_be_framed_by_the_shop(
    client: Client, world: World
) -> None:
    with world.scope():
        conversations.change_channel(world.widget, settings={"domains": ["teepuoti.example"]}, by=SYSTEM)
    answer = client.get(f"/chat/{world.widget.key}/", HTTP_ACCEPT_LANGUAGE="sv-FI,sv;q=0.9")
    assert '<html lang="sv">' in answer.text
    assert f'data-key="{world.widget.key}" data-lang="sv" data-full' in answer.text
    policy = answer["Content-Security-Policy"]
    assert "frame-ancestors 'self' https://teepuoti.example" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert "unsafe" not in policy


def test_the_preview_is_for_people_who_are_signed_in(client: Client, world: World) -> None:
    address = f"/chat/{world.widget.key}/preview/?colour=%23aa3344&welcome=Hei%3C%2Fscript%3E"
    assert client.get(address).status_code == 302
    client.force_login(world.mia)
    answer = client.get(address)
    assert answer.status_code == 200
    assert '"brand": "#aa3344"' in answer.text
    assert "Hei</script>" not in answer.text
    assert "frame-ancestors 'self'" in answer["Content-Security-Policy"]
