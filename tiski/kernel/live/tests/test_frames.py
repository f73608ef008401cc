"""Malformed, unknown, too many and too large frames; heartbeat, silence and slow readers."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, ConnectionClosedError

from tiski.kernel import live
from tiski.kernel.live import sockets as sockets_module
from tiski.testing.ports import wait_until
from tiski.testing.tearoom import HOST, Guest, Tearoom, say

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def tearoom() -> Iterator[Tearoom]:
    """An open tea room."""
    with Tearoom() as room:
        yield room


@pytest.fixture
def mia(tearoom: Tearoom) -> Guest:
    """Mia at table 7, greeted."""
    guest = tearoom.enter("mia", table=7)
    assert guest.hear()["t"] == "ready"
    assert guest.hear()["t"] == "now"
    return guest


def end_of(guest: Guest) -> tuple[int, str]:
    """How a socket is closed, whatever it hears before."""
    return everything(guest)[1]


def everything(guest: Guest) -> tuple[list[dict[str, Any]], tuple[int, str]]:
    """All frames until the socket is closed, and how it is closed."""
    heard = []
    try:
        while True:
            heard.append(guest.hear())
    except ConnectionClosedError as end:
        return heard, (end.rcvd.code, end.rcvd.reason) if end.rcvd else (1006, "")


def test_an_unknown_frame_is_ignored(mia: Guest) -> None:
    mia.send(t="dance")
    mia.send(t="message", client_id="1", body="hei")
    assert mia.hear() == {"t": "ack", "client_id": "1", "seq": 1}


def test_a_malformed_frame_is_refused_and_the_sixth_closes(mia: Guest) -> None:
    mia.send(t="message", client_id="1")
    assert mia.hear() == {"t": "refused", "code": "bad_frame", "text": "Object missing required field `body`"}
    for broken in ('{"t":"message"', "[]", '"hei"', '{"t":"message","client_id":1,"body":"x"}'):
        mia.socket.send(broken)
        assert mia.hear()["code"] == "bad_frame"
    mia.socket.send("{}")
    assert end_of(mia) == (1008, "not a frame of this protocol")


def test_bytes_that_are_no_utf8_close(tearoom: Tearoom) -> None:
    with raw_socket(tearoom) as raw:
        raw.sendall(masked(0x81, b'{"t":"hello","token":"\xff\xfe"}'))
        assert close_code(raw) == 1007


def test_a54_a_frame_over_64_kb_closes_with_1009(mia: Guest) -> None:
    mia.send(t="message", client_id="1", body="x" * 70_000)
    assert end_of(mia)[0] == 1009


def test_a54_a_message_in_pieces_counts_as_a_whole(tearoom: Tearoom) -> None:
    with raw_socket(tearoom) as raw:
        raw.sendall(masked(0x01, b"x" * 40_000) + masked(0x00, b"x" * 40_000))
        assert close_code(raw) == 1009


def test_a54_too_many_frames_are_refused_and_then_closed(mia: Guest) -> None:
    with suppress(ConnectionClosed):  # the last of them may find the door closed already
        for number in range(60):
            mia.send(t="message", client_id=str(number), body="hei")
    heard, end = everything(mia)
    assert end == (1008, "too many frames")
    refusals = [frame for frame in heard if frame["t"] == "refused"]
    assert {(frame["code"], frame["retry_after"]) for frame in refusals} == {("rate", 1)}
    assert int(refusals[0]["client_id"]) >= 19  # the hello was the first of twenty; a slow sender earns some more
    assert 20 <= len(refusals) <= 21


def test_the_pace_recovers(mia: Guest) -> None:
    for number in range(22):
        mia.send(t="message", client_id=str(number), body="hei")
    while mia.hear()["t"] != "refused":
        pass
    time.sleep(0.5)
    mia.send(t="message", client_id="later", body="hei")
    heard = mia.hear()
    while heard["t"] == "refused":
        heard = mia.hear()
    while heard.get("client_id") != "later":
        heard = mia.hear()
    assert heard["t"] == "ack"


def test_every_socket_gets_a_beat_in_25_ticks_and_its_answer_is_not_answered(
    mia: Guest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets_module, "TICK_SECONDS", 0.02)
    assert mia.hear_all() == {"t": "beat"}
    monkeypatch.setattr(sockets_module, "TICK_SECONDS", 1.0)
    mia.send(t="beat")
    assert mia.hear_nothing()


def test_f22_a_silent_socket_is_closed(mia: Guest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets_module, "SILENCE_SECONDS", 0.5)
    monkeypatch.setattr(sockets_module, "TICK_SECONDS", 0.05)
    assert end_of(mia) == (1008, "silent too long")


def test_a_login_that_ends_closes_the_socket(mia: Guest, monkeypatch: pytest.MonkeyPatch) -> None:
    (session,) = live.app.sockets.all()
    session.principal = replace(session.principal, expires=time.time() - 1)
    monkeypatch.setattr(sockets_module, "TICK_SECONDS", 0.02)
    assert end_of(mia) == (4401, "sign in again")


def test_a_slow_reader_is_cut_off_and_the_others_hear_everything(tearoom: Tearoom) -> None:
    mia = tearoom.enter("mia", table=7)
    assert [mia.hear()["t"], mia.hear()["t"]] == ["ready", "now"]
    slow = raw_socket(tearoom, receive_buffer=4096)
    slow.sendall(masked(0x81, b'{"t":"hello","token":"noor","table":7}'))
    assert [one["name"] for one in mia.hear()["who"]] == ["Mia", "Noor"]
    before = live.counters.slow_closed
    for seq in range(1, 101):
        say(7, "x" * 100_000)  # the kernel holds some megabytes before the server's own backlog grows
        frame = mia.hear()
        if frame["t"] == "now":
            assert [one["name"] for one in frame["who"]] == ["Mia"]
            frame = mia.hear()
        assert frame["seq"] == seq
    assert live.counters.slow_closed > before
    wait_until(lambda: len(live.app.sockets) == 1, "only Mia is left", seconds=10)
    slow.close()


def raw_socket(room: Tearoom, receive_buffer: int = 0) -> socket.socket:
    """A TCP connection after a successful handshake."""
    connection = socket.socket()
    if receive_buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    connection.settimeout(5)
    connection.connect((HOST, room.port))
    connection.sendall(
        f"GET /tearoom/teepuoti/live HTTP/1.1\r\nHost: {HOST}:{room.port}\r\nOrigin: https://teepuoti.fi\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
    )
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += connection.recv(1)
    assert b" 101 " in answer
    return connection


def masked(first: int, payload: bytes) -> bytes:
    """A client's frame with the mask 0, which changes nothing (RFC 6455, 5.3)."""
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + struct.pack("!H", size)
    return bytes([first]) + length + bytes(4) + payload


def close_code(connection: socket.socket) -> int:
    """The code of the close frame that comes next."""
    opcode, size = connection.recv(2)
    assert opcode == 0x88
    payload = connection.recv(size)
    return int(struct.unpack("!H", payload[:2])[0])
