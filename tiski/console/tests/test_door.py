"""The console's socket and its polling, against a running Tiski: who enters, what is watched, who is here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from websockets import Origin
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tiski.testing.desk import Desk, demo_password
from tiski.testing.tiski_process import TiskiProcess

pytestmark = [pytest.mark.both, pytest.mark.timeout(120)]


class Agent:
    """Someone signed in over HTTP, and their sockets."""

    def __init__(self, tiski: TiskiProcess, name: str) -> None:
        self.tiski = tiski
        same = {"Sec-Fetch-Site": "same-origin"}
        self.http = httpx.Client(
            base_url=tiski.address, headers=same, follow_redirects=True, timeout=20, trust_env=False
        )
        self.http.get("/sign-in/")
        fields = {"login": f"{name}@teepuoti.example", "password": demo_password(tiski.data)}
        headers = {"X-CSRFToken": self.token, "Origin": tiski.address}
        self.http.post("/sign-in/", data=fields, headers=headers).raise_for_status()

    @property
    def token(self) -> str:
        """The CSRF token of a page of ours."""
        return self.http.cookies["tiski_csrf"]

    def line(self, *, shop: str = "teepuoti", origin: str = "", cookies: bool = True) -> ClientConnection:
        """A socket that has said nothing yet."""
        known = "; ".join(f"{name}={value}" for name, value in self.http.cookies.items()) if cookies else ""
        return connect(
            f"ws://localhost:{self.tiski.port}/{shop}/live/",
            origin=Origin(origin or self.tiski.address),
            additional_headers={"Cookie": known} if known else {},
            proxy=None,
            open_timeout=10,
        )


@pytest.fixture(scope="module")
def mia(tiski: TiskiProcess) -> Iterator[Agent]:
    """Mia, signed in."""
    agent = Agent(tiski, "mia")
    yield agent
    agent.http.close()


@pytest.fixture
def sockets() -> Iterator[ExitStack]:
    """Closes what a test opens."""
    with ExitStack() as stack:
        yield stack


def say(line: ClientConnection, **frame: Any) -> None:
    """Send a frame."""
    line.send(json.dumps(frame))


def hear(line: ClientConnection, kind: str) -> dict[str, Any]:
    """The next frame of a kind."""
    while True:
        frame: dict[str, Any] = json.loads(line.recv(timeout=10))
        if frame["t"] == kind:
            return frame


def enter(agent: Agent, sockets: ExitStack, *topics: str) -> ClientConnection:
    """A socket that was let in."""
    line = sockets.enter_context(agent.line())
    say(line, t="hello", csrf=agent.token, after=None, topics=list(topics))
    hear(line, "ready")
    return line


def closed(line: ClientConnection) -> int:
    """The code with which the server closes."""
    with pytest.raises(ConnectionClosed) as end:
        hear(line, "nothing that is ever sent")
    return end.value.rcvd.code if end.value.rcvd else 0


def test_an_agent_enters_and_hears_how_far_the_news_has_come(mia: Agent, sockets: ExitStack) -> None:
    line = sockets.enter_context(mia.line())
    say(line, t="hello", csrf=mia.token, after=None, topics=["inbox"])
    assert hear(line, "ready")["seq"] > 0


def test_without_the_token_of_a_page_nobody_enters(mia: Agent, sockets: ExitStack) -> None:
    for token in ("", "x" * 64):
        line = sockets.enter_context(mia.line())
        say(line, t="hello", csrf=token, after=None, topics=[])
        assert closed(line) == 4401


def test_without_a_login_nobody_enters(mia: Agent, sockets: ExitStack) -> None:
    line = sockets.enter_context(mia.line(cookies=False))
    say(line, t="hello", csrf=mia.token, after=None, topics=[])
    assert closed(line) == 4401


def test_a_shop_of_others_stays_shut(mia: Agent, sockets: ExitStack) -> None:
    line = sockets.enter_context(mia.line(shop="kahvila"))
    say(line, t="hello", csrf=mia.token, after=None, topics=["inbox"])
    assert closed(line) == 1008


def test_a_page_of_another_site_is_turned_away(mia: Agent) -> None:
    with pytest.raises(InvalidStatus) as refused:
        mia.line(origin="https://evil.example")
    assert refused.value.response.status_code == 403


def test_frames_that_make_no_sense_are_refused(mia: Agent, sockets: ExitStack) -> None:
    line = enter(mia, sockets)
    say(line, t="own the shop")  # a kind nobody knows is passed over: it may be of tomorrow's page
    say(line, t="watch", topics=7)
    assert hear(line, "refused")["code"] == "bad_frame"


def test_news_of_a_note_reaches_whoever_watches(tiski: TiskiProcess, mia: Agent, sockets: ExitStack) -> None:
    with Desk(tiski.address, email="noor@teepuoti.example", password=demo_password(tiski.data)) as noor:
        number = noor.conversations()[0]
        line = enter(mia, sockets, "inbox", f"conversation-{number}")
        fields = {"mode": "note", "body": "Katso tätä.", "client_id": "0197f7a0-0000-7000-8000-000000000001"}
        noor.post(f"conversations/{number}/sending/", **fields).raise_for_status()
        told = hear(line, "news")
        assert (told["topic"], told["name"]) == (f"conversation-{number}", "conversations.note_added")


def test_colleagues_see_who_is_here_and_who_writes(tiski: TiskiProcess, mia: Agent, sockets: ExitStack) -> None:
    noor = Agent(tiski, "noor")
    sockets.callback(noor.http.close)
    topic = "conversation-3"
    line, other = enter(mia, sockets, topic), enter(noor, sockets, topic)
    say(other, t="here", conversation=3, writing=True)
    while True:
        who = {one["name"]: one for one in hear(line, "now")["who"]}
        if who.get("Noor Haddad", {}).get("writing"):
            break
    say(other, t="here", conversation=None, writing=False)
    while "Noor Haddad" in who:
        who = {one["name"]: one for one in hear(line, "now")["who"]}


def test_polling_tells_the_same_and_says_when_there_is_nothing(tiski: TiskiProcess, mia: Agent) -> None:
    first = mia.http.get("/teepuoti/news/?after=0&topics=inbox")
    assert first.status_code == 200
    head = first.json()["seq"]
    assert mia.http.get(f"/teepuoti/news/?after={head}&topics=inbox").status_code == 204
    with Desk(tiski.address, email="noor@teepuoti.example", password=demo_password(tiski.data)) as noor:
        number = noor.conversations()[0]
        fields = {"mode": "note", "body": "Ja tätä.", "client_id": "0197f7a0-0000-7000-8000-000000000002"}
        noor.post(f"conversations/{number}/sending/", **fields).raise_for_status()
    told = mia.http.get(f"/teepuoti/news/?after={head}&topics=conversation-{number}").json()
    assert [news["name"] for news in told["news"]] == ["conversations.note_added"]
    assert told["seq"] > head


def test_polling_asks_for_the_same_rights(tiski: TiskiProcess, mia: Agent) -> None:
    address, same = f"{tiski.address}/teepuoti/news/?after=0&topics=inbox", {"Sec-Fetch-Site": "same-origin"}
    assert httpx.get(address, headers=same, timeout=20, trust_env=False).status_code == 401
    assert mia.http.get("/teepuoti/news/", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert mia.http.get("/kahvila/news/?after=0&topics=inbox").status_code in {403, 404}
