"""Finding a conversation by who it is with, or by its number. What was said is found by `said`."""

from __future__ import annotations

from tiski.accounts.models import Agent, Shop
from tiski.conversations.queries.inbox import InboxRow, rows_of
from tiski.customers.queries import family, matching
from tiski.kernel.reading import fetch, marks

MOST = 20
OF_PEOPLE = """
    SELECT id FROM conversations_conversation WHERE shop_id = %s AND customer_id IN ({marks})
    ORDER BY last_message_at DESC LIMIT %s
"""


def search(shop: Shop, agent: Agent, words: str) -> list[InboxRow]:
    """Conversations whose customer's name, email or phone begins with the words, or that have this number.

    Newest first, twenty at the most.
    """
    words = words.replace("\x00", "").strip()
    if not words:
        return []
    found: set[int] = set()
    people = family(*matching(words))
    if people:
        found.update(row[0] for row in fetch(OF_PEOPLE.format(marks=marks(people)), [shop.id, *people, MOST]))
    if words.isascii() and words.isdigit() and len(words) < 19:
        found.add(int(words))  # `rows_of` knows whether it is the shop's
    return rows_of(sorted(found), agent)[:MOST]
