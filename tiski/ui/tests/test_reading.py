"""List, thread and the live line in a browser."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from tiski.testing.chromium import NARROW, PHONE, Screen

pytestmark = pytest.mark.browser
DESK = (1440, 860)


@dataclass
class Line:
    """The other end of the page's socket."""

    heard: list[dict[str, Any]] = field(default_factory=list)
    socket: WebSocketRoute | None = None

    def say(self, **frame: Any) -> None:
        """Send a frame down."""
        assert self.socket is not None
        self.socket.send(json.dumps(frame))

    def kinds(self) -> list[str]:
        """The types of what came up, in order."""
        return [frame["t"] for frame in self.heard]


@pytest.fixture
def line() -> Line:
    """A socket that greets and listens."""
    return Line()


@pytest.fixture
def mia(stage: Any, open_screen: Callable[..., Screen], line: Line) -> Page:
    """Mia at her desk, nothing opened yet, connected."""
    screen = open_screen(size=DESK)
    answer_sockets(screen, line)
    screen.page.goto(f"{stage.address}/")
    expect(screen.page.locator("tiski-news")).to_have_attribute("data-state", "open")
    return screen.page


def answer_sockets(screen: Screen, line: Line) -> None:
    """Greet every socket of the page with `ready` and remember what it says."""

    def meet(socket: WebSocketRoute) -> None:
        line.socket = socket

        def hear(message: str | bytes) -> None:
            line.heard.append(json.loads(message))
            if line.heard[-1]["t"] == "hello":
                line.say(t="ready", seq=5)

        socket.on_message(hear)

    screen.page.route_web_socket("**/live/", meet)


def rows(page: Page) -> list[str]:
    """Ids of the rows from the top."""
    return [str(row.get_attribute("id")) for row in page.locator(".conversation-row").all()]


def opened(page: Page, number: int) -> None:
    """Open a conversation by its row and wait for it."""
    page.locator(f"#conversation-{number} a").click()
    expect(page.locator(f"#thread-{number}")).to_be_visible()


def test_the_first_frame_carries_the_token_and_the_topics(mia: Page, line: Line) -> None:
    hello = line.heard[0]
    assert hello["t"] == "hello"
    assert (hello["after"], hello["topics"]) == (5, ["inbox"])
    assert hello["csrf"] == json.loads(mia.locator("body").get_attribute("hx-headers:inherited") or "")["X-CSRFToken"]


def test_a_conversation_opens_beside_its_list_under_its_address(mia: Page, line: Line) -> None:
    opened(mia, 7)
    assert mia.url.endswith("/c/7/")
    assert mia.title() == "Keskustelu 7"
    assert mia.locator(".conversation-row-link[aria-current]").get_attribute("href") == "/c/7/"
    expect(mia.locator("#conversation-7-header")).to_be_visible()
    assert {"t": "watch", "topics": ["conversation-7"]} in line.heard


def test_where_someone_is_goes_up_the_line(mia: Page, line: Line) -> None:
    opened(mia, 7)
    mia.wait_for_timeout(900)
    assert line.heard[-1] == {"t": "here", "conversation": 7, "writing": False}
    mia.keyboard.press("r")
    mia.keyboard.type("Hei")
    mia.wait_for_timeout(200)
    assert line.heard[-1] == {"t": "here", "conversation": 7, "writing": True}


def test_keys_move_through_rows_and_open_one(mia: Page) -> None:
    for key in "jjk":
        mia.keyboard.press(key)
    focused = "document.activeElement.closest('li').id"
    assert mia.evaluate(focused) == "conversation-6"
    mia.keyboard.press("o")
    expect(mia.locator("#thread-6")).to_be_visible()
    mia.keyboard.press("u")
    assert mia.evaluate(focused) == "conversation-6"


@pytest.mark.parametrize("by", ["pointer", "keys"])
def test_whoever_rests_on_a_row_has_it_fetched_before_the_press(mia: Page, by: str) -> None:
    asked: list[str] = []
    mia.on("request", lambda request: asked.append(request.url) if "/c/6/" in request.url else None)
    with mia.expect_response("**/c/6/"):
        if by == "pointer":
            mia.locator("#conversation-6").hover()
        else:
            mia.keyboard.press("j")
    mia.locator("#conversation-6 a").evaluate("link => link.click()")
    expect(mia.locator("#thread-6")).to_be_visible()
    assert len(asked) == 1


def test_one_row_is_in_the_tab_order(mia: Page) -> None:
    mia.keyboard.press("j")
    mia.keyboard.press("j")
    tabs = mia.locator(".conversation-row-link").evaluate_all("links => links.map((link) => link.tabIndex)")
    assert tabs == [-1, 0, -1, -1, -1, -1, -1]


def test_a_changed_row_rises_and_keeps_its_place_in_the_list(mia: Page, stage: Any, line: Line) -> None:
    before = rows(mia)
    stage.changed[2] = "Vastaus tuli"
    line.say(t="news", topic="inbox", key=2, seq=6, name="conversations.message_posted")
    expect(mia.locator(".conversation-row").first).to_contain_text("Vastaus tuli")
    assert rows(mia) == ["conversation-2", *[row for row in before if row != "conversation-2"]]


def test_a_row_that_no_longer_belongs_here_goes(mia: Page, stage: Any, line: Line) -> None:
    stage.closed.add(5)
    line.say(t="news", topic="inbox", key=5, seq=6, name="conversations.closed")
    expect(mia.locator("#conversation-5")).to_have_count(0)


def test_new_rows_wait_while_the_list_is_under_the_pointer(mia: Page, line: Line) -> None:
    mia.locator("#conversation-4").hover()
    line.say(t="news", topic="inbox", key=44, seq=6, name="conversations.opened")
    held = mia.locator(".list-held")
    expect(held).to_be_visible()
    assert "conversation-44" not in rows(mia)
    held.click()
    assert rows(mia)[0] == "conversation-44"
    expect(held).to_be_hidden()


def test_a_burst_of_changes_asks_once_and_perhaps_once_more(mia: Page, line: Line) -> None:
    asked: list[str] = []
    mia.on("request", lambda request: asked.append(request.url) if "/row/" in request.url else None)
    for seq in range(6, 12):
        line.say(t="news", topic="inbox", key=2, seq=seq, name="conversations.message_posted")
    mia.wait_for_timeout(700)
    assert len(asked) in {1, 2}


def test_a_long_absence_fetches_the_list_again(mia: Page, stage: Any, line: Line) -> None:
    stage.closed.update({5, 4})
    line.say(t="resync")
    expect(mia.locator("#conversation-5")).to_have_count(0, timeout=5000)
    assert len(rows(mia)) == 5


def test_a_new_message_is_added_and_said(mia: Page, stage: Any, line: Line) -> None:
    opened(mia, 7)
    stage.customer_says("Vielä yksi asia")
    line.say(t="news", topic="conversation-7", seq=6, name="conversations.message_posted")
    expect(mia.locator(".entry").last).to_contain_text("Vielä yksi asia")
    expect(mia.locator("tiski-thread [role=status]")).to_have_text("Ada Virtanen: Vielä yksi asia")
    assert mia.locator("[data-separator=day]").count() == 1


def test_a_reader_further_up_is_not_moved(mia: Page, stage: Any, line: Line) -> None:
    for number in range(30):
        stage.customer_says(f"Viesti {number}")
    opened(mia, 7)
    pane = mia.locator(".thread")
    pane.evaluate("pane => (pane.scrollTop = 200)")
    stage.customer_says("Uusin")
    line.say(t="news", topic="conversation-7", seq=6, name="conversations.message_posted")
    jump = mia.locator(".thread-jump")
    expect(jump).to_be_visible()
    assert pane.evaluate("pane => pane.scrollTop") == 200
    jump.click()
    expect(mia.locator(".entry").last).to_be_in_viewport()
    expect(jump).to_be_hidden()


def test_what_is_read_for_a_second_is_marked(mia: Page, stage: Any) -> None:
    opened(mia, 7)
    mia.wait_for_timeout(400)
    assert stage.bodies("/read/") == []
    mia.wait_for_timeout(1200)
    assert stage.bodies("/read/") == [{"seq": ["3"]}]


def test_who_else_is_there_is_said(mia: Page, line: Line) -> None:
    opened(mia, 7)
    who = [{"id": "agent-1", "name": "Mia", "writing": True}, {"id": "agent-2", "name": "Noor Haddad", "writing": True}]
    line.say(t="now", topic="conversation-7", who=who)
    expect(mia.locator("tiski-presence")).to_contain_text("Noor Haddad")
    expect(mia.locator("tiski-presence")).not_to_contain_text("Mia")
    line.say(t="now", topic="conversation-7", who=who[:1])
    expect(mia.locator("tiski-presence")).to_have_text("")


def heard(page: Page, *names: str) -> Callable[[], list[str]]:
    """What the page tells its elements from now on, by these names."""
    page.evaluate("""names => {
        globalThis.told = [];
        for (const name of names) document.body.addEventListener(name, () => told.push(name));
    }""", list(names))  # fmt: skip
    return lambda: [str(name) for name in page.evaluate("told")]


def test_the_header_refetches_itself_once_for_a_burst(mia: Page, line: Line) -> None:
    opened(mia, 7)
    asked: list[str] = []
    mia.on("request", lambda request: asked.append(request.url) if "/header/" in request.url else None)
    for seq in range(6, 11):
        line.say(t="news", topic="conversation-7", seq=seq, name="conversations.assigned", turns=True)
    expect(mia.locator(".conversation-title")).to_have_text("Uusi aihe")
    assert len(asked) == 1


def test_words_alone_refetch_neither_header_nor_navigation(mia: Page, stage: Any, line: Line) -> None:
    opened(mia, 7)
    told = heard(mia, "turned:inbox", "turned:conversation-7", "live:conversation-7")
    stage.customer_says("Vielä yksi asia")
    for topic, key in [("conversation-7", 4), ("inbox", 7)]:
        line.say(t="news", topic=topic, key=key, seq=6, name="conversations.message_posted")
    expect(mia.locator(".entry").last).to_contain_text("Vielä yksi asia")
    assert told() == ["live:conversation-7"]


def test_of_many_that_turn_at_once_the_navigation_hears_soon_and_after_a_rest(mia: Page, line: Line) -> None:
    told = heard(mia, "turned:inbox")
    for seq in range(6, 16):
        line.say(t="news", topic="inbox", key=seq, seq=seq, name="conversations.opened", turns=True)
        mia.wait_for_timeout(200)
    assert 1 <= len(told()) <= 2
    line.say(t="news", topic="inbox", key=17, seq=17, name="conversations.opened", turns=True)
    mia.wait_for_timeout(8500)
    assert 2 <= len(told()) <= 3


def test_who_wrote_a_message_does_not_fetch_it(mia: Page, line: Line) -> None:
    opened(mia, 7)
    asked: list[str] = []
    mia.on("request", lambda request: asked.append(request.url) if "/messages/" in request.url else None)
    last = mia.locator(".thread-items > [data-seq]").last
    seq = int(last.get_attribute("data-seq") or 0)
    line.say(t="news", topic="conversation-7", key=seq, seq=6, name="conversations.message_posted")
    mia.wait_for_timeout(500)
    assert asked == []
    line.say(t="news", topic="conversation-7", key=seq + 1, seq=7, name="conversations.message_posted")
    mia.wait_for_timeout(500)
    assert len(asked) == 1
    line.say(t="news", topic="conversation-7", key=seq, seq=8, name="conversations.message_posted")
    line.say(t="news", topic="conversation-7", seq=9, name="conversations.customer_read")
    mia.wait_for_timeout(500)
    assert len(asked) == 2


def test_a_beat_is_answered_at_once(mia: Page, line: Line) -> None:
    line.say(t="beat")
    mia.wait_for_timeout(200)
    assert line.kinds()[-1] == "beat"


def test_a_dropped_socket_comes_back_by_itself(mia: Page, line: Line) -> None:
    assert line.socket is not None
    line.socket.close(code=1012)
    expect(mia.locator("tiski-news")).to_have_attribute("data-state", "lost")
    expect(mia.locator("tiski-news")).to_have_attribute("data-state", "open", timeout=3000)
    assert line.kinds().count("hello") == 2


def test_without_sockets_the_page_polls(stage: Any, open_screen: Callable[..., Screen]) -> None:
    screen = open_screen(size=DESK)
    screen.block_websockets()
    screen.expect_trouble("WebSocket")
    screen.page.goto(f"{stage.address}/")
    expect(screen.page.locator("tiski-news")).to_have_attribute("data-state", "polling", timeout=8000)
    stage.news = [{"t": "news", "topic": "inbox", "key": 2, "seq": 9, "name": "conversations.message_posted"}]
    stage.changed[2] = "Kysyttäessä tuli"
    expect(screen.page.locator(".conversation-row").first).to_contain_text("Kysyttäessä tuli", timeout=8000)


def test_an_ended_login_opens_a_dialog_and_keeps_the_page(mia: Page, line: Line) -> None:
    opened(mia, 7)
    mia.locator(".composer-field").fill("Kesken jäi")
    assert line.socket is not None
    line.socket.close(code=4401)
    expect(mia.locator("#signed-out")).to_be_visible()
    assert mia.locator(".composer-field").input_value() == "Kesken jäi"


def test_on_a_phone_one_pane_shows_at_a_time(stage: Any, open_screen: Callable[..., Screen], line: Line) -> None:
    screen = open_screen(size=PHONE)
    answer_sockets(screen, line)
    page = screen.page
    page.goto(f"{stage.address}/")
    expect(page.locator(".list")).to_be_visible()
    opened(page, 7)
    expect(page.locator(".list")).to_be_hidden()
    expect(page.locator(".nav")).to_be_hidden()
    page.locator(".conversation-more").first.click()
    page.locator(".menu-item.conversation-panel").click()
    expect(page.locator("#customer")).to_be_visible()
    page.locator(".aside-close").click()
    page.locator(".conversation-back").click()
    expect(page.locator(".list")).to_be_visible()


@pytest.mark.parametrize("path", ["/", "/c/7/"])
def test_the_console_fits_into_320_pixels(
    stage: Any, open_screen: Callable[..., Screen], line: Line, path: str
) -> None:
    screen = open_screen(size=NARROW)
    answer_sockets(screen, line)
    screen.page.goto(f"{stage.address}{path}")
    assert not screen.scrolls_sideways()
    assert screen.axe() == []
