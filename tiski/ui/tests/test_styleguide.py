"""The style guide in a browser: every part, both themes, both densities, narrow windows."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import Http404
from django.test import RequestFactory

from tiski.testing.chromium import NARROW, Screen
from tiski.ui.web import styleguide

OpenScreen = Callable[..., Screen]
# A shadow root makes axe add a style element of its own, which the content policy refuses.
AXE_ITSELF = "style-src|inline style"
STATES = {
    "hover": ["hover"],
    "focus-visible": ["focus", "focus-visible"],
    "active": ["hover", "focus", "active"],
}
"""What a part is at once when a pointer, a key or a press is on it."""
PICTURES = os.environ.get("TISKI_TEST_PICTURES", "")
"""Folder for a picture of each combination; none are taken without it."""


@pytest.mark.browser
@pytest.mark.parametrize("density", ["comfortable", "compact"])
@pytest.mark.parametrize("theme", ["", "light", "dark"])
def test_axe_finds_nothing(stage: Any, open_screen: OpenScreen, theme: str, density: str) -> None:
    """Without a chosen theme the device's counts, which is dark; a chosen one wins over the other device."""
    device: Literal["light", "dark"] = "light" if theme == "dark" else "dark"
    address = f"{stage.address}/_styleguide/?theme={theme}&density={density}"
    screen = open_screen(address, scheme=device, size=(1200, 900))
    screen.page.wait_for_selector("tiski-time time")
    assert screen.unexpected_trouble() == []
    screen.expect_trouble(AXE_ITSELF)
    assert screen.axe() == []
    photograph(screen, f"{theme or 'device'}-{density}")


@pytest.mark.browser
@pytest.mark.parametrize("state", ["hover", "focus-visible", "active"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_under_the_pointer_under_the_key_and_while_pressed(
    stage: Any, open_screen: OpenScreen, theme: str, state: str
) -> None:
    screen = open_screen(f"{stage.address}/_styleguide/?theme={theme}", size=(1200, 900), reduced_motion=True)
    screen.page.wait_for_selector("tiski-time time")
    plain = look_of(screen)
    screen.force("a, button, input, select, textarea, summary, [tabindex]", STATES[state])
    assert look_of(screen) != plain
    screen.expect_trouble(AXE_ITSELF)
    assert screen.axe() == []
    photograph(screen, f"{theme}-{state}")


def look_of(screen: Screen) -> list[str]:
    """How the buttons look that could be pressed."""
    colours = "style => style.backgroundColor + style.borderColor + style.outline + style.boxShadow + style.filter"
    look: list[str] = screen.page.eval_on_selector_all(
        "button:enabled", f"found => found.map(one => ({colours})(getComputedStyle(one)))"
    )
    return look


def photograph(screen: Screen, name: str) -> None:
    """Keep a picture for people's eyes when a folder for them is named."""
    if PICTURES:
        screen.page.screenshot(path=Path(PICTURES) / f"styleguide-{name}.png", full_page=True, animations="disabled")


@pytest.mark.browser
@pytest.mark.parametrize("size", [NARROW, (768, 900), (1440, 900)])
def test_nothing_is_wider_than_its_window(stage: Any, open_screen: OpenScreen, size: tuple[int, int]) -> None:
    screen = open_screen(f"{stage.address}/_styleguide/", size=size)
    assert not screen.scrolls_sideways()
    screen.page.evaluate("document.documentElement.setAttribute('dir', 'rtl')")
    assert not screen.scrolls_sideways()


@pytest.mark.browser
def test_text_twice_as_large_still_fits(stage: Any, open_screen: OpenScreen) -> None:
    screen = open_screen(f"{stage.address}/_styleguide/", size=(768, 900))
    with screen.page.expect_response("**/tokens.css"):
        screen.page.reload()
    screen.page.evaluate("document.documentElement.style.setProperty('font-size', '200%')")
    assert not screen.scrolls_sideways()


@pytest.mark.browser
def test_nothing_moves_for_those_who_asked_for_that(stage: Any, open_screen: OpenScreen) -> None:
    screen = open_screen(f"{stage.address}/_styleguide/", reduced_motion=True)
    screen.page.wait_for_timeout(400)
    assert screen.page.evaluate("document.getAnimations().length") == 0


@pytest.mark.browser
def test_a_mail_is_drawn_in_a_root_of_its_own(stage: Any, open_screen: OpenScreen) -> None:
    screen = open_screen(f"{stage.address}/_styleguide/")
    mail = screen.page.locator("#state-html tiski-message")
    assert mail.evaluate("mail => mail.shadowRoot.querySelector('a').textContent") == "Spåra försändelsen"
    assert mail.evaluate("mail => getComputedStyle(mail.shadowRoot.querySelector('p')).marginBlockEnd") == "11.25px"


@pytest.mark.browser
def test_the_help_of_a_field_is_read_with_it(stage: Any, open_screen: OpenScreen) -> None:
    page = open_screen(f"{stage.address}/_styleguide/").page
    address = page.get_by_label("Osoite")
    assert address.get_attribute("aria-invalid") == "true"
    named = page.locator(f"#{address.get_attribute('aria-describedby')}")
    assert named.inner_text() == "Osoitteesta puuttuu @-merkin jälkeinen osa."


def test_strangers_do_not_see_it(rf: RequestFactory) -> None:
    request = rf.get("/_styleguide/")
    request.user = AnonymousUser()
    with pytest.raises(Http404):
        styleguide(request)
