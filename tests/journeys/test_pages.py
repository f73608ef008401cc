"""Every page, on a desk in the light, on a phone in the dark, and in the narrowest window that counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tiski.testing.chromium import DESK, NARROW, PHONE, Chromium, Screen
from tiski.testing.desk import demo_password
from tiski.testing.tiski_process import TiskiProcess

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

LOOKS = {
    "desk": {"size": DESK, "scheme": "light"},
    "phone in the dark": {"size": PHONE, "scheme": "dark"},
    "320 pixels": {"size": NARROW, "scheme": "light"},
}
FOR_EVERYONE = [
    "/sign-in/",
    "/password/reset/",
    "/password/reset/asked/",
    "/demo/",
    "/demo/teas/kuusenkerkka/",
    "/demo/cart/",
    "/demo/orders/10482/",
    "/chat/teepuoti/",
]
FOR_NOOR = [
    "/teepuoti/inbox/open/",
    "/teepuoti/inbox/mine/",
    "/teepuoti/inbox/unassigned/",
    "/teepuoti/inbox/closed/",
    "/teepuoti/inbox/open/conversations/8/",
    "/teepuoti/search/",
    "/teepuoti/search/?q=Sanna",
    "/teepuoti/search/?q=ei+ketään",
    "/teepuoti/settings/shop/",
    "/teepuoti/settings/brand/",
    "/teepuoti/settings/hours/",
    "/teepuoti/settings/mailbox/",
    "/teepuoti/settings/mailbox/new/",
    "/teepuoti/settings/widget/",
    "/teepuoti/settings/people/",
    "/account/",
    "/account/sessions/",
    "/password/change/",
    "/sign-out/",
    "/shops/new/",
    "/_styleguide/",
]
LANGUAGES = {"fi", "sv", "en"}

Open = Callable[..., Screen]
titles: dict[str, str] = {}
"""The page that has each title, over all of these tests."""


@pytest.fixture(scope="module")
def cookies_of_noor(tiski: TiskiProcess, chromium: Chromium) -> list[Any]:
    """What her browser keeps after she has signed in."""
    screen = chromium.open(f"{tiski.address}/sign-in/")
    screen.page.locator("input[name=login]").fill("noor@teepuoti.example")
    screen.page.locator("input[name=password]").fill(demo_password(tiski.data))
    screen.page.locator("input[name=password]").press("Enter")
    expect(screen.page.locator(".conversation-row").first).to_be_visible()
    cookies = list(screen.context.cookies())
    screen.close()
    return cookies


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("path", FOR_EVERYONE)
def test_a_public_page(path: str, look: str, open_screen: Open, tiski: TiskiProcess) -> None:
    inspect(open_screen(**LOOKS[look]), tiski, path)


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("path", FOR_NOOR)
def test_a_page_behind_the_sign_in(
    path: str, look: str, open_screen: Open, tiski: TiskiProcess, cookies_of_noor: list[Any]
) -> None:
    screen = open_screen(**LOOKS[look])
    screen.context.add_cookies(cookies_of_noor)
    inspect(screen, tiski, path)
    assert "/sign-in/" not in screen.page.url


def inspect(screen: Screen, tiski: TiskiProcess, path: str) -> None:
    """What holds for every page; what it complains about on the way fails the test by itself."""
    page = screen.page
    answer = page.goto(f"{tiski.address}{path}", wait_until="networkidle")
    assert answer is not None
    assert answer.status == 200
    title = page.title()
    assert title.strip()
    assert titles.setdefault(title, path) == path
    assert page.locator("h1").count() == 1
    assert page.locator("main").count() == 1
    assert page.locator("html").get_attribute("lang") in LANGUAGES
    assert not screen.scrolls_sideways()
    assert screen.axe() == []
