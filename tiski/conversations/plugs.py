"""What conversations plug in: the live topics, with who may watch them, and what operators can measure."""

from __future__ import annotations

from tiski.conversations.events import (
    ConversationAssigned,
    ConversationClosed,
    ConversationOpened,
    ConversationReopened,
    ConversationTagged,
    CustomerChanged,
    DraftSaved,
    MessagePosted,
    ReadMarkMoved,
    SubjectChanged,
)
from tiski.conversations.models import Conversation
from tiski.conversations.policies import may_read
from tiski.conversations.queries import measures
from tiski.kernel import live, metrics
from tiski.kernel.events import FactRow


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


def whose_row(fact: FactRow) -> int:
    """The row of the agent's own list that looks different now."""
    number: int = fact.data["conversation"]
    return number


def which_message(fact: FactRow) -> int:
    """The entry of the thread that is new: who wrote it has it already."""
    seq: int = fact.data["seq"]
    return seq


def _agent(principal: live.Principal) -> int | None:
    kind, _dash, number = principal.id.partition("-")
    return int(number) if kind == "agent" and number.isdigit() else None


live.hub.topics.register_topic("inbox", watches_inbox)
live.hub.topics.register_topic("conversation", watches_conversation)
live.hub.topics.register_parent("conversation", "inbox")
for _own in (ReadMarkMoved, DraftSaved):
    live.hub.topics.register_key(_own.name, whose_row)
live.hub.topics.register_key(MessagePosted.name, which_message)
for _turn in (
    ConversationOpened, ConversationAssigned, ConversationClosed, ConversationReopened, ConversationTagged,
    CustomerChanged, SubjectChanged,
):  # fmt: skip
    live.hub.topics.register_turn(_turn.name)
metrics.measure(measures.outbox)
metrics.measure(measures.quarantined)
