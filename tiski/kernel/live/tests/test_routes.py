"""Plain HTTP of the live half: origins, methods, sizes, refusals, headers."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest

from tiski.kernel.live import Limits
from tiski.testing.tearoom import Tearoom, lines

pytestmark = pytest.mark.django_db(transaction=True)
SHOP_PAGE = {"origin": "https://teepuoti.fi"}
WORDS = "/tearoom/teepuoti/words/"
HELLO = {"t": "message", "client_id": "1", "body": "hei"}
TOKEN = {"authorization": "Bearer abc"}


@pytest.fixture
def tearoom() -> Iterator[Tearoom]:
    """An open tea room."""
    with Tearoom() as room:
        yield room


@pytest.fixture
def shop(tearoom: Tearoom) -> Iterator[httpx.Client]:
    """A browser on the tea shop's pages."""
    with httpx.Client(base_url=tearoom.address, headers=SHOP_PAGE, trust_env=False) as client:
        yield client


def test_a_message_by_post_is_stored_and_acknowledged(shop: httpx.Client) -> None:
    answer = shop.post(WORDS, json=HELLO, headers=TOKEN)
    assert (answer.status_code, answer.json()) == (200, {"t": "ack", "client_id": "1", "seq": 1})
    assert lines(1) == [(1, "hei")]
    assert answer.headers["access-control-allow-origin"] == "https://teepuoti.fi"
    assert answer.headers["vary"] == "origin"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert "set-cookie" not in answer.headers


def test_a_refusal_has_its_status_and_frame(shop: httpx.Client) -> None:
    answer = shop.post(WORDS, json=HELLO)
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"
    assert lines(1) == []


@pytest.mark.parametrize("origin", [{"origin": "https://evil.example"}, {"origin": "null"}, {}])
def test_a51_other_pages_may_not_post(tearoom: Tearoom, origin: dict[str, str]) -> None:
    answer = httpx.post(tearoom.address + WORDS, json=HELLO, headers=TOKEN | origin, trust_env=False)
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers
    assert lines(1) == []


def test_a_preflight_tells_what_is_allowed(shop: httpx.Client, tearoom: Tearoom) -> None:
    answer = shop.options(WORDS, headers={"access-control-request-method": "POST"})
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-methods"] == "POST"
    assert answer.headers["access-control-allow-headers"] == "authorization, content-type"
    asked = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    assert httpx.options(tearoom.address + WORDS, headers=asked, trust_env=False).status_code == 403


def test_another_method_is_not_allowed(shop: httpx.Client) -> None:
    answer = shop.delete(WORDS)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_an_unknown_room_and_an_unknown_path_are_not_found(shop: httpx.Client) -> None:
    assert shop.post("/tearoom/kahvila/words/", json=HELLO, headers=TOKEN).status_code == 404
    assert shop.get("/tearoom/").status_code == 404


def test_a_body_past_the_cap_is_refused(shop: httpx.Client) -> None:
    answer = shop.post(WORDS, json=HELLO | {"body": "x" * 2000}, headers=TOKEN)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")

    def pieces() -> Iterator[bytes]:
        for _ in range(20):
            yield b"x" * 100

    assert shop.post(WORDS, content=pieces(), headers=TOKEN).status_code == 413


def test_a_body_that_is_no_frame_is_refused(shop: httpx.Client) -> None:
    answer = shop.post(WORDS, content=json.dumps({"t": "message", "client_id": "1"}), headers=TOKEN)
    assert answer.status_code == 400
    assert answer.json() == {"t": "refused", "code": "bad_frame", "text": "Object missing required field `body`"}


def test_a54_one_address_may_not_ask_without_end() -> None:
    limits = Limits(requests_a_minute=3, spare_loopback=False)
    with Tearoom(limits) as room, httpx.Client(base_url=room.address, headers=SHOP_PAGE, trust_env=False) as shop:
        statuses = [shop.post(WORDS, json=HELLO, headers=TOKEN).status_code for _ in range(5)]
        assert statuses == [200, 200, 200, 429, 429]
        answer = shop.post(WORDS, json=HELLO, headers=TOKEN)
        assert int(answer.headers["retry-after"]) >= 1
        assert answer.json()["code"] == "rate"


def test_a_get_without_an_origin_counts_only_from_our_own_page(tearoom: Tearoom) -> None:
    address = f"{tearoom.address}/tearoom/teepuoti/news/?topics=room&after=0"
    assert httpx.get(address, trust_env=False).status_code == 403
    assert httpx.get(address, headers={"sec-fetch-site": "cross-site"}, trust_env=False).status_code == 403
    assert httpx.get(address, headers={"sec-fetch-site": "same-origin"}, trust_env=False).status_code == 200
