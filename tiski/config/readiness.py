"""`/readyz` on a thread and a connection of its own, so that it answers when all others wait for the database."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from django.db import connection

from tiski.kernel import health

FRESH_SECONDS = 1.0
PATIENCE = 6.0  # a little more than a locked SQLite is waited for


class Readiness:
    """What keeps this process from being ready, asked at most once a second however many want to know."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="health")
        self._asking: asyncio.Future[list[str]] | None = None
        self._answer: list[str] = []
        self._asked = 0.0

    async def complaints(self) -> Sequence[str]:
        """The complaints; a database that does not answer in a few seconds is one."""
        now = time.monotonic()
        if health.stopping or now - self._asked > FRESH_SECONDS:
            self._answer, self._asked = await self._ask(), now
        return self._answer

    async def _ask(self) -> list[str]:
        if self._asking is None or self._asking.done():
            self._asking = asyncio.get_running_loop().run_in_executor(self._pool, _complaints, self._name)
        try:
            return await asyncio.wait_for(asyncio.shield(self._asking), PATIENCE)
        except TimeoutError:
            return ["database"]


def _complaints(name: str) -> list[str]:
    try:
        return health.complaints(name)
    finally:
        connection.close()
