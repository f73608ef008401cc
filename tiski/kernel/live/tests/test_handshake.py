"""What is refused before a socket opens, and what a hello decides."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.utils import translation
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from tiski.kernel.errors import NotAllowed
from tiski.kernel.live import Limits
from tiski.kernel.live import sockets as sockets_module
from tiski.testing.tearoom import HOST, Tearoom

pytestmark = pytest.mark.django_db(transaction=True)
SHOP_PAGE = "https://teepuoti.fi"


@pytest.fixture
def tearoom() -> Iterator[Tearoom]:
    """An open tea room."""
    with Tearoom() as room:
        yield room


def refused(room: Tearoom, **knock: object) -> tuple[int, str]:
    """Status and sentence of a handshake that must not succeed."""
    with pytest.raises(InvalidStatus) as refusal:
        room.knock(**knock)  # type: ignore[arg-type]
    response = refusal.value.response
    return response.status_code, (response.body or b"").decode().strip()


def raw_handshake(room: Tearoom, *headers: str) -> bytes:
    """The first line that answers hand-written headers."""
    lines = [
        "GET /tearoom/teepuoti/live HTTP/1.1",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        *headers,
    ]
    with socket.create_connection((HOST, room.port), timeout=5) as connection:
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        return connection.recv(4096).split(b"\r\n", 1)[0]


def closing(room: Tearoom, frame: str | bytes) -> tuple[int, str]:
    """How a socket ends whose first frame is this."""
    guest = room.knock()
    guest.socket.send(frame)
    with pytest.raises(ConnectionClosedError) as end:
        guest.hear()
    assert end.value.rcvd is not None
    return end.value.rcvd.code, end.value.rcvd.reason


def test_a34_a_page_of_another_origin_is_refused(tearoom: Tearoom) -> None:
    assert refused(tearoom, origin="https://evil.example") == (403, "This page may not open a socket here.")


@pytest.mark.parametrize("origin", ["null", "", "https://teepuoti.fi.evil.example", "http://teepuoti.fi"])
def test_a34_a_null_missing_or_similar_origin_is_refused(tearoom: Tearoom, origin: str) -> None:
    assert refused(tearoom, origin=origin)[0] == 403


def test_our_own_pages_may_open_a_socket(tearoom: Tearoom) -> None:
    guest = tearoom.knock(origin=tearoom.address)
    guest.send(t="hello", token="mia")
    assert guest.hear()["t"] == "ready"


def test_an_address_that_leads_nowhere_is_not_found(tearoom: Tearoom) -> None:
    assert refused(tearoom, path="/tearoom/kahvila/live")[0] == 404
    assert refused(tearoom, path="/elsewhere")[0] == 404


def test_a42_a_foreign_host_is_refused(tearoom: Tearoom) -> None:
    assert raw_handshake(tearoom, "Host: evil.example", f"Origin: {SHOP_PAGE}") == b"HTTP/1.1 400 Bad Request"


@pytest.mark.parametrize(
    "headers",
    [
        (f"Host: {HOST}", f"Host: {HOST}", f"Origin: {SHOP_PAGE}"),
        (f"Host: {HOST}", f"Origin: {SHOP_PAGE}", f"Origin: {SHOP_PAGE}"),
        (f"Host: {HOST}", f"Origin: {SHOP_PAGE}", "X-Forwarded-For: 1.2.3.4", "X-Forwarded-For: 5.6.7.8"),
    ],
)
def test_a41_a_doubled_header_is_refused(tearoom: Tearoom, headers: tuple[str, ...]) -> None:
    assert raw_handshake(tearoom, *headers) == b"HTTP/1.1 400 Bad Request"


def test_a41_names_with_an_underscore_are_dropped(tearoom: Tearoom) -> None:
    host = f"Host: {HOST}"
    assert raw_handshake(tearoom, host, f"Origin: {SHOP_PAGE}", "X_Forwarded_Proto: https").endswith(
        b"101 Switching Protocols"
    )
    assert raw_handshake(tearoom, host, f"O_rigin: {SHOP_PAGE}") == b"HTTP/1.1 403 Forbidden"


def test_a54_one_address_gets_only_so_many_sockets() -> None:
    with Tearoom(Limits(per_address=2, spare_loopback=False)) as room:
        first, _second = room.enter(), room.enter()
        assert refused(room) == (429, "Too many sockets from one address.")

        first.socket.close()
        assert room.enter().hear()["t"] == "ready"


def test_a_full_process_says_so(tearoom: Tearoom) -> None:
    from tiski.kernel import live

    live.app.sockets.most = 1
    try:
        tearoom.enter()
        assert refused(tearoom) == (503, "No more sockets fit here just now.")
    finally:
        live.app.sockets.most = Limits().sockets


def test_who_says_no_hello_in_time_is_closed_and_told_nothing_before(
    tearoom: Tearoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets_module, "TICK_SECONDS", 0.02)  # each of the others has its beat within half a second
    monkeypatch.setattr(sockets_module, "HELLO_SECONDS", 2.5)
    guest = tearoom.knock()
    with pytest.raises(ConnectionClosedError) as end:
        guest.hear_all(5)
    assert end.value.rcvd is not None
    assert (end.value.rcvd.code, end.value.rcvd.reason) == (1008, "no hello in time")


def test_anything_but_a_hello_closes(tearoom: Tearoom) -> None:
    assert closing(tearoom, '{"t":"message","client_id":"1","body":"hei"}') == (1008, "hello comes first, and once")
    assert closing(tearoom, "hei") == (1008, "not a frame of this protocol")
    assert closing(tearoom, '{"t":"hello","token":7}') == (1008, "not a frame of this protocol")
    assert closing(tearoom, b'{"t":"hello","token":"mia"}') == (1008, "frames are text")


def test_a_second_hello_closes(tearoom: Tearoom) -> None:
    guest = tearoom.enter()
    assert guest.hear()["t"] == "ready"
    guest.send(t="hello", token="noor")
    with pytest.raises(ConnectionClosedError) as end:
        guest.hear()
    assert end.value.rcvd is not None
    assert end.value.rcvd.code == 1008


def test_a_refused_hello_is_told_why_and_closed(tearoom: Tearoom) -> None:
    guest = tearoom.enter("nobody")
    with translation.override(settings.LANGUAGE_CODE):
        assert guest.hear() == {"t": "refused", "code": "not_allowed", "text": str(NotAllowed())}
    with pytest.raises(ConnectionClosedError) as end:
        guest.hear()
    assert end.value.rcvd is not None
    assert end.value.rcvd.code == 1008


def test_an_expired_login_closes_with_its_own_code(tearoom: Tearoom) -> None:
    assert closing(tearoom, '{"t":"hello","token":"expired"}') == (4401, "sign in again")


def test_frames_sent_before_the_hello_is_answered_wait(tearoom: Tearoom) -> None:
    guest = tearoom.knock()
    guest.send(t="hello", token="mia", table=3)
    guest.send(t="message", client_id="a", body="hei")
    assert guest.hear() == {"t": "ready", "seq": 0}
    frames = [guest.hear(), guest.hear()]
    assert {"t": "ack", "client_id": "a", "seq": 1} in frames
