"""A36, A41, A42, A51 and A52: caches and proxies between us, forged headers, and pages of others around ours."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import httpx
import pytest
from playwright.sync_api import Frame, Page, expect
from websockets.exceptions import InvalidStatus

from tiski.testing.chromium import Screen
from tiski.testing.nginx import Nginx
from tiski.testing.ports import free_port, wait_until
from tiski.testing.storefronts import Storefronts
from tiski.testing.storefronts.server import POLICIES
from tiski.testing.storefronts.shopper import Shopper

from .instance import PROXY, Colleague, Instance, Visitor

pytestmark = pytest.mark.timeout(120)
Open = Callable[..., Screen]
EVIL = "http://evil.example"
CACHING_SITE = """
proxy_cache_path {cache} keys_zone=careless:1m;
server {{
    listen 127.0.0.1:{port};
    location / {{
        proxy_pass {tiski};
        proxy_bind {proxy};
        proxy_set_header Host $http_host;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_cache careless;
        proxy_cache_key $request_uri;
        proxy_cache_valid any 10m;
        add_header X-Cache-Status $upstream_cache_status always;
    }}
}}
"""


@pytest.fixture(scope="module")
def mia(instance: Instance) -> Colleague:
    """Mia of Teepuoti, signed in."""
    return Colleague(instance, "mia@teepuoti.example")


@pytest.fixture(scope="module")
def cache(instance: Instance, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an nginx that keeps for everyone whatever it may."""
    port, folder = free_port(), tmp_path_factory.mktemp("cache")
    folder.chmod(0o777)
    site = CACHING_SITE.format(cache=folder, port=port, tiski=f"http://127.0.0.1:{instance.process.port}", proxy=PROXY)
    with Nginx(site, port=port):
        yield f"http://127.0.0.1:{port}"


def through(cache: str, path: str, **headers: str) -> httpx.Response:
    """Ask through the cache."""
    return httpx.get(f"{cache}{path}", headers=headers, timeout=30, trust_env=False)


def test_a36_what_somebody_signed_in_sees_is_kept_by_no_cache(instance: Instance, mia: Colleague, cache: str) -> None:
    noor = Colleague(instance, "noor@teepuoti.example")
    paths = [
        "/", "/account/", "/account/sessions/", "/shops/new/", "/teepuoti/", "/teepuoti/inbox/open/",
        "/teepuoti/inbox/navigation/", "/teepuoti/inbox/open/conversations/1/",
        "/teepuoti/inbox/open/conversations/1/row/", "/teepuoti/inbox/open/conversations/1/customer/",
        "/teepuoti/conversations/1/messages/?v=1", "/teepuoti/inbox/open/conversations/1/header/?v=1",
        "/teepuoti/search/?q=tee", "/teepuoti/settings/people/", "/teepuoti/settings/mailbox/", "/teepuoti/files/1/",
        "/teepuoti/originals/1/", "/teepuoti/news/?after=0&topics=inbox", "/sign-in/", "/chat/teepuoti/preview/",
    ]  # fmt: skip
    for path in paths:
        seen = through(cache, path, Cookie=noor.cookies, **{"Sec-Fetch-Site": "same-origin"})
        policy = seen.headers["Cache-Control"]
        assert "no-store" in policy or ("private" in policy and "?v=" in path), (path, policy)
        again = through(cache, path)
        assert again.headers["X-Cache-Status"] != "HIT", path
        assert again.status_code in {302, 401, 403, 404} or path == "/sign-in/", path
        assert "Noor Haddad" not in again.text


def test_a36_public_answers_set_no_cookie_whoever_asks(instance: Instance, mia: Colleague, cache: str) -> None:
    panel = through(cache, "/w/config/teepuoti.json?lang=fi").json()["panel"]
    for path in ("/w/config/teepuoti.json?lang=sv", "/w/loader.js", panel):
        first = through(cache, path, Cookie=f"{mia.cookies}; tiski_language=sv", Referer=instance.address)
        second = through(cache, path)
        assert second.headers["X-Cache-Status"] == "HIT", path
        for answer in (first, second):
            assert "Set-Cookie" not in answer.headers
            assert answer.headers["Cache-Control"].startswith("public")
            assert "cookie" not in answer.headers.get("Vary", "").lower()
        assert first.content == second.content


KEPT = """() => { try { return JSON.stringify(Object.assign({}, localStorage, sessionStorage)) }
  catch { return "nothing can be kept here" } }"""
FORGE = """(kind) => {
  const args = [{email: "ada@example.fi", name: "Ada", token: "x".repeat(43)}];
  const target = document.querySelector("iframe").contentWindow;
  for (const data of [kind, {type: kind, t: kind, tiski: kind, method: kind, args}, JSON.stringify([kind, args])]) {
    target.postMessage(data, "*");
    window.postMessage(data, "*");
  }
}"""
OWN_SPEAKERS = {"line"}
"""What our scripts listen to: the socket of `live.js`."""
FORGED = ("X-Forwarded-For", "X_Forwarded_For", "Forwarded", "X-Real-IP", "X-Client-IP", "True-Client-IP", "Client-IP")


def seen_address(instance: Instance, client: httpx.Client) -> str:
    """Which address of ours is shown to the person who signs in with this client."""
    client.get("/sign-in/")
    headers = {"X-CSRFToken": client.cookies["tiski_csrf"], "Origin": instance.address}
    fields = {"login": "mia@teepuoti.example", "password": instance.password}
    assert client.post("/sign-in/", data=fields, headers=headers).status_code == 302
    shown = re.search(r'class="quiet small">([\d.]+)', client.get("/account/sessions/").text)
    assert shown is not None
    return shown[1]  # the present browser comes first


def test_a41_forged_addresses_count_only_from_the_declared_proxy(instance: Instance) -> None:
    forged = dict.fromkeys(FORGED, "203.0.113.77")
    stranger = instance.browser(**forged)
    assert seen_address(instance, stranger) == "127.0.0.1"
    chain = {"X-Forwarded-For": "203.0.113.77, 192.0.2.41", "X_Forwarded_For": "203.0.113.78"}
    proxied = instance.browser(through=PROXY, **chain)
    assert seen_address(instance, proxied) == "192.0.2.41"


def test_a41_headers_that_name_a_user_or_a_scheme_open_nothing(instance: Instance) -> None:
    claims = {
        "X-Remote-User": "noor@teepuoti.example", "Remote-User": "noor@teepuoti.example", "X_Remote_User": "noor",
        "X-Forwarded-User": "noor@teepuoti.example", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example",
    }  # fmt: skip
    for where in ("", PROXY):
        answer = instance.browser(through=where, **claims).get("/account/")
        assert (answer.status_code, answer.headers["Location"]) == (302, "/sign-in/?next=/account/")


def test_a41_the_live_half_believes_the_scheme_of_the_declared_proxy_alone(instance: Instance) -> None:
    secure, forged = f"https://localhost:{instance.process.port}", {"X-Forwarded-Proto": "https"}
    for headers in (forged, {"X_Forwarded_Proto": "https"}, {"Forwarded": "proto=https"}):
        with pytest.raises(InvalidStatus) as refused:
            instance.socket("/w/teepuoti/live", origin=secure, **headers)
        assert refused.value.response.status_code == 403
    with pytest.raises(InvalidStatus) as underscored:
        instance.socket("/w/teepuoti/live", origin=secure, through=PROXY, X_Forwarded_Proto="https")
    assert underscored.value.response.status_code == 403
    instance.socket("/w/teepuoti/live", origin=secure, through=PROXY, **forged).close()


@pytest.mark.parametrize("where", ["", PROXY])
def test_a42_links_in_letters_name_the_configured_address(instance: Instance, where: str) -> None:
    email = instance.hire("Maija Salmi").email
    client = instance.browser(through=where, **{"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"})
    client.get("/password/reset/")
    headers = {"X-CSRFToken": client.cookies["tiski_csrf"], "Origin": instance.address}
    assert client.post("/password/reset/", data={"email": email}, headers=headers).status_code == 302
    wait_until(lambda: email in instance.process.log(), "the letter was written", seconds=30)
    letter = instance.process.log().rpartition(email)[2]
    wait_until(lambda: "/password/reset/" in instance.process.log().rpartition(email)[2], "its link", seconds=10)
    assert f"{instance.address}/password/reset/" in instance.process.log().rpartition(email)[2]
    assert "evil" not in letter


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "localhost@evil.example", "", "localhost:80:80"]
)
def test_a42_a_foreign_host_is_refused_by_pages_and_sockets(instance: Instance, mia: Colleague, host: str) -> None:
    client = instance.browser()
    for path in ("/sign-in/", "/password/reset/", "/w/teepuoti/messages/", "/teepuoti/news/", "/static/ui/favicon.svg"):
        assert client.get(path, headers={"Host": host}).status_code == 400, path


def show(screen: Screen, address: str, html: str) -> Page:
    """A page of somebody else's, at an address of theirs."""
    screen.page.route(
        f"{address.rstrip('/')}/**", lambda route: route.fulfill(body=html, content_type="text/html; charset=utf-8")
    )
    screen.page.goto(f"{address.rstrip('/')}/")
    return screen.page


def framed(page: Page) -> Frame:
    """The frame on a page once its address was answered or refused."""
    page.wait_for_function("document.querySelector('iframe').dataset.loaded === '1'")
    return next(frame for frame in page.frames if frame is not page.main_frame)


def framing(address: str) -> str:
    """A page that frames an address."""
    return f"<!doctype html><title>x</title><iframe src='{address}' onload='this.dataset.loaded=1'></iframe>"


@pytest.mark.browser
@pytest.mark.parametrize("path", ["/sign-in/", "/teepuoti/inbox/open/", "/chat/teepuoti/", "/account/"])
def test_a51_no_foreign_page_frames_the_console_or_the_chat(instance: Instance, open_screen: Open, path: str) -> None:
    screen = open_screen()
    screen.expect_trouble("frame-ancestors|refused to connect|ERR_BLOCKED|chrome-error")
    page = show(screen, EVIL, framing(instance.address + path))
    frame = framed(page)
    assert frame.url.startswith("chrome-error:")
    assert frame.locator("input, textarea, main").count() == 0


@pytest.mark.browser
def test_a51_a_registered_page_frames_the_chat_and_forged_messages_move_nothing(
    instance: Instance, shops: Storefronts, open_screen: Open
) -> None:
    screen = open_screen()
    page = screen.page
    page.goto(shops.address("plain"))
    page.evaluate(
        """(address) => { const frame = document.createElement("iframe");
          frame.onload = () => frame.dataset.loaded = 1; frame.src = address; document.body.append(frame); }""",
        f"{instance.address}/chat/teepuoti/",
    )
    frame = framed(page)
    expect(frame.locator("tiski-chat textarea")).to_be_visible(timeout=20_000)
    before = frame.evaluate(KEPT)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for forged in ("setUser", "user", "identify", "open", "close", "reset", "hello", "message"):
        page.evaluate(FORGE, forged)
    page.wait_for_timeout(500)
    assert frame.evaluate(KEPT) == before
    assert asked == []
    expect(frame.locator("tiski-chat textarea")).to_be_visible()
    expect(frame.locator("tiski-chat .bubble")).to_have_count(0)


@pytest.mark.parametrize("origin", [EVIL, "https://teepuoti.example.evil.example", "null", "http://127.0.0.1"])
def test_a51_the_widgets_api_answers_no_page_that_is_not_registered(instance: Instance, origin: str) -> None:
    ada, client = Visitor(instance), instance.browser()
    headers = ada.headers | {"Origin": origin}
    before = instance.ask("begun")
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    answers = [
        client.get("/w/teepuoti/messages/", headers=headers),
        client.post("/w/teepuoti/messages/", json=ada.frame("Hei"), headers=headers),
        client.options("/w/teepuoti/messages/", headers=headers | asked),
        client.post("/w/teepuoti/files/", files={"file": ("a.txt", b"a")}, headers=headers),
    ]
    assert [answer.status_code for answer in answers] == [403] * 4
    preflight = client.options("/w/teepuoti/files/", headers=headers | asked)
    assert [answer for answer in (*answers, preflight) if "Access-Control-Allow-Origin" in answer.headers] == []
    with pytest.raises(InvalidStatus):
        ada.line(origin=origin)
    assert instance.ask("begun") == before


def test_a51_no_script_of_the_widget_listens_to_messages_of_other_windows(instance: Instance) -> None:
    client = instance.browser()
    config = client.get("/w/config/teepuoti.json").json()
    for path in ("/w/loader.js", config["panel"]):
        text = client.get(path).text
        listening = re.findall(r"""[\w.]+\.addEventListener\(\s*["']message["']|[\w.]*onmessage\b""", text)
        assert {one.rpartition(".")[0] for one in listening} <= OWN_SPEAKERS, listening


def test_a51_a_page_may_be_framed_by_whom_its_policy_names(instance: Instance, mia: Colleague) -> None:
    for path in ("/sign-in/", "/", "/account/", "/teepuoti/inbox/open/", "/no/such/page/", "/teepuoti/files/0/"):
        policy = mia.http.get(path).headers["Content-Security-Policy"]
        assert re.search(r"frame-ancestors '?none'?(;|$)", policy), path
        assert "unsafe" not in policy


@pytest.mark.browser
@pytest.mark.parametrize("page", ["strict", "polluted"])
def test_a52_the_widget_works_on_a_hostile_page(shops: Storefronts, open_screen: Open, page: str) -> None:
    """Nonces and trusted types without inline styles; and built-ins that the page has replaced."""
    assert "unsafe" not in POLICIES["strict"]
    ada = Shopper(open_screen()).visit(shops.address(page)).open_chat()
    ada.say("Toimiiko täällä?")
    expect(ada.host.locator(".message--sent")).to_have_count(1, timeout=20_000)
    assert ada.shop_button_works()
    assert ada.page.evaluate("({}).x") is None
