"""F12's alarm: SQLite's write-ahead log that a long reader keeps growing, the complaint, and the way back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import override_settings
from pysqlite3 import dbapi2 as sqlite

from tiski.kernel import health, milestones, storage
from tiski.kernel.models import Fact
from tiski.testing.world import tea_shop


@pytest.fixture
def reader(transactional_db: None) -> Iterator[Any]:
    """Somebody who reads for a long time, on the SQLite file of this test; elsewhere there is no such log."""
    if connection.vendor != "sqlite":
        yield None
        return
    tea_shop()
    with closing(sqlite.connect(str(connection.settings_dict["NAME"]), isolation_level=None)) as other:
        yield other


def test_a_log_that_a_reader_keeps_is_complained_of_and_shrinks_when_the_reader_is_gone(reader: Any) -> None:
    if reader is None:
        assert (storage.wal_bytes(), "wal" in health.complaints()) == (None, False)
        return
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM kernel_fact").fetchone()
    with override_settings(TISKI_WAL_ALARM=9):
        _write(10_000_000)
        assert "wal" in health.complaints()
        assert not storage.empty_the_log()
        assert milestones.CHECKPOINT not in milestones.all_reached()
        assert "wal" in health.complaints()
        reader.execute("ROLLBACK")
        assert storage.empty_the_log()
        assert milestones.CHECKPOINT in milestones.all_reached()
        assert "wal" not in health.complaints()
    assert (storage.wal_bytes() or 0) < 1_000_000


def _write(size: int) -> None:
    written = Path(f"{connection.settings_dict['NAME']}-wal").stat().st_size
    for _ in range(size // 100_000):
        Fact.objects.create(
            name="tests.noted", data={"text": "x" * 100_000}, actor_kind="system", at="2026-11-22T10:00Z"
        )
    assert Path(f"{connection.settings_dict['NAME']}-wal").stat().st_size > written + size
