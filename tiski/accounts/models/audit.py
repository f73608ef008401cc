"""The audit log: an append-only chain in which each entry seals the one before it."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC
from typing import Any, ClassVar, NoReturn

from django.db import models

from tiski.kernel.scope import current_shop

INSTANCE_CHAIN = 0
FIRST_HASH = "0" * 64
SEALED = (
    "chain",
    "number",
    "at",
    "actor_kind",
    "actor_id",
    "acting_for",
    "action",
    "object",
    "ip",
    "outcome",
    "detail",
)


class AuditEntryRefused(RuntimeError):
    """Code tried to change or delete an audit entry: a defect in the caller."""


class AuditEntries(models.QuerySet["AuditEntry"]):
    """Entries of the audit log; they can be read and appended, nothing else."""

    def in_scope(self) -> AuditEntries:
        """Entries of the shop in scope, newest first."""
        return self.filter(chain=current_shop()).order_by("-number")

    def of_the_instance(self) -> AuditEntries:
        """Entries that concern no single shop, such as sign-ins, newest first."""
        return self.filter(chain=INSTANCE_CHAIN).order_by("-number")

    def update(self, **kwargs: Any) -> NoReturn:
        """Refused: entries never change."""
        raise AuditEntryRefused("audit entries are never changed")

    def delete(self) -> NoReturn:
        """Refused: entries are pruned by retention only, under a signed checkpoint."""
        raise AuditEntryRefused("audit entries are never deleted")


class AuditEntry(models.Model):
    """Who did what to which object, from where, and how it ended. People are named by id, so that erasure keeps the
    chain whole. `chain` is the shop's id, or 0 for the instance; it is no foreign key, because a log outlives its shop.
    """

    chain = models.BigIntegerField()
    number = models.PositiveIntegerField()
    at = models.DateTimeField()
    actor_kind = models.CharField(max_length=16)
    actor_id = models.BigIntegerField(null=True)
    acting_for = models.BigIntegerField(null=True)
    action = models.CharField(max_length=80)
    object = models.CharField(max_length=80, blank=True, default="")
    ip = models.CharField(max_length=45, blank=True, default="")
    outcome = models.CharField(max_length=16, default="done", help_text="done, refused or failed.")
    detail = models.JSONField(default=dict)
    fact_id = models.BigIntegerField(null=True, unique=True, help_text="The fact it was written from, if any.")
    previous_hash = models.CharField(max_length=64)
    own_hash = models.CharField(max_length=64)

    objects: ClassVar[models.Manager[AuditEntry]] = models.Manager.from_queryset(AuditEntries)()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["chain", "number"], name="audit_chain_has_no_fork")]

    def __str__(self) -> str:
        return f"{self.chain}/{self.number} {self.action}"

    def sealed_hash(self) -> str:
        """SHA-256 over the previous hash and this entry's content in canonical JSON."""
        content = {name: getattr(self, name) for name in SEALED}
        content["at"] = self.at.astimezone(UTC).isoformat(timespec="microseconds")
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(f"{self.previous_hash}\n{canonical}".encode()).hexdigest()

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Append the entry; an entry that exists already is refused."""
        if not self._state.adding:
            raise AuditEntryRefused("audit entries are never changed")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refused: see `AuditEntries.delete`."""
        raise AuditEntryRefused("audit entries are never deleted")
