"""Requests to real servers on this machine, within one deadline and one size."""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from tiski.kernel import http
from tiski.kernel.errors import SendFailed
from tiski.kernel.http import AddressRefused, HostUnreachable
from tiski.testing.certificates import make_certificates

Reply = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def server(reply: Reply, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """Answers every request with `reply` on a port of its own."""

    class Handler(BaseHTTPRequestHandler):
        def __getattr__(self, name: str) -> Callable[[], None]:
            """Every method is answered alike: the library looks for `do_GET` and its kin."""
            if name.startswith("do_"):
                return lambda: reply(self)
            raise AttributeError(name)

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listening.handle_error = lambda *args: None  # type: ignore[method-assign]
    if context:
        listening.socket = context.wrap_socket(listening.socket, server_side=True)
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield int(listening.server_address[1])
    finally:
        listening.shutdown()
        listening.server_close()


def says(body: bytes, status: int = 200, **headers: str) -> Reply:
    """The same answer to everyone."""

    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(body)

    return reply


def echo(handler: BaseHTTPRequestHandler) -> None:
    """Tells what arrived."""
    size = int(handler.headers.get("Content-Length") or 0)
    body = handler.rfile.read(size)
    told = [
        f"{handler.command} {handler.path}",
        *(f"{name.lower()}: {value}" for name, value in handler.headers.items()),
    ]
    says("\n".join([*told, body.decode()]).encode())(handler)


def redirect_to(location: str, status: int = 302) -> Reply:
    return says(b"", status, Location=location)


@pytest.fixture(autouse=True)
def this_machine_is_open(settings: Settings) -> None:
    settings.TISKI_ALLOW_NETWORKS = ["127.0.0.0/8"]


def here(host: str) -> list[str]:
    """Every name is this machine."""
    return ["127.0.0.1"]


def test_a_request_sends_what_it_was_given_and_nothing_of_ours() -> None:
    with server(echo) as port:
        answer = http.request(
            "POST",
            f"http://shop.example:{port}/hook?a=1",
            headers={"X-Shop": "Teepuoti", "Host": "evil.example"},
            body=b"tea",
            resolver=here,
        )
    lines = answer.body.decode().splitlines()

    assert lines[0] == "POST /hook?a=1"
    assert lines[-1] == "tea"
    assert sorted(lines[1:-2] if lines[-2] == "" else lines[1:-1]) == [
        "accept-encoding: gzip",
        "connection: close",
        "content-length: 3",
        f"host: shop.example:{port}",
        "user-agent: Tiski",
        "x-shop: Teepuoti",
    ]
    assert (answer.status, answer.ok, answer.url) == (200, True, f"http://shop.example:{port}/hook?a=1")


def test_proxies_and_passwords_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("machine shop.example login mia password tee-aika\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with server(echo) as port:
        answer = http.request("GET", f"http://shop.example:{port}/", resolver=here)

    assert b"authorization" not in answer.body


def test_cookies_do_not_outlive_their_answer() -> None:
    with server(says(b"", Set_Cookie="a=b")) as port:
        http.request("GET", f"http://shop.example:{port}/", resolver=here)
    with server(echo) as port:
        assert b"cookie" not in http.request("GET", f"http://shop.example:{port}/", resolver=here).body


def test_a_redirect_is_followed_three_times_at_the_most() -> None:
    with server(echo) as last:
        with server(redirect_to(f"http://two.example:{last}/end?x=1")) as first:
            answer = http.request("GET", f"http://one.example:{first}/", resolver=here)
        assert answer.body.splitlines()[0] == b"GET /end?x=1"
    with server(redirect_to("/again")) as port:
        with pytest.raises(HostUnreachable):
            http.request("GET", f"http://one.example:{port}/", resolver=here)
        assert http.request("GET", f"http://one.example:{port}/", redirects=0, resolver=here).status == 302
        assert http.request("POST", f"http://one.example:{port}/", body=b"x", resolver=here).status == 302


def test_a55_a_redirect_to_the_inside_is_refused() -> None:
    inside = [
        "http://169.254.169.254/latest",
        "http://[::1]/",
        "file:///etc/passwd",
        "http://a@b/",
        "//10.0.0.1/",
        "\\\\x",
    ]
    for location in inside:
        with server(redirect_to(location)) as port, pytest.raises(AddressRefused):
            http.request("GET", f"http://shop.example:{port}/", resolver=here)


def test_a_redirected_name_is_checked_like_the_first() -> None:
    def rebinding(host: str) -> list[str]:
        return ["127.0.0.1"] if host == "shop.example" else ["10.0.0.1"]

    with server(redirect_to("http://inside.example/")) as port, pytest.raises(AddressRefused) as refused:
        http.request("GET", f"http://shop.example:{port}/", resolver=rebinding)
    assert "inside.example" in refused.value.reason


def test_authorization_does_not_cross_to_another_host() -> None:
    headers = {"Authorization": "Bearer tee-aika", "Cookie": "a=b", "X-Shop": "Teepuoti"}
    with server(echo) as last, server(redirect_to(f"http://other.example:{last}/")) as first:
        crossed = http.request("GET", f"http://one.example:{first}/", headers=headers, resolver=here).body
    seen: list[bytes] = []

    def twice(handler: BaseHTTPRequestHandler) -> None:
        (redirect_to("/b") if handler.path == "/a" else echo)(handler)

    with server(twice) as port:
        seen.append(http.request("GET", f"http://one.example:{port}/a", headers=headers, resolver=here).body)

    assert b"authorization" not in crossed
    assert b"cookie" not in crossed
    assert b"x-shop: Teepuoti" in crossed
    assert b"authorization: Bearer tee-aika" in seen[0]


def test_a55_a_body_does_not_cross_to_another_host() -> None:
    with (
        server(echo) as last,
        server(redirect_to(f"http://other.example:{last}/", 307)) as first,
        pytest.raises(AddressRefused),
    ):
        http.request("POST", f"http://one.example:{first}/", body=b"tea", redirects=3, resolver=here)
    with server(echo) as last, server(redirect_to(f"http://other.example:{last}/", 303)) as first:
        answer = http.request("POST", f"http://one.example:{first}/", body=b"tea", redirects=3, resolver=here)

    assert answer.body.startswith(b"GET /\n")
    assert b"tea" not in answer.body
    assert b"content-length" not in answer.body


def test_a55_an_answer_larger_than_agreed_is_refused() -> None:
    with server(says(b"x" * 2000)) as port:
        assert len(http.request("GET", f"http://shop.example:{port}/", most=2000, resolver=here).body) == 2000
        with pytest.raises(HostUnreachable):
            http.request("GET", f"http://shop.example:{port}/", most=1999, resolver=here)


def test_a28_a_packed_answer_is_counted_unpacked() -> None:
    bomb = gzip.compress(b"\0" * 50_000_000, 9)
    with server(says(bomb, Content_Encoding="gzip")) as port, pytest.raises(HostUnreachable):
        http.request("GET", f"http://shop.example:{port}/", resolver=here)
    with server(says(gzip.compress(b"tea" * 1000), Content_Encoding="gzip")) as port:
        assert http.request("GET", f"http://shop.example:{port}/", resolver=here).body == b"tea" * 1000


@pytest.mark.parametrize("encoding", ["br", "deflate", "zstd", "gzip, br"])
def test_a_packing_nobody_asked_for_is_refused(encoding: str) -> None:
    with server(says(b"tea", Content_Encoding=encoding)) as port, pytest.raises(HostUnreachable):
        http.request("GET", f"http://shop.example:{port}/", resolver=here)


def test_a55_a_slow_answer_ends_at_the_deadline() -> None:
    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100")
        handler.end_headers()
        for _ in range(100):
            handler.wfile.write(b"x")
            handler.wfile.flush()
            time.sleep(0.05)

    began = time.monotonic()
    with server(drip) as port, pytest.raises(HostUnreachable):
        http.request("GET", f"http://shop.example:{port}/", timeout=0.4, resolver=here)
    assert time.monotonic() - began < 4


def test_a_server_that_never_answers_is_given_up_in_time() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        began = time.monotonic()
        with pytest.raises(HostUnreachable):
            http.request("GET", f"http://shop.example:{silent.getsockname()[1]}/", timeout=0.3, resolver=here)
    assert time.monotonic() - began < 4


@pytest.mark.parametrize(
    "noise", [b"", b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 200 OK\r\nX" * 20_000, b"\x16\x03\x01" * 9]
)
def test_a_server_that_speaks_something_else_is_unreachable(noise: bytes) -> None:
    with socket.socket() as odd:
        odd.bind(("127.0.0.1", 0))
        odd.listen()

        def speak() -> None:
            connected, _ = odd.accept()
            connected.sendall(noise)
            connected.close()

        threading.Thread(target=speak, daemon=True).start()
        with pytest.raises(HostUnreachable):
            http.request("GET", f"http://shop.example:{odd.getsockname()[1]}/", timeout=2, resolver=here)


def test_a_closed_port_is_unreachable_and_looks_like_a_refused_address() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with pytest.raises(HostUnreachable) as closed:
        http.request("GET", f"http://shop.example:{port}/", resolver=here)
    with pytest.raises(HostUnreachable) as inside:
        http.request("GET", "http://shop.example/", resolver=lambda host: ["10.0.0.1"])

    assert str(closed.value) == str(inside.value)


def test_the_next_address_is_tried_when_the_first_does_not_answer() -> None:
    with server(echo) as port:
        answer = http.request("GET", f"http://shop.example:{port}/", resolver=lambda host: ["127.0.0.9", "127.0.0.1"])
    assert answer.status == 200


def test_a14_certificates_and_names_are_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificates = make_certificates(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.certificate, certificates.key)
    with server(says(b"tea"), context) as port:
        http.tls_context.cache_clear()
        with pytest.raises(HostUnreachable):
            http.request("GET", f"https://localhost:{port}/", resolver=here)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificates.authority))
        http.tls_context.cache_clear()
        try:
            assert http.request("GET", f"https://localhost:{port}/", resolver=here).body == b"tea"
            with pytest.raises(HostUnreachable):
                http.request("GET", f"https://wrong.example:{port}/", resolver=here)
            with http.open_tls_socket("localhost", port, resolver=here) as connected:
                assert connected.version() in {"TLSv1.2", "TLSv1.3"}
            with pytest.raises(HostUnreachable):
                http.open_tls_socket("wrong.example", port, resolver=here)
        finally:
            http.tls_context.cache_clear()


def test_an_open_socket_reaches_the_checked_address() -> None:
    with server(echo) as port, http.open_socket("mail.example", port, timeout=3, resolver=here) as connected:
        assert connected.getpeername() == ("127.0.0.1", port)
        assert connected.gettimeout() == 3


def test_an_answer_says_whether_to_try_again() -> None:
    for status, permanent in [
        (500, False),
        (503, False),
        (429, False),
        (408, False),
        (400, True),
        (410, True),
        (302, True),
    ]:
        with pytest.raises(SendFailed) as failed:
            http.Answer(status, {}, b"secret detail", "").expect_success()
        assert failed.value.permanent is permanent
        assert "secret" not in failed.value.reason
    http.Answer(204, {}, b"", "").expect_success()


def test_json_is_read_or_refused() -> None:
    assert http.Answer(200, {}, b'{"tea": 1}', "").json() == {"tea": 1}
    for body in (b"", b"<html>", b"[" * 100_000):
        with pytest.raises(HostUnreachable):
            http.Answer(200, {}, body, "").json()
