"""Recognising, renaming, verifying, merging and taking apart: exact rows, exact events, exact refusals."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, transaction

from tiski.customers import actions as customers
from tiski.customers import queries
from tiski.customers.actions import Introduction
from tiski.customers.errors import IdentityTaken, MergedAlready, NotAnAddress, NotMerged, SameCustomer
from tiski.customers.models import Customer, Identity, Merge
from tiski.kernel.action import SYSTEM
from tiski.kernel.errors import NotFound
from tiski.kernel.models import Fact
from tiski.testing.world import World, coffee_shop, tea_shop

Facts = Callable[[], list[tuple[str, dict[str, object]]]]
NOON = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


@pytest.fixture
def world(db: None) -> World:
    """Teepuoti and its people."""
    return tea_shop()


@pytest.fixture
def facts(world: World) -> Facts:
    """What has been told about customers since the last look."""
    seen = [0]

    def read() -> list[tuple[str, dict[str, object]]]:
        found = list(Fact.objects.filter(id__gt=seen[0], name__startswith="customers.").order_by("id"))
        seen[0] = found[-1].id if found else seen[0]
        return [(fact.name, fact.data) for fact in found]

    return read


def test_someone_is_met_once_and_recognised_by_the_same_address_however_it_is_written(
    world: World, facts: Facts
) -> None:
    with world.scope():
        first = customers.recognise("email", "Ada@Example.FI", name="Ada\nVirtanen", language="fi", by=SYSTEM)
        again = customers.recognise("email", " ada@example.fi. ", name="Joku muu", by=SYSTEM)
    assert (again.id, first.name, first.language, Customer.unscoped.count()) == (first.id, "Ada Virtanen", "fi", 1)
    identity = Identity.unscoped.get()
    assert (identity.value, identity.shown, identity.verified_at) == ("ada@example.fi", "Ada@Example.FI", None)
    assert facts() == [("customers.met", {"customer": first.id, "kind": "email"})]


def test_a_shop_knows_only_its_own_customers(world: World) -> None:
    other = coffee_shop()
    assert world.ada().id != other.ada().id
    with other.scope(), pytest.raises(NotFound):
        queries.customer_panel(world.ada().id)


def test_many_are_recognised_with_as_many_statements_as_one(world: World) -> None:
    everyone = [
        Introduction(shop_id=world.shop.id, kind="visitor", value=f"{number:064x}") for number in (3, 1, 2, 3, 1)
    ]
    owners = customers.recognise_many(everyone, by=SYSTEM)
    assert owners[0] == owners[3]
    assert owners[1] == owners[4]
    assert len(set(owners)) == 3
    assert customers.recognise_many(everyone, by=SYSTEM) == owners


def test_an_address_is_never_written_down_as_shown_for_visitors(world: World) -> None:
    with world.scope():
        customers.recognise("visitor", "a" * 64, by=SYSTEM)
    assert Identity.unscoped.get().shown == ""


def test_renaming_is_told_once_and_found_by_the_new_name(world: World, facts: Facts) -> None:
    ada = world.ada()
    facts()
    with world.scope():
        customers.rename(ada, name="  ÄIJÄLÄ  Eero ", by=world.by_mia)
        customers.rename(ada, name="ÄIJÄLÄ Eero", by=world.by_mia)
        assert queries.matching("äijälä e") == [ada.id]
        assert queries.matching("aijala") == []
    assert facts() == [("customers.renamed", {"customer": ada.id})]


def test_a13_a_name_cannot_hold_a_line_break_even_past_the_actions(world: World) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Customer.unscoped.create(shop=world.shop, name="Ada\r\nBcc: evil@x.example")


def test_one_more_address_and_its_proof(world: World, facts: Facts) -> None:
    ada = world.ada()
    facts()
    with world.scope():
        phone = customers.add_identity(ada, "phone", "+358 40 123 4567", by=world.by_mia)
        same = customers.add_identity(ada, "phone", "+358401234567", verified_at=NOON, by=world.by_mia)
        customers.verify(phone, by=world.by_mia)
    assert same.id == phone.id
    assert Identity.unscoped.get(id=phone.id).verified_at == NOON
    about = {"customer": ada.id, "identity": phone.id, "kind": "phone"}
    assert facts() == [("customers.identity_added", about), ("customers.identity_verified", about)]


def test_an_address_of_someone_else_is_refused_with_their_name(world: World, facts: Facts) -> None:
    world.ada()
    with world.scope():
        eero = customers.recognise("email", "eero@example.fi", by=SYSTEM)
        facts()
        with pytest.raises(IdentityTaken) as refusal:
            customers.add_identity(eero, "email", "ADA@example.fi", by=world.by_mia)
    assert "Ada Virtanen" in str(refusal.value)
    assert facts() == []


def test_a_merge_is_a_redirect_and_can_be_undone_exactly(world: World, facts: Facts) -> None:
    ada = world.ada()
    with world.scope():
        visitor = customers.recognise("visitor", "a" * 64, by=SYSTEM)
        facts()
        done = customers.merge(visitor, into=ada, by=world.by_mia)
        assert customers.recognise("visitor", "a" * 64, by=SYSTEM).id == ada.id
        panel = queries.customer_panel(visitor.id)
        assert (panel.id, panel.name, set(panel.family)) == (ada.id, "Ada Virtanen", {ada.id, visitor.id})
        assert [merge.id for merge in panel.merges] == [done.id]
        customers.unmerge(done, by=world.by_mia)
        assert customers.recognise("visitor", "a" * 64, by=SYSTEM).id == visitor.id
        assert queries.customer_panel(ada.id).family == (ada.id,)
        with pytest.raises(NotMerged):
            customers.unmerge(done, by=world.by_mia)
    assert facts() == [
        ("customers.merged", {"customer": ada.id, "gone": visitor.id}),
        ("customers.unmerged", {"customer": ada.id, "returned": visitor.id}),
    ]


def test_a_merge_of_merged_people_comes_apart_in_the_same_pieces(world: World) -> None:
    ada = world.ada()
    with world.scope():
        first = customers.recognise("visitor", "a" * 64, by=SYSTEM)
        second = customers.recognise("visitor", "b" * 64, by=SYSTEM)
        customers.merge(first, into=second, by=world.by_mia)
        outer = customers.merge(second, into=ada, by=world.by_mia)
        assert set(queries.family(first.id)) == {first.id, second.id, ada.id}
        customers.unmerge(outer, by=world.by_mia)
        assert set(queries.family(first.id)) == {first.id, second.id}
        assert queries.family(ada.id) == [ada.id]


def test_merges_that_make_no_sense_are_refused(world: World) -> None:
    ada = world.ada()
    with world.scope():
        visitor = customers.recognise("visitor", "a" * 64, by=SYSTEM)
        third = customers.recognise("visitor", "b" * 64, by=SYSTEM)
        with pytest.raises(SameCustomer):
            customers.merge(ada, into=ada, by=world.by_mia)
        customers.merge(visitor, into=ada, by=world.by_mia)
        for gone, into in ((visitor, third), (third, visitor)):
            with pytest.raises(MergedAlready):
                customers.merge(gone, into=into, by=world.by_mia)
    assert Merge.unscoped.count() == 1


def test_a_customer_of_another_shop_cannot_be_merged(world: World) -> None:
    other = coffee_shop()
    stranger = other.ada()
    with world.scope(), pytest.raises(MergedAlready):
        customers.merge(stranger, into=world.ada(), by=world.by_mia)


def test_mail_goes_to_the_verified_address_first_then_to_the_newest(world: World) -> None:
    ada = world.ada()
    with world.scope():
        customers.add_identity(ada, "email", "ada@uusi.example", by=SYSTEM)
        newest = queries.address_of(ada.id, "email")
        assert newest is not None
        assert newest.shown == "ada@uusi.example"
        customers.add_identity(ada, "email", "ada@example.fi", verified_at=NOON, by=SYSTEM)
        proved = queries.address_of(ada.id, "email")
        assert proved is not None
        assert proved.shown == "ada@example.fi"
        assert queries.address_of(ada.id, "phone") is None


def test_the_panel_shows_addresses_but_never_a_visitors_token(world: World) -> None:
    ada = world.ada()
    with world.scope():
        customers.add_identity(ada, "visitor", "a" * 64, by=SYSTEM)
        panel = queries.customer_panel(ada.id)
        nameless = customers.recognise("visitor", "b" * 64, by=SYSTEM)
        assert queries.customer_panel(nameless.id).is_anonymous
    assert [(row.kind, row.shown, row.is_verified) for row in panel.identities] == [("email", "ada@example.fi", False)]
    assert not panel.is_anonymous


def test_what_is_not_an_address_is_refused_and_names_itself(world: World) -> None:
    with world.scope(), pytest.raises(NotAnAddress) as refusal:
        customers.recognise("email", "ada at example", by=SYSTEM)
    assert "ada at example" in str(refusal.value)
    assert Customer.unscoped.count() == 0
