"""Presence: told at once, faded in time, drawn by the door, and never more than a hint."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tiski.kernel import live
from tiski.kernel.live import presence, sockets
from tiski.kernel.live.presence import Elsewhere
from tiski.testing.tearoom import SHOP, Guest, Tearoom

pytestmark = pytest.mark.django_db(transaction=True)
MIA = {"id": "guest-mia", "name": "Mia", "viewing": True}
NOOR = {"id": "guest-noor", "name": "Noor", "viewing": True}


@pytest.fixture
def tearoom() -> Iterator[Tearoom]:
    """An open tea room."""
    with Tearoom() as room:
        yield room


@pytest.fixture
def mia(tearoom: Tearoom) -> Guest:
    """Mia alone at table 7."""
    guest = tearoom.enter("mia", table=7)
    assert guest.hear()["t"] == "ready"
    assert who(guest) == [MIA]
    return guest


def who(guest: Guest) -> Any:
    """Who is at the table, as the next frame says."""
    frame = guest.hear()
    assert (frame["t"], frame["topic"]) == ("now", "table-7")
    return frame["who"]


def test_coming_and_going_are_told(tearoom: Tearoom, mia: Guest) -> None:
    noor = tearoom.enter("noor", table=7)
    assert who(mia) == [MIA, NOOR]
    noor.socket.close()
    assert who(mia) == [MIA]


def test_writing_is_told_once_and_fades(tearoom: Tearoom, mia: Guest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "WRITING_SECONDS", 0.3)
    monkeypatch.setattr(sockets, "TICK_SECONDS", 0.05)
    mia.send(t="typing")
    mia.send(t="typing")
    assert who(mia) == [MIA | {"writing": True}]
    assert who(mia) == [MIA]


def test_two_windows_are_one_person(tearoom: Tearoom, mia: Guest) -> None:
    second = tearoom.enter("mia", table=7)
    assert who(mia) == [MIA]
    assert second.hear()["t"] == "ready"
    second.send(t="typing")
    assert who(mia) == [MIA | {"writing": True}]


def test_who_is_elsewhere_is_seen_until_they_go_or_fade(tearoom: Tearoom, mia: Guest) -> None:
    present = live.Present(id="guest-noor", name="Noor", viewing=True)
    told = Elsewhere("p2", SHOP, "table-7", present, gone=False)
    hear = live.hub.presence.heard_from_elsewhere

    tearoom.loop.call_soon_threadsafe(hear, told, tearoom.loop.time())
    assert who(mia) == [MIA, NOOR]
    tearoom.loop.call_soon_threadsafe(hear, Elsewhere("p2", SHOP, "table-7", present, gone=True), 0.0)
    assert who(mia) == [MIA]

    tearoom.loop.call_soon_threadsafe(hear, told, tearoom.loop.time() - presence.ELSEWHERE_SECONDS - 1)
    assert who(mia) == [MIA, NOOR]
    assert who(mia) == [MIA]


def test_what_we_said_ourselves_is_not_heard_as_from_elsewhere(tearoom: Tearoom, mia: Guest) -> None:
    own = Elsewhere(live.hub.presence.process, SHOP, "table-7", live.Present(id="guest-noor", name="Noor"), gone=False)
    tearoom.loop.call_soon_threadsafe(live.hub.presence.heard_from_elsewhere, own, tearoom.loop.time())
    assert mia.hear_nothing()
