"""The connection to PostgreSQL as the product keeps it, against a cluster of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db.utils import ConnectionHandler

from tiski.config import databases
from tiski.testing.ports import wait_until
from tiski.testing.postgres import Postgres

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def cluster() -> Iterator[Postgres]:
    """A server nobody else uses."""
    with Postgres() as server:
        yield server


@pytest.fixture
def kept(cluster: Postgres) -> Iterator[Any]:
    """A connection that is kept from one request to the next."""
    connection = ConnectionHandler({"default": databases.configure(cluster.url(), Path())})["default"]
    asked(connection)
    yield connection
    connection.close()


def asked(connection: Any) -> int:
    """What the first statement of a request says: the process that serves the connection."""
    connection.close_if_unusable_or_obsolete()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def test_a_connection_that_nothing_happened_to_is_not_asked_whether_it_works(
    kept: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "is_usable", lambda: pytest.fail("it was asked"))
    assert asked(kept) == asked(kept)


def test_f19_a_connection_that_the_server_ended_is_made_anew_before_the_next_request(
    kept: Any, cluster: Postgres
) -> None:
    before = asked(kept)
    with psycopg.connect(cluster.url(), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [before])
        there = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s"
        wait_until(lambda: other.execute(there, [before]).fetchone() == (0,), "the connection has ended")
    assert asked(kept) != before


def test_f19_a_connection_of_before_a_restart_is_made_anew_before_the_next_request(
    kept: Any, cluster: Postgres
) -> None:
    asked(kept)
    cluster.halt()
    cluster.start_again()
    assert asked(kept) > 0
