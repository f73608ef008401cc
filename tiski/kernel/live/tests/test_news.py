"""News: who is told, what is replayed after a hello, when everything must be fetched again, and lost rights."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event as Signal

import httpx
import pytest
from msgspec import structs
from websockets.exceptions import ConnectionClosedError

from tiski.kernel import live
from tiski.kernel.events import stream
from tiski.kernel.events.event import FactRow
from tiski.kernel.live import replay
from tiski.kernel.models import Fact
from tiski.testing import tearoom as tearoom_module
from tiski.testing.tearoom import Guest, TeaDoor, Tearoom, ban, say

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def tearoom() -> Iterator[Tearoom]:
    """An open tea room."""
    with Tearoom() as room:
        yield room


def reader(
    room: Tearoom, *topics: str, token: str = "mia", after: int | None = None
) -> tuple[Guest, list[dict[str, object]]]:
    """A guest who reads the news, and what was told before `ready`."""
    guest = room.enter(token, topics=list(topics), after=after)
    frames = [guest.hear()]
    while frames[-1]["t"] != "ready":
        frames.append(guest.hear())
    return guest, frames[:-1]


def news(topic: str, seq: int, key: int | None = None, ring: bool = False) -> dict[str, object]:
    """A news frame as it arrives."""
    frame: dict[str, object] = {"t": "news", "topic": topic, "seq": seq, "name": "tests.said"}
    if key is not None:
        frame["key"] = key
    if ring:
        frame["ring"] = True
    return frame


def test_news_reaches_those_who_watch_and_nobody_else(tearoom: Tearoom) -> None:
    mia, _ = reader(tearoom, "table-7")
    noor, _ = reader(tearoom, "table-8")
    say(7, "hei")
    assert mia.hear() == news("table-7", stream.head())
    assert noor.hear_nothing()


def test_the_parent_is_told_with_the_key_and_loud_words_ring(tearoom: Tearoom) -> None:
    mia, _ = reader(tearoom, "room")
    say(7, "HEI")
    assert mia.hear() == news("room", stream.head(), key=7, ring=True)


def test_a33_unknown_forbidden_and_inexact_topics_are_ignored(tearoom: Tearoom) -> None:
    mia, _ = reader(
        tearoom, "table-13", "table-*", "%", "table-7 ", "TABLE-7", "table-07x", "secret-1", "table", "room"
    )
    say(13, "salaisuus")
    say(7, "hei")
    assert mia.hear() == news("room", stream.head() - 1, key=13)
    assert mia.hear() == news("room", stream.head(), key=7)


def test_a33_facts_of_another_shop_are_not_told(tearoom: Tearoom) -> None:
    mia, _ = reader(tearoom, "table-7", "room")
    say(7, "hei")
    assert [mia.hear()["topic"], mia.hear()["topic"]] == ["table-7", "room"]
    fact = stream.after(0)[0]
    tell(tearoom, structs.replace(fact, shop_id=2, position=fact.position + 1))
    assert mia.hear_nothing()
    tell(tearoom, structs.replace(fact, position=fact.position + 1))
    assert mia.hear()["topic"] == "table-7"


def test_watching_later_works_like_watching_at_hello(tearoom: Tearoom) -> None:
    mia, _ = reader(tearoom)
    mia.send(t="watch", topics=["table-7"])
    assert mia.hear()["t"] == "ready"
    say(7, "hei")
    assert mia.hear() == news("table-7", stream.head())


def test_a_hello_is_told_each_changed_topic_once(tearoom: Tearoom) -> None:
    start = say(7, "eka") and stream.head()
    say(7, "TOKA")
    say(8, "kolmas")
    say(7, "neljäs")
    _, told = reader(tearoom, "room", "table-7", after=start)
    assert told == [
        news("room", start + 2, key=8),
        news("table-7", start + 3, ring=True),
        news("room", start + 3, key=7, ring=True),
    ]


def test_a_hello_that_missed_nothing_is_told_nothing(tearoom: Tearoom) -> None:
    say(7, "eka")
    guest, told = reader(tearoom, "room", after=stream.head())
    assert told == []
    say(7, "toka")
    assert guest.hear()["seq"] == stream.head()


def test_a_first_hello_is_told_nothing_old(tearoom: Tearoom) -> None:
    say(7, "eka")
    _, told = reader(tearoom, "room")
    assert told == []


@pytest.mark.parametrize("after", [10_000, -1])
def test_a_place_that_cannot_be_replayed_means_resync(tearoom: Tearoom, after: int) -> None:
    say(7, "eka")
    _, told = reader(tearoom, "room", after=after)
    assert told == [{"t": "resync"}]


def test_too_many_facts_mean_resync(tearoom: Tearoom, monkeypatch: pytest.MonkeyPatch) -> None:
    start = say(7, "eka") and stream.head()
    monkeypatch.setattr(replay, "MOST_FACTS", 3)
    for word in ("toka", "kolmas", "neljäs"):
        say(7, word)
    assert reader(tearoom, "room", after=start)[1] == [news("room", start + 3, key=7)]
    say(7, "viides")
    assert reader(tearoom, "room", after=start)[1] == [{"t": "resync"}]


def test_pruned_facts_mean_resync(tearoom: Tearoom) -> None:
    start = say(7, "eka") and stream.head()
    for word in ("toka", "kolmas"):
        say(7, word)
    Fact.objects.filter(id__lte=stream.after(0)[1].id).delete()
    assert reader(tearoom, "room", after=start)[1] == [{"t": "resync"}]
    assert reader(tearoom, "room", after=start + 1)[1] == [news("room", start + 2, key=7)]


def test_news_during_a_replay_waits_for_its_end(tearoom: Tearoom, monkeypatch: pytest.MonkeyPatch) -> None:
    start = say(7, "eka") and stream.head()
    say(7, "toka")
    asked, answered = Signal(), Signal()
    real = replay.since

    def slow(*given: object) -> replay.Missed:
        missed = real(*given)  # type: ignore[arg-type]
        asked.set()
        answered.wait(5)
        return missed

    monkeypatch.setattr(replay, "since", slow)
    guest = tearoom.enter(topics=["table-7"], after=start)
    assert asked.wait(5)
    say(7, "kolmas")
    assert guest.hear_nothing()
    answered.set()
    assert [guest.hear() for _ in range(3)] == [
        news("table-7", start + 1),
        news("table-7", start + 2),
        {"t": "ready", "seq": start + 1},
    ]


def test_a33_who_loses_a_topic_hears_no_more_of_it(tearoom: Tearoom, monkeypatch: pytest.MonkeyPatch) -> None:
    mia, _ = reader(tearoom, "table-7", "table-8")
    noor, _ = reader(tearoom, "table-7", "table-8", token="noor")
    asked, told = Signal(), Signal()
    real = TeaDoor.recheck

    def slow(self: TeaDoor, principal: live.Principal) -> live.Principal | None:
        asked.set()
        told.wait(5)
        return real(self, principal)

    monkeypatch.setattr(TeaDoor, "recheck", slow)
    ban("guest-mia", 7)
    assert asked.wait(5)
    say(7, "kuiskaus")
    say(8, "hei")
    both = [news("table-7", stream.head() - 1), news("table-8", stream.head())]
    assert [noor.hear(), noor.hear()] == both
    told.set()
    assert mia.hear() == both[1]


def test_a35_who_loses_everything_is_closed(tearoom: Tearoom) -> None:
    mia, _ = reader(tearoom)
    ban("guest-mia")
    with pytest.raises(ConnectionClosedError) as end:
        mia.hear()
    assert end.value.rcvd is not None
    assert (end.value.rcvd.code, end.value.rcvd.reason) == (4401, "sign in again")


def test_a35_rights_lost_while_the_hello_is_judged_are_seen(tearoom: Tearoom, monkeypatch: pytest.MonkeyPatch) -> None:
    judged, go_on = Signal(), Signal()
    real = TeaDoor.enter
    calls = []

    def slow(self: TeaDoor, knock: live.Knock, hello: tearoom_module.Hello) -> live.Principal:
        calls.append(hello.token)
        principal = real(self, knock, hello)
        if len(calls) == 1:
            judged.set()
            go_on.wait(5)
        return principal

    monkeypatch.setattr(TeaDoor, "enter", slow)
    guest = tearoom.enter("mia")
    assert judged.wait(5)
    era = live.hub.era
    ban("guest-mia", 7)
    while live.hub.era == era:
        pass
    go_on.set()
    assert guest.hear()["t"] == "ready"
    assert calls == ["mia", "mia"]


def test_the_poll_gives_the_same_replay(tearoom: Tearoom) -> None:
    start = say(7, "eka") and stream.head()
    say(7, "toka")
    same_origin = {"sec-fetch-site": "same-origin"}
    address = f"{tearoom.address}/tearoom/teepuoti/news/?topics=room,table-13&after={start}"
    answer = httpx.get(address, headers=same_origin, trust_env=False)
    assert answer.json() == {"seq": start + 1, "resync": False, "news": [news("room", start + 1, key=7)]}


def test_a_fact_that_cannot_be_told_does_not_stop_the_next(tearoom: Tearoom) -> None:
    mia, _ = reader(tearoom, "table-7")
    say(8, "eka")
    fact = stream.after(0)[0]
    tell(tearoom, structs.replace(fact, data={}), structs.replace(fact, subject="table-7", position=fact.position + 1))
    assert mia.hear() == news("table-7", fact.position + 1)


def tell(room: Tearoom, *facts: FactRow) -> None:
    """Hand facts to the hub as the relay does."""
    room.loop.call_soon_threadsafe(live.hub.publish, facts)
