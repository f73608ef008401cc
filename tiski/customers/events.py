"""What others may hear about customers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tiski.kernel.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerEvent(Event):
    """Something happened to a customer; its live topic is `customer-<id>`."""

    customer: int

    @property
    def subject(self) -> str:
        """The topic of the customer's panel."""
        return f"customer-{self.customer}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerMet(CustomerEvent):
    """Someone wrote, called or visited who was not known before."""

    name: ClassVar[str] = "customers.met"
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerRenamed(CustomerEvent):
    """A customer's name was set or corrected."""

    name: ClassVar[str] = "customers.renamed"


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityAdded(CustomerEvent):
    """A customer can now be recognised by one more address."""

    name: ClassVar[str] = "customers.identity_added"
    identity: int
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityVerified(CustomerEvent):
    """It was proved that an address belongs to the customer."""

    name: ClassVar[str] = "customers.identity_verified"
    identity: int
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomersMerged(CustomerEvent):
    """Two customers turned out to be one person; `customer` stays, `gone` leads to it."""

    name: ClassVar[str] = "customers.merged"
    gone: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomersUnmerged(CustomerEvent):
    """A merge was undone: `returned` stands on its own again."""

    name: ClassVar[str] = "customers.unmerged"
    returned: int
