"""The worker's part of the message index: it looks for news again and again, and once a day for what is gone."""

from __future__ import annotations

import threading
from datetime import timedelta

from django.db import connection

from tiski.conversations.actions import indexing
from tiski.kernel import worker
from tiski.kernel.events import every

LOOK_SECONDS = 0.5
PAUSE_SECONDS = 0.02
"""Between two steps while very much is to be indexed: others may write meanwhile."""


@worker.service
def keep_the_message_index(stop: threading.Event) -> None:
    """Follow what is said, until told to stop."""
    while not stop.is_set():
        looked_at = indexing.index_more() or 0
        stop.wait(PAUSE_SECONDS if looked_at >= indexing.BATCH else LOOK_SECONDS)
    connection.close()


@every(timedelta(days=1))
def forget_messages_that_are_gone() -> None:
    """Let the index hold nothing of a message that was deleted with its shop or its conversation."""
    after: int | None = 0
    while after is not None:
        after = indexing.drop_orphans(after)
