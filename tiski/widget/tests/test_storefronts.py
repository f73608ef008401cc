"""One conversation at every kind of storefront, and what each of them makes hard (widget.md 7)."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator

import pytest
from PIL import Image, ImageChops
from playwright.sync_api import Page, Route, expect

from tiski.testing.chromium import Chromium
from tiski.testing.storefronts import PAGES, Storefronts
from tiski.testing.storefronts.desk import Desk
from tiski.testing.storefronts.shopper import Shopper

pytestmark = pytest.mark.browser

Enter = Callable[..., Shopper]
Portrait = tuple[bytes, bytes, object]

QUIET = ("no-connections",)
SAME_LOOK = ("reset", "small-root", "large-root", "preflight", "polluted", "strict")
SEALED_CORNERS = 24


@pytest.mark.parametrize("page", [page for page in PAGES if page not in QUIET])
def test_ada_and_mia_talk_on_every_page(page: str, enter: Enter, desk: Desk) -> None:
    ada = enter(page)
    if page == "no-sockets":
        ada.screen.expect_trouble(r"ws://|WebSocket")
    open_somehow(ada)
    question, answer = f"Onko kerkkää? ({page})", f"On, tuoretta. ({page})"
    expect(ada.say(question)).to_have_count(1)
    expect(ada.host.locator(".message--sent")).to_have_count(1, timeout=20_000)
    desk.answer(answer)
    expect(ada.bubble(answer)).to_be_visible(timeout=20_000)
    ada.attach({"name": "kuppi.png", "mimeType": "image/png", "buffer": a_picture()})
    expect(ada.host.locator(".tray__item progress")).to_be_hidden()
    ada.field.press("Enter")
    expect(ada.host.get_by_role("img", name="kuppi.png")).to_be_visible()
    expect(ada.host.locator(".message--sent")).to_have_count(2, timeout=20_000)
    if page != "polluted":  # axe itself trips over what this page does to built-ins
        assert [fault for fault in ada.screen.axe() if "tiski-chat" in fault] == []
    ada.field.press("Escape")
    expect(ada.panel).to_have_count(0)
    assert ada.shop_button_works()
    assert desk.said() == [["customer", question], ["agent", answer], ["customer", ""]]


def open_somehow(ada: Shopper) -> None:
    own = ada.page.locator("[data-tiski-open]")
    if own.count():
        expect(own).to_have_attribute("aria-haspopup", "dialog")
        own.click()
        expect(ada.field).to_be_visible()
    else:
        ada.open_chat()


@pytest.fixture(scope="module")
def on_plain(chromium: Chromium, shops: Storefronts) -> Iterator[Portrait]:
    """How the widget looks at a shop that does nothing to it."""
    screen = chromium.open()
    yield portrait(Shopper(screen).visit(shops.address("plain")))
    screen.context.close()


@pytest.mark.parametrize("page", SAME_LOOK)
def test_the_widget_looks_the_same_whatever_the_theme_does(page: str, enter: Enter, on_plain: Portrait) -> None:
    here = portrait(enter(page))
    assert here[2] == on_plain[2]
    assert (difference(on_plain[0], here[0]), difference(on_plain[1], here[1])) == (None, None)


def portrait(ada: Shopper) -> Portrait:
    expect(ada.launcher).to_be_visible()
    launcher = picture(ada.page, ada.launcher.bounding_box(), 12)
    ada.open_chat()
    ada.page.mouse.move(0, 0)
    ada.page.evaluate("document.activeElement.shadowRoot?.activeElement.blur()")
    ada.page.wait_for_timeout(400)
    box = ada.panel.bounding_box()
    return launcher, picture(ada.page, box, SEALED_CORNERS), box


def picture(page: Page, box: object, corner: int) -> bytes:
    assert isinstance(box, dict)
    clip = {
        "x": box["x"] + corner,
        "y": box["y"] + corner,
        "width": box["width"] - 2 * corner,
        "height": box["height"] - 2 * corner,
    }
    return page.screenshot(clip=clip)  # type: ignore[arg-type]


def test_a_shop_that_forbids_our_connections_hears_nothing_of_us(enter: Enter) -> None:
    ada = enter("no-connections")
    ada.screen.expect_trouble(r"connect-src|Content Security Policy|w/config")
    ada.page.wait_for_timeout(1500)
    expect(ada.host).to_have_count(0)
    assert ada.shop_button_works()


@pytest.mark.parametrize("trouble", ["away", "500", "html", "hang"])
def test_a_broken_desk_is_silence(trouble: str, enter: Enter, shops: Storefronts) -> None:
    ada = enter("plain")
    ada.screen.expect_trouble(r"w/config")

    def break_it(route: Route) -> None:
        if trouble == "away":
            route.abort()
        elif trouble != "hang":
            route.fulfill(status=500 if trouble == "500" else 200, body="<h1>Moved</h1>", content_type="text/html")

    ada.page.route("**/w/config/**", break_it)
    ada.visit(shops.address("plain"))
    ada.page.wait_for_timeout(1500)
    expect(ada.host).to_have_count(0)
    assert ada.shop_button_works()
    assert ada.kept() == {}


def test_the_shop_sees_no_key_of_what_is_written(enter: Enter) -> None:
    ada = enter("shortcuts").open_chat()
    ada.page.keyboard.type("j / jee")
    ada.page.keyboard.press("Enter")
    ada.page.keyboard.press("Escape")
    assert ada.page.evaluate("document.documentElement.dataset.keys") is None
    ada.page.locator(".buy").focus()
    ada.page.keyboard.press("j")
    assert ada.page.evaluate("document.documentElement.dataset.shortcut") == "j"


def test_two_tags_and_a_section_drawn_again_make_one_widget(enter: Enter) -> None:
    ada = enter("twice").open_chat()
    ada.page.locator(".route").click()
    ada.page.wait_for_timeout(500)
    expect(ada.host).to_have_count(1)
    assert ada.page.evaluate("document.documentElement.dataset.pages") == " /oolong.html"


def test_a_modal_dialog_of_the_shop_stays_on_top_and_keeps_its_focus(enter: Enter) -> None:
    ada = enter("modal")
    expect(ada.launcher).to_be_visible()
    ada.page.locator(".open-modal").click()
    expect(ada.launcher).to_be_hidden()
    assert ada.page.evaluate("document.activeElement.className") == "close-modal"
    ada.page.locator(".close-modal").click()
    expect(ada.launcher).to_be_visible()


def test_an_offset_keeps_clear_of_a_cookie_bar(enter: Enter) -> None:
    ada = enter("cookie-bar")
    launcher, bar = ada.launcher.bounding_box(), ada.page.locator(".cookies").bounding_box()
    assert launcher is not None
    assert bar is not None
    assert launcher["y"] + launcher["height"] <= bar["y"]
    ada.page.locator(".agree").click(trial=True)


def test_a_page_from_right_to_left_is_mirrored_and_speaks_the_shops_own_language(enter: Enter) -> None:
    ada = enter("rtl").open_chat()
    panel = ada.panel.bounding_box()
    assert panel is not None
    assert panel["x"] < 100
    expect(ada.host).to_have_attribute("lang", "fi")
    send, clip = ada.host.locator(".send").bounding_box(), ada.host.locator(".tool").bounding_box()
    assert send is not None
    assert clip is not None
    assert send["x"] < clip["x"]


def test_without_storage_a_conversation_lasts_for_the_page(enter: Enter) -> None:
    ada = enter("no-storage").open_chat()
    ada.say("Muistatko minut?")
    expect(ada.host.locator(".message--sent")).to_have_count(1)
    ada.page.reload()
    ada.open_chat()
    expect(ada.bubbles).to_have_count(0)


def test_the_widget_is_dark_only_where_the_shop_is(enter: Enter) -> None:
    on_light = enter("plain", scheme="dark")
    expect(on_light.host).to_have_attribute("data-scheme", "light")
    on_dark = enter("dark", scheme="dark")
    expect(on_dark.host).to_have_attribute("data-scheme", "dark")
    assert on_dark.open_chat().screen.axe() == []


def a_picture() -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (320, 240), "#0f5b50").save(content, "PNG")
    return content.getvalue()


def difference(one: bytes, other: bytes) -> object:
    return ImageChops.difference(Image.open(io.BytesIO(one)), Image.open(io.BytesIO(other))).getbbox()
