"""The cluster really starts, answers, survives a crash when durable, and leaves nothing behind."""

from __future__ import annotations

import psycopg
import pytest

from tiski.testing.postgres import Postgres


def test_a_cluster_answers_and_leaves_nothing_behind() -> None:
    with Postgres() as cluster:
        with psycopg.connect(cluster.url(), autocommit=True) as connection:
            row = connection.execute("SELECT current_database(), current_setting('fsync')").fetchone()
        folder = cluster.folder
    assert row == ("tiski", "off")
    assert not folder.exists()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(cluster.url(), connect_timeout=2)


def test_a_durable_cluster_keeps_committed_rows_over_a_crash() -> None:
    with Postgres(durable=True) as cluster:
        with psycopg.connect(cluster.url(), autocommit=True) as connection:
            settings = [
                connection.execute(f"SHOW {name}").fetchone()
                for name in ("fsync", "synchronous_commit", "full_page_writes")
            ]
            connection.execute("CREATE TABLE tea (name text)")
            connection.execute("INSERT INTO tea VALUES ('Sencha')")
            cluster.halt("immediate")
        cluster.start_again()
        with psycopg.connect(cluster.url()) as connection:
            rows = connection.execute("SELECT name FROM tea").fetchall()
    assert settings == [("on",), ("on",), ("on",)]
    assert rows == [("Sencha",)]
