"""Verbs of conversations: the only writers. Call them as `conversations.close(conversation, by=actor)`."""

from tiski.conversations.actions.envelopes import Posted, Posting, Refused, Visitor
from tiski.conversations.actions.opening import open_conversation
from tiski.conversations.actions.posting import post, post_many

__all__ = ["Posted", "Posting", "Refused", "Visitor", "open_conversation", "post", "post_many"]
