"""What a shop's page pays before anybody chats, and what it can say to the widget (widget.md 2, 4, 5, 9)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Request, expect

from bench.tasks import LONG, tasks, traced
from tiski.testing.storefronts import Storefronts
from tiski.testing.storefronts.desk import Desk
from tiski.testing.storefronts.shopper import Shopper

pytestmark = pytest.mark.browser

Enter = Callable[..., Shopper]


def test_before_the_visitor_acts_there_are_three_requests_no_socket_and_nothing_is_stored(
    enter: Enter, shops: Storefronts, desk: Desk
) -> None:
    ada = enter("plain")
    expect(ada.launcher).to_be_visible()
    asked: list[str] = []
    sockets: list[str] = []
    ada.page.on("request", lambda request: asked.append(request.url) if request.url.startswith(desk.address) else None)
    ada.page.on("websocket", lambda socket: sockets.append(socket.url))
    ada.visit(shops.address("plain"))
    expect(ada.launcher).to_be_visible()
    ada.page.wait_for_timeout(700)
    assert len(asked) <= 3, asked
    assert sockets == []
    assert ada.kept() == {}
    assert ada.screen.context.cookies() == []


def test_the_launcher_moves_nothing_on_the_page(enter: Enter) -> None:
    ada = enter("plain")
    expect(ada.launcher).to_be_visible()
    shift = ada.page.evaluate(
        """() => new Promise((resolve) => {
          let sum = 0;
          new PerformanceObserver((list) => list.getEntries().forEach((entry) => (sum += entry.value)))
            .observe({ type: "layout-shift", buffered: true });
          setTimeout(() => resolve(sum), 300);
        })"""
    )
    assert shift == 0


def test_no_part_of_the_start_is_long_even_on_a_processor_four_times_slower(enter: Enter, shops: Storefronts) -> None:
    ada = enter("plain")
    expect(ada.launcher).to_be_visible()
    assert min(hardest_part(ada, shops.address("plain")) for _ in range(3)) < LONG / 4


def hardest_part(ada: Shopper, address: str) -> float:
    """Milliseconds on the processor that the widget takes of one task of the page."""
    with traced(ada.page) as events:
        with ada.page.expect_response("**/w/config/*"):
            ada.visit(address)
        ada.page.wait_for_timeout(1000)
    return max(task.worked for task in tasks(events, page=ada.page.url, script="/w/", begins="/w/config/"))


def test_the_panel_is_fetched_when_the_pointer_reaches_the_launcher(enter: Enter) -> None:
    ada = enter("plain")
    expect(ada.launcher).to_be_visible()
    with ada.page.expect_request("**/panel.js"):
        ada.launcher.hover()


def test_pressing_the_launcher_shows_a_frame_at_once_on_a_slow_network(enter: Enter) -> None:
    ada = enter("plain")
    expect(ada.launcher).to_be_visible()
    ada.page.route("**/panel.js", lambda _route: None)
    ada.launcher.click()
    expect(ada.host.locator(".panel")).to_be_visible(timeout=300)
    ada.launcher.click()
    expect(ada.host.locator(".panel")).to_be_hidden(timeout=300)


def test_opening_takes_less_than_a_tenth_of_a_second_once_prefetched(enter: Enter) -> None:
    assert min(opening_time(enter) for _ in range(3)) < 100  # the best of three: other work shares the machine


def opening_time(enter: Enter) -> float:
    ada = enter("plain")
    with ada.page.expect_response("**/panel.css"):
        ada.launcher.hover()
    ada.page.wait_for_function("document.querySelector('tiski-chat').shadowRoot.querySelector('textarea')")
    took: float = ada.page.evaluate(
        """() => new Promise((resolve) => {
          const root = document.querySelector("tiski-chat").shadowRoot;
          const start = performance.now();
          root.querySelector(".launcher").click();
          const shown = () => root.querySelector("textarea").offsetParent;
          const look = () => (shown() ? resolve(performance.now() - start) : requestAnimationFrame(look));
          requestAnimationFrame(look);
        })"""
    )
    return took


def test_what_the_page_said_before_the_loader_came_is_done_in_order(enter: Enter, shops: Storefronts) -> None:
    ada = enter("plain")
    ada.page.add_init_script(
        """window.tiski = window.tiski || function () { (tiski.q = tiski.q || []).push(arguments) };
        window.heard = [];
        for (const name of ["ready", "open", "message", "unread", "close"])
          document.addEventListener(`tiski:${name}`, (event) => heard.push([name, event.detail]));
        tiski("nonsense", 1); tiski("open", { text: "Hei, kysyisin teestä" });"""
    )
    ada.visit(shops.address("plain"))
    expect(ada.field).to_have_value("Hei, kysyisin teestä")
    ada.field.press("Enter")
    expect(ada.host.locator(".message--sent")).to_have_count(1)
    ada.page.evaluate("tiski('close')")
    expect(ada.panel).to_have_count(0)
    assert ada.page.evaluate("heard.filter(([name]) => name !== 'unread')") == [
        ["ready", {}],
        ["open", {}],
        ["message", {"author": "customer"}],
        ["close", {}],
    ]


def test_the_page_can_hide_show_toggle_and_change_the_language(enter: Enter) -> None:
    ada = enter("plain")
    expect(ada.launcher).to_be_visible()
    ada.page.evaluate("tiski('hide')")
    expect(ada.launcher).to_be_hidden()
    ada.page.evaluate("tiski('show')")
    expect(ada.launcher).to_be_visible()
    ada.page.evaluate("tiski('toggle')")
    expect(ada.field).to_be_visible()
    ada.page.evaluate("tiski('lang', 'en')")
    expect(ada.field).to_have_attribute("placeholder", "Write a message…")
    expect(ada.host).to_have_count(1)
    names = ada.page.evaluate("Object.keys(window).filter((name) => /tiski/i.test(name))")
    assert set(names) - {"tiskiPolicyViolation"} == {"tiski"}  # the second is the test's own ear


def test_reset_forgets_the_visitor(enter: Enter) -> None:
    ada = enter("plain").open_chat()
    ada.say("Olen kirjautunut kauppaan")
    expect(ada.host.locator(".message--sent")).to_have_count(1)
    assert any(name.endswith(".visitor") for name in ada.kept())
    ada.page.evaluate("tiski('reset')")
    expect(ada.bubbles).to_have_count(0)
    assert ada.kept() == {}
    ada.page.reload()
    expect(ada.open_chat().bubbles).to_have_count(0)


def test_storage_grows_only_with_what_the_visitor_does(enter: Enter, desk: Desk) -> None:
    ada = enter("plain").open_chat()
    assert ada.kept() == {}
    ada.field.fill("Keskenerä")
    ada.page.wait_for_timeout(500)
    assert list(ada.kept()) == [f"tiski.{desk.key}.draft"]
    ada.field.press("Enter")
    expect(ada.host.locator(".message--sent")).to_have_count(1)
    assert sorted(ada.kept()) == [f"tiski.{desk.key}.{name}" for name in ("open", "read", "visitor")]


def test_the_token_is_never_part_of_an_address(enter: Enter, desk: Desk) -> None:
    ada = enter("no-sockets")
    ada.screen.expect_trouble(r"ws://|WebSocket")
    asked: list[Request] = []

    def remember(request: Request) -> None:
        asked.append(request)

    ada.page.on("request", remember)
    ada.open_chat()
    ada.say("Kuuletko pyyntöinä?")
    expect(ada.host.locator(".message--sent")).to_have_count(1, timeout=20_000)
    token = ada.page.evaluate(f"JSON.parse(localStorage['tiski.{desk.key}.visitor']).token")
    assert len(token) == 43
    assert [
        request.url for request in asked if token in request.url or token in request.headers.get("referer", "")
    ] == []
