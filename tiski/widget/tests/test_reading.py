"""How the conversation is read: days, groups, what is new, who writes, and what is said aloud (widget.md W13, 10)."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import WebSocketRoute, expect

from tiski.testing.storefronts.desk import Desk
from tiski.testing.storefronts.shopper import Shopper, told

pytestmark = pytest.mark.browser

Enter = Callable[..., Shopper]
PATIENT = 20_000


def test_answers_that_came_while_the_panel_was_closed_are_counted_and_marked(enter: Enter, desk: Desk) -> None:
    ada = begun(enter, "Onko teillä lahjakortteja?")
    ada.close_chat()
    desk.answer("On.")
    desk.answer("Myös postitse.")
    expect(ada.launcher).to_have_accessible_name(unread(2), timeout=PATIENT)
    expect(ada.host.locator(".badge")).to_have_text("2")
    ada.open_chat()
    expect(ada.launcher).to_have_accessible_name(told("Close chat"))
    order = ada.log.locator(".rule--new, .bubble").all_inner_texts()
    assert order == ["Onko teillä lahjakortteja?", told("New messages"), "On.", "Myös postitse."]
    ada.close_chat().open_chat()
    expect(ada.log.locator(".rule--new")).to_have_count(0)


def test_a_page_later_the_conversation_is_there_and_the_launcher_counts(enter: Enter, desk: Desk) -> None:
    ada = begun(enter, "Jatketaanko toisella sivulla?")
    ada.close_chat()
    desk.answer("Jatketaan vain.")
    ada.page.reload()
    expect(ada.launcher).to_have_accessible_name(unread(1), timeout=PATIENT)
    ada.open_chat()
    assert ada.bubbles.all_inner_texts() == ["Jatketaanko toisella sivulla?", "Jatketaan vain."]


def test_an_open_panel_is_open_on_the_next_page_without_taking_the_focus(enter: Enter) -> None:
    ada = begun(enter, "Selaan samalla kauppaa")
    ada.page.reload()
    expect(ada.bubble("Selaan samalla kauppaa")).to_be_visible(timeout=PATIENT)
    assert ada.page.evaluate("document.activeElement.tagName") == "BODY"


def test_the_draft_survives_a_reload(enter: Enter) -> None:
    ada = enter("plain").open_chat()
    ada.field.fill("Kesken jäi tämä")
    ada.page.reload()
    ada.open_chat()
    expect(ada.field).to_have_value("Kesken jäi tämä")


def test_the_head_shows_who_answers(enter: Enter, desk: Desk) -> None:
    ada = begun(enter, "Kuka siellä?")
    expect(ada.host.get_by_role("heading", level=2)).to_have_text("Teepuoti")
    desk.answer("Mia täällä.")
    expect(ada.host.get_by_role("heading", level=2)).to_have_text("Mia", timeout=PATIENT)
    expect(ada.panel).to_have_accessible_name("Mia")


def test_messages_of_one_person_are_grouped_under_one_name_and_time(enter: Enter, desk: Desk) -> None:
    ada = begun(enter, "Kolme kysymystä")
    for answer in ("Yksi", "Kaksi", "Kolme"):
        desk.answer(answer)
    expect(ada.bubble("Kolme").last).to_be_visible(timeout=PATIENT)
    theirs = ada.host.locator(".message--theirs")
    expect(theirs).to_have_count(3)
    assert [theirs.nth(place).locator(".message__name:not(.hidden)").count() for place in range(3)] == [1, 0, 0]
    assert [theirs.nth(place).locator("time").is_visible() for place in range(3)] == [False, False, True]
    expect(ada.log.locator(".rule--day")).to_have_text(told("Today"))


def test_who_reads_above_is_not_moved_and_a_pill_leads_to_what_is_new(enter: Enter, desk: Desk) -> None:
    ada = begun(enter, "\n".join(f"rivi {number}" for number in range(60)))
    ada.log.evaluate("log => { log.scrollTop = 0 }")
    ada.page.wait_for_timeout(100)
    desk.answer("Luin kaikki rivit.")
    pill = ada.host.get_by_role("button", name=told("%(count)s new message", "%(count)s new messages"))
    expect(pill).to_be_visible(timeout=PATIENT)
    assert ada.log.evaluate("log => log.scrollTop") == 0
    pill.click()
    expect(ada.bubble("Luin kaikki")).to_be_in_viewport()
    expect(pill).to_be_hidden()


def test_an_answer_is_read_aloud_once_and_own_words_are_not(enter: Enter, desk: Desk) -> None:
    ada = begun(enter, "Sanotko ääneen?")
    status = ada.host.locator("[role=status]")
    expect(status).to_have_count(1)
    expect(status).to_be_empty()
    desk.answer("Sanon kyllä.")
    expect(status).to_have_text(told("%(name)s: %(text)s", name="Mia", text="Sanon kyllä."), timeout=PATIENT)
    expect(ada.log).to_have_attribute("aria-live", "off")


def test_typing_is_shown_and_goes_away_by_itself(enter: Enter) -> None:
    ada = enter("plain")
    lines: list[WebSocketRoute] = []

    def keep(socket: WebSocketRoute) -> None:
        lines.append(socket)
        socket.connect_to_server()

    ada.page.route_web_socket("**/live", keep)
    ada.page.clock.install()
    ada.visit(ada.page.url).open_chat()
    ada.page.wait_for_timeout(300)
    lines[0].send(json.dumps({"t": "now", "typing": True, "name": "Mia"}))
    expect(ada.host.locator(".typing")).to_have_text(told("%(name)s is typing…", name="Mia"))
    ada.page.clock.run_for(6500)
    expect(ada.host.locator(".typing")).to_be_hidden()


def test_a_closed_conversation_says_so_and_goes_on_when_written_to(enter: Enter) -> None:
    ada = enter("plain")
    lines: list[WebSocketRoute] = []

    def keep(socket: WebSocketRoute) -> None:
        lines.append(socket)
        socket.connect_to_server()

    ada.page.route_web_socket("**/live", keep)
    ada.visit(ada.page.url).open_chat()
    ada.say("Kiitos avusta!")
    expect(ada.host.locator(".message--sent")).to_have_count(1)
    lines[0].send(json.dumps({"t": "closed"}))
    expect(ada.log.locator(".event")).to_have_text(told("This conversation has ended. Write to continue it."))
    ada.say("Vielä yksi asia")
    expect(ada.host.locator(".message--sent")).to_have_count(2)
    expect(ada.log.locator(".event")).to_have_count(0)


def test_links_in_messages_show_their_host_and_nothing_else_becomes_markup(enter: Enter) -> None:
    ada = begun(enter, "<b>lihava</b> https://teepuoti.example/oolong?x=1 ja javascript:alert(1).")
    bubble = ada.bubbles.first
    assert bubble.inner_text() == "<b>lihava</b> teepuoti.example/oolong?x=1 ja javascript:alert(1)."
    link = bubble.get_by_role("link")
    expect(link).to_have_count(1)
    expect(link).to_have_attribute("href", "https://teepuoti.example/oolong?x=1")
    expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")


def begun(enter: Enter, words: str) -> Shopper:
    """Ada has opened the chat and sent one message."""
    ada = enter("plain").open_chat()
    ada.say(words)
    expect(ada.host.locator(".message--sent")).to_have_count(1, timeout=PATIENT)
    return ada


def unread(count: int) -> str:
    """The launcher's name while answers wait."""
    return told("Open chat, %(count)s unread message", "Open chat, %(count)s unread messages", count=count)
