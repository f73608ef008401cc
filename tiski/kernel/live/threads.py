"""The live half's few threads for questions to the database; the event loop never asks it itself."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import ParamSpec, TypeVar

from django.db import DatabaseError, connection

from tiski.kernel.batch import Busy
from tiski.kernel.errors import Unavailable

THREADS = 4
MOST_WAITING = 4000

Given = ParamSpec("Given")
Answer = TypeVar("Answer")

_waiting = 0
_pool: ThreadPoolExecutor | None = None


async def in_thread(function: Callable[Given, Answer], *args: Given.args, **kwargs: Given.kwargs) -> Answer:
    """Run a function that may ask the database in one of the threads; raises `Busy` when too many wait already."""
    global _waiting, _pool
    if _waiting >= MOST_WAITING:
        raise Busy
    if _pool is None:
        _pool = ThreadPoolExecutor(THREADS, thread_name_prefix="live")
    _waiting += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(
            _pool, partial(_with_connection, function, *args, **kwargs)
        )
    finally:
        _waiting -= 1


def end_threads() -> None:
    """Close the threads' connections and the threads, waiting for what they have begun."""
    global _pool
    if _pool is None:
        return
    pool, _pool = _pool, None
    together = threading.Barrier(THREADS)
    for _ in range(THREADS):
        pool.submit(_close_connection, together)
    pool.shutdown(wait=True)


def _close_connection(together: threading.Barrier) -> None:
    # Each thread has its own connection: none may close two while another closes none.
    with suppress(threading.BrokenBarrierError):
        together.wait(timeout=5)
    connection.close()


def _with_connection(function: Callable[Given, Answer], *args: Given.args, **kwargs: Given.kwargs) -> Answer:
    connection.close_if_unusable_or_obsolete()
    try:
        return function(*args, **kwargs)
    except DatabaseError as error:
        connection.close()
        raise Unavailable from error
