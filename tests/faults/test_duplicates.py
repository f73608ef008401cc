"""F25: whoever sends the same again, at the same moment or the day after, is answered with what was stored first."""

from __future__ import annotations

import asyncio
import json
import secrets
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
import time_machine
from django.db import connection
from websockets.asyncio.client import connect
from websockets.typing import Origin

from tiski.conversations import actions as conversations
from tiski.conversations.actions import Posted
from tiski.conversations.models import Conversation, InboundRaw, Message, Note, OutboxItem
from tiski.kernel import upkeep
from tiski.kernel.action import SYSTEM
from tiski.kernel.models import Fact
from tiski.testing.premises import Premises
from tiski.testing.tiski_process import TiskiProcess
from tiski.testing.world import Shopper, World, tea_shop

pytestmark = pytest.mark.timeout(120)

NOON = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
LATER = (timedelta(hours=24), timedelta(days=30), timedelta(days=400))


@pytest.mark.both
def test_f25_one_message_sent_ten_times_at_once_over_sockets_and_requests_is_one_row_and_one_answer(
    shop: Premises,
) -> None:
    token, conversation, client_id = secrets.token_urlsafe(32), str(uuid4()), str(uuid4())
    frame: dict[str, object] = {
        "t": "message", "client_id": client_id, "conversation": conversation, "body": "Onko ketään?",
        "page": "/demo/", "lang": "fi", "files": [],
    }  # fmt: skip
    with shop.process() as tiski:
        with ThreadPoolExecutor(1) as apart:  # a browser of an earlier test may hold this thread's loop
            answers = apart.submit(asyncio.run, _ten_at_once(tiski, token, conversation, frame)).result(60)
        assert answers == [{"t": "ack", "client_id": client_id, "seq": 1, "id": f"{conversation}-1"}] * 10
        assert _stored(tiski, token, conversation) == [(1, "Onko ketään?", client_id)]


@pytest.mark.django_db(transaction=True)
def test_f25_an_answer_a_note_and_a_mail_that_come_ten_times_at_once_are_stored_once() -> None:
    world = tea_shop()
    [opened] = conversations.post_many([Shopper(world).says("Hei")])
    assert isinstance(opened, Posted)
    conversation = Conversation.unscoped.get(id=opened.conversation_id)
    client_id = uuid4()

    def answer() -> object:
        return conversations.reply(conversation, body="Hei!", client_id=client_id, seen_seq=1, by=world.by_mia).seq

    def note() -> object:
        return conversations.note(conversation, body="Soitettu.", client_id=client_id, by=world.by_mia).id

    def mail() -> object:
        return conversations.store_raw(world.mailbox, raw=b"Subject: Hei\r\n\r\nhei\r\n", dedupe_key="hei").id

    for act in (answer, note, mail):
        assert len(set(_at_once(world, act))) == 1
    assert (Message.unscoped.count(), Note.unscoped.count(), InboundRaw.unscoped.count()) == (2, 1, 1)
    told = ("conversations.message_posted", "conversations.note_added", "conversations.raw_received")
    assert [Fact.objects.filter(name=name).count() for name in told] == [2, 1, 1]


@pytest.mark.django_db
@pytest.mark.parametrize("later", LATER, ids=["a day", "a month", "a year"])
def test_f25_what_is_sent_again_long_after_gets_the_first_answer_and_has_no_effect(later: timedelta) -> None:
    with time_machine.travel(NOON, tick=False):
        world = tea_shop()
        ada, client_id = Shopper(world), uuid4()
        posting = ada.says("Hei, onko senchaa?", client_id=client_id)
        [first] = conversations.post_many([posting])
        assert isinstance(first, Posted)
        conversation = Conversation.unscoped.get()
        with world.scope():
            answered = conversations.reply(conversation, body="On!", client_id=client_id, seen_seq=1, by=world.by_mia)
            conversations.close(conversation, by=world.by_mia)
            mail = conversations.store_raw(world.mailbox, raw=b"Subject: Hei\r\n\r\nhei\r\n", dedupe_key="hei")
    before = _all_rows()
    with time_machine.travel(NOON + later, tick=False):
        upkeep.throw_away_what_has_expired()
        [again] = conversations.post_many([posting])
        with world.scope():
            answered_again = conversations.reply(
                conversation, body="On!", client_id=client_id, seen_seq=1, by=world.by_mia
            )
            mail_again = conversations.store_raw(
                world.mailbox, raw=b"Subject: Hei\r\n\r\nhei\r\n", dedupe_key="hei", by=SYSTEM
            )
    assert isinstance(again, Posted)
    assert (_place(again), again.is_new) == (_place(first), False)
    assert (_place(answered_again), answered_again.is_new) == (_place(answered), False)
    assert (mail_again.id, mail_again.is_new) == (mail.id, False)
    # Not even the closed conversation is open again.
    assert _all_rows() == before


def _place(posted: Posted) -> tuple[object, ...]:
    return posted.conversation_id, posted.conversation_uuid, posted.seq, posted.message_id


def _all_rows() -> dict[str, list[dict[str, Any]]]:
    models = (Message, Conversation, OutboxItem, InboundRaw)
    return {model.__name__: [dict(row) for row in model.unscoped.order_by("pk").values()] for model in models}


def _at_once(world: World, act: Callable[[], object]) -> list[object]:
    """What ten threads are answered that act at the same moment."""
    gate = threading.Barrier(10)

    def run(_number: int) -> object:
        try:
            gate.wait(timeout=20)
            with world.scope():
                return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as threads:
        return list(threads.map(run, range(10)))


async def _ten_at_once(
    tiski: TiskiProcess, token: str, conversation: str, frame: dict[str, object]
) -> list[dict[str, object]]:
    """The answers to one message sent by five sockets and five requests of one browser, all at the same moment."""
    hello = json.dumps({"t": "hello", "token": token, "conversation": conversation, "after": 0})
    gate = asyncio.Event()

    async def by_socket(ready: asyncio.Event) -> dict[str, object]:
        address, origin = f"ws://localhost:{tiski.port}/w/teepuoti/live", Origin(tiski.address)
        async with connect(address, origin=origin, proxy=None) as socket:
            await socket.send(hello)
            assert json.loads(await socket.recv())["t"] == "ready"
            ready.set()
            await gate.wait()
            await socket.send(json.dumps(frame))
            while True:
                heard: dict[str, object] = json.loads(await asyncio.wait_for(socket.recv(), 30))
                if heard["t"] in {"ack", "refused"}:
                    return heard

    async def by_request(client: httpx.AsyncClient) -> dict[str, object]:
        await gate.wait()
        answer: dict[str, object] = (await client.post(_address(tiski), json=frame)).json()
        return answer

    ready = [asyncio.Event() for _ in range(5)]
    async with httpx.AsyncClient(headers=_headers(tiski, token), trust_env=False, timeout=30) as client:
        sockets = [asyncio.create_task(by_socket(each)) for each in ready]
        requests = [asyncio.create_task(by_request(client)) for _ in range(5)]
        await asyncio.wait_for(asyncio.gather(*(each.wait() for each in ready)), 30)
        gate.set()
        return list(await asyncio.gather(*sockets, *requests))


def _stored(tiski: TiskiProcess, token: str, conversation: str) -> list[tuple[int, str, str]]:
    answer = httpx.get(
        f"{_address(tiski)}?conversation={conversation}", headers=_headers(tiski, token), trust_env=False
    )
    return [(said["seq"], said["body"], said["client_id"]) for said in answer.json()["messages"]]


def _address(tiski: TiskiProcess) -> str:
    return f"{tiski.address}/w/teepuoti/messages/"


def _headers(tiski: TiskiProcess, token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", "Origin": tiski.address}
