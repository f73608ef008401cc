"""Login sessions: hashed at rest, listed with their browser, ended from afar."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.test import Client

from tiski.accounts import actions as accounts
from tiski.accounts import queries
from tiski.accounts.errors import SessionNotFound
from tiski.accounts.models import Agent, AgentSession
from tiski.accounts.sessions import SessionStore, hashed
from tiski.accounts.web.devices import browser_of as browser_name
from tiski.accounts.web.devices import system_of
from tiski.kernel import clock
from tiski.kernel.action import SYSTEM

from .conftest import PASSWORD, Teashop

Browser = Callable[[Agent], Client]
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/19.1 Mobile/15E148 Safari/604.1"
)
EDGE = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/142.0.0.0 Safari/537.36 Edg/142.0"


def cookie_of(browser: Client) -> str:
    """The value of the login cookie."""
    return str(browser.cookies[settings.SESSION_COOKIE_NAME].value)


def test_the_cookie_is_not_in_the_database(teashop: Teashop, browser_of: Browser) -> None:
    cookie = cookie_of(browser_of(teashop.mia))
    session = AgentSession.objects.get(agent=teashop.mia)
    assert session.session_key == hashed(cookie)
    assert cookie not in session.session_key + session.session_data
    assert SessionStore(session.session_key).load() == {}


def test_a_session_knows_its_browser_and_address(teashop: Teashop) -> None:
    browser = Client(REMOTE_ADDR="192.0.2.7", headers={"user-agent": FIREFOX})
    browser.post("/sign-in/", {"login": teashop.mia.email, "password": PASSWORD})
    row = queries.sessions_of(teashop.mia, current=cookie_of(browser))[0]
    assert (row.ip, row.device, row.is_current) == ("192.0.2.7", FIREFOX, True)


def test_when_a_session_was_seen_is_noted_every_ten_minutes(teashop: Teashop, browser_of: Browser) -> None:
    browser = browser_of(teashop.mia)
    first = AgentSession.objects.get(agent=teashop.mia)
    browser.get("/account/")
    assert AgentSession.objects.get(agent=teashop.mia).last_seen_at == first.last_seen_at
    with time_machine.travel(clock.now() + timedelta(minutes=11)):
        browser.get("/account/")
    later = AgentSession.objects.get(agent=teashop.mia)
    assert later.last_seen_at is not None
    assert first.last_seen_at is not None
    assert later.last_seen_at - first.last_seen_at >= timedelta(minutes=10)
    assert later.created_at == first.created_at


def test_a36_what_caches_keep_stays_public_for_whoever_is_signed_in(teashop: Teashop, browser_of: Browser) -> None:
    browser = browser_of(teashop.mia)
    with time_machine.travel(clock.now() + timedelta(minutes=12)):
        answer = browser.get("/w/loader.js", headers={"user-agent": "another browser"})
    assert answer["Cache-Control"].startswith("public")
    assert "Cookie" not in answer["Vary"]
    assert not answer.cookies


def test_the_list_shows_ones_own_sessions_the_present_one_first(teashop: Teashop, browser_of: Browser) -> None:
    browser_of(teashop.noor)
    elsewhere, here = browser_of(teashop.mia), browser_of(teashop.mia)
    assert [row.is_current for row in queries.sessions_of(teashop.mia, current=cookie_of(elsewhere))] == [True, False]
    page = here.get("/account/sessions/")
    assert page.status_code == 200
    assert page.content.decode().count("/end/") == 2


def test_a_session_is_ended_from_another(teashop: Teashop, browser_of: Browser) -> None:
    elsewhere, here = browser_of(teashop.mia), browser_of(teashop.mia)
    assert here.post(f"/account/sessions/{hashed(cookie_of(elsewhere))}/end/").status_code == 302
    assert elsewhere.get("/account/").status_code == 302
    assert here.get("/account/").status_code == 200


def test_all_other_sessions_are_ended_at_once(teashop: Teashop, browser_of: Browser) -> None:
    elsewhere, here = browser_of(teashop.mia), browser_of(teashop.mia)
    assert here.post("/account/sessions/others/end/").status_code == 302
    assert elsewhere.get("/account/").status_code == 302
    assert here.get("/account/").status_code == 200


def test_nobody_ends_another_persons_session(teashop: Teashop, browser_of: Browser) -> None:
    noor, mia = browser_of(teashop.noor), browser_of(teashop.mia)
    assert mia.post(f"/account/sessions/{hashed(cookie_of(noor))}/end/").status_code == 404
    assert noor.get("/account/").status_code == 200
    with pytest.raises(SessionNotFound):
        accounts.end_session(teashop.mia, hashed(cookie_of(noor)), by=teashop.by_mia)


def test_the_live_half_learns_who_a_cookie_belongs_to(teashop: Teashop, browser_of: Browser) -> None:
    cookie = cookie_of(browser_of(teashop.mia))
    known = queries.signed_in(cookie)
    assert known is not None
    assert (known.agent_id, known.name, known.session) == (teashop.mia.pk, "Mia Mäkinen", hashed(cookie))
    accounts.end_session(teashop.mia, hashed(cookie), by=teashop.by_mia)
    assert queries.signed_in(cookie) is None


@pytest.mark.parametrize("cookie", ["", "x", "null", "a" * 32, "a" * 5000])
def test_a_made_up_cookie_belongs_to_nobody(teashop: Teashop, cookie: str) -> None:
    assert queries.signed_in(cookie) is None


def test_a_session_with_an_old_password_belongs_to_nobody(teashop: Teashop, browser_of: Browser) -> None:
    cookie = cookie_of(browser_of(teashop.mia))
    accounts.change_password(teashop.mia, password="toinen salasana", keep_session=hashed(cookie), by=teashop.by_mia)
    assert queries.signed_in(cookie) is None


def test_expired_sessions_are_swept(teashop: Teashop, browser_of: Browser) -> None:
    browser_of(teashop.mia)
    with time_machine.travel(clock.now() + timedelta(days=15)):
        assert accounts.clear_expired_sessions(by=SYSTEM) == 1


@pytest.mark.parametrize(
    ("user_agent", "browser", "system"),
    [(FIREFOX, "Firefox", "Linux"), (IPHONE, "Safari", "iPhone"), (EDGE, "Edge", "Windows"), ("", "", "")],
)
def test_browsers_have_names_people_know(user_agent: str, browser: str, system: str) -> None:
    assert (browser_name(user_agent), system_of(user_agent)) == (browser, system)
