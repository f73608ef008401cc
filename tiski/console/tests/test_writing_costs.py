"""What agents write holds the right to write for a few statements, and is refused in time when others hold it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tiski.conversations import actions as conversations
from tiski.conversations.models import Conversation, Draft, Message, OutboxItem, ReadMark
from tiski.kernel.action import Actor, ActorKind
from tiski.kernel.queued_sqlite3.turns import line_before
from tiski.testing.world import Shopper, World

from .conftest import PARTIAL, asked

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def chat(world: World) -> Conversation:
    """Ada's chat, one message long."""
    posted = conversations.post_many([Shopper(world).says("Onko senchaa?")])[0]
    assert isinstance(posted, conversations.Posted)
    return Conversation.unscoped.get(id=posted.conversation_id)


@pytest.fixture(autouse=True)
def known_browser(mia: Client) -> None:
    """Mia's browser has been seen: that is noted once in ten minutes."""
    assert mia.get("/teepuoti/inbox/open/").status_code == 200


def act(client: Client, conversation: Conversation, path: str, **fields: str) -> Any:
    """Post to an address of the conversation."""
    return client.post(f"/teepuoti/conversations/{conversation.id}/{path}/", fields, headers=PARTIAL)


def reply(client: Client, conversation: Conversation, **fields: str) -> Any:
    """Answer."""
    given = {"mode": "reply", "body": "On, kolmea.", "client_id": str(uuid4()), "seen_seq": "1"} | fields
    return act(client, conversation, "sending", **given)


def inside(change: Callable[[], Any]) -> list[str]:
    """The statements between BEGIN and COMMIT; there is one transaction at most."""
    with CaptureQueriesContext(connection) as queries:
        assert change().status_code in {200, 204}
    statements = [query["sql"] for query in queries]
    begun = [place for place, sql in enumerate(statements) if sql.startswith("BEGIN")]
    ended = [place for place, sql in enumerate(statements) if sql.startswith("COMMIT")]
    assert len(begun) == len(ended) <= 1
    assert not any("SAVEPOINT" in sql for sql in statements)
    return statements[begun[0] + 1 : ended[0]] if begun else []


def most(number: int) -> int:
    """PostgreSQL tells the bus, with one statement for each time facts are written."""
    return number if connection.vendor == "sqlite" else number + 1


def test_an_answer_in_a_chat_takes_eight_statements_while_others_wait(mia: Client, chat: Conversation) -> None:
    assert len(inside(lambda: reply(mia, chat))) <= most(8)


def test_an_answer_by_mail_takes_ten_statements_while_others_wait(mia: Client, ada: Conversation) -> None:
    assert len(inside(lambda: reply(mia, ada))) <= most(10)


def test_a_read_mark_takes_two_statements_and_none_when_it_does_not_move(
    world: World, mia: Client, chat: Conversation
) -> None:
    assert len(inside(lambda: act(mia, chat, "read-mark", seq="1"))) <= most(2)
    assert inside(lambda: act(mia, chat, "read-mark", seq="1")) == []
    assert inside(lambda: act(mia, chat, "read-mark", seq="7")) == []
    assert ReadMark.unscoped.get(agent=world.mia).seq == 1


def test_notes_drafts_assigning_and_closing_take_a_handful(world: World, mia: Client, chat: Conversation) -> None:
    assert len(inside(lambda: reply(mia, chat, mode="note"))) <= most(5)
    assert len(inside(lambda: act(mia, chat, "draft", mode="reply", body="H", version="0"))) <= most(3)
    assert len(inside(lambda: act(mia, chat, "draft", mode="reply", body="He", version="1"))) <= 2
    assert len(inside(lambda: act(mia, chat, "assignment", agent=str(world.noor.pk)))) <= most(6)
    assert len(inside(lambda: act(mia, chat, "closure"))) <= most(4)


def test_what_was_read_before_the_transaction_is_read_again_when_the_customer_wrote_meanwhile(
    world: World, ada: Conversation, mia: Client
) -> None:
    """Whoever holds a conversation as it was long ago answers it as it is now."""
    stale = Conversation.unscoped.get(id=ada.id)
    asked(world, ada, "Vai onko matchaa?")
    with world.scope():
        posted = conversations.reply(stale, body="On.", client_id=uuid4(), seen_seq=2, by=world.by_mia)
    assert posted.seq == 3
    assert OutboxItem.unscoped.get().recipient == "ada@example.fi"


@pytest.fixture
def crowd(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Somebody else of this process has the turn, and nobody waits longer than a tenth of a second."""
    options = {**connection.settings_dict["OPTIONS"], "timeout": 0.1}
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", options)
    line = line_before(str(connection.settings_dict["NAME"]))
    assert line.take(1)
    yield
    line.pass_on()


@pytest.mark.parametrize("attempt", ["reply", "read mark"])
def test_f11_who_waits_too_long_in_line_is_told_when_to_come_again(
    attempt: str, mia: Client, chat: Conversation, request: pytest.FixtureRequest
) -> None:
    if connection.vendor != "sqlite":
        return  # there is no line; F11 holds a lock of PostgreSQL's against it
    act(mia, chat, "draft", mode="reply", body="On, kol", version="0")
    request.getfixturevalue("crowd")
    answer = reply(mia, chat) if attempt == "reply" else act(mia, chat, "read-mark", seq="1")
    assert answer.status_code == 503
    assert int(answer["Retry-After"]) > 0
    assert Message.unscoped.filter(author_kind="agent").count() == 0
    assert Draft.unscoped.get().body == "On, kol"


def test_an_answer_of_the_system_empties_nobodys_draft(world: World, chat: Conversation) -> None:
    with world.scope():
        conversations.save_draft(chat, mode="reply", body="On, kol", version=0, by=world.by_mia)
        rule = Actor(ActorKind.AUTOMATION)
        conversations.reply(chat, body="Vastaamme pian.", client_id=uuid4(), seen_seq=1, by=rule)
        assert Draft.objects.get().body == "On, kol"
        assert ReadMark.objects.count() == 0
