"""A33, A34 and the live half of A31: who gets in at a socket, what they may watch there, and what they hear of others.

The topics, doors and routes are those that are registered: a new one that this file does not know fails.
"""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection

from tiski.accounts.models import Membership
from tiski.kernel.live import Principal, hub
from tiski.kernel.live.entrance import entrances
from tiski.kernel.live.routes import routes
from tiski.testing.world import coffee_shop, tea_shop

from .belongings import Belongings, furnish
from .instance import Colleague, Instance, Visitor, ending, hear, say

pytestmark = [pytest.mark.both, pytest.mark.timeout(120)]

DOORS = {"/<shop>/live/", "/w/<key>/live"}
ROUTES = {("GET", "/<shop>/news/"), ("GET", "/w/<key>/messages/"), ("POST", "/w/<key>/messages/")}
INEXACT = (
    "%", "*", "", "#", "inbox*", "inbox/%", "conversation-%", "conversation-*", "conversation-_", "conversation-+",
    "conversation", "conversation-", "conversation--1", "conversation-01x", "conversation-1 ", " conversation-1",
    "Conversation-1", "conversation-¹", "conversation-1,conversation-2", "conversation-1\n", "inbox-1", "shop", "agent",
    "customer", "tearoom", "../inbox", "conversation-1' OR '1'='1", "conversation-99999999999999999999",
)  # fmt: skip


@pytest.fixture(scope="module")
def mia(instance: Instance) -> Colleague:
    """Mia of Teepuoti, signed in."""
    return Colleague(instance, "mia@teepuoti.example")


@pytest.fixture(scope="module")
def otto(instance: Instance) -> Colleague:
    """Otto, who owns Kahvila."""
    return Colleague(instance, instance.ask("owner_of_shop", "kahvila"))


def _own_kinds() -> list[str]:
    """Topics of the product, without those of other tests in this process."""
    return [kind for kind in hub.topics.kinds() if "testing" not in hub.topics._allows[kind].__module__]


def test_a31_every_door_and_route_of_the_live_half_is_attacked_here() -> None:
    ours = [entrance.door for entrance in entrances if "testing" not in type(entrance.door).__module__]
    assert {door.path for door in ours} == DOORS
    assert {(one.method, one.path) for one in routes if "testing" not in one.handler.__module__} == ROUTES


@pytest.mark.django_db
def test_a31_no_topic_of_another_shop_may_be_watched() -> None:
    teepuoti, kahvila = furnish(tea_shop()), furnish(coffee_shop())
    topics = _topics_of(kahvila)
    assert {topic.partition("-")[0] for topic in topics} == set(_own_kinds()), "say in belongings.py whose topic it is"
    assert hub.topics.allowed(_principal(kahvila), topics) == topics  # so the ids are real
    theirs = {topic for topic in topics if "-" in topic}
    for who in (_principal(teepuoti), *_nobodies(teepuoti, kahvila)):
        assert hub.topics.allowed(who, theirs) == set(), who
        assert hub.topics.allowed(who, INEXACT) == set(), who
    for who in _nobodies(teepuoti, kahvila):
        assert hub.topics.allowed(who, topics | _topics_of(teepuoti)) == set(), who


def _topics_of(belongings: Belongings) -> set[str]:
    return {kind if number is None else f"{kind}-{number}" for kind, number in belongings.topics.items()}


def _principal(belongings: Belongings) -> Principal:
    return Principal(id=f"agent-{belongings.world.mia.pk}", shop_id=belongings.world.shop.pk)


def _nobodies(teepuoti: Belongings, kahvila: Belongings) -> list[Principal]:
    """A visitor of each shop, our agent in their shop, one who left, and one whose id is nonsense."""
    left = Membership.unscoped.get(pk=kahvila.removed)
    suspended = Membership.unscoped.get(pk=kahvila.suspended)
    shop = kahvila.world.shop.pk
    return [
        Principal(id=f"visitor-{teepuoti.shopper.token_hash}", shop_id=teepuoti.world.shop.pk),
        Principal(id=f"visitor-{kahvila.shopper.token_hash}", shop_id=shop),
        Principal(id=f"agent-{teepuoti.world.noor.pk}", shop_id=shop),
        Principal(id=f"agent-{suspended.agent_id}", shop_id=shop),
        Principal(id="agent-", shop_id=shop),
        Principal(id=f"visitor-{left.agent_id}", shop_id=shop),
    ]


def test_a31_another_shops_live_address_is_the_address_of_no_shop(instance: Instance, mia: Colleague) -> None:
    for shop in ("kahvila", "no-such-shop"):
        line = mia.line(shop)
        say(line, t="hello", csrf=mia.csrf, after=None, topics=["inbox"])
        assert ending(line)[0] == 1008
    answers = [mia.http.get(f"/{shop}/news/?after=0&topics=inbox") for shop in ("kahvila", "no-such-shop")]
    assert answers[0].status_code == answers[1].status_code == 403
    assert answers[0].content == answers[1].content
    visitor = Visitor(instance)
    asked = [visitor.read(conversation=uuid) for uuid in (instance.kahvila["uuid"], str(uuid4()))]
    assert (asked[0].status_code, asked[1].json()["messages"]) == (404, [])


def test_a33_wildcards_and_rows_of_another_shop_are_told_nothing(
    instance: Instance, mia: Colleague, otto: Colleague
) -> None:
    shop = instance.kahvila
    theirs = [f"{kind}-{shop[kind]}" for kind in ("shop", "agent", "customer", "conversation")]
    line = mia.enter(*theirs, *INEXACT)
    say(line, t="watch", topics=[*theirs, *INEXACT])
    own = otto.enter("inbox", f"conversation-{shop['conversation']}", shop="kahvila")
    _note(otto, "kahvila", shop["conversation"], "Vain meille.")
    heard = {hear(own, "news")["topic"] for _ in range(2)}
    assert heard == {"inbox", f"conversation-{shop['conversation']}"}
    assert _what_came(line) == []
    missed = mia.http.get("/teepuoti/news/", params={"after": "0", "topics": ",".join([*theirs, "%", "*"])}).json()
    assert missed["news"] == []


def test_a33_who_lost_access_hears_nothing_more(instance: Instance) -> None:
    sini, other = instance.hire("Sini Vuori"), Colleague(instance, "noor@teepuoti.example")
    line, control = sini.enter("inbox"), other.enter("inbox")
    instance.ask("suspend", sini.email)
    assert Visitor(instance).say("Kuuleeko Sini?").status_code == 200
    assert hear(control, "news")["topic"] == "inbox"
    code, _seconds = ending(line)
    assert code == 4401
    again = sini.line()
    say(again, t="hello", csrf=sini.csrf, after=0, topics=["inbox"])
    assert ending(again)[0] == 4401


def test_a33_a_visitor_follows_their_own_conversation_only(instance: Instance) -> None:
    ada, eve = Visitor(instance), Visitor(instance)
    assert ada.say("Salaisuus.").status_code == 200
    line = eve.enter()
    say(line, t="watch", topics=["inbox", "%"])
    say(line, t="read", seq=1)
    say(line, **eve.frame("Minun.", conversation=ada.conversation))
    assert hear(line, "refused")["code"] == "conversations.not_found"
    assert ada.say("Lisää salaisuuksia.").status_code == 200
    assert _what_came(line) == []
    assert instance.ask("said_in", ada.conversation) == ["Salaisuus.", "Lisää salaisuuksia."]


def _note(who: Colleague, shop: str, conversation: int, body: str) -> None:
    fields = {"mode": "note", "body": body, "client_id": str(uuid4())}
    answer = who.post(f"/{shop}/conversations/{conversation}/sending/", **fields)
    answer.raise_for_status()


def _what_came(line: ClientConnection) -> list[dict[str, Any]]:
    """What a socket was told of others before the answer to a ping, which travels behind it."""
    assert line.ping().wait(20)
    told = []
    while True:
        try:
            told.append(json.loads(line.recv(timeout=0.5)))
        except TimeoutError:
            return [frame for frame in told if frame["t"] not in {"beat", "now"}]


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        None,
        "http://localhost",
        "http://localhost.evil.example",
        "https://localhost:{port}",
    ],
)
def test_a34_valid_cookies_from_a_foreign_page_open_no_socket(
    instance: Instance, mia: Colleague, origin: str | None
) -> None:
    given = origin.format(port=instance.process.port) if origin else origin
    with pytest.raises(InvalidStatus) as console:
        mia.line(origin=given)
    assert console.value.response.status_code == 403
    with pytest.raises(InvalidStatus) as chat:
        Visitor(instance).line(origin=given)
    assert chat.value.response.status_code == 403


def test_a34_the_ticket_comes_in_the_first_frame_and_never_in_the_address(instance: Instance, mia: Colleague) -> None:
    line = instance.socket(f"/teepuoti/live/?csrf={mia.csrf}&token={mia.csrf}", Cookie=mia.cookies)
    say(line, t="hello", csrf="", after=None, topics=["inbox"])
    assert ending(line)[0] == 4401
    without_cookie = instance.socket("/teepuoti/live/")
    say(without_cookie, t="hello", csrf=mia.csrf, after=None, topics=["inbox"])
    assert ending(without_cookie)[0] == 4401
    ada = Visitor(instance)
    address = f"/w/teepuoti/live?token={ada.token}&conversation={ada.conversation}"
    chat = instance.socket(address)
    say(chat, t="hello", token="", conversation=ada.conversation, after=0)
    assert ending(chat)[0] == 1008


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none", ""])
def test_a34_polling_from_a_foreign_page_reads_nothing(instance: Instance, mia: Colleague, site: str) -> None:
    client = instance.browser(Cookie=mia.cookies, **({"Sec-Fetch-Site": site} if site else {}))
    assert client.get("/teepuoti/news/?after=0&topics=inbox").status_code == 403
    foreign = {"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.example"}
    assert client.get("/teepuoti/news/?after=0&topics=inbox", headers=foreign).status_code == 403
