"""What happens to a message between Enter and the counter, on good lines and bad ones (widget.md 6)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import WebSocketRoute, expect

from tiski.testing.storefronts.desk import Desk
from tiski.testing.storefronts.shopper import Shopper, told

pytestmark = pytest.mark.browser

Enter = Callable[..., Shopper]
PATIENT = 20_000
TOO_LONG = ("The message is too long by %(count)s character.", "The message is too long by %(count)s characters.")


def test_the_bubble_is_there_at_once_while_the_counter_is_slow(enter: Enter) -> None:
    ada = enter("plain")
    hold_back(ada, 2000)
    ada.visit(ada.page.url).open_chat()
    ada.field.fill("Ehtiikö huomiseksi?")
    bubbles_in_the_same_turn = ada.page.evaluate(
        """() => {
          const root = document.querySelector("tiski-chat").shadowRoot;
          root.querySelector("form").requestSubmit();
          return root.querySelectorAll(".message--sending").length;
        }"""
    )
    assert bubbles_in_the_same_turn == 1
    expect(ada.message("Ehtiikö")).to_contain_text(told("Sending…"))
    expect(ada.host.locator(".message--sent")).to_have_count(1, timeout=PATIENT)
    expect(ada.bubbles).to_have_count(1)


def test_an_unanswered_message_goes_again_by_a_request_and_is_stored_once(enter: Enter, desk: Desk) -> None:
    ada = enter("plain")
    swallow(ada, "ack")
    ada.page.clock.install()
    ada.visit(ada.page.url).open_chat()
    ada.say("Kuuleeko kukaan?")
    ada.page.wait_for_timeout(300)
    with ada.page.expect_request(lambda request: request.method == "POST") as posted:
        ada.page.clock.run_for(12_000)
    assert posted.value.headers["authorization"].startswith("Bearer ")
    expect(ada.host.locator(".message--sent")).to_have_count(1, timeout=PATIENT)
    expect(ada.bubbles).to_have_count(1)
    assert desk.said() == [["customer", "Kuuleeko kukaan?"]]


def test_a_message_that_could_not_leave_says_so_keeps_its_text_and_goes_when_asked(enter: Enter, desk: Desk) -> None:
    ada = enter("plain")
    ada.screen.expect_trouble("messages|Failed to load|ERR_")
    swallow(ada, "everything")
    ada.page.route("**/messages/**", lambda route: route.abort())
    ada.page.clock.install()
    ada.visit(ada.page.url).open_chat()
    ada.say("Ensimmäinen")
    ada.say("Toinen")
    ada.page.clock.run_for(12_000)
    expect(ada.host.locator(".message--failed")).to_have_count(2, timeout=PATIENT)
    expect(ada.message("Ensimmäinen").get_by_role("alert")).to_contain_text(told("Not sent."))
    ada.page.unroute_all()
    ada.message("Ensimmäinen").get_by_role("button").first.click()
    ada.page.clock.run_for(12_000)
    expect(ada.host.locator(".message--sent")).to_have_count(2, timeout=PATIENT)
    assert desk.said() == [["customer", "Ensimmäinen"], ["customer", "Toinen"]]


def test_a_message_that_failed_can_be_deleted(enter: Enter) -> None:
    ada = enter("plain")
    ada.screen.expect_trouble("messages|Failed to load|ERR_")
    swallow(ada, "everything")
    ada.page.route("**/messages/**", lambda route: route.abort())
    ada.page.clock.install()
    ada.visit(ada.page.url).open_chat()
    ada.say("En sittenkään")
    ada.page.clock.run_for(12_000)
    ada.message("En sittenkään").get_by_role("button").nth(1).click(timeout=PATIENT)
    expect(ada.bubbles).to_have_count(0)


def test_a_refusal_is_told_in_the_counters_words(enter: Enter) -> None:
    ada = enter("plain")

    def refuse(socket: WebSocketRoute) -> None:
        counter = socket.connect_to_server()

        def to_counter(frame: str | bytes) -> None:
            if '"t":"message"' in str(frame):
                client_id = str(frame).split('"client_id":"')[1][:36]
                socket.send(f'{{"t":"refused","code":"full","text":"Levy on täynnä.","client_id":"{client_id}"}}')
            else:
                counter.send(frame)

        socket.on_message(to_counter)

    ada.page.route_web_socket("**/live", refuse)
    ada.visit(ada.page.url).open_chat()
    ada.say("Mahtuuko?")
    expect(ada.message("Mahtuuko?").get_by_role("alert")).to_contain_text("Levy on täynnä.")


def test_what_was_unsent_when_the_page_changed_is_sent_by_the_next_page(enter: Enter, desk: Desk) -> None:
    ada = enter("plain")
    quiet = [True]

    def drop(socket: WebSocketRoute) -> None:
        counter = socket.connect_to_server()
        socket.on_message(lambda frame: None if quiet[0] and '"t":"message"' in str(frame) else counter.send(frame))

    ada.page.route_web_socket("**/live", drop)
    ada.visit(ada.page.url).open_chat()
    ada.say("Lähti sivulta toiselle")
    quiet[0] = False
    ada.page.reload()
    expect(ada.host.locator(".message--sent")).to_have_count(1, timeout=PATIENT)
    assert desk.said() == [["customer", "Lähti sivulta toiselle"]]


def test_a_line_that_breaks_comes_back_with_what_was_missed(enter: Enter, desk: Desk) -> None:
    ada = enter("plain")
    lines: list[WebSocketRoute] = []

    def keep(socket: WebSocketRoute) -> None:
        lines.append(socket)
        socket.connect_to_server()

    ada.page.route_web_socket("**/live", keep)
    ada.visit(ada.page.url).open_chat()
    ada.say("Hei Mia")
    expect(ada.host.locator(".message--sent")).to_have_count(1)
    lines[-1].close(code=1012)
    desk.answer("Hei Ada")
    ada.say("Vieläkö kuulet?")
    expect(ada.bubble("Hei Ada")).to_be_visible(timeout=PATIENT)
    expect(ada.host.locator(".message--sent")).to_have_count(2, timeout=PATIENT)
    expect(ada.bubbles).to_have_count(3)
    assert desk.said() == [["customer", "Hei Mia"], ["agent", "Hei Ada"], ["customer", "Vieläkö kuulet?"]]


def test_f22_a_line_that_falls_silent_is_given_up_within_45_seconds(enter: Enter) -> None:
    ada = enter("plain")
    lines: list[WebSocketRoute] = []
    deaf: list[WebSocketRoute] = []

    def fall_silent(socket: WebSocketRoute) -> None:
        lines.append(socket)
        socket.connect_to_server().on_message(lambda frame: None if socket in deaf else socket.send(frame))

    ada.page.route_web_socket("**/live", fall_silent)
    ada.page.clock.install()
    ada.visit(ada.page.url).open_chat()
    ada.say("Hei Mia")
    expect(ada.host.locator(".message--sent")).to_have_count(1)
    deaf.extend(lines)
    ada.page.clock.run_for(30_000)
    assert len(lines) == 1  # longer than from one beat to the next
    ada.page.clock.run_for(15_000)
    ada.page.wait_for_timeout(200)
    assert len(lines) == 2
    ada.say("Vieläkö kuulet?")
    expect(ada.host.locator(".message--sent")).to_have_count(2, timeout=PATIENT)


def test_a_lost_line_is_told_after_five_seconds(enter: Enter) -> None:
    ada = enter("plain")
    ada.screen.expect_trouble("WebSocket|messages|Failed to load|ERR_")
    lines: list[WebSocketRoute] = []

    def break_later(socket: WebSocketRoute) -> None:
        lines.append(socket)
        if len(lines) == 1:
            socket.connect_to_server()
        else:
            socket.close(code=1012)

    ada.page.route_web_socket("**/live", break_later)
    ada.page.route("**/messages/**", lambda route: route.abort())
    ada.page.clock.install()
    ada.visit(ada.page.url).open_chat()
    expect(ada.host.locator(".head--open, .head")).to_be_visible()
    ada.page.wait_for_timeout(300)
    lines[0].close(code=1012)
    ada.page.wait_for_timeout(100)
    ada.page.clock.run_for(6000)
    expect(ada.host.locator(".head__line")).to_have_text(told("Reconnecting…"))
    expect(ada.field).to_be_enabled()


def test_the_desk_dies_in_the_middle_and_nothing_is_lost_or_doubled(enter: Enter, desk: Desk) -> None:
    ada = enter("plain").open_chat()
    ada.screen.expect_trouble("WebSocket|Failed to load|ERR_")
    ada.say("Ennen katkosta")
    expect(ada.host.locator(".message--sent")).to_have_count(1)
    desk.process.kill()
    ada.say("Katkoksen aikana")
    expect(ada.bubbles).to_have_count(2)
    desk.process.start()
    expect(ada.host.locator(".message--sent")).to_have_count(2, timeout=60_000)
    desk.answer("Takaisin ollaan.")
    expect(ada.bubble("Takaisin ollaan.")).to_be_visible(timeout=PATIENT)
    expect(ada.bubbles).to_have_count(3)
    assert desk.said() == [
        ["customer", "Ennen katkosta"],
        ["customer", "Katkoksen aikana"],
        ["agent", "Takaisin ollaan."],
    ]


def test_writing_while_the_line_is_being_opened_asks_for_nothing(enter: Enter) -> None:
    ada = enter("plain")
    ada.page.route_web_socket("**/live", lambda _socket: None)
    asked: list[str] = []
    ada.page.on("request", lambda request: asked.append(request.url) if "/messages/" in request.url else None)
    ada.visit(ada.page.url).open_chat()
    ada.field.press_sequentially("Kirjoitan nopeasti ennen kuin kukaan kuulee")
    assert asked == []


def test_two_tabs_show_one_conversation(enter: Enter, desk: Desk) -> None:
    ada = enter("plain").open_chat()
    other = Shopper(ada.screen)
    other.page = ada.screen.context.new_page()
    other.visit(ada.page.url).open_chat()
    ada.say("Tästä välilehdestä")
    expect(other.bubble("Tästä välilehdestä")).to_be_visible(timeout=PATIENT)
    desk.answer("Molempiin")
    for tab in (ada, other):
        expect(tab.bubble("Molempiin")).to_be_visible(timeout=PATIENT)
        expect(tab.bubbles).to_have_count(2)


def test_a_message_that_is_too_long_is_not_sent_and_says_by_how_much(enter: Enter) -> None:
    ada = enter("plain").open_chat()
    ada.field.fill("ä" * 4003)
    ada.field.press("Enter")
    expect(ada.host.locator(".notice")).to_have_text(told(*TOO_LONG, count=3))
    expect(ada.bubbles).to_have_count(0)
    assert len(ada.field.input_value()) == 4003


def hold_back(ada: Shopper, milliseconds: int) -> None:
    """Everything the counter says comes late."""

    def delay(socket: WebSocketRoute) -> None:
        counter = socket.connect_to_server()

        def late(frame: str | bytes) -> None:
            ada.page.wait_for_timeout(milliseconds)
            socket.send(frame)

        counter.on_message(late)

    ada.page.route_web_socket("**/live", delay)


def swallow(ada: Shopper, what: str) -> None:
    """The counter's acknowledgements, or all its words, never arrive."""

    def lose(socket: WebSocketRoute) -> None:
        counter = socket.connect_to_server()
        kept = ('"t":"ready"',) if what == "everything" else ('"t":"ready"', '"t":"message"')
        if what == "everything":
            socket.on_message(lambda frame: counter.send(frame) if '"t":"hello"' in str(frame) else None)
        counter.on_message(
            lambda frame: socket.send(frame) if any(kind in str(frame).replace(" ", "") for kind in kept) else None
        )

    ada.page.route_web_socket("**/live", lose)
