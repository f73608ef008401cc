"""The live topic of customers: members of the shop watch the panel of each of its customers."""

from __future__ import annotations

from tiski.accounts.policies import reads_inbox
from tiski.accounts.queries import role_in
from tiski.customers.models import Customer
from tiski.kernel import live


def watches_customer(principal: live.Principal, subject_id: int | None) -> bool:
    """Whether an agent of the shop asks for a customer of the same shop."""
    kind, _dash, number = principal.id.partition("-")
    if subject_id is None or kind != "agent" or not number.isdigit():
        return False
    if not reads_inbox.allows(role_in(principal.shop_id, int(number))):
        return False
    return Customer.unscoped.filter(shop_id=principal.shop_id, id=subject_id).exists()


live.hub.topics.register_topic("customer", watches_customer)
