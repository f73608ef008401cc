"""How SQLite looks for customers by a list of ids: by them, and not through the whole shop."""

from __future__ import annotations

import pytest
from django.db import connection

from tiski.customers.queries import RELATIVES, REMAINING
from tiski.kernel.reading import fetch, marks

MANY = range(1, 51)


@pytest.mark.django_db
@pytest.mark.parametrize("statement", [RELATIVES, REMAINING])
def test_fifty_customers_are_found_by_their_ids(statement: str) -> None:
    explain = {"sqlite": "EXPLAIN QUERY PLAN", "postgresql": "EXPLAIN"}[connection.vendor]
    plan = str(fetch(f"{explain} {statement.format(marks=marks(MANY))}", [1, *MANY]))
    assert "shop_id=?" not in plan
    assert connection.vendor != "sqlite" or "customers_customer USING INTEGER PRIMARY KEY" in plan
