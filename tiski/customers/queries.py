"""Reads about customers, shaped for the side panel and for finding a person."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import F

from tiski.customers.errors import NotAnAddress
from tiski.customers.models import Customer, Identity, IdentityKind, Merge
from tiski.kernel.errors import NotFound
from tiski.kernel.reading import fetch, marks, moment
from tiski.kernel.scope import current_shop

FAMILY = """
    WITH kept AS (
        SELECT COALESCE(merged_into_id, id) AS id FROM customers_customer WHERE id = %s AND shop_id = %s
    )
    SELECT c.id, c.name, c.language, c.created_at, 0 FROM kept JOIN customers_customer c ON c.id = kept.id
    UNION ALL
    SELECT c.id, c.name, c.language, c.created_at, 1 FROM kept JOIN customers_customer c ON c.merged_into_id = kept.id
    ORDER BY 5, 1
"""
IDENTITIES = """
    SELECT id, kind, value, shown, verified_at IS NOT NULL FROM customers_identity
    WHERE customer_id IN ({marks}) AND kind <> 'visitor' ORDER BY id
"""
REMAINING = "SELECT id, COALESCE(merged_into_id, id) FROM customers_customer WHERE id IN ({marks}) AND +shop_id = %s"
OWNERS = "SELECT value, customer_id FROM customers_identity WHERE shop_id = %s AND kind = %s AND value IN ({marks})"
RELATIVES = """
    WITH kept AS (
        SELECT DISTINCT COALESCE(merged_into_id, id) AS id FROM customers_customer
        WHERE +shop_id = %s AND id IN ({marks})
    )
    SELECT id, 0 FROM kept
    UNION ALL
    SELECT c.id, 1 FROM kept JOIN customers_customer c ON c.merged_into_id = kept.id
    ORDER BY 2, 1
"""
NAMES = """
    SELECT * FROM (
        SELECT 0 AS by_address, id AS newest, id AS customer FROM (
            SELECT id FROM customers_customer WHERE shop_id = %s AND {begins} LIMIT %s) few
        ORDER BY id DESC LIMIT %s) named
"""
ADDRESSES = """
    SELECT * FROM (
        SELECT 1 AS by_address, id AS newest, customer_id AS customer FROM (
            SELECT id, customer_id FROM customers_identity
            WHERE shop_id = %s AND kind = %s AND {begins} LIMIT %s) few
        ORDER BY id DESC LIMIT %s) addressed
"""
BEGINNING = {"sqlite": "{column} >= %s AND {column} < %s", "postgresql": "{column} LIKE %s"}
CONSIDERED = 500
LAST_SIGN = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class IdentityRow:
    """An address as the panel lists it; visitor tokens are never shown."""

    id: int
    kind: str
    kind_name: str
    shown: str
    is_verified: bool


@dataclass(frozen=True, slots=True)
class MergeRow:
    """A merge that can still be undone."""

    id: int
    gone_name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CustomerPanel:
    """Who the customer is; `family` are the ids of this customer and everyone merged into them."""

    id: int
    name: str
    language: str
    first_seen: datetime
    is_anonymous: bool
    identities: tuple[IdentityRow, ...]
    merges: tuple[MergeRow, ...]
    family: tuple[int, ...]


def customer_panel(customer_id: int) -> CustomerPanel:
    """The panel of a customer of the shop in scope, following a merge; raises `NotFound`. At most three queries."""
    rows = fetch(FAMILY, [customer_id, current_shop()])
    if not rows:
        raise NotFound
    kept, family = rows[0], tuple(row[0] for row in rows)
    identities = _identities(family)
    return CustomerPanel(
        id=kept[0],
        name=kept[1],
        language=kept[2],
        first_seen=min(moment(row[3]) for row in rows),
        is_anonymous=not kept[1] and not identities,
        identities=identities,
        merges=_merges(kept[0]) if len(family) > 1 else (),
        family=family,
    )


def remaining(customer_ids: Collection[int]) -> dict[int, int]:
    """Who stands for each of these customers now: themselves, or whom they were merged into."""
    if not customer_ids:
        return {}
    return dict(fetch(REMAINING.format(marks=marks(customer_ids)), [*customer_ids, current_shop()]))


def owners(kind: str, values: Collection[str]) -> dict[str, int]:
    """Which customers of the shop are recognised by these canonical addresses; who is not known is left out."""
    if not values:
        return {}
    return dict(fetch(OWNERS.format(marks=marks(values)), [current_shop(), kind, *values]))


def family(*customer_ids: int) -> list[int]:
    """Ids of everyone who is the same person as one of these customers, by merges. One query."""
    if not customer_ids:
        return []
    rows = fetch(RELATIVES.format(marks=marks(customer_ids)), [current_shop(), *customer_ids])
    return [row[0] for row in rows]


def address_of(customer_id: int, kind: str) -> Identity | None:
    """The address of this kind where the customer is written to: a verified one first, then the newest."""
    identities = Identity.objects.filter(customer_id__in=family(customer_id), kind=kind)
    return identities.order_by(F("verified_at").desc(nulls_last=True), "-id").first()


def matching(words: str, limit: int = 50) -> list[int]:
    """Ids of customers whose name, email or phone number begins with the words; the newest first. One query.

    Of a beginning that very many share, the newest are taken from the first five hundred that are found.
    """
    begins = words.strip()
    if not begins:
        return []
    shop, part = current_shop(), BEGINNING[connection.vendor]
    statements = [NAMES.format(begins=part.format(column="folded_name"))]
    parameters: list[object] = [shop, *_bounds(Customer.folded(begins)), CONSIDERED, limit]
    for kind, value in _spellings(begins):
        statements.append(ADDRESSES.format(begins=part.format(column="value")))
        parameters += [shop, kind, *_bounds(value), CONSIDERED, limit]
    found = fetch(" UNION ALL ".join(statements), parameters)
    newest = sorted(found, key=lambda row: (row[0], -row[1]))  # by name first
    return list(dict.fromkeys(row[2] for row in newest))[:limit]


def _identities(family: tuple[int, ...]) -> tuple[IdentityRow, ...]:
    return tuple(
        IdentityRow(number, kind, str(IdentityKind(kind).label), shown or value, bool(is_verified))
        for number, kind, value, shown, is_verified in fetch(IDENTITIES.format(marks=marks(family)), family)
    )


def _merges(kept_id: int) -> tuple[MergeRow, ...]:
    standing = Merge.objects.filter(kept_id=kept_id, undone_at__isnull=True).order_by("-id")
    return tuple(MergeRow(*row) for row in standing.values_list("id", "gone__name", "created_at"))


def _bounds(beginning: str) -> list[str]:
    """What `BEGINNING` compares with. SQLite needs a range to use its index, PostgreSQL a LIKE."""
    if connection.vendor == "sqlite":
        return [beginning, beginning + LAST_SIGN]
    return [beginning.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_") + "%"]


def _spellings(begins: str) -> list[tuple[str, str]]:
    """How an address that begins like this is kept."""
    spelt = [(IdentityKind.EMAIL.value, begins.lower())]
    with suppress(NotAnAddress):
        spelt.append((IdentityKind.PHONE.value, Identity.canonical(IdentityKind.PHONE, begins)))
    return spelt
