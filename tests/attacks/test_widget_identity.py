"""A39, A40, A47, A49, A50 and A53: who a visitor is, what their token opens, and where it must never be seen."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
import time_machine
from playwright.sync_api import Request, expect

from tiski.accounts.sessions import hashed
from tiski.channels.chat import queries
from tiski.kernel import tokens
from tiski.kernel.models.blobs import new_blob_id
from tiski.testing.chromium import Screen
from tiski.testing.storefronts import Storefronts
from tiski.testing.storefronts.shopper import Shopper

from .instance import Colleague, Instance, Visitor, hear, say

pytestmark = pytest.mark.timeout(120)

CLAIMS: tuple[dict[str, Any], ...] = (
    {"user": {"email": "ada@example.fi"}},
    {"user": {"email": "ada@example.fi", "proof": ""}},
    {"user": {"email": "ada@example.fi", "proof": None}},
    {"user": {"email": "ada@example.fi", "proof": ["a", "b"]}},
    {"user": {"email": "ada@example.fi", "proof": "x" * 43}},
    {"email": "ada@example.fi", "name": "Ada Virtanen", "phone": "+358401234567", "verified": True},
    {"customer": 1, "customer_id": 1, "agent": 1, "author": "agent", "author_kind": "agent", "shop_id": 2, "shop": 2},
    {"identity": "ada@example.fi", "merge": "ada@example.fi", "role": "owner", "is_staff": True},
    {"meta": {"verified": True}, "uploader": "agent-1", "is_automatic": True, "seq": 900, "withdrawn_at": None},
)


def _jwt(**claims: object) -> str:
    parts = ({"alg": "none", "typ": "JWT"}, {"sub": "ada", "email": "ada@example.fi", "exp": 2**31, **claims})
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."


def test_a47_who_claims_to_be_somebody_stays_anonymous(instance: Instance) -> None:
    visitors = [Visitor(instance) for _ in CLAIMS]
    for visitor, claim in zip(visitors, CLAIMS, strict=True):
        line = visitor.line()
        say(line, t="hello", token=visitor.token, conversation=visitor.conversation, after=0, **claim)
        assert hear(line, "ready")["messages"] == []
        say(line, t="user", email="ada@example.fi", proof=_jwt())
        say(line, t="update", email="ada@example.fi", name="Ada Virtanen")
        say(line, **(visitor.frame("Olen Ada.") | claim | {"proof": _jwt(aud="teepuoti")}))
        assert hear(line, "ack")["seq"] == 1
    found = instance.ask("customers_of", [visitor.conversation for visitor in visitors])
    assert {one["name"] for one in found} == {""}
    assert {tuple(one["identities"]) for one in found} == {("visitor",)}
    assert len({one["customer"] for one in found}) == len(CLAIMS)  # nobody was merged with anybody


def test_a47_a_message_is_the_visitors_whatever_it_says_of_its_author(instance: Instance) -> None:
    visitor = Visitor(instance)
    claim = {
        "author": {"kind": "agent", "name": "Mia"},
        "author_kind": "agent",
        "agent": 1,
        "id": 1,
        "at": "2020-01-01",
    }
    assert visitor.say("Olen muka Mia.", **claim).status_code == 200
    said = visitor.read().json()["messages"]
    assert [(one["seq"], one["author"]["kind"], one["at"][:4] != "2020") for one in said] == [(1, "customer", True)]


@pytest.mark.both
def test_a53_another_conversations_id_is_worth_nothing(instance: Instance) -> None:
    ada, eve = Visitor(instance), Visitor(instance)
    for text in ("Yksi.", "Kaksi.", "Kolme."):
        assert ada.say(text).status_code == 200
    assert eve.say("Omani.").status_code == 200
    for query in ({}, {"after": "1"}, {"before": "3"}, {"before": "999999999999999999999"}, {"after": "-1"}):
        assert eve.read(conversation=ada.conversation, **query).status_code == 404
    assert eve.read(conversation=instance.kahvila["uuid"]).status_code == 404
    assert eve.say("Minäkin.", conversation=ada.conversation).status_code == 404
    assert eve.say("Minäkin.", conversation=instance.kahvila["uuid"]).status_code == 404
    assert instance.ask("said_in", ada.conversation) == ["Yksi.", "Kaksi.", "Kolme."]
    elsewhere = Visitor(instance, key=instance.kahvila["widget"])
    elsewhere.token = ada.token
    assert elsewhere.read(conversation=ada.conversation).status_code == 404
    assert elsewhere.say("Toisesta kaupasta.", conversation=ada.conversation).status_code == 404


def test_a53_paging_ends_at_the_conversations_own_start(instance: Instance) -> None:
    ada = Visitor(instance)
    for text in ("Yksi.", "Kaksi."):
        assert ada.say(text).status_code == 200
    for query in ({"before": "1"}, {"before": "0"}, {"before": "-5"}, {"before": "00"}, {"after": "99999"}):
        answer = ada.read(**query).json()
        assert {said["body"] for said in answer["messages"]} <= {"Yksi.", "Kaksi."}
    assert ada.read(before="1").json()["messages"] == []
    assert ada.read(conversation="%").status_code in {404, 422}
    assert ada.read(conversation="../" * 5).status_code in {404, 422}


def test_a39_uploads_without_a_login_or_into_what_is_not_theirs_are_refused(instance: Instance) -> None:
    ada, eve, nobody = Visitor(instance), Visitor(instance), instance.browser()
    files = {"file": ("kuitti.txt", b"hei")}
    before = instance.ask("uploads")
    origin = {"Origin": instance.address}
    assert nobody.post("/w/teepuoti/files/", files=files).status_code == 403
    assert nobody.post("/w/teepuoti/files/", files=files, headers=origin).status_code in {404, 422}
    assert eve.upload(b"hei", Origin="https://evil.example").status_code == 403
    nobody.get("/sign-in/")
    form = {"X-CSRFToken": nobody.cookies["tiski_csrf"], **origin}
    assert nobody.post("/teepuoti/conversations/1/files/", files=files, headers=form).status_code == 302
    mia = Colleague(instance, "mia@teepuoti.example")
    theirs = instance.kahvila["conversation"]
    for address in (f"/teepuoti/conversations/{theirs}/files/", f"/kahvila/conversations/{theirs}/files/"):
        headers = {"X-CSRFToken": mia.csrf, **origin}
        assert mia.http.post(address, files=files, headers=headers).status_code == 404
    assert instance.ask("uploads") == before
    kept = ada.upload(b"adan oma").json()["id"]
    assert eve.say("Vien tämän.", files=[kept]).status_code == 422
    assert ada.say("Kuittini.", files=[kept]).status_code == 200
    assert ada.say("Uudestaan.", files=[kept]).status_code == 422


def test_a39_many_small_files_and_an_endless_one_are_cut_off(instance: Instance) -> None:
    ada, other = Visitor(instance, from_address="192.0.2.39"), Visitor(instance, from_address="192.0.2.40")
    statuses = [ada.upload(b"pieni").status_code for _ in range(25)]
    assert (statuses[:20], set(statuses[20:])) == ([200] * 20, {429})
    assert other.upload(b"pieni").status_code == 200
    sent = _send_endlessly(instance, other)
    assert sent < 100 * 1024 * 1024


def _send_endlessly(instance: Instance, visitor: Visitor) -> int:
    """Start a form of 5 GB; how many bytes were taken before the answer, which must be a refusal, or a hang-up."""
    sent = 0
    boundary = "tiski"
    start = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="iso.txt"\r\n\r\n'.encode()

    def pieces() -> Iterator[bytes]:
        nonlocal sent
        yield start
        while sent < 5 * 1024**3:
            sent += 65_536
            yield b"x" * 65_536

    headers = visitor.headers | {
        "Content-Type": f"multipart/form-data; boundary={boundary}", "Content-Length": str(5 * 1024**3)
    }  # fmt: skip
    try:
        answer = visitor.http.post("/w/teepuoti/files/", content=pieces(), headers=headers)
    except httpx.TransportError:
        return sent
    assert answer.status_code == 413
    return sent


def test_a40_ids_of_files_are_128_random_bits() -> None:
    ids = [new_blob_id() for _ in range(4000)]
    assert len(set(ids)) == len(ids)
    assert {len(one) for one in ids} == {32}
    ones = [sum(int(one, 16) >> bit & 1 for one in ids) for bit in range(128)]
    spread = 6 * math.sqrt(len(ids)) / 2  # six standard deviations: a bit that is not random is far outside
    assert [count for count in ones if abs(count - len(ids) / 2) > spread] == []
    assert sorted(ids) != ids


@pytest.mark.django_db
def test_a40_links_of_files_expire_and_open_one_file_of_one_shop() -> None:
    link = queries.file_link("teepuoti", 1, "a" * 32)
    signature = link.partition("?sign=")[2]
    assert tokens.verify("chat-file", signature, shop=1) == "a" * 32
    for shop in (0, 2):
        with pytest.raises(tokens.BadToken):
            tokens.verify("chat-file", signature, shop=shop)
    with pytest.raises(tokens.BadToken):
        tokens.verify("accounts.invitation", signature, shop=1)
    with time_machine.travel(time.time() + 86_500), pytest.raises(tokens.BadToken):
        tokens.verify("chat-file", signature, shop=1)


def test_a40_a_file_opens_by_its_own_signature_alone(instance: Instance) -> None:
    ada, eve = Visitor(instance), Visitor(instance)
    links = []
    for visitor in (ada, eve):
        kept = visitor.upload(b"sisalto").json()["id"]
        assert visitor.say("Liite.", files=[kept]).status_code == 200
        links.append(visitor.read().json()["messages"][0]["files"][0]["url"])
    path, signature = links[0].split("?sign=")
    client = instance.browser()
    assert client.get(links[0]).status_code == 200
    assert client.get(path).status_code == 404
    assert client.get(path, headers=ada.headers).status_code == 404
    assert client.get(f"{path}?sign={links[1].split('?sign=')[1]}").status_code == 404
    assert client.get(f"{path.replace('teepuoti', instance.kahvila['widget'])}?sign={signature}").status_code == 404
    for bad in ("", "0", "null", signature[:-1], signature + "A", "[]"):
        assert client.get(path, params={"sign": bad}).status_code == 404


def test_a49_tokens_are_hashed_at_rest_and_told_to_nobody(instance: Instance) -> None:
    ada, mia = Visitor(instance), Colleague(instance, "mia@teepuoti.example")
    line = ada.enter()
    say(line, **ada.frame("Missä token?"))
    hear(line, "ack")
    assert ada.upload(b"hei").status_code == 200
    mia.enter("inbox")
    session = mia.http.cookies["tiski_session"]
    for secret in (ada.token, session):
        assert instance.ask("places_of", secret) == []
        assert secret not in instance.process.log()
    assert "customers_identity.value" in instance.ask("places_of", hashlib.sha256(ada.token.encode()).hexdigest())
    assert instance.ask("places_of", hashed(session)) != []
    for path in ("/teepuoti/inbox/open/", "/account/sessions/", "/teepuoti/news/?after=0&topics=inbox", "/account/"):
        assert ada.token not in mia.http.get(path).text
        assert session not in mia.http.get(path).text
    broken = ada.http.get("/w/teepuoti/messages/nothing/", headers=ada.headers)
    odd = ada.http.post("/w/teepuoti/messages/", content=b"{", headers=ada.headers)
    assert ada.token not in broken.text + odd.text + ada.say("", client_id="x").text


@pytest.mark.browser
def test_a50_the_browser_keeps_the_token_out_of_addresses_and_reset_makes_a_new_one(
    instance: Instance, shops: Storefronts, open_screen: Callable[..., Screen]
) -> None:
    ada = Shopper(open_screen())
    asked: list[Request] = []

    def note(request: Request) -> None:
        asked.append(request)

    ada.page.on("request", note)
    ada.visit(shops.address("plain")).open_chat()
    ada.say("Ensimmäinen asiakas.")
    expect(ada.host.locator(".message--sent")).to_have_count(1)
    first = _kept_visitor(ada)
    ada.page.reload()
    expect(ada.bubble("Ensimmäinen asiakas.")).to_be_visible()
    for request in asked:
        assert first["token"] not in request.url
        assert first["token"] not in request.headers.get("referer", "")
    ada.page.evaluate("tiski('reset')")
    expect(ada.bubbles).to_have_count(0)
    assert first["token"] not in json.dumps(ada.kept())
    ada.open_chat() if not ada.panel.count() else None
    ada.say("Seuraava asiakas.")
    expect(ada.host.locator(".message--sent")).to_have_count(1)
    second = _kept_visitor(ada)
    assert second["token"] != first["token"]
    assert second["conversation"] != first["conversation"]
    next_one = Visitor(instance)
    next_one.token = second["token"]
    assert next_one.read(conversation=first["conversation"]).status_code == 404


def _kept_visitor(ada: Shopper) -> dict[str, str]:
    kept = next(json.loads(text) for name, text in ada.kept().items() if name.endswith(".visitor"))
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", kept["token"])
    return {"token": kept["token"], "conversation": kept["conversation"]}


def test_a50_a_new_token_reaches_nothing_of_the_old_one(instance: Instance) -> None:
    ada = Visitor(instance)
    assert ada.say("Ennen uloskirjautumista.").status_code == 200
    old = ada.token
    ada.token = Visitor(instance).token
    assert ada.token != old
    assert ada.read().status_code == 404
    assert ada.say("Jatkan.", client_id=str(uuid4())).status_code == 404
