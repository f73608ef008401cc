"""Live topics of accounts, and the facts after which an agent's rights are asked for again (the live epoch)."""

from __future__ import annotations

from tiski.accounts import events
from tiski.accounts.policies import reads_inbox
from tiski.accounts.queries import role_in
from tiski.kernel import live
from tiski.kernel.events import FactRow

RAISING = (
    events.MembershipChanged,
    events.MembershipEnded,
    events.SessionsEnded,
    events.AgentDeactivated,
)


def watches_agent(principal: live.Principal, subject_id: int | None) -> bool:
    """Whether an agent asks for news about themselves."""
    return subject_id is not None and principal.id == f"agent-{subject_id}"


def watches_shop(principal: live.Principal, subject_id: int | None) -> bool:
    """Whether a member asks for news about their own shop: its name, its look, its hours."""
    kind, _dash, number = principal.id.partition("-")
    if subject_id != principal.shop_id or kind != "agent" or not number.isdigit():
        return False
    return reads_inbox.allows(role_in(principal.shop_id, int(number)))


def whose_rights(fact: FactRow) -> list[str]:
    """The agent whom the fact is about."""
    return [f"agent-{fact.data['agent']}"]


live.hub.topics.register_topic("agent", watches_agent)
live.hub.topics.register_topic("shop", watches_shop)
for _raising in RAISING:
    live.hub.topics.register_epoch(_raising.name, whose_rights)
