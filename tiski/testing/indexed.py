"""The message index brought up to now, as a worker would: `catch_up()`."""

from __future__ import annotations

from tiski.conversations.actions import indexing
from tiski.kernel.events import stream


def catch_up(most: int = indexing.BATCH) -> int:
    """Publish what was told and index it all; returns the number of steps."""
    stream.publish()
    steps = 0
    while indexing.index_more(most) is not None:
        steps += 1
    return steps
