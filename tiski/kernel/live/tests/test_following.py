"""Followed topics reach every socket in order and without gaps, whoever wrote and whatever hints were lost."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event as Signal
from typing import Any

import pytest
from django.db import connection
from websockets.exceptions import ConnectionClosedError

from tiski.kernel import live
from tiski.kernel.errors import Unavailable
from tiski.kernel.events import stream
from tiski.kernel.live import following
from tiski.testing import tearoom as tearoom_module
from tiski.testing.ports import wait_until
from tiski.testing.tearoom import SHOP, Guest, Heard, TeaDoor, Tearoom, ban, lines, say

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def tearoom() -> Iterator[Tearoom]:
    """An open tea room."""
    with Tearoom() as room:
        yield room


def seated(room: Tearoom, token: str, after: int = 0) -> Guest:
    """A guest at table 7 who has heard what was said so far."""
    guest = room.enter(token, table=7, after=after)
    while guest.hear()["t"] != "ready":
        pass
    return guest


def messages(guest: Guest, count: int) -> list[tuple[int, str]]:
    """The next messages, presence left out."""
    heard: list[tuple[int, str]] = []
    while len(heard) < count:
        frame = guest.hear()
        if frame["t"] == "message":
            heard.append((frame["seq"], frame["body"]))
    return heard


def hint(room: Tearoom, seq: int, payload: bytes | None = None) -> None:
    """Give the hub a hint, in its own thread."""
    done = Signal()

    def tell() -> None:
        live.hub.following.notify(SHOP, "table-7", seq, (lambda: payload) if payload else None)
        done.set()

    room.loop.call_soon_threadsafe(tell)
    assert done.wait(5)


def test_what_one_says_the_others_hear_and_the_speaker_gets_an_ack(tearoom: Tearoom) -> None:
    mia, ada = seated(tearoom, "mia"), seated(tearoom, "ada")
    mia.send(t="message", client_id="1", body="hei")
    assert messages(ada, 1) == [(1, "hei")]
    frames = within(mia, 0.3)
    assert [frame for frame in frames if frame["t"] != "now"] == [{"t": "ack", "client_id": "1", "seq": 1}]


def test_what_another_process_stores_is_heard_within_a_second(tearoom: Tearoom) -> None:
    ada = seated(tearoom, "ada")
    say(7, "hei")
    frame = ada.hear(1.0)
    while frame["t"] != "message":
        frame = ada.hear(1.0)
    assert frame == {"t": "message", "seq": 1, "body": "hei"}


def test_a_return_hears_what_was_missed(tearoom: Tearoom) -> None:
    for word in ("eka", "toka", "kolmas"):
        say(7, word)
    guest = tearoom.enter("ada", table=7, after=1)
    assert guest.hear() == {"t": "ready", "seq": 3, "said": ["toka", "kolmas"]}


def test_what_is_said_during_the_first_read_follows_it(tearoom: Tearoom, monkeypatch: pytest.MonkeyPatch) -> None:
    read, go_on = Signal(), Signal()
    real = tearoom_module._first_load

    def slow(table: int, after: int) -> tuple[int, bytes]:
        found = real(table, after)
        read.set()
        go_on.wait(5)
        return found

    monkeypatch.setattr(tearoom_module, "_first_load", slow)
    say(7, "eka")
    guest = tearoom.enter("ada", table=7)
    assert read.wait(5)
    say(7, "toka")
    assert guest.hear_nothing()
    go_on.set()
    assert guest.hear() == {"t": "ready", "seq": 1, "said": ["eka"]}
    assert messages(guest, 1) == [(2, "toka")]


def test_i4_hints_that_are_early_doubled_late_or_false_do_no_harm(tearoom: Tearoom) -> None:
    ada = seated(tearoom, "ada")
    for word in ("eka", "toka", "kolmas"):
        say(7, word)
    hint(tearoom, 3, live.encode(Heard(seq=3, body="kolmas")))
    hint(tearoom, 1, live.encode(Heard(seq=1, body="eka")))
    hint(tearoom, 3)
    hint(tearoom, 99)
    assert messages(ada, 3) == [(1, "eka"), (2, "toka"), (3, "kolmas")]
    assert ada.hear_nothing()
    say(7, "neljäs")
    assert messages(ada, 1) == [(4, "neljäs")]


def test_a_payload_that_is_next_needs_no_database(tearoom: Tearoom, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = seated(tearoom, "ada")
    before = live.counters.catch_ups
    hint(tearoom, 1, live.encode(Heard(seq=1, body="hei")))
    assert messages(ada, 1) == [(1, "hei")]
    assert live.counters.catch_ups == before


def test_what_does_not_fit_one_page_is_read_in_several(tearoom: Tearoom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tearoom_module, "page_size", 2)
    ada = seated(tearoom, "ada")
    said = [(number, f"sana {number}") for number in range(1, 8)]
    tearoom_module.store([(7, body) for _, body in said])
    stream.publish()
    assert messages(ada, 7) == said


def chat(guest: Guest, name: str) -> tuple[list[int], set[int]]:
    """Say fifteen things and listen until fifty seqs are known: what was heard, and what was acknowledged."""
    for word in range(15):
        guest.send(t="message", client_id=f"{name}-{word}", body=f"{name} {word}")
        time.sleep(random.random() / 50)
    heard: list[int] = []
    acknowledged: set[int] = set()
    while len(acknowledged.union(heard)) < 50:
        frame = guest.hear()
        if frame["t"] == "message":
            heard.append(frame["seq"])
        elif frame["t"] == "ack":
            acknowledged.add(frame["seq"])
    return heard, acknowledged


def say_five_elsewhere() -> None:
    """Another process writes too."""
    for word in range(5):
        say(7, f"muualta {word}")
    connection.close()


def test_i3_many_writers_at_once_give_one_order_without_gaps(tearoom: Tearoom) -> None:
    guests = {name: seated(tearoom, name) for name in ("mia", "noor", "ada")}
    with ThreadPoolExecutor(4) as pool:
        elsewhere = pool.submit(say_five_elsewhere)
        chats = [pool.submit(chat, guest, name) for name, guest in guests.items()]
        elsewhere.result(20)
        results = [each.result(20) for each in chats]
    assert [seq for seq, _ in lines(7)] == list(range(1, 51))
    for heard, acknowledged in results:
        assert heard == sorted(set(heard))
        assert len(acknowledged) == 15
        assert acknowledged.union(heard) == set(range(1, 51))


def test_i4_reading_that_fails_is_tried_again(tearoom: Tearoom, monkeypatch: pytest.MonkeyPatch) -> None:
    failures = [Unavailable(), Unavailable()]
    real = TeaDoor.missed

    def fails_twice(self: TeaDoor, principal: Any, topic: str, after: int) -> Sequence[tuple[int, bytes]]:
        if failures:
            raise failures.pop()
        return real(self, principal, topic, after)

    monkeypatch.setattr(following, "RETRY_SECONDS", (0.05, 0.05, 0.05))
    monkeypatch.setattr(TeaDoor, "missed", fails_twice)
    ada = seated(tearoom, "ada")
    say(7, "hei")
    assert messages(ada, 1) == [(1, "hei")]


def test_who_cannot_be_brought_up_is_told_to_come_back(tearoom: Tearoom, monkeypatch: pytest.MonkeyPatch) -> None:
    def always_fails(self: TeaDoor, principal: Any, topic: str, after: int) -> Sequence[tuple[int, bytes]]:
        raise Unavailable

    monkeypatch.setattr(following, "RETRY_SECONDS", (0.01, 0.01))
    monkeypatch.setattr(TeaDoor, "missed", always_fails)
    ada = seated(tearoom, "ada")
    say(7, "hei")
    with pytest.raises(ConnectionClosedError) as end:
        messages(ada, 1)
    assert end.value.rcvd is not None
    assert end.value.rcvd.code == 1013


def test_nothing_is_heard_between_the_loss_of_rights_and_their_check(
    tearoom: Tearoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    checking, go_on = Signal(), Signal()

    def slow(self: TeaDoor, principal: live.Principal) -> live.Principal | None:
        checking.set()
        go_on.wait(5)
        return principal

    ada = seated(tearoom, "ada")
    monkeypatch.setattr(TeaDoor, "recheck", slow)
    ban("guest-ada", 8)
    assert checking.wait(5)
    hint(tearoom, 1, live.encode(Heard(seq=1, body="ei vielä")))
    say(7, "hei")
    assert [frame["t"] for frame in within(ada, 0.3)] == ["now"]
    go_on.set()
    assert messages(ada, 1) == [(1, "hei")]


def test_a_guest_who_left_is_forgotten(tearoom: Tearoom) -> None:
    ada = seated(tearoom, "ada")
    ada.socket.close()
    wait_until(lambda: len(live.app.sockets) == 0, "Ada has left")
    assert list(live.hub.following.followers(SHOP, "table-7")) == []
    assert live.hub.presence.who(SHOP, "table-7") == []


def within(guest: Guest, seconds: float) -> list[dict[str, Any]]:
    """The frames that come until there is a pause."""
    heard = []
    try:
        while True:
            heard.append(guest.hear(seconds))
    except TimeoutError:
        return heard
