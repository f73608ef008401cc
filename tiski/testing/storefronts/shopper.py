"""Ada at a storefront: what a person sees of the widget and does with it."""

from __future__ import annotations

import gettext
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tiski.testing.chromium import Screen

OPEN_AT_MOST = 10_000
CATALOGUES = Path(__file__).parents[2] / "locale"


class Shopper:
    """A person in front of a shop's page; everything is found by role and name, as assistive technology would."""

    def __init__(self, screen: Screen) -> None:
        self.screen = screen
        self.page: Page = screen.page

    def visit(self, address: str) -> Shopper:
        """Open a page of the shop."""
        self.page.goto(address)
        return self

    @property
    def host(self) -> Locator:
        """The widget's element."""
        return self.page.locator("tiski-chat")

    @property
    def launcher(self) -> Locator:
        """The button that opens the chat."""
        return self.host.locator("button[aria-haspopup=dialog]")

    @property
    def panel(self) -> Locator:
        """The open chat."""
        return self.page.get_by_role("dialog").filter(has=self.page.get_by_role("log"))

    @property
    def log(self) -> Locator:
        """What was said."""
        return self.host.get_by_role("log")

    @property
    def field(self) -> Locator:
        """Where the message is written."""
        return self.host.get_by_role("textbox")

    @property
    def bubbles(self) -> Locator:
        """Every message in the thread."""
        return self.host.locator(".bubble")

    def open_chat(self) -> Shopper:
        """Press the launcher and wait for the panel."""
        self.launcher.click()
        expect(self.field).to_be_visible(timeout=OPEN_AT_MOST)
        return self

    def close_chat(self) -> Shopper:
        """Press the panel's own button."""
        self.host.locator(".head__close").click()
        expect(self.panel).to_have_count(0)
        return self

    def say(self, text: str) -> Locator:
        """Write and send; the bubble that appears."""
        self.field.fill(text)
        self.field.press("Enter")
        return self.bubble(text)

    def bubble(self, text: str) -> Locator:
        """The bubble with these words."""
        return self.bubbles.filter(has_text=text)

    def message(self, text: str) -> Locator:
        """The bubble with its name, time and state."""
        return self.host.locator(".message").filter(has_text=text)

    def attach(self, *files: str | Path | dict[str, Any]) -> None:
        """Choose files with the picker."""
        self.host.locator("input[type=file]").set_input_files(list(files))  # type: ignore[arg-type]

    def shop_button_works(self) -> bool:
        """Whether the shop's own button still does its work."""
        before = int(self.page.evaluate("document.documentElement.dataset.bought || 0"))
        self.page.locator(".buy").click()
        return int(self.page.evaluate("document.documentElement.dataset.bought || 0")) == before + 1

    def kept(self) -> dict[str, str]:
        """What the shop's origin has stored in this browser."""
        kept: dict[str, str] = self.page.evaluate("Object.assign({}, localStorage, sessionStorage)")
        return kept


def told(sentence: str, plural: str = "", *, language: str = "fi", count: int = 1, **blanks: object) -> str:
    """One of Tiski's sentences as that language says it; `plural` and `count` choose between two forms."""
    words = gettext.translation("django", CATALOGUES, [language], fallback=True)
    text = words.ngettext(sentence, plural, count) if plural else words.gettext(sentence)
    return text % {"count": count, **blanks}
