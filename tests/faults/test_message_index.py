"""F01 for the message index: workers killed while they index; every message is in it once in the end, nothing else."""

from __future__ import annotations

import random
import time

import pytest

from tiski.testing.instances import Record
from tiski.testing.ports import wait_until
from tiski.testing.premises import WORKER, Premises

pytestmark = [pytest.mark.both, pytest.mark.timeout(180)]

KILLS = 6
MESSAGES = 4_000
SAY = """
import sys
from uuid import uuid4
from tiski.conversations import actions as conversations
from tiski.conversations.actions import Posting
from tiski.conversations.models import Conversation
first = Conversation.unscoped.order_by("id")[0]
for start in range(0, int(sys.argv[1]), 500):
    conversations.post_many([
        Posting(shop_id=first.shop_id, conversation_id=first.id, client_id=uuid4(), body=f"kuppi {start} {number}")
        for number in range(500)
    ])
"""


def test_f01_workers_killed_while_they_index_lose_no_message_and_index_none_twice(
    shop: Premises, record: Record
) -> None:
    shop.run(SAY, str(MESSAGES))
    reached = []
    with shop.process(WORKER) as worker:
        for _ in range(KILLS):
            before = _progress(shop)
            wait_until(lambda seen=before: _progress(shop) != seen or _is_done(shop), "progress", seconds=60)  # type: ignore[misc]
            time.sleep(random.uniform(0, 0.1))
            worker.kill()
            reached.append(len(_indexed(shop)))
            worker.launch()
        shop.run(SAY, "500")
        wait_until(lambda: _is_done(shop), "everything indexed", seconds=60, pause=0.5)
        indexed = _indexed(shop)
    assert indexed == [number for (number,) in shop.rows("SELECT id FROM conversations_message ORDER BY id")]
    if not shop.database_url:
        shop.rows("INSERT INTO conversations_terms(conversations_terms) VALUES ('integrity-check')")
    record(kills=KILLS, messages=len(indexed), indexed_at_each_kill=reached)


def _progress(shop: Premises) -> list[tuple[object, ...]]:
    return shop.rows("SELECT position, filled_to FROM conversations_searchindex")


def _is_done(shop: Premises) -> bool:
    messages: int = shop.rows("SELECT count(*) FROM conversations_message")[0][0]
    return len(_indexed(shop)) == messages


def _indexed(shop: Premises) -> list[int]:
    column = "message_id" if shop.database_url else "rowid"
    return [number for (number,) in shop.rows(f"SELECT {column} FROM conversations_terms ORDER BY 1")]
