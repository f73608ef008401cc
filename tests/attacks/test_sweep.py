"""A31 and A32: whatever names something of another shop is answered as if it did not exist.

Generated from the URLconf: a new route is swept as soon as it stands there, and one that names something this file
does not know, or is open to everyone without a reason, fails.
"""

from __future__ import annotations

import difflib
import re
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from django.apps import apps
from django.db import models, transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import path

from tiski.accounts import actions as accounts
from tiski.accounts.models import Agent, AgentSession, Shop
from tiski.accounts.policies import SIGNED_IN_AT, is_anyone, is_signed_in, routes_without_policy
from tiski.kernel import clock
from tiski.kernel.limits import buckets
from tiski.testing.rules.sources import product
from tiski.testing.world import coffee_shop, tea_shop

from .addresses import Route, routes
from .belongings import NOWHERE, SECRET, Belongings, furnish

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(180)]

OPEN = {
    "_styleguide/": "shows invented rows",
    "demo/": "a shop front",
    "demo/teas/<slug:slug>/": "a shop front",
    "demo/cart/": "a shop front",
    "demo/orders/10482/": "a shop front with an invented order",
    "w/loader.js": "a public script",
    "w/config/<slug:key>.json": "what a shop shows on its own pages; its key is public",
    "w/<slug:tree>/<str:name>": "a public script",
    "chat/<slug:key>/": "the public chat of a shop",
    "w/<slug:key>/files/": "a visitor's token decides: A39",
    "w/<slug:key>/files/<slug:blob_id>/": "a signature decides: A40",
    "sign-in/": "where one comes in",
    "sign-out/": "where one goes out",
    "password/reset/": "asks for a letter",
    "password/reset/asked/": "says that a letter may be coming",
    "password/reset/<int:agent>/<str:token>/": "a signature decides: A44",
    "pictures/<str:blob_id>/": "faces and logos, which customers see",
    "<slug:shop>/invitations/<str:token>/": "a signature decides: A44",
}
"""Routes open to everyone, each with the reason."""

OF_THE_INSTANCE = {"", "account/", "account/photo/", "account/sessions/", "account/sessions/others/end/",
                   "account/sessions/<str:session>/end/", "demo/removal/", "password/change/", "password/confirm/",
                   "shops/new/", "chat/<slug:key>/preview/"}  # fmt: skip
"""Routes for whoever is signed in: their own rows, and the preview of public settings."""

SERVERS_OF_FILES = {
    "tiski/accounts/web/pictures.py": "pictures/<str:blob_id>/",
    "tiski/channels/chat/web/files.py": "w/<slug:key>/files/<slug:blob_id>/",
    "tiski/console/web/files.py": "<slug:shop>/files/<slug:blob_id>/, <slug:shop>/originals/<int:raw_id>/",
}
"""The modules that answer with stored bytes, and their routes."""

FORM = {
    "mode": "reply", "body": "Hei", "client_id": "0197f7a0-0000-7000-8000-000000000000", "seen_seq": "99", "seq": "1",
    "version": "0", "agent": "me", "role": "viewer", "name": "Kaappari", "language": "fi", "colour": "#aa3344",
}  # fmt: skip
COMMON, RARE = ("GET", "POST"), ("HEAD", "OPTIONS", "PUT", "PATCH", "DELETE")
Answer = tuple[int, str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True, slots=True)
class Street:
    """Teepuoti, whose people attack, and Kahvila, which has something to lose."""

    teepuoti: Belongings
    kahvila: Belongings


@pytest.fixture
def street(db: None, caplog: pytest.LogCaptureFixture) -> Street:
    """Both shops, one of everything in each."""
    caplog.set_level("ERROR", logger="django.request")  # a thousand refusals are expected, and slow to write down
    buckets.forget_all()
    return Street(furnish(tea_shop()), furnish(coffee_shop()))


def naming(policy_is_open: bool = False) -> list[Route]:
    """The routes that name something, open to everyone or not."""
    return [route for route in routes() if route.names and (route.pattern in OPEN) == policy_is_open]


def browser(agent: Agent | None, *, token: str = "") -> Client:
    """Someone signed in a moment ago; or nobody, perhaps with a visitor's token."""
    client = Client(headers={"Authorization": f"Bearer {token}", "Origin": "http://testserver"} if token else {})
    if agent is not None:
        client.force_login(agent)
        session = client.session
        session[SIGNED_IN_AT] = int(clock.now().timestamp())
        session.save()
    return client


def callers(street: Street) -> dict[str, Client]:
    """Teepuoti's agent, its admin, its owner, and a visitor of its chat."""
    world = street.teepuoti.world
    admin = accounts.create_agent(name="Aada Rinne", email="aada@teepuoti.example", by=world.by_noor)
    accounts.add_member(world.shop, admin, role="admin", by=world.by_noor)
    visitor = browser(None, token=street.teepuoti.shopper.token)
    return {"agent": browser(world.mia), "admin": browser(admin), "owner": browser(world.noor), "visitor": visitor}


def ask(client: Client, method: str, address: str, named: Mapping[str, object]) -> Answer:
    """Status, body and headers; what differs from request to request, and the name asked for, made alike."""
    send = getattr(client, method.lower())
    answer: HttpResponse = send(address, FORM) if method == "POST" else send(address)
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content  # type: ignore[attr-defined]
    text = body.decode(errors="replace").replace(answer["X-Request-Id"], "…")
    hidden = {"X-Request-Id", "Content-Length", "Expires"}
    headers = tuple(sorted((name, _alike(value, named)) for name, value in answer.items() if name not in hidden))
    return answer.status_code, _alike(text, named), headers


def _alike(text: str, named: Mapping[str, object]) -> str:
    text = re.sub(r"\b[A-Za-z0-9]{64}\b", "…", text)  # a page's CSRF token
    for value in named.values():
        text = text.replace(f"/{value}/", "/…/")
    return text


def _difference(one: Answer, other: Answer) -> str:
    first, second = ([str(status), *body.splitlines(), *map(str, headers)] for status, body, headers in (one, other))
    return "\n".join(difflib.unified_diff(first, second, lineterm="", n=0))[:1500]


def rows_of(belongings: Belongings) -> dict[str, list[dict[str, object]]]:
    """Every row of a shop and of its people, to see that nothing changed."""
    shop = belongings.world.shop.pk
    found = {
        model._meta.label: list(_manager(model).filter(shop_id=shop).order_by("pk").values())
        for model in apps.get_models()
        if model._meta.managed and any(column.attname == "shop_id" for column in model._meta.concrete_fields)
    }
    people = Agent.objects.filter(email__endswith=f"@{belongings.world.shop.key}.example").order_by("pk")
    found["people"] = list(people.values())
    found["sessions"] = list(AgentSession.objects.filter(agent__in=people).order_by("pk").values())
    found["shop"] = list(Shop.objects.filter(pk=shop).values())
    return found


def _manager(model: type[models.Model]) -> Any:
    return getattr(model, "unscoped", None) or model._default_manager


def test_a31_every_route_names_its_policy_and_a_new_one_without_fails() -> None:
    assert routes_without_policy() == []
    assert routes_without_policy([path("tea/", lambda request: HttpResponse())]) == ["tea/"]


def test_a31_what_is_open_to_everyone_or_to_all_who_are_signed_in_is_so_for_a_reason() -> None:
    found = list(routes())
    assert {route.pattern for route in found if route.policy is is_anyone} == set(OPEN)
    assert {route.pattern for route in found if route.policy is is_signed_in} == OF_THE_INSTANCE
    assert [route.pattern for route in found if "shop" not in route.names] == [
        route.pattern for route in found if route.pattern in OF_THE_INSTANCE | set(OPEN) and "shop" not in route.names
    ]


def test_a31_stored_bytes_are_answered_by_known_modules_only() -> None:
    serving = re.compile(r"\b(blobs\.(response|stream|open_blob)\(|RawBytes\.\w+\.filter|FileResponse\()")
    found = {source.path for source in product() if serving.search(source.text) and "/web/" in source.path}
    assert found == set(SERVERS_OF_FILES)


def test_a31_the_ids_of_the_sweep_are_real(street: Street) -> None:
    """Whom they belong to gets past every "not found"; else the sweep below would prove nothing."""
    kahvila = street.kahvila
    owner = browser(kahvila.world.noor)
    for route in naming():
        answers = [_rolled_back(owner, method, route.address(_fitting(route, kahvila))) for method in ("GET", "POST")]
        assert any(status not in {404, 405} for status in answers), (route.pattern, answers)


def _fitting(route: Route, belongings: Belongings) -> dict[str, object]:
    """The ids, with the one row of a kind that this very route takes."""
    wanted = dict(belongings.ids)
    if "/settings/mailbox/" in route.pattern:
        wanted["account_id"] = belongings.of_mailbox
    if route.pattern.endswith("/return/"):
        wanted["member"] = belongings.removed
    if route.pattern.endswith("/reinstatement/"):
        wanted["member"] = belongings.suspended
    return wanted


def _rolled_back(client: Client, method: str, address: str) -> int:
    with transaction.atomic():
        status = int(getattr(client, method.lower())(address, FORM).status_code)
        transaction.set_rollback(True)
    return status


def test_a31_another_shops_address_is_the_address_of_no_shop(street: Street) -> None:
    before = rows_of(street.kahvila)
    for who, client in callers(street).items():
        for route in (route for route in naming() if "shop" in route.names):
            values = _fitting(route, street.kahvila)
            nothing = values | {"shop": NOWHERE["shop"]}
            for method in (*COMMON, *(RARE if who == "owner" else ())):
                theirs = ask(client, method, route.address(values), values)
                none = ask(client, method, route.address(nothing), nothing)
                if theirs != none:
                    pytest.fail(f"{who} {method} {route.pattern}: {_difference(theirs, none)}")
                assert theirs[0] == (302 if who == "visitor" else 404), (who, method, route.pattern)
    assert rows_of(street.kahvila) == before


def test_a31_ids_of_another_shop_are_ids_of_nothing(street: Street) -> None:
    before = rows_of(street.kahvila)
    for who, client in callers(street).items():
        for route in naming():
            for name in (name for name in route.names if name != "shop"):
                _compare(street, route, name, who, client)
    assert rows_of(street.kahvila) == before


def test_a31_links_of_another_shop_open_nothing(street: Street) -> None:
    """Open routes that a signature guards: the other shop's id in our address, and without a signature."""
    before = rows_of(street.kahvila)
    client = callers(street)["visitor"]
    for route in naming(policy_is_open=True):
        for name in (name for name in route.names if name not in {"shop", "key"}):
            _compare(street, route, name, "visitor", client)
    assert rows_of(street.kahvila) == before


def _compare(street: Street, route: Route, name: str, who: str, client: Client) -> None:
    """One id at a time is the other shop's, and then all of them, in an address of our own shop."""
    ours, theirs = _fitting(route, street.teepuoti), _fitting(route, street.kahvila)
    if name == "key":
        return  # public by its nature: see OPEN and OF_THE_INSTANCE
    mixed, all_theirs = ours | {name: theirs[name]}, theirs | {"shop": ours["shop"], "key": ours["key"]}
    nothing = ours | {name: NOWHERE[name]}
    for method in (*COMMON, *(RARE if who == "owner" else ())):
        none = ask(client, method, route.address(nothing), nothing)
        for values in (mixed, all_theirs):
            got = ask(client, method, route.address(values), values)
            if got != none:
                pytest.fail(f"{who} {method} {route.pattern} {name}: {_difference(got, none)}")
        assert none[0] in {204, 302, 403, 404, 405} or method == "OPTIONS", (who, method, route.pattern, none[0])
        assert f"{SECRET} kahvila" not in none[1]


@pytest.mark.parametrize(
    "address",
    [
        "/teepuoti/conversations/{conversation_id}/messages/",
        "/teepuoti/files/{blob_id}/",
        "/teepuoti/originals/{raw_id}/",
        "/{shop}/search/",
    ],
)
def test_a31_not_yours_takes_no_longer_than_not_there(street: Street, address: str) -> None:
    mia = browser(street.teepuoti.world.mia)
    seconds: dict[str, list[float]] = {"theirs": [], "none": []}
    for _round in range(15):
        for which, values in (("theirs", street.kahvila.ids), ("none", NOWHERE)):
            began = time.perf_counter()
            assert mia.get(address.format(**values)).status_code == 404
            seconds[which].append(time.perf_counter() - began)
    assert abs(statistics.median(seconds["theirs"]) - statistics.median(seconds["none"])) < 0.020


def post(client: Client, belongings: Belongings, place: str, **fields: object) -> Any:
    """A form of the console, sent into the conversation of that shop."""
    address = f"/{belongings.world.shop.key}/conversations/{belongings.ids['conversation_id']}/{place}/"
    return client.post(address, FORM | fields)


Attack = Callable[[Client, Street], Any]
SECONDARY: dict[str, Attack] = {
    "assigned to another shop's agent": lambda mia, street: post(
        mia, street.teepuoti, "assignment", agent=street.kahvila.world.mia.pk
    ),
    "assigned to somebody who left": lambda mia, street: post(
        mia, street.teepuoti, "assignment", agent=Agent.objects.get(email="outi@teepuoti.example").pk
    ),
    "assigned to nobody there is": lambda mia, street: post(mia, street.teepuoti, "assignment", agent=987654321),
    "answered with another shop's file": lambda mia, street: post(
        mia, street.teepuoti, "sending", files=street.kahvila.ids["blob_id"]
    ),
    "noted with another shop's file": lambda mia, street: post(
        mia, street.teepuoti, "sending", mode="note", files=street.kahvila.ids["blob_id"]
    ),
    "answered with a file that was sent already": lambda mia, street: post(
        mia, street.teepuoti, "sending", files=street.teepuoti.ids["blob_id"]
    ),
    "answered with one of ours and one of theirs": lambda mia, street: post(
        mia, street.teepuoti, "sending", files=[street.teepuoti.ids["blob_id"], street.kahvila.ids["blob_id"]]
    ),
}


@pytest.mark.parametrize("attack", SECONDARY.values(), ids=SECONDARY.keys())
def test_a32_a_request_that_names_what_is_not_ours_is_refused_as_a_whole(street: Street, attack: Attack) -> None:
    mia = browser(street.teepuoti.world.mia)
    before = rows_of(street.teepuoti) | {"kernel.Fact": [], "accounts.AuditEntry": [], "sessions": []}
    theirs = rows_of(street.kahvila)
    answer = attack(mia, street)
    assert answer.status_code in {404, 409, 422}
    assert rows_of(street.teepuoti) | {"kernel.Fact": [], "accounts.AuditEntry": [], "sessions": []} == before
    assert rows_of(street.kahvila) == theirs


def test_a32_a_draft_shows_nothing_of_a_file_that_is_not_ours(street: Street) -> None:
    mia = browser(street.teepuoti.world.mia)
    post(mia, street.teepuoti, "draft", files=street.kahvila.ids["blob_id"])
    page = mia.get(f"/teepuoti/inbox/open/conversations/{street.teepuoti.ids['conversation_id']}/").content.decode()
    assert str(street.kahvila.ids["blob_id"]) not in page
