"""The widget by keyboard, on a phone, with assistive technology, for eyes that see differently (widget.md 10)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tiski.testing.chromium import NARROW, PHONE
from tiski.testing.storefronts.desk import Desk
from tiski.testing.storefronts.shopper import Shopper, told

pytestmark = pytest.mark.browser

Enter = Callable[..., Shopper]
FOCUSED = "document.activeElement.shadowRoot?.activeElement?.className ?? document.activeElement.className"


def test_the_launcher_is_the_last_stop_of_the_tab_key(enter: Enter) -> None:
    ada = enter("plain")
    expect(ada.launcher).to_be_visible()
    stops = []
    for _ in range(2):
        ada.page.keyboard.press("Tab")
        stops.append(ada.page.evaluate(FOCUSED))
    assert stops == ["buy", "launcher"]
    expect(ada.launcher).to_have_accessible_name(told("Open chat"))
    expect(ada.launcher).to_have_attribute("aria-expanded", "false")


def test_enter_opens_tab_walks_through_and_escape_gives_the_focus_back(enter: Enter) -> None:
    ada = enter("plain")
    ada.launcher.focus()
    ada.page.keyboard.press("Enter")
    expect(ada.field).to_be_focused()
    expect(ada.launcher).to_have_attribute("aria-expanded", "true")
    stops = []
    for _ in range(2):
        ada.page.keyboard.press("Tab")
        stops.append(ada.page.evaluate(FOCUSED).split()[0])
    assert stops == ["send", "launcher"]
    for _ in range(5):
        ada.page.keyboard.press("Shift+Tab")
    assert ada.page.evaluate(FOCUSED) == "head__close"
    ada.page.keyboard.press("Escape")
    expect(ada.launcher).to_be_focused()


def test_the_panel_beside_the_page_is_a_dialog_that_is_not_modal(enter: Enter) -> None:
    ada = enter("plain").open_chat()
    expect(ada.panel).to_have_accessible_name("Teepuoti")
    assert ada.panel.get_attribute("aria-modal") is None
    assert ada.shop_button_works()
    expect(ada.panel).to_be_visible()


def test_a_line_break_is_shift_enter_and_composing_sends_nothing(enter: Enter) -> None:
    ada = enter("plain").open_chat()
    ada.field.press_sequentially("yksi")
    ada.field.press("Shift+Enter")
    ada.field.press_sequentially("kaksi")
    ada.field.dispatch_event("keydown", {"key": "Enter", "isComposing": True, "bubbles": True})
    expect(ada.bubbles).to_have_count(0)
    expect(ada.field).to_have_value("yksi\nkaksi")
    ada.field.press("Enter")
    expect(ada.bubbles).to_have_text(["yksi\nkaksi"])


def test_on_a_phone_the_panel_is_the_screen_and_the_page_waits(enter: Enter) -> None:
    ada = enter("plain", size=PHONE)
    ada.launcher.tap()
    expect(ada.field).to_be_visible()
    box = ada.panel.bounding_box()
    assert box == {"x": 0, "y": 0, "width": PHONE[0], "height": PHONE[1]}
    expect(ada.panel).to_have_attribute("aria-modal", "true")
    assert ada.page.evaluate("document.body.inert") is True
    assert ada.page.evaluate(FOCUSED) == ""  # the heading, so that no keyboard jumps up
    expect(ada.host.get_by_role("heading", level=2)).to_be_focused()
    assert ada.field.evaluate("field => parseFloat(getComputedStyle(field).fontSize)") >= 16
    expect(ada.launcher).to_be_hidden()
    ada.host.locator(".head__close").tap()
    assert ada.page.evaluate("document.body.inert") is False
    expect(ada.launcher).to_be_focused()


def test_back_on_a_phone_closes_the_panel_and_leaves_the_page_alone(enter: Enter) -> None:
    ada = enter("plain", size=PHONE)
    before = ada.page.evaluate("history.length")
    ada.launcher.tap()
    expect(ada.field).to_be_visible()
    ada.page.keyboard.press("Escape")  # Chromium gives Back and Escape to the same close watcher
    expect(ada.panel).to_have_count(0)
    assert ada.page.evaluate("history.length") == before


def test_enter_breaks_the_line_on_a_touch_keyboard(enter: Enter) -> None:
    ada = enter("plain", size=PHONE)
    ada.launcher.tap()
    ada.field.fill("rivi")
    ada.field.press("Enter")
    expect(ada.bubbles).to_have_count(0)
    ada.host.get_by_role("button", name=told("Send")).tap()
    expect(ada.bubbles).to_have_count(1)


@pytest.mark.parametrize("size", [NARROW, PHONE])
def test_nothing_scrolls_sideways_on_small_screens(size: tuple[int, int], enter: Enter, desk: Desk) -> None:
    ada = enter("plain", size=size).open_chat()
    ada.field.fill("Asiakaspalvelukeskusteluarkisto" * 3)
    ada.host.get_by_role("button", name=told("Send")).click()
    expect(ada.bubbles).to_have_count(1)
    assert not ada.screen.scrolls_sideways()
    assert ada.host.locator(".log").evaluate("log => log.scrollWidth <= log.clientWidth")
    assert ada.screen.axe() == []


def test_touch_targets_are_large_enough(enter: Enter) -> None:
    ada = enter("plain", size=PHONE)
    ada.launcher.tap()
    for control in (".head__close", ".tool", ".send"):
        box = ada.host.locator(control).bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 44, control


def test_every_control_shows_its_focus(enter: Enter) -> None:
    ada = enter("plain").open_chat()
    for _ in range(4):
        ada.page.keyboard.press("Shift+Tab")
        style = ada.page.evaluate(
            """() => {
              const focused = document.activeElement.shadowRoot?.activeElement ?? document.activeElement;
              const ringed = focused.tagName === "TEXTAREA" ? focused.closest(".box") : focused;
              return getComputedStyle(ringed).outlineStyle;
            }"""
        )
        assert style in {"solid", "auto"}


def test_reduced_motion_means_none(enter: Enter) -> None:
    ada = enter("plain", reduced_motion=True).open_chat()
    ada.say("Hiljaa hyvä tulee")
    running = "document.querySelector('tiski-chat').shadowRoot.getAnimations().length + document.getAnimations().length"
    assert ada.page.evaluate(running) == 0


def test_forced_colours_keep_the_edges(enter: Enter) -> None:
    ada = enter("plain").open_chat()
    ada.page.emulate_media(forced_colors="active")
    ada.say("Näkyykö reuna?")
    for part in (".launcher", ".bubble", ".box"):
        assert ada.host.locator(part).first.evaluate("part => getComputedStyle(part).borderTopStyle") == "solid", part


def test_print_leaves_the_widget_out(enter: Enter) -> None:
    ada = enter("plain")
    expect(ada.launcher).to_be_visible()
    ada.page.emulate_media(media="print")
    expect(ada.launcher).to_be_hidden()


@pytest.mark.parametrize(("page", "language"), [("plain", "fi"), ("own-button", "sv"), ("dark", "en")])
def test_the_widget_speaks_the_language_of_the_page(page: str, language: str, enter: Enter) -> None:
    ada = enter(page)
    ada.page.wait_for_function("window.tiski && window.tiski.running")
    ada.page.evaluate("tiski('open')")
    expect(ada.field).to_have_attribute("placeholder", told("Write a message…", language=language))
