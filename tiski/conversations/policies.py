"""Who may do what in conversations: predicates on the actor, asked in the scope of the shop."""

from __future__ import annotations

from tiski.accounts.policies import Policy, answers, reads_inbox
from tiski.accounts.queries import role_in
from tiski.conversations.errors import MayNotAnswer
from tiski.kernel.action import Actor, ActorKind
from tiski.kernel.scope import current_shop


def may_answer(by: Actor) -> bool:
    """Whether the actor may answer, note, assign and close here. Rules and the system may; customers may not."""
    if by.kind is ActorKind.CUSTOMER:
        return False
    return by.kind is not ActorKind.AGENT or _role_allows(answers, current_shop(), by.id)


def may_read(shop_id: int, agent_id: int) -> bool:
    """Whether the agent may read the shop's conversations now."""
    return _role_allows(reads_inbox, shop_id, agent_id)


def may_be_given(agent_id: int) -> bool:
    """Whether conversations of the shop in scope can be assigned to this agent."""
    return _role_allows(answers, current_shop(), agent_id)


def require_answering(by: Actor) -> None:
    """Raise `MayNotAnswer` unless the actor may answer."""
    if not may_answer(by):
        raise MayNotAnswer


def _role_allows(policy: Policy, shop_id: int, agent_id: int | None) -> bool:
    return agent_id is not None and policy.allows(role_in(shop_id, agent_id))
