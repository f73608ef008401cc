"""Where the measuring takes place: a data folder with the demo shop, and a database of either kind."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(slots=True)
class Scene:
    """One run's data: `conversations` is how long a past the pages and the search are measured on."""

    data: Path
    database: str = "sqlite"
    conversations: int = 100_000
    filled: int = field(default=0)

    def with_past(self, conversations: int | None = None, *, shops: int = 1) -> None:
        """Make sure that so many conversations, ten messages each, lie in the database; what is there is kept."""
        from bench import past

        wanted = conversations or self.conversations
        if wanted <= self.filled:
            return
        began = time.perf_counter()
        written = past.grow(wanted - self.filled, shops=shops, seed=self.filled + 7)
        self.filled = wanted
        took = time.perf_counter() - began
        print(f"filled up to {wanted:,} conversations ({written:,} messages) in {took:.0f} s", file=sys.stderr)


@contextmanager
def scene(database: str, conversations: int) -> Iterator[Scene]:
    """A fresh demo shop, thrown away afterwards; `TISKI_BENCH_FOLDER` says on which disk."""
    with tempfile.TemporaryDirectory(prefix="tiski-bench-", dir=os.environ.get("TISKI_BENCH_FOLDER")) as folder:
        os.environ |= {"TISKI_DATA": folder, "DJANGO_SETTINGS_MODULE": "tiski.config.settings"}
        os.environ.pop("TISKI_DATABASE_URL", None)
        with _server(database) as url:
            if url:
                os.environ["TISKI_DATABASE_URL"] = url
            from tiski.config import startup

            startup.prepare(demo=True)
            yield Scene(Path(folder), database, conversations)
            from django.db import connections

            connections.close_all()


@contextmanager
def _server(database: str) -> Iterator[str]:
    if database == "sqlite":
        yield ""
        return
    from tiski.testing.postgres import Postgres

    with Postgres(durable=True, settings=("shared_buffers=512MB", "max_wal_size=2GB")) as cluster:
        yield cluster.url()
