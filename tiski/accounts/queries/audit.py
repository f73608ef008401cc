"""Reading the audit log: walking its chain."""

from __future__ import annotations

from dataclasses import dataclass

from tiski.accounts.models import AuditEntry
from tiski.accounts.models.audit import FIRST_HASH


@dataclass(frozen=True, slots=True)
class ChainBreak:
    """An entry that does not follow from the one before it, or whose content does not give its own hash."""

    chain: int
    number: int
    why: str

    def __str__(self) -> str:
        return f"{self.number} of chain {self.chain} ({self.why})"


def broken_audit_entries(chain: int | None = None) -> list[ChainBreak]:
    """Walk one chain (a shop's id, 0 for the instance) or all of them; empty when every hash agrees."""
    entries = AuditEntry.objects.order_by("chain", "number")
    if chain is not None:
        entries = entries.filter(chain=chain)
    broken: list[ChainBreak] = []
    previous: AuditEntry | None = None
    for entry in entries.iterator(chunk_size=1000):
        before = previous if previous is not None and previous.chain == entry.chain else None
        why = _fault(entry, before)
        if why:
            broken.append(ChainBreak(entry.chain, entry.number, why))
        previous = entry
    return broken


def _fault(entry: AuditEntry, before: AuditEntry | None) -> str:
    expected_number = 1 if before is None else before.number + 1
    if entry.number != expected_number:
        return f"entry {expected_number} is missing"
    if entry.previous_hash != (FIRST_HASH if before is None else before.own_hash):
        return "it does not continue the one before it"
    if entry.own_hash != entry.sealed_hash():
        return "its content was changed"
    return ""
