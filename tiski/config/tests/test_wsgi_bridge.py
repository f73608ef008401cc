"""The bridge to WSGI and the HTTP protocol in front of it, over real connections."""

from __future__ import annotations

import contextlib
import contextvars
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from tiski.config import http_protocol, server, wsgi_bridge
from tiski.config.http_protocol import PatientProtocol
from tiski.config.wsgi_bridge import WsgiBridge
from tiski.kernel.live.gate import Call
from tiski.testing.ports import wait_for_port

Environ = dict[str, Any]
Start = Callable[..., Any]
HOST = "127.0.0.1"
leak: contextvars.ContextVar[str] = contextvars.ContextVar("leak", default="nothing")


class Site:
    """A WSGI application with one page per question, and what happened in it."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.closed: list[str] = []

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        """Answer by path."""
        page = getattr(self, environ["PATH_INFO"].strip("/"))
        answer: Iterable[bytes] = page(environ, start)
        return answer

    def echo(self, environ: Environ, start: Start) -> Iterable[bytes]:
        """The body, as Django reads it."""
        start("200 OK", [("Content-Type", "text/plain"), ("X-Length", environ["CONTENT_LENGTH"])])
        return [environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))]

    def shared(self, environ: Environ, start: Start) -> Iterable[bytes]:
        """The same for everyone; says how often it was asked for."""
        self.closed.append("shared")
        start("200 OK", [("Cache-Control", "public, max-age=60"), ("ETag", '"a1"'), ("Content-Length", "1")])
        return [str(self.closed.count("shared")).encode()]

    def stream(self, environ: Environ, start: Start) -> Iterable[bytes]:
        """A megabyte in many pieces."""
        start("200 OK", [])
        return Pieces(self.closed)

    def download(self, environ: Environ, start: Start) -> Iterable[bytes]:
        """A file as Django hands it over."""
        start("200 OK", [("Content-Length", str(self.file.stat().st_size))])
        wrapped: Iterable[bytes] = environ["wsgi.file_wrapper"](self.file.open("rb"), 4096)
        return wrapped

    def broken(self, environ: Environ, start: Start) -> Iterable[bytes]:
        """A defect."""
        raise ValueError("a defect")

    def forgetful(self, environ: Environ, start: Start) -> Iterable[bytes]:
        """Says what an earlier request left behind, and leaves something itself."""
        found = leak.get()
        leak.set("something")
        start("200 OK", [])
        return [found.encode()]


class Pieces:
    """Four pieces of 256 kB."""

    def __init__(self, closed: list[str]) -> None:
        self._closed = closed

    def __iter__(self) -> Iterator[bytes]:
        return iter([b"x" * 262_144] * 4)

    def close(self) -> None:
        """Called once the last piece is gone."""
        self._closed.append("stream")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """The application, with a file of 3 MB to give."""
    file = tmp_path / "file"
    file.write_bytes(bytes(range(256)) * 12_000)
    return Site(file)


@pytest.fixture
def port(site: Site) -> Iterator[int]:
    """A server with two threads for the site."""
    bridge = WsgiBridge(site, threads=2)

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await bridge(Call(scope, receive, send))

    listener = server.listen(HOST, 0)
    config = uvicorn.Config(
        application, loop="uvloop", http=PatientProtocol, ws="none", lifespan="off", log_config=None, log_level="error"
    )
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run, args=([listener],))
    port = int(listener.getsockname()[1])
    thread.start()
    wait_for_port(port)
    yield port
    running.should_exit = True
    thread.join(20)
    bridge.close()


def ask(port: int, path: str, method: str = "GET", **options: Any) -> httpx.Response:
    """One request."""
    return httpx.request(method, f"http://{HOST}:{port}/{path}", trust_env=False, timeout=10, **options)


def test_a_body_arrives_whole_also_when_its_length_was_not_told(port: int) -> None:
    body = b"tee" * 500_000
    assert ask(port, "echo", "POST", content=body).content == body
    answer = ask(port, "echo", "POST", content=iter([b"a" * 10, b"b" * 20]))
    assert (answer.content, answer.headers["x-length"]) == (b"a" * 10 + b"b" * 20, "30")


def test_a_streamed_answer_arrives_whole_and_is_closed(port: int, site: Site) -> None:
    assert len(ask(port, "stream").content) == 4 * 262_144
    assert site.closed == ["stream"]


def test_what_is_public_is_asked_for_once(port: int) -> None:
    assert [ask(port, "shared").text for _ in range(3)] == ["1"] * 3
    assert ask(port, "shared", headers={"if-none-match": '"a1"'}).status_code == 304
    assert ask(port, "shared", headers={"cache-control": "no-cache"}).text == "2"


def test_a_file_arrives_whole(port: int, site: Site) -> None:
    assert ask(port, "download").content == site.file.read_bytes()


def test_a_slow_download_holds_no_thread(port: int, site: Site) -> None:
    site.file.write_bytes(b"x" * 30_000_000)
    with contextlib.ExitStack() as readers:
        for _ in range(4):
            reader = readers.enter_context(socket.create_connection((HOST, port)))
            reader.sendall(b"GET /download HTTP/1.1\r\nHost: localhost\r\n\r\n")
            reader.recv(1000)
        assert ask(port, "echo", "POST", content=b"tee").content == b"tee"


def test_a_slow_upload_holds_no_thread(port: int) -> None:
    with contextlib.ExitStack() as writers:
        for _ in range(4):
            writer = writers.enter_context(socket.create_connection((HOST, port)))
            writer.sendall(b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nabc")
        assert ask(port, "echo", "POST", content=b"tee").content == b"tee"


def test_an_upload_that_takes_too_long_is_given_up(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wsgi_bridge, "PATIENCE", 0.2)
    with socket.create_connection((HOST, port), timeout=5) as writer:
        writer.sendall(b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nabc")
        assert writer.recv(1000).startswith(b"HTTP/1.1 408 ")


def test_a_body_past_the_cap_is_refused(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wsgi_bridge, "LARGEST_BODY", 1000)
    assert ask(port, "echo", "POST", content=b"x" * 1001).status_code == 413
    assert ask(port, "echo", "POST", content=iter([b"x" * 600, b"x" * 600])).status_code == 413


def test_too_many_waiting_requests_are_refused_early(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wsgi_bridge, "MOST_WAITING", 0)
    answer = ask(port, "echo")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


def test_f20_who_waited_too_long_for_a_thread_is_told_so(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wsgi_bridge, "LONGEST_WAIT", -1.0)
    answer = ask(port, "echo")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


def test_a_defect_is_a_500_and_the_next_request_is_answered(port: int) -> None:
    assert ask(port, "broken").status_code == 500
    assert ask(port, "echo", "POST", content=b"tee").content == b"tee"


def test_what_one_request_sets_the_next_does_not_see(port: int) -> None:
    assert [ask(port, "forgetful").text for _ in range(5)] == ["nothing"] * 5


def test_a83_endless_headers_are_cut_off(port: int) -> None:
    with socket.create_connection((HOST, port), timeout=5) as client:
        client.sendall(b"GET /echo HTTP/1.1\r\nHost: localhost\r\n")
        with contextlib.suppress(OSError):
            for _ in range(64):
                client.sendall(b"X-Long: " + b"x" * 1000 + b"\r\n")
                time.sleep(0.001)
        with contextlib.suppress(ConnectionResetError):
            assert client.recv(1000).startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize("sent", [b"", b"GET /echo HTTP/1.1\r\nHost: loc"])
def test_a54_slow_headers_are_cut_off(port: int, sent: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "HEADER_SECONDS", 0.2)
    with socket.create_connection((HOST, port), timeout=5) as client:
        client.sendall(sent)
        assert client.recv(1000) == b""


def test_a_second_request_on_a_connection_has_to_come_in_time_too(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "HEADER_SECONDS", 0.3)
    with socket.create_connection((HOST, port), timeout=5) as client:
        client.sendall(b"GET /echo HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.recv(1000).startswith(b"HTTP/1.1 200 ")
        client.sendall(b"GET /echo HT")
        rest = b""
        while piece := client.recv(1000):
            rest += piece
        assert b"HTTP/1.1" not in rest
