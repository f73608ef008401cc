"""Hostile mail as an agent sees it, in a real browser and the real console: nothing runs or asks (A15-A23)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import Dialog, Page, Request, expect

from tiski.testing.chromium import Chromium, Screen
from tiski.testing.desk import demo_password
from tiski.testing.tiski_process import TiskiProcess

from .hostile_html import MUTATIONS, REQUESTS, SCRIPTS, STRANGER, VECTORS
from .mailroom import deliver, letter

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

Open = Callable[..., Screen]
TOGETHER = 33
"""Mails in one conversation: each is drawn in a root of its own, so none helps another."""
LISTEN = "globalThis.ran = []; globalThis.pwned = (which) => { globalThis.ran.push(which); };"
LOOK_INSIDE = """
() => {
  const roots = [...document.querySelectorAll("tiski-message")].map((host) => host.shadowRoot);
  const all = roots.flatMap((root) => [...root.querySelectorAll("*")]);
  const own = (element) => element.localName === "link" && element.getAttribute("href").endsWith("message.css");
  const attributes = all.filter((element) => !own(element)).flatMap((element) => [...element.attributes]);
  return {
    roots: roots.length,
    tags: [...new Set(all.filter((element) => !own(element)).map((element) => element.localName))],
    attributes: [...new Set(attributes.map((attribute) => attribute.name))],
    links: all.filter((element) => element.localName === "a" && element.hasAttribute("href")).map((a) => a.protocol),
    sources: attributes.filter((one) => /^(src|srcset|poster|background|data|action)$/.test(one.name)).length,
  };
}
"""
TOUCH = """
() => {
  for (const host of document.querySelectorAll("tiski-message"))
    for (const element of host.shadowRoot.querySelectorAll("*"))
      for (const kind of ["mouseover", "pointerenter", "focus", "toggle", "error", "load", "animationstart"])
        element.dispatchEvent(new Event(kind, {bubbles: true, composed: true}));
}
"""
HARMLESS_TAGS = {
    "a", "abbr", "address", "b", "blockquote", "br", "caption", "center", "cite", "code", "dd", "details", "div", "dl",
    "dt", "em", "h1", "h2", "h3", "hr", "i", "img", "li", "ol", "p", "pre", "q", "s", "small", "span", "strong", "sub",
    "summary", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "u", "ul",
}  # fmt: skip
HARMLESS_ATTRIBUTES = {
    "alt", "colspan", "dir", "height", "href", "lang", "rel", "rowspan", "span", "start", "target", "width",
}  # fmt: skip


@dataclass
class Watch:
    """What a window did that it should not: dialogs, and requests to others or to places only an attack knows."""

    origin: str
    dialogs: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def over(self, screen: Screen) -> None:
        """Begin to watch a window."""
        screen.context.add_init_script(LISTEN)
        screen.context.on("request", self._hear)
        screen.context.on("dialog", self._dismiss)

    def _dismiss(self, dialog: Dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def _hear(self, request: Request) -> None:
        address = urlsplit(request.url)
        if f"{address.scheme}://{address.netloc}" != self.origin or "pwned" in address.path:
            self.requests.append(f"{request.method} {request.url}")


@pytest.fixture(scope="module")
def hostile(tiski: TiskiProcess) -> list[int]:
    """Conversations that hold every vector, each in a mail of its own."""
    groups = [VECTORS[start : start + TOGETHER] for start in range(0, len(VECTORS), TOGETHER)]
    named = [f"<corpus-{number}@example.fi>" for number in range(len(groups))]
    firsts = [
        letter("<h1>Ensimmäinen</h1>", subject=f"Kokoelma {number}", message_id=name)
        for number, name in enumerate(named)
    ]
    found = [verdict.conversation for verdict in deliver(tiski, firsts)]
    rest = [
        letter(f"<h1>Kirje</h1>{vector}<h2>Loppu</h2>", in_reply_to=named[number], message_id=f"<{number}.{at}@x.fi>")
        for number, group in enumerate(groups)
        for at, vector in enumerate(group)
    ]
    verdicts = deliver(tiski, rest)
    assert {verdict.state for verdict in verdicts} == {"threaded"}
    assert {verdict.conversation for verdict in verdicts} == set(found)
    return [number for number in found if number is not None]


@pytest.fixture(scope="module")
def cookies(tiski: TiskiProcess, chromium: Chromium) -> list[Any]:
    """What Mia's browser keeps after she has signed in."""
    screen = chromium.open()
    sign_in(screen.page, tiski)
    kept = list(screen.context.cookies())
    screen.close()
    return kept


@pytest.fixture
def mia(open_screen: Open, tiski: TiskiProcess, cookies: list[Any]) -> Iterator[tuple[Screen, Watch]]:
    """Mia at her desk, on the live line, watched."""
    screen, watch = open_screen(), Watch(tiski.address)
    watch.over(screen)
    screen.context.add_cookies(cookies)
    screen.page.goto(f"{tiski.address}/teepuoti/inbox/open/")
    expect(screen.page.locator("tiski-news")).to_have_attribute("data-state", "open")
    yield screen, watch
    assert watch.requests == []
    assert watch.dialogs == []


def sign_in(page: Page, tiski: TiskiProcess) -> None:
    """Mia comes in and is on the live line."""
    page.goto(f"{tiski.address}/")
    page.locator("input[name=login]").fill("mia@teepuoti.example")
    page.locator("input[name=password]").fill(demo_password(tiski.data))
    page.locator("input[name=password]").press("Enter")
    expect(page.locator("tiski-news")).to_have_attribute("data-state", "open")


def is_inert(page: Page, mails: int) -> None:
    """Every mail is drawn in a closed-off root that holds nothing but text, and touching it starts nothing."""
    expect(page.locator("tiski-message")).to_have_count(mails)
    found = page.evaluate(LOOK_INSIDE)
    assert found["roots"] == mails
    assert set(found["tags"]) <= HARMLESS_TAGS
    assert set(found["attributes"]) <= HARMLESS_ATTRIBUTES
    assert set(found["links"]) <= {"https:", "http:", "mailto:", "tel:"}
    assert found["sources"] == 0
    page.evaluate(TOUCH)
    assert page.evaluate("globalThis.ran") == []
    assert page.locator("script:not([src])").count() == 0
    assert page.locator("#pane").count() == 1


def test_a15_the_corpus_would_do_harm_elsewhere(open_screen: Open) -> None:
    """A page that draws the vectors as they are runs them and asks others: so the watch below sees what it must."""
    screen = open_screen()
    screen.expect_trouble(".")
    watch = Watch("https://control.example")
    watch.over(screen)
    drawn = [vector.format(n=1) for vector in (SCRIPTS[6], SCRIPTS[8], REQUESTS[6])]
    page = "<!doctype html>" + "".join(f"<section>{vector}</section>" for vector in drawn)
    screen.context.route(re.compile("control"), lambda route: route.fulfill(body=page, content_type="text/html"))
    screen.context.route(re.compile("pwned"), lambda route: route.abort())
    screen.page.goto("https://control.example/")
    screen.page.wait_for_function("globalThis.ran.length >= 2")
    assert any(STRANGER in request for request in watch.requests)
    assert len(VECTORS) >= 60
    assert len(MUTATIONS) >= 20


def test_a15_every_vector_is_inert_when_its_conversation_is_opened(
    mia: tuple[Screen, Watch], tiski: TiskiProcess, hostile: list[int]
) -> None:
    page = mia[0].page
    for at, number in enumerate(hostile):
        page.goto(f"{tiski.address}/teepuoti/inbox/open/conversations/{number}/", wait_until="networkidle")
        is_inert(page, 1 + len(VECTORS[at * TOGETHER : (at + 1) * TOGETHER]))


def test_a15_every_vector_is_inert_when_htmx_swaps_it_in(
    mia: tuple[Screen, Watch], tiski: TiskiProcess, hostile: list[int]
) -> None:
    page = mia[0].page
    for at, number in enumerate(hostile):
        page.locator(f"#conversation-{number} a").first.click()
        expect(page).to_have_url(re.compile(f"/conversations/{number}/"))
        expect(page.locator("#pane .thread .entry").first).to_be_visible()
        is_inert(page, 1 + len(VECTORS[at * TOGETHER : (at + 1) * TOGETHER]))


def test_a15_the_original_is_never_drawn(mia: tuple[Screen, Watch], tiski: TiskiProcess, hostile: list[int]) -> None:
    page = mia[0].page
    page.goto(f"{tiski.address}/teepuoti/inbox/open/conversations/{hostile[0]}/")
    link = page.locator(".bubble-bar a").first.get_attribute("href")
    assert link is not None
    answer = page.request.get(f"{tiski.address}{link}")
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer.headers["x-content-type-options"] == "nosniff"
    with page.expect_download() as download:
        page.evaluate("(link) => { location.href = link; }", link)
    assert download.value.suggested_filename.endswith(".eml")


def test_a20_opening_a_mail_asks_nobody_for_anything(
    mia: tuple[Screen, Watch], tiski: TiskiProcess, hostile: list[int]
) -> None:
    """The browser's own log: not one request beyond our origin, and none inside it but what the page is made of."""
    screen, asked = mia[0], list[str]()
    screen.context.on("request", lambda request: asked.append(urlsplit(request.url).path))
    screen.page.goto(f"{tiski.address}/teepuoti/inbox/open/conversations/{hostile[-1]}/", wait_until="networkidle")
    ours = re.compile(r"/(static|teepuoti|manifest|favicon|pictures)\b|/$")
    assert [path for path in asked if not ours.match(path)] == []
    assert not any("pwned" in path for path in asked)


def test_a22_nothing_of_the_page_is_taken_over_by_names_fields_or_layers(
    mia: tuple[Screen, Watch], tiski: TiskiProcess, hostile: list[int]
) -> None:
    page = mia[0].page
    page.goto(f"{tiski.address}/teepuoti/inbox/open/conversations/{hostile[-1]}/", wait_until="networkidle")
    assert page.evaluate("typeof htmx.config") == "object"
    assert page.evaluate("typeof document.cookie") == "string"
    assert page.evaluate("document.baseURI.startsWith(location.origin)")
    assert page.evaluate("document.activeElement.type !== 'password'")
    shape = page.evaluate(
        "[...document.querySelectorAll('tiski-message')].map((host) => getComputedStyle(host).contain)"
    )
    assert set(shape) == {"content"}
    assert page.evaluate("document.elementFromPoint(5, 5).closest('tiski-message')") is None


POLLUTED = "__proto__[x]=1&constructor[prototype][x]=1&constructor.prototype.x=1&__proto__.x=1"


@pytest.mark.parametrize("path", ["/teepuoti/inbox/open/", "/demo/", "/chat/teepuoti/", "/teepuoti/search/"])
def test_a23_a_query_changes_no_prototype(mia: tuple[Screen, Watch], tiski: TiskiProcess, path: str) -> None:
    page = mia[0].page
    page.goto(f"{tiski.address}{path}?{POLLUTED}#{POLLUTED}", wait_until="networkidle")
    assert page.evaluate("({}).x === undefined && Object.prototype.x === undefined")


def test_a23_a_frame_and_an_answer_change_no_prototype(
    mia: tuple[Screen, Watch], open_screen: Open, tiski: TiskiProcess
) -> None:
    """What arrives over the line and what the server is told: own keys called `__proto__` stay words."""
    shopper = open_screen(f"{tiski.address}/demo/")
    shopper.page.locator("tiski-chat button.launcher").click()
    shopper.page.locator("tiski-chat textarea").fill('{"__proto__": {"x": 1}, "constructor": {"prototype": {"x": 1}}}')
    shopper.page.locator("tiski-chat textarea").press("Enter")
    row = mia[0].page.locator(".conversation-row", has_text="__proto__")
    expect(row).to_be_visible()
    row.locator("a").click()
    expect(mia[0].page.locator("#pane .bubble-text").last).to_contain_text("__proto__")
    for page in (shopper.page, mia[0].page):
        assert page.evaluate("({}).x === undefined")


NAME = "<img src=x onerror=pwned(17)>"
LETTER = f"""\
From: "{NAME}" <eve@example.net>
To: asiakaspalvelu@teepuoti.example
Subject: {NAME} kyselee
Message-ID: <a17@example.net>
User-Agent: {NAME}
X-Forwarded-For: {NAME}
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain

{NAME} Hei!
--b
Content-Type: text/plain; name="{NAME}.txt"
Content-Disposition: attachment; filename="{NAME}.txt"

tee
--b--
"""


def test_a17_what_strangers_call_themselves_is_text_wherever_it_is_shown(
    mia: tuple[Screen, Watch], open_screen: Open, tiski: TiskiProcess
) -> None:
    page = mia[0].page
    [verdict] = deliver(tiski, [LETTER.encode()])
    page.goto(f"{tiski.address}/teepuoti/inbox/open/conversations/{verdict.conversation}/", wait_until="networkidle")
    expect(page.locator(f"#conversation-{verdict.conversation}")).to_contain_text(NAME)
    expect(page.locator("#pane")).to_contain_text(f"{NAME} kyselee")
    expect(page.locator(".file-name")).to_contain_text(".txt")
    page.goto(f"{tiski.address}/teepuoti/search/?q={NAME}", wait_until="networkidle")
    assert page.locator("input[name=q]").input_value() == NAME

    token, place = "t" * 43, f"https://teepuoti.example/{NAME}?utm={NAME}"
    said = {
        "t": "message", "client_id": str(uuid4()), "conversation": str(uuid4()), "body": f"{NAME} chatissa",
        "page": place, "lang": "fi", "files": [],
    }  # fmt: skip
    headers = {
        "Authorization": f"Bearer {token}", "Origin": tiski.address, "User-Agent": NAME, "Referer": place,
        "X-Forwarded-For": NAME, "CF-Connecting-IP": NAME,
    }  # fmt: skip
    answer = httpx.post(f"{tiski.address}/w/teepuoti/messages/", json=said, headers=headers, trust_env=False)
    assert answer.status_code in {200, 400}
    row = page.locator(".conversation-row", has_text="chatissa")
    page.goto(f"{tiski.address}/teepuoti/inbox/open/", wait_until="networkidle")
    if answer.status_code == 200:
        row.locator("a").click()
        expect(page.locator("#pane .bubble-text").last).to_contain_text(NAME)

    # A browser of that name signs in; the list of sessions tells of it, and the agent takes that name as well.
    page.goto(f"{tiski.address}/account/")
    page.locator("input[name=name]").fill(f"Mia {NAME}")
    page.locator("input[name=name]").press("Enter")
    for path in ("/account/", "/account/sessions/", "/teepuoti/inbox/open/", "/teepuoti/inbox/mine/"):
        page.goto(f"{tiski.address}{path}", wait_until="networkidle")
        assert page.locator("img[src='x'], [onerror]").count() == 0
        assert page.evaluate("globalThis.ran") == []
