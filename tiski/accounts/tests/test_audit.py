"""The audit log: complete, sealed, and append-only."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection

from tiski.accounts import actions as accounts
from tiski.accounts import queries
from tiski.accounts.models import AuditEntry
from tiski.accounts.models.audit import AuditEntryRefused
from tiski.kernel.action import SYSTEM
from tiski.kernel.scope import shop_scope

from .conftest import Teashop

Deliver = Callable[[], int]


def rewrite(sql: str, *parameters: str | int) -> None:
    """Change the table behind the application's back."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


def test_what_happens_in_the_shop_is_sealed_in_its_chain(teashop: Teashop, deliver: Deliver) -> None:
    accounts.change_role(teashop.member(teashop.mia), to="viewer", by=teashop.by_noor)
    deliver()
    with shop_scope(teashop.shop.pk):
        entries = [(entry.action, entry.object, entry.actor_id) for entry in AuditEntry.objects.in_scope()]
    assert entries == [
        ("accounts.membership_changed", f"agent-{teashop.mia.pk}", teashop.noor.pk),
        ("accounts.membership_started", f"agent-{teashop.mia.pk}", teashop.noor.pk),
        ("accounts.membership_started", f"agent-{teashop.noor.pk}", teashop.noor.pk),
        ("accounts.shop_created", f"shop-{teashop.shop.pk}", teashop.noor.pk),
    ]
    assert queries.broken_audit_entries() == []


def test_a_fact_is_entered_once_however_often_it_is_delivered(teashop: Teashop, deliver: Deliver) -> None:
    deliver()
    before = AuditEntry.objects.count()
    rewrite("UPDATE accounts_auditentry SET detail = detail")
    deliver()
    assert AuditEntry.objects.count() == before


def test_no_entry_says_more_of_a_person_than_their_id(teashop: Teashop, deliver: Deliver) -> None:
    accounts.record_failed_sign_in("mia@teepuoti.example")
    accounts.record_failed_sign_in("stranger@example.com")
    deliver()
    failed = AuditEntry.objects.of_the_instance().filter(action="accounts.sign_in_failed").order_by("number")
    assert [(entry.outcome, entry.detail) for entry in failed] == [
        ("failed", {"agent": teashop.mia.pk}),
        ("failed", {"agent": None}),
    ]


def test_entries_are_neither_changed_nor_deleted_by_the_application(teashop: Teashop) -> None:
    entry = accounts.record("accounts.refused", shop=teashop.shop.pk, outcome="refused", by=SYSTEM)
    entry.outcome = "done"
    for forbidden in (
        entry.save,
        entry.delete,
        lambda: AuditEntry.objects.all().delete(),
        lambda: AuditEntry.objects.all().update(outcome="done"),
        lambda: AuditEntry.objects.update(outcome="done"),
    ):
        with pytest.raises(AuditEntryRefused):
            forbidden()


@pytest.fixture
def chain(teashop: Teashop) -> int:
    """A chain of four entries; its number."""
    for place in ("a", "b", "c", "d"):
        accounts.record("accounts.refused", shop=teashop.shop.pk, on=place, outcome="refused", by=SYSTEM)
    return teashop.shop.pk


def test_a_whole_chain_verifies(chain: int) -> None:
    assert queries.broken_audit_entries(chain) == []


def test_a_changed_entry_is_found(chain: int) -> None:
    rewrite("UPDATE accounts_auditentry SET object = 'x' WHERE chain = %s AND number = 2", chain)
    assert [(broken.number, broken.why) for broken in queries.broken_audit_entries()] == [
        (2, "its content was changed")
    ]


def test_a_removed_entry_is_found(chain: int) -> None:
    rewrite("DELETE FROM accounts_auditentry WHERE chain = %s AND number = 2", chain)
    assert [(broken.number, broken.why) for broken in queries.broken_audit_entries()] == [(3, "entry 2 is missing")]


def test_an_entry_that_was_resealed_breaks_the_next(chain: int) -> None:
    rewrite("UPDATE accounts_auditentry SET object = 'x' WHERE chain = %s AND number = 2", chain)
    forged = AuditEntry.objects.get(chain=chain, number=2).sealed_hash()
    rewrite("UPDATE accounts_auditentry SET own_hash = %s WHERE chain = %s AND number = 2", forged, chain)
    assert [(broken.number, broken.why) for broken in queries.broken_audit_entries()] == [
        (3, "it does not continue the one before it")
    ]


def test_each_shop_has_a_chain_of_its_own(teashop: Teashop, deliver: Deliver) -> None:
    accounts.create_shop(name="Kahvipuoti", key="kahvi", language="fi", timezone="Europe/Helsinki", by=teashop.by_noor)
    deliver()
    chains = AuditEntry.objects.order_by("chain").values_list("chain", flat=True).distinct()
    assert len(list(chains)) == 3
    assert set(AuditEntry.objects.filter(number=1).values_list("previous_hash", flat=True)) == {"0" * 64}
