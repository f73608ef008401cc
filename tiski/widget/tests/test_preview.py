"""The preview beside the settings: drawn anew as they change, kept nowhere, sent nowhere."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tiski.testing.chromium import Screen
from tiski.testing.storefronts.desk import Desk

pytestmark = pytest.mark.browser

SETTINGS = """async (key) => {
  const form = document.createElement("form");
  const colour = document.createElement("input");
  const preview = document.createElement("tiski-widget-preview");
  colour.name = "colour";
  colour.value = "#aa3344";
  preview.setAttribute("src", `/chat/${key}/preview/`);
  preview.append(document.createElement("iframe"));
  form.append(colour, preview);
  document.body.append(form);
  await import("/static/now/widget/preview-frame.js");
}"""


@pytest.fixture
def noor(open_screen: Callable[..., Screen], desk: Desk) -> Page:
    """Noor, signed in."""
    page: Page = open_screen(f"{desk.address}/sign-in/").page
    email, password = (desk.process.data / "demo-sign-in.txt").read_text().split()[:2]
    page.locator("input[name=login]").fill(email)
    page.locator("input[type=password]").fill(password)
    page.keyboard.press("Enter")
    page.wait_for_url("**/inbox/**", timeout=30_000)
    return page


def test_a_preview_shows_a_sample_answers_nobody_and_keeps_nothing(noor: Page, desk: Desk) -> None:
    noor.goto(f"{desk.address}/chat/{desk.key}/preview/?welcome=Tervetuloa%20teelle")
    widget = noor.locator("tiski-chat")
    expect(widget.locator(".bubble")).to_have_count(2)
    expect(widget.get_by_text("Tervetuloa teelle")).to_be_visible()
    before = desk.said()
    widget.get_by_role("textbox").fill("Kokeilen vain")
    widget.get_by_role("textbox").press("Enter")
    expect(widget.locator(".message--sent")).to_have_count(2)
    assert desk.said() == before
    assert noor.evaluate("localStorage.length") == 0


def test_the_preview_follows_the_form_before_anything_is_saved(noor: Page, desk: Desk) -> None:
    noor.goto(f"{desk.address}/chat/{desk.key}/")
    noor.evaluate(SETTINGS, desk.key)
    inside = noor.frame_locator("iframe").locator("tiski-chat")
    expect(inside).to_have_css("--brand", "#aa3344")
    noor.locator("input[name=colour]").fill("#223388")
    expect(inside).to_have_css("--brand", "#223388")


def test_the_chat_as_a_page_fills_it_and_is_found_by_its_heading(
    open_screen: Callable[..., Screen], desk: Desk
) -> None:
    screen = open_screen(f"{desk.address}/chat/{desk.key}/")
    expect(screen.page.get_by_role("heading", level=1)).to_have_text("Teepuoti – Chat")
    widget = screen.page.locator("tiski-chat")
    expect(widget.get_by_role("region")).to_be_visible()
    widget.get_by_role("textbox").fill("Kirjoitan suoraan sivulta")
    widget.get_by_role("textbox").press("Enter")
    expect(widget.locator(".message--sent")).to_have_count(1)
    expect(widget.locator(".head__close")).to_have_count(0)
    assert screen.axe() == []
    assert desk.said() == [["customer", "Kirjoitan suoraan sivulta"]]
