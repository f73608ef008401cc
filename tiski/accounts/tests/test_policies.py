"""Doors: who gets through, and what those outside are told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import quote

import pytest
import time_machine
from django.http import HttpResponse
from django.test import Client
from django.urls import path

from tiski.accounts import actions as accounts
from tiski.accounts.models import Agent, AuditEntry
from tiski.accounts.policies import (
    answers,
    may,
    owns_the_shop,
    public,
    reads_inbox,
    requires,
    routes_without_policy,
    runs_the_shop,
)
from tiski.accounts.web.urls import urlpatterns
from tiski.kernel import clock
from tiski.kernel.action import SYSTEM

from .conftest import PASSWORD, Teashop

Browser = Callable[[Agent], Client]
SETTINGS = ["shop", "brand", "hours", "people"]


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ("owner", [True, True, True, True]),
        ("admin", [True, True, True, False]),
        ("agent", [True, True, False, False]),
        ("viewer", [True, False, False, False]),
        (None, [False, False, False, False]),
    ],
)
def test_roles_reach_as_far_as_they_should(role: str | None, allowed: list[bool]) -> None:
    assert [policy.allows(role) for policy in (reads_inbox, answers, runs_the_shop, owns_the_shop)] == allowed


def test_a_suspended_owner_may_nothing(teashop: Teashop) -> None:
    member = teashop.member(teashop.noor)
    member.suspended_at = clock.now()
    assert not may(reads_inbox, member)
    assert not may(reads_inbox, None)


def test_every_route_of_accounts_names_its_policy() -> None:
    assert routes_without_policy(urlpatterns) == []


def test_a_route_without_a_policy_is_found() -> None:
    def forgotten(request: object) -> HttpResponse:
        return HttpResponse()

    routes = [path("open/", public(lambda request: HttpResponse())), path("forgotten/", forgotten)]
    assert routes_without_policy(routes) == ["forgotten/"]


@pytest.mark.parametrize("section", SETTINGS)
def test_the_settings_open_for_those_who_run_the_shop(teashop: Teashop, browser_of: Browser, section: str) -> None:
    assert browser_of(teashop.noor).get(f"/teepuoti/settings/{section}/").status_code == 200
    assert browser_of(teashop.mia).get(f"/teepuoti/settings/{section}/").status_code == 403


def test_a31_a_strangers_shop_and_no_shop_look_the_same(teashop: Teashop, browser_of: Browser) -> None:
    accounts.create_shop(name="Kahvipuoti", key="kahvi", language="fi", timezone="Europe/Helsinki", by=SYSTEM)
    browser = browser_of(teashop.noor)
    pages = [browser.get(f"/{key}/settings/shop/") for key in ("kahvi", "tyhja")]
    assert [page.status_code for page in pages] == [404, 404]
    texts = [page.content.decode().replace(page["X-Request-Id"], "") for page in pages]
    assert texts[0].replace("kahvi", "") == texts[1].replace("tyhja", "")


@pytest.mark.parametrize("act", [accounts.remove_member, accounts.suspend_member])
def test_who_was_shut_out_meets_the_strangers_404(
    teashop: Teashop, browser_of: Browser, act: Callable[..., None]
) -> None:
    accounts.change_role(teashop.member(teashop.mia), to="admin", by=teashop.by_noor)
    act(teashop.member(teashop.mia), by=teashop.by_noor)
    assert browser_of(teashop.mia).get("/teepuoti/settings/shop/").status_code == 404


def test_who_is_not_signed_in_is_asked_to_for_any_shop(teashop: Teashop) -> None:
    for key in ("teepuoti", "tyhja"):
        answer = Client().get(f"/{key}/settings/shop/?tab=1")
        assert answer["Location"] == f"/sign-in/?next=/{key}/settings/shop/%3Ftab%3D1"


def test_htmx_is_told_to_take_the_whole_page_to_sign_in(teashop: Teashop) -> None:
    headers = {"hx-request": "true", "hx-current-url": "http://testserver/teepuoti/inbox/open/"}
    answer = Client(headers=headers).get("/teepuoti/settings/shop/")
    assert answer.status_code == 401
    assert answer["HX-Redirect"] == "/sign-in/?next=/teepuoti/inbox/open/"
    assert "Location" not in answer


def test_htmx_from_elsewhere_is_led_to_the_start(teashop: Teashop) -> None:
    headers = {"hx-request": "true", "hx-current-url": "https://evil.example/x"}
    assert Client(headers=headers).get("/teepuoti/settings/shop/")["HX-Redirect"] == "/sign-in/?next=/"


def test_a_view_gets_shop_member_and_actor_and_the_key_only_if_it_asks(teashop: Teashop, rf: object) -> None:
    seen: dict[str, object] = {}

    @requires(reads_inbox)
    def with_key(request: object, shop: str, number: int) -> HttpResponse:
        seen.update(key=shop, number=number, shop=request.shop.pk, by=request.actor.name)  # type: ignore[attr-defined]
        return HttpResponse()

    @requires(reads_inbox)
    def without_key(request: object, number: int) -> HttpResponse:
        seen.update(role=request.membership.role)  # type: ignore[attr-defined]
        return HttpResponse()

    request = rf.get("/")  # type: ignore[attr-defined]
    request.user = teashop.mia
    with_key(request, shop="teepuoti", number=3)
    without_key(request, shop="teepuoti", number=3)
    assert seen == {
        "key": "teepuoti", "number": 3, "shop": teashop.shop.pk, "by": "Mia Mäkinen", "role": "agent",
    }  # fmt: skip


def test_pages_speak_the_agents_language(teashop: Teashop, browser_of: Browser) -> None:
    given = {"name": "Noor Haddad", "theme": "dark", "density": "compact", "single_keys": False}
    accounts.update_profile(teashop.noor, language="sv", **given, by=teashop.by_noor)  # type: ignore[arg-type]
    page = browser_of(teashop.noor).get("/teepuoti/settings/shop/").content.decode()
    assert '<html lang="sv" data-theme="dark" data-density="compact">' in page


def test_refused_changes_are_kept_in_the_audit_log_and_refused_reading_is_not(
    teashop: Teashop, browser_of: Browser
) -> None:
    browser = browser_of(teashop.mia)
    browser.get("/teepuoti/settings/shop/")
    assert not AuditEntry.objects.filter(action="accounts.refused").exists()
    assert browser.post("/teepuoti/settings/shop/", {"name": "x"}).status_code == 403
    entry = AuditEntry.objects.get(action="accounts.refused")
    assert (entry.chain, entry.actor_id, entry.object) == (teashop.shop.pk, teashop.mia.pk, "accounts_settings_shop")


def test_a_former_member_who_tries_to_act_is_noted(teashop: Teashop, browser_of: Browser) -> None:
    accounts.remove_member(teashop.member(teashop.mia), by=teashop.by_noor)
    assert browser_of(teashop.mia).post("/teepuoti/settings/shop/", {"name": "x"}).status_code == 404
    entry = AuditEntry.objects.get(action="accounts.former_member_refused")
    assert (entry.chain, entry.actor_id, entry.ip) == (teashop.shop.pk, teashop.mia.pk, "127.0.0.1")


def test_a_sensitive_change_asks_for_the_password_again_and_then_goes_through(
    teashop: Teashop, browser_of: Browser
) -> None:
    browser = browser_of(teashop.noor)
    role = f"/teepuoti/settings/people/{teashop.member(teashop.mia).pk}/role/"
    with time_machine.travel(clock.now() + timedelta(minutes=16)):
        answer = browser.post(role, {"role": "admin"})
        assert answer["Location"] == f"/password/confirm/?next={quote(role, safe='')}"
        assert teashop.member(teashop.mia).role == "agent"
        wrong = browser.post("/password/confirm/", {"password": "wrong", "next": role})
        assert wrong.status_code == 422
        right = browser.post("/password/confirm/", {"password": PASSWORD, "next": role})
        assert right["Location"] == "/teepuoti/settings/people/"
    assert teashop.member(teashop.mia).role == "admin"


def test_right_after_signing_in_nobody_is_asked_again(teashop: Teashop, browser_of: Browser) -> None:
    role = f"/teepuoti/settings/people/{teashop.member(teashop.mia).pk}/role/"
    assert browser_of(teashop.noor).post(role, {"role": "admin"})["Location"] == "/teepuoti/settings/people/"
