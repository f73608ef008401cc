"""The live topics of conversations: who may watch the inbox and one conversation."""

from __future__ import annotations

from tiski.conversations.models import Conversation
from tiski.conversations.policies import may_read
from tiski.kernel import live


def watches_inbox(principal: live.Principal, subject_id: int | None) -> bool:
    """Members of the shop watch its inbox."""
    agent_id = _agent(principal)
    return subject_id is None and agent_id is not None and may_read(principal.shop_id, agent_id)


def watches_conversation(principal: live.Principal, subject_id: int | None) -> bool:
    """Members of the shop watch its conversations."""
    agent_id = _agent(principal)
    if subject_id is None or agent_id is None or not may_read(principal.shop_id, agent_id):
        return False
    return Conversation.unscoped.filter(shop_id=principal.shop_id, id=subject_id).exists()


def _agent(principal: live.Principal) -> int | None:
    kind, _dash, number = principal.id.partition("-")
    return int(number) if kind == "agent" and number.isdigit() else None


live.hub.topics.register_topic("inbox", watches_inbox)
live.hub.topics.register_topic("conversation", watches_conversation)
live.hub.topics.register_parent("conversation", "inbox")
