"""A35, A43, A44 and A46 against a running instance: what ends a login, guessing, links used twice, and set-up."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx
import pytest
from django.test import Client

from tiski.accounts.models import Agent, Shop
from tiski.testing.ports import wait_until
from tiski.testing.world import tea_shop

from .addresses import routes
from .belongings import NOWHERE
from .instance import PROXY, Colleague, Instance, Visitor, ending, say

pytestmark = [pytest.mark.both, pytest.mark.timeout(120)]
WITHIN = 5.0
NEW_PASSWORD = "aivan uusi salasana 9"

Ending = Callable[[Instance, Colleague], object]
ENDINGS: dict[str, Ending] = {
    "password changed": lambda instance, who: instance.ask("change_password", who.email, NEW_PASSWORD),
    "password reset by a link": lambda instance, who: choose(instance, instance.ask("reset_path", who.email)),
    "another role": lambda instance, who: instance.ask("change_role", who.email, "viewer"),
    "suspended": lambda instance, who: instance.ask("suspend", who.email),
    "removed from the shop": lambda instance, who: instance.ask("remove", who.email),
    "deactivated": lambda instance, who: instance.ask("deactivate", who.email),
    "signed out from afar": lambda instance, who: instance.ask("end_session", who.email),
    "signed out": lambda _instance, who: who.post("/sign-out/"),
}


@pytest.fixture(scope="module")
def ismo(instance: Instance) -> Colleague:
    """A colleague whom none of this concerns."""
    return instance.hire("Ismo Rautio")


@pytest.mark.parametrize("how", ENDINGS)
def test_a35_all_logins_and_sockets_are_dead_within_five_seconds(instance: Instance, ismo: Colleague, how: str) -> None:
    elli = instance.hire("Elli Sund")
    line, other = elli.enter("inbox"), ismo.enter("inbox")
    cookies = elli.http.cookies
    ENDINGS[how](instance, elli)
    code, seconds = ending(line, seconds=WITHIN)
    assert code == 4401
    assert seconds < WITHIN
    stale = instance.browser(**{"Sec-Fetch-Site": "same-origin"})
    stale.cookies = cookies
    wait_until(lambda: stale.get("/account/").status_code == 302, "the login is dead", seconds=WITHIN)
    assert stale.get("/teepuoti/news/?after=0&topics=inbox").status_code == 401
    assert not ismo.is_out()
    assert other.ping().wait(20)


def test_a35_who_ends_their_other_logins_keeps_this_one(instance: Instance) -> None:
    here = instance.hire("Kerttu Oja")
    elsewhere = Colleague(instance, here.email)
    line = elsewhere.enter("inbox")
    assert here.post("/account/sessions/others/end/").status_code == 302
    assert ending(line, seconds=WITHIN)[0] == 4401
    assert elsewhere.is_out()
    assert not here.is_out()


def choose(instance: Instance, path: str, password: str = NEW_PASSWORD) -> httpx.Response:
    """Press the button at the end of a reset link."""
    client = instance.browser()
    client.get(f"/{path}")
    return press(client, instance, f"/{path}", password=password)


def press(client: httpx.Client, instance: Instance, path: str, **fields: str) -> httpx.Response:
    """Send a form of a page that this client has opened."""
    token = client.cookies.get("tiski_csrf") or ""
    return client.post(path, data=fields, headers={"X-CSRFToken": token, "Origin": instance.address})


def test_a44_a_reset_link_that_scanners_open_works_once_for_one_of_eight_who_press_it(instance: Instance) -> None:
    email = instance.hire("Lauri Nieminen").email
    path = f"/{instance.ask('reset_path', email)}"
    scanner = instance.browser()
    for method in ("GET", "HEAD", "OPTIONS", "GET"):
        assert scanner.request(method, path).status_code in {200, 405}
    clients = [instance.browser() for _ in range(8)]
    for client in clients:
        assert client.get(path).status_code == 200
    with ThreadPoolExecutor(8) as pool:
        presses = pool.map(
            lambda numbered: press(numbered[1], instance, path, password=f"{NEW_PASSWORD} {numbered[0]}"),
            enumerate(clients),
        )
        statuses = [answer.status_code for answer in presses]
    assert sorted(statuses) == [302, *[404] * 7]
    assert sign_in(instance, email, f"{NEW_PASSWORD} {statuses.index(302)}").status_code == 302
    assert scanner.get(path).status_code == 404


def test_a44_a_reset_link_is_of_no_use_to_another_person(instance: Instance) -> None:
    own, other = instance.hire("Pinja Salo").email, instance.hire("Rauha Koski").email
    agent, token = instance.ask("reset_path", own).rstrip("/").rsplit("/", 2)[-2:]
    stranger = instance.ask("reset_path", other).rstrip("/").rsplit("/", 2)[-2]
    client = instance.browser()
    assert client.get(f"/password/reset/{stranger}/{token}/").status_code == 404
    assert client.get(f"/password/reset/{agent}/{token[:-1]}x/").status_code == 404
    assert client.get(f"/password/reset/{agent}/{token}/").status_code == 200


def sign_in(instance: Instance, email: str, password: str, *, ip: str = "") -> httpx.Response:
    """One attempt in a fresh browser, perhaps from another address."""
    client = instance.browser(through=PROXY if ip else "", **({"X-Forwarded-For": ip} if ip else {}))
    client.get("/sign-in/")
    return press(client, instance, "/sign-in/", login=email, password=password)


def test_a43_an_unknown_address_takes_as_long_as_a_wrong_password(instance: Instance) -> None:
    known = instance.hire("Seija Laine").email
    seconds: dict[str, list[float]] = {"known": [], "unknown": []}
    for number in range(5):
        for which, email in (("known", known), ("unknown", f"nobody{number}@teepuoti.example")):
            client = instance.browser(through=PROXY, **{"X-Forwarded-For": f"192.0.2.{number + 1}"})
            client.get("/sign-in/")
            began = time.perf_counter()
            assert press(client, instance, "/sign-in/", login=email, password="väärä salasana").status_code == 422
            seconds[which].append(time.perf_counter() - began)
    # The fastest of each: what else the machine does can only add.
    ratio = min(seconds["unknown"]) / min(seconds["known"])
    assert 0.6 < ratio < 1.6, seconds


@pytest.mark.soak
def test_a43_guesses_from_many_addresses_are_stopped_for_the_account_alone(instance: Instance) -> None:
    victim, other = instance.hire("Tapio Holm").email, instance.hire("Ulla Aho").email
    with ThreadPoolExecutor(4) as pool:
        tries = pool.map(lambda number: sign_in(instance, victim, "arvaus", ip=f"198.51.100.{number}"), range(1, 57))
        statuses = [answer.status_code for answer in tries]
    assert set(statuses) == {422, 429}
    assert 50 <= statuses.count(422) <= 53  # four at a time may look before they are counted
    stopped = sign_in(instance, victim, instance.password, ip="203.0.113.9")
    assert (stopped.status_code, int(stopped.headers["Retry-After"]) > 0) == (429, True)
    assert sign_in(instance, other, instance.password, ip="203.0.113.9").status_code == 302


NO_TOKENS: tuple[object, ...] = (None, "", 0, "0", "null", [], ["x" * 43], {"a": 1}, True, "x" * 42, "x" * 44)
NO_BEARERS = ("", "Bearer", "Bearer null", "Bearer 0", "Basic eDp5", "Bearer [1]", f"Bearer {'ä' * 43}")


def test_a43_a_token_that_is_none_enters_nowhere(instance: Instance, ismo: Colleague) -> None:
    for token in NO_TOKENS:
        visitor = Visitor(instance)
        line = visitor.line()
        say(line, t="hello", token=token, conversation=visitor.conversation, after=0)
        assert ending(line)[0] == 1008, token
        console = ismo.line()
        say(console, t="hello", csrf=token, after=None, topics=["inbox"])
        assert ending(console)[0] in {1008, 4401}, token


def test_a43_a_bearer_that_is_none_reads_and_writes_nothing(instance: Instance) -> None:
    client, frame = instance.browser(), Visitor(instance).frame("Hei")
    for bearer in NO_BEARERS:
        headers = {b"Authorization": bearer.encode(), b"Origin": instance.address.encode()}
        assert client.get("/w/teepuoti/messages/", headers=headers).status_code in {404, 422}, bearer
        assert client.post("/w/teepuoti/messages/", json=frame, headers=headers).status_code in {404, 422}, bearer
        sent = client.post("/w/teepuoti/files/", files={"file": ("a.txt", b"a")}, headers=headers)
        assert sent.status_code in {404, 422}, bearer


@pytest.mark.django_db
def test_a46_no_route_sets_the_instance_up_again_or_opens_a_shop_for_strangers() -> None:
    world = tea_shop(password=NEW_PASSWORD)
    fields = {
        "name": "Eve", "email": "eve@example.com", "login": "eve@example.com", "password": NEW_PASSWORD,
        "password1": NEW_PASSWORD, "password2": NEW_PASSWORD, "shop": "eve", "key": "eve", "is_owner_of_instance": "on",
    }  # fmt: skip
    before = list(Agent.objects.order_by("pk").values("pk", "email", "is_owner_of_instance", "password"))
    strangers, mia = Client(), Client()
    mia.force_login(world.mia)
    for route in routes():
        for client in (strangers, mia):
            client.post(route.address(dict(NOWHERE)), fields)
    assert list(Agent.objects.order_by("pk").values("pk", "email", "is_owner_of_instance", "password")) == before
    assert list(Shop.objects.values_list("key", flat=True)) == ["teepuoti"]


def test_a46_there_is_no_address_to_set_up_at(instance: Instance) -> None:
    client = instance.browser()
    client.get("/sign-in/")
    fields = {"name": "Eve", "email": f"{uuid4().hex}@example.com", "password": NEW_PASSWORD}
    for path in ("setup", "set-up", "install", "sign-up", "signup", "register", "admin"):
        assert press(client, instance, f"/{path}/", **fields).status_code in {302, 404, 405}
    assert sign_in(instance, fields["email"], NEW_PASSWORD).status_code == 422
