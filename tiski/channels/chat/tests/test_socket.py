"""The widget's socket and its HTTP fallback against a running Tiski: frames as a browser sends them."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any
from uuid import uuid4

import httpx
import pytest
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from tiski.testing.desk import Desk, demo_password
from tiski.testing.premises import Premises
from tiski.testing.tiski_process import TiskiProcess

pytestmark = [pytest.mark.both, pytest.mark.timeout(90)]
sockets = ExitStack()
"""Every socket a test opens; closed after the last one."""


@pytest.fixture(scope="module")
def tiski(shop_of_module: Premises) -> Iterator[TiskiProcess]:
    """One instance with its demo shop for all of these tests."""
    with shop_of_module.product() as process, sockets:
        yield process


class Visitor:
    """A browser: its token, the uuid of its conversation, and its socket."""

    def __init__(self, tiski: TiskiProcess) -> None:
        self.tiski = tiski
        self.token = secrets.token_urlsafe(32)
        self.conversation = str(uuid4())

    def socket(self, *, origin: str | None = None, key: str = "teepuoti") -> ClientConnection:
        """A socket that has said nothing yet."""
        address = f"ws://localhost:{self.tiski.port}/w/{key}/live"
        from_page = Origin(origin or self.tiski.address)
        return sockets.enter_context(connect(address, origin=from_page, proxy=None, open_timeout=10))

    def enter(self, *, after: int = 0, conversation: str | None = None) -> tuple[ClientConnection, dict[str, Any]]:
        """A socket that has said hello, and what it was answered."""
        socket = self.socket()
        hello = {"t": "hello", "token": self.token, "conversation": conversation or self.conversation, "after": after}
        socket.send(json.dumps(hello))
        return socket, hear(socket, "ready")

    def message(self, body: str, **changes: Any) -> dict[str, Any]:
        """A frame that carries a message."""
        frame = {"t": "message", "client_id": str(uuid4()), "conversation": self.conversation, "body": body}
        return frame | {"page": "/demo/", "lang": "fi", "files": []} | changes

    def post(self, frame: dict[str, Any], *, origin: str | None = None) -> httpx.Response:
        """The same frame by POST."""
        return httpx.post(
            f"{self.tiski.address}/w/teepuoti/messages/",
            json=frame,
            headers={"Authorization": f"Bearer {self.token}", "Origin": origin or self.tiski.address},
            trust_env=False,
        )


def hear(socket: ClientConnection, kind: str) -> dict[str, Any]:
    """The next frame of a kind."""
    for _ in range(50):
        frame: dict[str, Any] = json.loads(socket.recv(timeout=10))
        if frame["t"] == kind:
            return frame
    raise AssertionError(f"no {kind} came")


def closing(socket: ClientConnection) -> tuple[str, int]:
    """The code of the refusal that came, and the code with which the socket was closed."""
    refused = hear(socket, "refused")["code"]
    with pytest.raises(ConnectionClosedError) as closed:
        socket.recv(timeout=10)
    assert closed.value.rcvd is not None
    return refused, closed.value.rcvd.code


def test_a_message_is_acknowledged_with_its_seq_and_the_same_one_again_with_the_same_seq(tiski: TiskiProcess) -> None:
    visitor = Visitor(tiski)
    socket, ready = visitor.enter()
    assert (ready["seq"], ready["messages"], ready["more"]) == (0, [], False)
    frame = visitor.message("Moi!")
    socket.send(json.dumps(frame))
    first = hear(socket, "ack")
    assert first == {"t": "ack", "client_id": frame["client_id"], "seq": 1, "id": f"{visitor.conversation}-1"}
    socket.send(json.dumps(frame))
    assert hear(socket, "ack") == first
    assert visitor.post(frame).json() == first
    socket.send(json.dumps(visitor.message("Toinen.")))
    assert hear(socket, "ack")["seq"] == 2
    socket.close()
    _, again = visitor.enter(after=1)
    assert [(said["seq"], said["body"]) for said in again["messages"]] == [(2, "Toinen.")]


def test_an_answer_reaches_every_window_of_the_visitor_in_order(tiski: TiskiProcess) -> None:
    visitor = Visitor(tiski)
    with Desk(tiski.address, email="mia@teepuoti.example", password=demo_password(tiski.data)) as desk:
        known = desk.conversations()
        first, _ = visitor.enter()
        first.send(json.dumps(visitor.message("Onko teetä?")))
        hear(first, "ack")
        second, ready = visitor.enter()
        assert [said["body"] for said in ready["messages"]] == ["Onko teetä?"]
        conversation = desk.wait_for_conversation(known)
        desk.reply(conversation, "On!")
        for socket in (first, second):
            said = hear(socket, "message")
            assert (said["seq"], said["body"], said["author"]["name"]) == (2, "On!", "Mia")
            assert "client_id" not in said


def test_another_visitors_conversation_cannot_be_entered_read_or_written(tiski: TiskiProcess) -> None:
    ada, eve = Visitor(tiski), Visitor(tiski)
    assert ada.post(ada.message("Salaisuus.")).status_code == 200
    socket = eve.socket()
    socket.send(json.dumps({"t": "hello", "token": eve.token, "conversation": ada.conversation, "after": 0}))
    assert closing(socket) == ("conversations.not_found", 1008)
    assert eve.post(eve.message("Tässä.", conversation=ada.conversation)).status_code == 404
    address = f"{tiski.address}/w/teepuoti/messages/?conversation={ada.conversation}"
    headers = {"Authorization": f"Bearer {eve.token}", "Origin": tiski.address}
    answer = httpx.get(address, headers=headers, trust_env=False)
    assert answer.status_code == 404


@pytest.mark.parametrize("token", ["", "0", "short", "x" * 44, "ä" * 43])
def test_a_token_that_is_not_256_random_bits_enters_nowhere(tiski: TiskiProcess, token: str) -> None:
    visitor = Visitor(tiski)
    socket = visitor.socket()
    socket.send(json.dumps({"t": "hello", "token": token, "conversation": visitor.conversation, "after": 0}))
    assert closing(socket) == ("chat.bad_token", 1008)


def test_pages_of_other_shops_and_unknown_widgets_are_refused_before_the_handshake(tiski: TiskiProcess) -> None:
    visitor = Visitor(tiski)
    with pytest.raises(InvalidStatus) as foreign:
        visitor.socket(origin="https://evil.example")
    assert foreign.value.response.status_code == 403
    with pytest.raises(InvalidStatus) as unknown:
        visitor.socket(key="no-such-widget")
    assert unknown.value.response.status_code == 404
    assert visitor.post(visitor.message("Moi"), origin="https://evil.example").status_code == 403


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"body": "   "}, "conversations.empty"),
        ({"body": "a" * 4001}, "conversations.too_long"),
        ({"body": "Moi!", "files": ["f" * 32]}, "conversations.file"),
    ],
)
def test_what_cannot_be_stored_is_refused_with_a_code_and_a_sentence(
    tiski: TiskiProcess, changes: dict[str, Any], code: str
) -> None:
    visitor = Visitor(tiski)
    socket, _ = visitor.enter()
    frame = visitor.message(**changes)
    socket.send(json.dumps(frame))
    refused = hear(socket, "refused")
    assert (refused["code"], refused["client_id"]) == (code, frame["client_id"])
    assert refused["text"]


def test_a_malformed_frame_is_refused_and_the_socket_goes_on(tiski: TiskiProcess) -> None:
    visitor = Visitor(tiski)
    socket, _ = visitor.enter()
    socket.send(json.dumps(visitor.message("x", client_id="not-a-uuid")))
    assert hear(socket, "refused")["code"] == "bad_frame"
    socket.send(json.dumps(visitor.message("Nyt oikein.")))
    assert hear(socket, "ack")["seq"] == 1


def test_more_than_ten_messages_at_once_are_slowed_down_and_none_that_was_acknowledged_is_lost(
    tiski: TiskiProcess,
) -> None:
    visitor = Visitor(tiski)
    assert visitor.post(visitor.message("first")).status_code == 200
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: visitor.post(visitor.message(f"{number}")), range(40)))
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) == {200, 429}
    slowed = next(answer for answer in answers if answer.status_code == 429)
    assert slowed.json()["code"] == "rate"
    assert int(slowed.headers["Retry-After"]) >= 1
    _, ready = visitor.enter()
    stored = {said["body"] for said in ready["messages"]}
    assert stored == {"first"} | {str(number) for number, status in enumerate(statuses) if status == 200}


def test_a_file_is_uploaded_sent_and_read_back_by_its_signed_link_alone(tiski: TiskiProcess) -> None:
    visitor = Visitor(tiski)
    headers = {"Authorization": f"Bearer {visitor.token}", "Origin": tiski.address}
    address = f"{tiski.address}/w/teepuoti/files/"
    kept = httpx.post(address, files={"file": ("kuitti.txt", b"yhteensa 42")}, headers=headers, trust_env=False)
    assert (kept.status_code, kept.json()["name"]) == (200, "kuitti.txt")
    stranger = Visitor(tiski)
    assert stranger.post(stranger.message("Minun", files=[kept.json()["id"]])).status_code == 422
    assert visitor.post(visitor.message("", files=[kept.json()["id"]])).status_code == 200
    _, ready = visitor.enter()
    link = ready["messages"][0]["files"][0]["url"]
    got = httpx.get(f"{tiski.address}{link}", trust_env=False)
    assert (got.status_code, got.content) == (200, b"yhteensa 42")
    assert got.headers["Content-Disposition"].startswith("attachment")
    assert httpx.get(f"{tiski.address}{link[:-4]}aaaa", trust_env=False).status_code == 404


def test_what_may_not_be_sent_is_refused_in_words(tiski: TiskiProcess) -> None:
    visitor = Visitor(tiski)
    headers = {"Authorization": f"Bearer {visitor.token}", "Origin": tiski.address}
    page = b"<!doctype html><script>alert(1)</script>"
    answer = httpx.post(
        f"{tiski.address}/w/teepuoti/files/", files={"file": ("a.txt", page)}, headers=headers, trust_env=False
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "blobs.type_refused")
    nobody = httpx.post(f"{tiski.address}/w/teepuoti/files/", files={"file": ("a.txt", b"a")}, trust_env=False)
    assert nobody.status_code == 403
