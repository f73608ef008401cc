"""Reads about customers, shaped for the side panel and for finding a person."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import F, Q

from tiski.customers.errors import NotAnAddress
from tiski.customers.models import Customer, Identity, IdentityKind, Merge
from tiski.kernel.errors import NotFound

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
    """The panel of a customer of the shop in scope, following a merge; raises `NotFound`. At most five queries."""
    reached = Customer.objects.filter(id=customer_id).values_list("merged_into_id", flat=True).first()
    kept_id = reached or customer_id
    columns = ("id", "name", "language", "created_at")
    rows = [
        *Customer.objects.filter(id=kept_id).values_list(*columns),
        *Customer.objects.filter(merged_into_id=kept_id).order_by("id").values_list(*columns),
    ]
    kept = next((row for row in rows if row[0] == kept_id), None)
    if kept is None:
        raise NotFound
    family = tuple(row[0] for row in rows)
    identities = _identities(family)
    return CustomerPanel(
        id=kept_id,
        name=kept[1],
        language=kept[2],
        first_seen=min(row[3] for row in rows),
        is_anonymous=not kept[1] and not identities,
        identities=identities,
        merges=_merges(kept_id) if len(family) > 1 else (),
        family=family,
    )


def family(*customer_ids: int) -> list[int]:
    """Ids of everyone who is the same person as one of these customers, by merges. Two queries."""
    pairs = Customer.objects.filter(id__in=customer_ids).values_list("id", "merged_into_id")
    kept = {merged_into or number for number, merged_into in pairs}
    gone = Customer.objects.filter(merged_into_id__in=kept).order_by("id").values_list("id", flat=True)
    return [*sorted(kept), *gone]


def address_of(customer_id: int, kind: str) -> Identity | None:
    """The address of this kind where the customer is written to: a verified one first, then the newest."""
    identities = Identity.objects.filter(customer_id__in=family(customer_id), kind=kind)
    return identities.order_by(F("verified_at").desc(nulls_last=True), "-id").first()


def matching(words: str, limit: int = 50) -> list[int]:
    """Ids of customers whose name, email or phone number begins with the words; the newest first."""
    begins = words.strip()
    if not begins:
        return []
    by_name = Customer.objects.filter(_begins("folded_name", Customer.folded(begins)))
    found = dict.fromkeys(by_name.order_by("-id").values_list("id", flat=True)[:limit])
    for kind, value in _spellings(begins):
        by_address = Identity.objects.filter(_begins("value", value), kind=kind)
        found |= dict.fromkeys(by_address.order_by("-id").values_list("customer_id", flat=True)[:limit])
    return list(found)[:limit]


def _identities(family: tuple[int, ...]) -> tuple[IdentityRow, ...]:
    shown = Identity.objects.filter(customer_id__in=family).exclude(kind=IdentityKind.VISITOR).order_by("id")
    return tuple(
        IdentityRow(number, kind, str(IdentityKind(kind).label), text or value, verified_at is not None)
        for number, kind, value, text, verified_at in shown.values_list("id", "kind", "value", "shown", "verified_at")
    )


def _merges(kept_id: int) -> tuple[MergeRow, ...]:
    standing = Merge.objects.filter(kept_id=kept_id, undone_at__isnull=True).order_by("-id")
    return tuple(MergeRow(*row) for row in standing.values_list("id", "gone__name", "created_at"))


def _begins(column: str, beginning: str) -> Q:
    """Rows whose column begins so. SQLite needs a range to use its index, PostgreSQL a LIKE."""
    if connection.vendor == "sqlite":
        return Q(**{f"{column}__gte": beginning, f"{column}__lt": beginning + LAST_SIGN})
    return Q(**{f"{column}__startswith": beginning})


def _spellings(begins: str) -> list[tuple[str, str]]:
    """How an address that begins like this is kept."""
    spelt = [(IdentityKind.EMAIL.value, begins.lower())]
    with suppress(NotAnAddress):
        spelt.append((IdentityKind.PHONE.value, Identity.canonical(IdentityKind.PHONE, begins)))
    return spelt
