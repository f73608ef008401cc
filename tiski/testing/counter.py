"""What shoppers and agents do at the counter, in their browsers: signing in, asking, answering, and what they see."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from tiski.testing.chromium import Screen

AGENT = "mia@teepuoti.example"
GONE = (
    "ERR_CONNECTION|ERR_EMPTY_RESPONSE|ERR_INCOMPLETE|ERR_SOCKET|WebSocket connection|status of 50|Failed to fetch|^50"
)
"""What a browser complains about when a server goes away under it."""


def sign_in(screen: Screen, address: str, password: str) -> Screen:
    """Mia at her desk, in the open conversations."""
    screen.page.goto(f"{address}/")
    screen.page.locator("input[name=login]").fill(AGENT)
    screen.page.locator("input[name=password]").fill(password)
    screen.page.locator("input[name=password]").press("Enter")
    expect(screen.page.locator(".conversation-row").first).to_be_visible()
    return screen


def visit(screen: Screen, address: str) -> Screen:
    """A shopper on the front page with the chat open."""
    screen.page.goto(f"{address}/demo/")
    screen.page.locator("tiski-chat button.launcher").click()
    expect(screen.page.locator("tiski-chat textarea")).to_be_visible()
    return screen


def ask(page: Page, text: str) -> None:
    """Write in the widget and press Enter."""
    page.locator("tiski-chat textarea").fill(text)
    page.locator("tiski-chat textarea").press("Enter")


def answer(page: Page, text: str) -> None:
    """Write in the console's composer and send with the keyboard."""
    page.locator("textarea.composer-field").fill(text)
    page.locator("textarea.composer-field").press("Control+Enter")


def said_to_shopper(page: Page) -> list[str]:
    """The texts of the bubbles in the widget, in order."""
    return page.locator("tiski-chat .bubble").all_inner_texts()


def said_to_agent(page: Page) -> list[str]:
    """The texts of the bubbles in the console, in order."""
    return [text.strip() for text in page.locator(".thread .bubble-text").all_inner_texts()]


def row_of(page: Page, text: str) -> Locator:
    """The row of the inbox that shows a text."""
    return page.locator(".conversation-row", has_text=text)
