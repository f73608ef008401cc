"""Who a request comes from, with and without proxies that may be believed."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django import Settings

from tiski.kernel.live import gate

PROXY = "10.0.0.9"


def scope(*headers: tuple[str, str], peer: str = PROXY, **given: Any) -> dict[str, Any]:
    """A request to localhost as the server gives it."""
    raw = [(b"host", b"localhost"), *((name.encode(), value.encode()) for name, value in headers)]
    return {
        "type": "http", "method": "GET", "path": "/", "scheme": "http", "query_string": b"", "headers": raw,
        "client": (peer, 4711),
    } | given  # fmt: skip


@pytest.fixture
def trusted(settings: Settings) -> None:
    """The network 10.0.0.0/8 holds our proxies."""
    settings.TISKI_TRUSTED_PROXIES = ["10.0.0.0/8"]


def test_a41_forwarded_headers_of_strangers_are_dropped() -> None:
    request = scope(("x-forwarded-for", "1.2.3.4"), ("x-forwarded-proto", "https"), ("forwarded", "for=1.2.3.4"))
    assert gate.clean(request) is None
    assert (request["client"], request["scheme"]) == ((PROXY, 4711), "http")
    assert request["headers"] == [(b"host", b"localhost")]


@pytest.mark.usefixtures("trusted")
def test_a_trusted_proxy_names_the_visitor_and_the_scheme() -> None:
    request = scope(("x-forwarded-for", "9.9.9.9, 1.2.3.4, 10.0.0.8"), ("x-forwarded-proto", "https"))
    assert gate.clean(request) is None
    assert (request["client"], request["scheme"]) == (("1.2.3.4", 0), "https")
    assert request["headers"] == [(b"host", b"localhost")]


@pytest.mark.usefixtures("trusted")
def test_a41_what_is_no_address_is_not_believed() -> None:
    request = scope(("x-forwarded-for", "unknown"), ("x-forwarded-proto", "gopher"))
    assert gate.clean(request) is None
    assert (request["client"][0], request["scheme"]) == (PROXY, "http")


@pytest.mark.usefixtures("trusted")
def test_behind_tls_a_socket_is_secure() -> None:
    request = scope(("x-forwarded-proto", "https"), type="websocket", scheme="ws")
    gate.clean(request)
    assert request["scheme"] == "wss"
    assert "https://localhost" in gate.knock(request, {}).own_origins


def test_a41_names_with_an_underscore_are_dropped() -> None:
    request = scope(("x_forwarded_proto", "https"), ("x_remote_user", "noor"))
    assert gate.clean(request) is None
    assert request["headers"] == [(b"host", b"localhost")]


@pytest.mark.parametrize(
    "name", ["host", "origin", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "forwarded"]
)
def test_a41_what_may_come_once_is_refused_twice(name: str) -> None:
    turned = gate.clean(scope((name, "localhost"), (name, "localhost")))
    assert turned is not None
    assert turned.status == 400


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "", "localhost@evil.example", "loc alhost"])
def test_a42_unknown_hosts_are_turned_away(host: str) -> None:
    request = scope()
    request["headers"] = [(b"host", host.encode())]
    turned = gate.clean(request)
    assert turned == gate.Turned(400, "This host name is not served here. Set TISKI_BASE_URL to the public address.")


def test_cookies_are_read_as_sent() -> None:
    knock = gate.knock(scope(("cookie", "a=1; b=x=y;c; =d")), {})
    assert knock.cookies == {"a": "1", "b": "x=y", "c": ""}
