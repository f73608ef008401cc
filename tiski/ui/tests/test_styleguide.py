"""The style guide in a browser: every part, both themes, both densities, narrow windows."""

from collections.abc import Callable
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


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("density", ["comfortable", "compact"])
def test_axe_finds_nothing(stage: Any, open_screen: OpenScreen, scheme: Literal["light", "dark"], density: str) -> None:
    screen = open_screen(f"{stage.address}/_styleguide/?density={density}", scheme=scheme, size=(1200, 900))
    screen.page.wait_for_selector("tiski-time time")
    assert screen.unexpected_trouble() == []
    screen.expect_trouble(AXE_ITSELF)
    assert screen.axe() == []


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
