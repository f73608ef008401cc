"""What is done with customers: recognise, rename, verify, merge and take apart again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from tiski.customers.errors import IdentityTaken, MergedAlready, NotMerged, SameCustomer
from tiski.customers.events import (
    CustomerMet,
    CustomerRenamed,
    CustomersMerged,
    CustomersUnmerged,
    IdentityAdded,
    IdentityVerified,
)
from tiski.customers.models import Customer, Identity, Merge
from tiski.customers.queries import OWNERS
from tiski.kernel import clock, rows
from tiski.kernel.action import Actor, action
from tiski.kernel.events import Emission, emit, emit_many
from tiski.kernel.reading import columns, fetch, made, marks
from tiski.kernel.scope import current_shop
from tiski.kernel.text import clean_line

CUSTOMER_COLUMNS = ("shop_id", "name", "folded_name", "language", "created_at")
REMAINING = """
    SELECT {kept} FROM customers_customer c
    JOIN customers_customer kept ON kept.id = COALESCE(c.merged_into_id, c.id) WHERE c.id = %s
"""
IDENTITY_COLUMNS = ("shop_id", "customer_id", "kind", "value", "shown", "created_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Introduction:
    """Someone who presents themselves by one address; name and language count only if they are new."""

    shop_id: int
    kind: str
    value: str
    name: str = ""
    language: str = ""


@action
def recognise(kind: str, value: str, *, name: str = "", language: str = "", by: Actor) -> Customer:
    """The customer known by this address in the shop in scope, met now if there was none.

    A merged customer is answered by the one who remains. Raises `NotAnAddress`.
    """
    known = recognise_many(
        [Introduction(shop_id=current_shop(), kind=kind, value=value, name=name, language=language)], by=by
    )
    return made(Customer, fetch(REMAINING.format(kept=columns(Customer, "kept")), [known[0]])[0])


@action
def recognise_many(introductions: Sequence[Introduction], *, by: Actor) -> list[int]:
    """Ids of the customers who own these addresses, in order; those not known yet are met, each once.

    Set-based and free of races. The owner of an address may have been merged: redirects are not followed here.
    """
    wanted = [(item.shop_id, item.kind, Identity.canonical(item.kind, item.value)) for item in introductions]
    owners = _owners(wanted)
    strangers = {key: item for key, item in zip(wanted, introductions, strict=True) if key not in owners}
    if strangers:
        owners |= _meet(strangers, by=by)
    return [owners[key] for key in wanted]


@action
def rename(customer: Customer, *, name: str, by: Actor) -> None:
    """Set or correct the customer's name."""
    cleaned = clean_line(name, longest=120)
    if cleaned == customer.name:
        return
    customer.name = cleaned
    customer.folded_name = Customer.folded(cleaned)
    customer.save(update_fields=["name", "folded_name"])
    emit(CustomerRenamed(customer=customer.id), by=by)


@action
def add_identity(
    customer: Customer, kind: str, value: str, *, verified_at: datetime | None = None, by: Actor
) -> Identity:
    """Let the customer be recognised by one more address; raises `IdentityTaken` when someone else is."""
    canonical = Identity.canonical(kind, value)
    identity, is_new = Identity.objects.get_or_create(
        shop_id=customer.shop_id,
        kind=kind,
        value=canonical,
        defaults={"customer": customer, "shown": value.strip(), "verified_at": verified_at},
    )
    if identity.customer_id != customer.id:
        raise IdentityTaken(name=identity.customer.name or identity.shown, field=kind)
    if is_new:
        emit(IdentityAdded(customer=customer.id, identity=identity.id, kind=kind), by=by)
    elif verified_at is not None:
        verify(identity, at=verified_at, by=by)
    return identity


@action
def verify(identity: Identity, *, at: datetime | None = None, by: Actor) -> None:
    """Note that the address was proved to be the customer's; the first proof counts."""
    proved = Identity.objects.filter(id=identity.id, verified_at__isnull=True).update(verified_at=at or clock.now())
    if proved:
        identity.refresh_from_db(fields=["verified_at"])
        emit(IdentityVerified(customer=identity.customer_id, identity=identity.id, kind=identity.kind), by=by)


@action
def merge(gone: Customer, *, into: Customer, by: Actor) -> Merge:
    """Make one customer of two. Nothing is moved: `gone` becomes a redirect, so the merge can be undone exactly."""
    if gone.id == into.id:
        raise SameCustomer
    pair = {
        row.id: row
        for row in Customer.objects.select_for_update(no_key=True).filter(id__in=[gone.id, into.id]).order_by("id")
    }
    if len(pair) < 2 or any(row.merged_into_id for row in pair.values()):
        raise MergedAlready
    carried = list(Customer.objects.filter(merged_into=gone).order_by("id").values_list("id", flat=True))
    Customer.objects.filter(id__in=[gone.id, *carried]).update(merged_into=into)
    done = Merge.objects.create(
        shop_id=into.shop_id, gone=gone, kept=into, carried=carried, by_kind=by.kind.value, by_id=by.id
    )
    emit(CustomersMerged(customer=into.id, gone=gone.id), by=by)
    return done


@action
def unmerge(done: Merge, *, by: Actor) -> None:
    """Undo a merge: `gone` and everyone it had brought along stand as before."""
    if not Merge.objects.filter(id=done.id, undone_at__isnull=True).update(undone_at=clock.now()):
        raise NotMerged
    Customer.objects.filter(id=done.gone_id).update(merged_into=None)
    Customer.objects.filter(id__in=done.carried).update(merged_into=done.gone_id)
    emit(CustomersUnmerged(customer=done.kept_id, returned=done.gone_id), by=by)


Key = tuple[int, str, str]


def _owners(keys: Iterable[Key]) -> dict[Key, int]:
    """Who owns these (shop, kind, value), as far as anyone does."""
    values: dict[tuple[int, str], list[str]] = {}
    for shop_id, kind, value in keys:
        values.setdefault((shop_id, kind), []).append(value)
    owners: dict[Key, int] = {}
    for (shop_id, kind), several in values.items():
        known = fetch(OWNERS.format(marks=marks(several)), [shop_id, kind, *several])
        owners |= {(shop_id, kind, value): owner for value, owner in known}
    return owners


def _meet(strangers: dict[Key, Introduction], *, by: Actor) -> dict[Key, int]:
    """Write customers and identities for addresses nobody owns; whoever else was faster keeps the address."""
    now = rows.moment(clock.now())
    items = sorted(strangers.items())  # the same order everywhere, so that two writers never wait for each other
    names = [clean_line(item.name, longest=120) for _key, item in items]
    customers = [
        (item.shop_id, name, Customer.folded(name), item.language[:8], now)
        for name, (_key, item) in zip(names, items, strict=True)
    ]
    ids = rows.insert_many("customers_customer", CUSTOMER_COLUMNS, customers)
    made = {key: customer_id for customer_id, (key, _item) in zip(ids, items, strict=True)}
    kept = _claim_addresses(made, strangers, now)
    lost = [made[key] for key in made if key not in kept]
    if lost:
        Customer.unscoped.filter(id__in=lost).delete()
    emit_many([Emission(key[0], CustomerMet(customer=made[key], kind=key[1]), by) for key in kept])
    return {key: made[key] for key in kept} | _owners(key for key in made if key not in kept)


def _claim_addresses(made: dict[Key, int], strangers: dict[Key, Introduction], now: Any) -> list[Key]:
    """Insert the identities, skipping those another transaction inserted meanwhile; returns those we got."""
    values = [
        (shop, customer, kind, value, "" if kind == "visitor" else strangers[shop, kind, value].value.strip(), now)
        for (shop, kind, value), customer in made.items()
    ]
    places = ", ".join(["(%s, %s, %s, %s, %s, %s)"] * len(values))
    statement = (
        f"INSERT INTO customers_identity ({', '.join(IDENTITY_COLUMNS)}) VALUES {places} "  # noqa: S608  names are ours
        "ON CONFLICT (shop_id, kind, value) DO NOTHING RETURNING shop_id, kind, value"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [field for row in values for field in row])
        return [(shop, kind, value) for shop, kind, value in cursor.fetchall()]
