"""Finding a conversation by who it is with or what it is called."""

from __future__ import annotations

from tiski.accounts.models import Agent, Shop
from tiski.conversations.models import Conversation
from tiski.conversations.queries.inbox import PAGE, InboxRow, rows_of
from tiski.customers.queries import family, matching

NEWEST = 2_500
"""Subjects are looked for among this many of the newest conversations, open and closed."""


def search(shop: Shop, agent: Agent, words: str) -> list[InboxRow]:
    """Conversations whose customer's name, email or phone begins with the words, or whose subject contains them.

    Newest first, fifty at the most. A number is looked up as the conversation's own number as well.
    """
    words = words.strip()
    if not words:
        return []
    mine = Conversation.objects.filter(shop_id=shop.id)
    people = family(*matching(words))
    found = set(mine.filter(customer_id__in=people).order_by("-last_message_at").values_list("id", flat=True)[:PAGE])
    for is_open in (True, False):  # each half has an index by time
        newest = mine.filter(closed_at__isnull=is_open).order_by("-last_message_at").values("id")[:NEWEST]
        called = mine.filter(id__in=newest, subject__icontains=words).order_by("-last_message_at")
        found |= set(called.values_list("id", flat=True)[:PAGE])
    if words.isascii() and words.isdigit() and len(words) < 19:
        found |= set(mine.filter(id=int(words)).values_list("id", flat=True))
    return rows_of(sorted(found), agent)[:PAGE]
