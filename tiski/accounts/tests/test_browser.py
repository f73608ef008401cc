"""In a real browser: letters lead where they should, settings save, and a lost role is felt at once."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tiski.testing.chromium import NARROW, Screen
from tiski.testing.ports import wait_until
from tiski.testing.tiski_process import TiskiProcess

pytestmark = pytest.mark.browser

OpenScreen = Callable[..., Screen]
NOOR = "noor@teepuoti.example"


def link_in_letter(tiski: TiskiProcess, part: str) -> str:
    """The newest printed link whose path has this part."""

    def found() -> list[str]:
        return re.findall(rf"{tiski.address}/\S*{part}/\S+", tiski.log())

    wait_until(lambda: bool(found()), f"a letter with a link to {part}", seconds=20)
    return found()[-1]


def sign_in(screen: Screen, tiski: TiskiProcess, password: str) -> None:
    """Noor signs in through the page."""
    screen.page.goto(f"{tiski.address}/sign-in/")
    screen.page.fill("[name=login]", NOOR)
    screen.page.fill("[name=password]", password)
    screen.page.click("button[type=submit]")
    screen.page.wait_for_url("**/inbox/**")


def password_of_noor(tiski: TiskiProcess) -> str:
    """The password that the first run made, from the file it left for the owner."""
    return str(re.findall(r"\S+", (tiski.data / "demo-sign-in.txt").read_text())[-1])


def test_a_forgotten_password_is_replaced_through_the_letter(tiski: TiskiProcess, open_screen: OpenScreen) -> None:
    screen = open_screen(f"{tiski.address}/password/reset/")
    screen.page.fill("[name=email]", "mia@teepuoti.example")
    screen.page.click("button[type=submit]")
    screen.page.wait_for_url("**/password/reset/asked/")
    screen.page.goto(link_in_letter(tiski, "password/reset"))
    assert screen.axe() == []
    screen.page.fill("[name=password]", "uusi teen tuoksu")
    screen.page.click("button[type=submit]")
    screen.page.wait_for_url("**/sign-in/")
    screen.page.fill("[name=login]", "mia@teepuoti.example")
    screen.page.fill("[name=password]", "uusi teen tuoksu")
    screen.page.click("button[type=submit]")
    screen.page.wait_for_url("**/inbox/**")


def test_an_invited_person_joins_and_loses_the_session_with_the_role(
    tiski: TiskiProcess, open_screen: OpenScreen
) -> None:
    noor, ada = open_screen(), open_screen(language="sv")
    sign_in(noor, tiski, password_of_noor(tiski))
    noor.page.goto(f"{tiski.address}/teepuoti/settings/people/")
    noor.page.fill("form[action$='/invitations/'] [type=email]", "ada@example.com")
    noor.page.click("form[action$='/people/invitations/'] button.button--primary")
    noor.page.wait_for_selector("text=ada@example.com")
    ada.page.goto(link_in_letter(tiski, "invitations"))
    assert ada.axe() == []
    ada.page.fill("[name=name]", "Ada Virtanen")
    ada.page.fill("[name=password]", "tre koppar te")
    ada.page.click("button[type=submit]")
    ada.page.wait_for_url("**/inbox/**")

    noor.page.reload()
    row = noor.page.locator("li", has_text="Ada Virtanen")
    row.locator("select").select_option("viewer")
    row.locator("form[action$='/role/'] button").click()
    noor.page.wait_for_load_state()
    ada.page.goto(f"{tiski.address}/account/")
    assert "/sign-in/" in ada.page.url


def test_the_settings_save_section_by_section_and_fit_a_narrow_phone(
    tiski: TiskiProcess, open_screen: OpenScreen
) -> None:
    screen = open_screen(size=NARROW)
    sign_in(screen, tiski, password_of_noor(tiski))
    for section in ("shop", "brand", "hours", "people"):
        screen.page.goto(f"{tiski.address}/teepuoti/settings/{section}/")
        assert screen.axe() == []
        assert not screen.scrolls_sideways()
    for page in ("account", "account/sessions", "password/change", "sign-out"):
        screen.page.goto(f"{tiski.address}/{page}/")
        assert screen.axe() == []
        assert not screen.scrolls_sideways()

    screen.page.goto(f"{tiski.address}/teepuoti/settings/hours/")
    bar = screen.page.locator("#section-week .save-bar")
    assert bar.is_hidden()
    screen.page.click("button[value=day_5]")
    screen.page.wait_for_selector("#day_5_0_opens:focus")
    screen.page.keyboard.type("10")
    screen.page.fill("#day_5_0_closes", "24")
    assert bar.is_visible()
    screen.page.keyboard.press("Enter")
    screen.page.wait_for_selector("#toasts .toast")
    assert screen.page.input_value("#day_5_0_closes") == "24.00"
    assert bar.is_hidden()
