"""The browser really runs, and what a page complains about is really seen."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tiski.testing.chromium import NARROW, PHONE, Chromium, Screen, Trouble

pytestmark = pytest.mark.browser

PAGES = {
    "/good": "<!doctype html><html lang=fi><title>Tee</title><main><h1>Teepuoti</h1></main>",
    "/bad": "<!doctype html><html><title>Tee</title><img src=x><main><h1>Teepuoti</h1></main>",
    "/inline": "<!doctype html><html lang=fi><title>Tee</title><main><h1 style='color:red'>Tee</h1></main>",
    "/wide": f"<!doctype html><html lang=fi><title>Tee</title><h1>T{'e' * 200}</h1>",
    "/script": "<!doctype html><html lang=fi><title>Tee</title><script src=/break.js></script>",
    "/break.js": "console.error('tea is out'); throw new Error('kettle broke');",
}


class _Shop(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = PAGES.get(self.path, "broken").encode()
        self.send_response(200 if self.path in PAGES else 500)
        kind = "text/javascript" if self.path.endswith(".js") else "text/html"
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Security-Policy", "default-src 'self'")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Silence."""


@pytest.fixture(scope="module")
def shop() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Shop)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def _window(chromium: Chromium, address: str, size: tuple[int, int] = (1280, 800)) -> Screen:
    screen = chromium.open(size=size)
    screen.expect_trouble("favicon")
    screen.page.goto(address)
    return screen


def test_a_good_page_has_no_trouble_and_axe_finds_nothing(chromium: Chromium, shop: str) -> None:
    screen = _window(chromium, f"{shop}/good")
    assert screen.page.inner_text("h1") == "Teepuoti"
    assert screen.axe() == []
    assert not screen.scrolls_sideways()
    screen.close()


def test_axe_names_what_is_wrong(chromium: Chromium, shop: str) -> None:
    screen = _window(chromium, f"{shop}/bad")
    screen.expect_trouble("/x")
    assert sorted(line.split(":")[0] for line in screen.axe()) == ["html-has-lang", "image-alt"]
    screen.close()


def test_a_refused_inline_style_is_trouble(chromium: Chromium, shop: str) -> None:
    screen = _window(chromium, f"{shop}/inline")
    assert any(line.startswith("policy: style-src") for line in screen.trouble)
    with pytest.raises(Trouble, match="policy: style-src"):
        screen.close()


def test_console_errors_page_errors_and_failed_answers_are_trouble(chromium: Chromium, shop: str) -> None:
    screen = _window(chromium, f"{shop}/script")
    screen.page.goto(f"{shop}/nothing")
    heard = "\n".join(screen.trouble)
    assert "console: tea is out" in heard
    assert "kettle broke" in heard
    assert f"500 from GET {shop}/nothing" in heard
    screen.expect_trouble("tea is out|kettle broke|500")
    screen.close()


def test_a_page_wider_than_its_window_is_seen(chromium: Chromium, shop: str) -> None:
    screen = _window(chromium, f"{shop}/wide", NARROW)
    assert screen.scrolls_sideways()
    screen.close()


def test_two_people_share_no_cookies(chromium: Chromium, shop: str) -> None:
    ada, mia = _window(chromium, f"{shop}/good", PHONE), _window(chromium, f"{shop}/good")
    ada.page.evaluate("document.cookie = 'who=ada'")
    assert ada.page.evaluate("document.cookie") == "who=ada"
    assert mia.page.evaluate("document.cookie") == ""
    ada.close()
    mia.close()
