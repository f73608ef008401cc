"""F17: a database made by an earlier commit is served by this one with every row as it was, and by its backup too.

`earlier/` holds what that commit's own code made: the test needs no history. `python -m scripts.earlier` renews it.
"""

from __future__ import annotations

import html
import json
import re
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.contrib.auth.hashers import make_password
from pysqlite3 import dbapi2 as sqlite

from tiski.testing import plugin
from tiski.testing.desk import Desk
from tiski.testing.postgres import Postgres
from tiski.testing.premises import Premises

pytestmark = [pytest.mark.both, pytest.mark.timeout(300)]

Command = Callable[..., "subprocess.CompletedProcess[str]"]
Rows = dict[str, list[dict[str, Any]]]
EARLIER = Path(__file__).parent / "earlier"
MIA = "mia@teepuoti.example"
GROWING = {"accounts_auditentry", "django_migrations", "django_content_type", "auth_permission", "kernel_fact"}
"""Tables that a start may add rows to; those that were there stay."""
MOVING = {"kernel_pulse", "kernel_delivery"}
"""Tables whose rows are work and come and go."""
GIVEN_LATER = {("kernel_fact", "position")}
AGENTS = "UPDATE accounts_agent SET password = %s"


@pytest.fixture
def earlier(tmp_path: Path, request: pytest.FixtureRequest) -> Premises:
    """The shop as the earlier commit left it, in a place of its own."""
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    if plugin.database() == "sqlite":
        with closing(sqlite.connect(str(data / "tiski.sqlite3"))) as database:
            database.executescript((EARLIER / "sqlite.sql").read_text())
        return Premises(data)
    cluster: Postgres = request.getfixturevalue("durable_postgres")
    url = cluster.create(f"earlier_{uuid4().hex}")
    with psycopg.connect(url) as server:
        server.execute((EARLIER / "postgresql.sql").read_bytes())
    return Premises(data, url, cluster)


def everything(shop: Premises) -> Rows:
    """Every row of every table as column and value."""
    return {table: _rows(shop, table) for table in _tables(shop) if table not in MOVING}


def assert_nothing_changed(before: Rows, after: Rows) -> None:
    """Every row is there with the same values in every column that still exists, and where none may come, none came."""
    assert set(before) - set(after) == set()
    for table, rows in before.items():
        kept = set(after[table][0] if after[table] else rows[0] if rows else ())
        kept -= {column for name, column in GIVEN_LATER if name == table}
        ours, theirs = _comparable(rows, kept), _comparable(after[table], kept & set(rows[0] if rows else kept))
        missing = [row for row in ours if row not in theirs]
        assert (table, missing) == (table, [])
        if table not in GROWING:
            assert (table, len(theirs)) == (table, len(ours))


def test_f17_a_database_of_an_earlier_commit_is_brought_here_and_served_with_every_row_as_it_was(
    earlier: Premises, record: Callable[..., None]
) -> None:
    password = uuid4().hex
    earlier.rows(AGENTS, make_password(password))
    before = everything(earlier)
    assert len(before["conversations_message"]) > 10
    with earlier.process() as tiski:
        assert_nothing_changed(before, everything(earlier))
        with Desk(tiski.address, email=MIA, password=password) as mia:
            open_ones = mia.conversations()
            known = {row["id"]: row for row in before["conversations_conversation"]}
            assert set(open_ones) <= set(known)
            said = [row["body"] for row in before["conversations_message"] if row["conversation_id"] == open_ones[0]]
            shown = html.unescape(mia.thread(open_ones[0]))
            assert [body for body in said if body.split("\n")[0] not in shown] == []
            note = {"mode": "note", "body": "Päivitetty.", "client_id": str(uuid4()), "seen_seq": "10000"}
            assert mia.post(f"conversations/{open_ones[0]}/sending/", **note).status_code == 200
    record(rows=sum(map(len, before.values())), earlier=json.loads((EARLIER / "about.json").read_text())["commit"][:12])


def test_f17_a_backup_of_the_earlier_database_is_restored_here_with_every_row_as_it_was(
    earlier: Premises, tmp_path: Path, command: Command
) -> None:
    command(earlier, "check")  # makes the key, which the snapshot does not hold
    before = everything(earlier)
    made = command(earlier, "backup", tmp_path / "tiski.tar")
    assert made.returncode == 0, made.stderr
    cluster = earlier.cluster
    place = Premises(tmp_path / "place", cluster.create(f"place_{uuid4().hex}") if cluster else "", cluster)
    target = ["--database", place.database_url] if place.database_url else []
    restored = command(earlier, "restore", tmp_path / "tiski.tar", "--into", place.data, *target)
    assert restored.returncode == 0, restored.stderr
    assert_nothing_changed(before, everything(place))


def test_f17_a_database_of_the_next_release_is_served_and_a_later_ones_is_refused(
    shop: Premises, command: Command
) -> None:
    applied = (
        "INSERT INTO django_migrations (app, name, applied) VALUES ('tiski-release', %s, '2026-11-22 10:00:00+00')"
    )
    shop.rows(applied, "97.1")
    assert command(shop, "check").returncode == 0
    shop.rows(applied, "97.2")
    before = everything(shop)
    refused = command(shop, "up", "--port", "0")
    assert refused.returncode == 1
    assert re.fullmatch(r"tiski: [^\n]*\b97\.2\b[^\n]*\n", refused.stderr)
    assert everything(shop) == before


def _tables(shop: Premises) -> list[str]:
    listing = (
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
        if shop.database_url
        else "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY 1"
    )
    return [name for (name,) in shop.rows(listing)]


def _rows(shop: Premises, table: str) -> list[dict[str, Any]]:
    columns = (
        f"SELECT column_name FROM information_schema.columns WHERE table_name = '{table}' ORDER BY ordinal_position"
        if shop.database_url
        else f"SELECT name FROM pragma_table_info('{table}')"
    )
    names = [name for (name,) in shop.rows(columns)]
    return [dict(zip(names, row, strict=True)) for row in shop.rows(f'SELECT * FROM "{table}" ORDER BY 1')]


def _comparable(rows: list[dict[str, Any]], columns: set[str]) -> list[dict[str, str]]:
    """As text, because JSON and bytes compare only so."""
    return [{name: str(value) for name, value in sorted(row.items()) if name in columns} for row in rows]
