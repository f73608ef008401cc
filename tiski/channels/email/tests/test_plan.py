"""What is asked while a mail holds the right to write is found by an index, however many messages there are."""

from __future__ import annotations

import pytest
from django.db import connection

from tiski.channels.email import placing

EXPLAIN = {"sqlite": "EXPLAIN QUERY PLAN", "postgresql": "EXPLAIN"}


@pytest.mark.django_db
def test_the_mail_that_a_reference_names_is_found_by_its_index() -> None:
    statement = placing.ANSWERED.format(marks="%s, %s")
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")  # few rows: reading them all would be right
        cursor.execute(f"{EXPLAIN[connection.vendor]} {statement}", [1, 1, "<a@posti.example>", "<b@posti.example>"])
        plan = str(cursor.fetchall())
    assert "message_by_source" in plan
    assert "SCAN" not in plan
    assert "Seq Scan" not in plan
