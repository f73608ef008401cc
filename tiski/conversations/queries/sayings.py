"""Finding messages by what was said, newest first, in the index that follows them.

Every term carries its shop, so the lists that are read hold that shop's messages alone. On SQLite they are read
backwards and no farther than the page needs. PostgreSQL's index answers with all that match, which is much for a common
word: such a word stands among the newest messages, where it is looked for first.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from tiski.accounts.models import Shop
from tiski.conversations.queries.inbox import customer_name
from tiski.conversations.queries.question import Piece, Question, Sought, question
from tiski.kernel.reading import Row, fetch, marks, moment
from tiski.kernel.terms import LONGEST_TEXT

SHOWN = 20
AMONG = 4_000
"""PostgreSQL: so many of the newest messages are read one by one before the index is asked for all."""
NO_END = 2**62

MATCH = """
    SELECT rowid FROM conversations_terms WHERE conversations_terms MATCH %s AND rowid < %s ORDER BY rowid DESC LIMIT %s
"""
NEWEST = """
    SELECT message_id FROM (
        SELECT message_id, terms FROM conversations_terms
        WHERE shop_id = %s AND message_id < %s ORDER BY message_id DESC LIMIT %s) newest
    WHERE terms @@ %s::tsquery ORDER BY message_id DESC LIMIT %s
"""
ALL = """
    WITH found AS MATERIALIZED (
        SELECT message_id FROM conversations_terms WHERE terms @@ %s::tsquery AND shop_id = %s AND message_id < %s)
    SELECT message_id FROM found ORDER BY message_id DESC LIMIT %s
"""
HITS = """
    SELECT m.id, c.id, COALESCE(kept.name, cu.name),
           CASE WHEN COALESCE(kept.name, cu.name) = '' THEN (
               SELECT i.shown FROM customers_identity i
               WHERE i.customer_id = COALESCE(cu.merged_into_id, cu.id) AND i.kind <> 'visitor'
               ORDER BY i.id LIMIT 1) END,
           c.subject, SUBSTR(m.body, 1, %s), m.author_kind, a.name, ca.kind, m.created_at, c.closed_at IS NOT NULL
    FROM conversations_message m
    JOIN conversations_conversation c ON c.id = m.conversation_id
    JOIN customers_customer cu ON cu.id = c.customer_id
    LEFT JOIN customers_customer kept ON kept.id = cu.merged_into_id
    JOIN conversations_channelaccount ca ON ca.id = m.channel_account_id
    LEFT JOIN accounts_agent a ON a.id = m.agent_id
    WHERE m.id IN ({marks}) AND +m.shop_id = %s AND m.withdrawn_at IS NULL
    ORDER BY m.id DESC
"""


@dataclass(frozen=True, slots=True)
class Hit:
    """A message in which the words were found; `subject` and `text` are shown with their matches marked."""

    message_id: int
    conversation_id: int
    customer_name: str
    subject: tuple[Piece, ...]
    text: tuple[Piece, ...]
    author_kind: str
    agent_name: str
    channel_kind: str
    at: datetime
    is_closed: bool


@dataclass(frozen=True, slots=True)
class HitsPage:
    """Twenty messages, newest first; `next` is what the following page is asked for with, None on the last."""

    hits: list[Hit]
    next: int | None


def said(shop: Shop, words: str, before: int | None = None) -> HitsPage:
    """Messages of the shop with all the words, in any of their forms, older than the message `before`.

    The last word may be the beginning of one; one of more than six letters only when no message has it as it stands.
    """
    asked = question(words)
    if asked is None:
        return HitsPage([], None)
    ids = _page(shop.id, asked, before)
    page = ids[:SHOWN]
    if not page:
        return HitsPage([], None)
    found = fetch(HITS.format(marks=marks(page)), [LONGEST_TEXT, *page, shop.id])
    return HitsPage([_hit(row, asked) for row in found], page[-1] if len(ids) > SHOWN else None)


def entry(shop_id: int, term: str) -> str:
    """A term as the index holds it: its shop in front, in four hexadecimal digits or more."""
    return f"{shop_id:04x}:{term}"


def _page(shop_id: int, asked: Question, before: int | None) -> list[int]:
    """The ids of a page and of the first message after it."""
    below = NO_END if before is None else before
    if asked.has_long_beginning:
        ids = _found(shop_id, asked.whole(), below, SHOWN + 1)
        if ids or (before is not None and _found(shop_id, asked.whole(), NO_END, 1)):
            return ids
    return _found(shop_id, asked, below, SHOWN + 1)


def _found(shop_id: int, asked: Question, before: int, most: int) -> list[int]:
    if connection.vendor != "postgresql":
        match = " AND ".join(_fts5(shop_id, word) for word in asked.words)
        return [row[0] for row in fetch(MATCH, [match, before, most])]
    match = " & ".join(_tsquery(shop_id, word) for word in asked.words)
    newest = fetch(NEWEST, [shop_id, before, AMONG, match, most])
    found = newest if len(newest) == most else fetch(ALL, [match, shop_id, before, most])
    return [row[0] for row in found]


def _fts5(shop_id: int, word: Sought) -> str:
    """Terms are letters, digits and hyphens, so nothing in them ends the quotes."""
    any_of = [f'"{entry(shop_id, term)}"' for term in sorted(word.terms)]
    if word.beginning:
        any_of.append(f'"{entry(shop_id, word.beginning)}" *')
    return f"({' OR '.join(any_of)})"


def _tsquery(shop_id: int, word: Sought) -> str:
    any_of = [f"'{entry(shop_id, term)}'" for term in sorted(word.terms)]
    if word.beginning:
        any_of.append(f"'{entry(shop_id, word.beginning)}':*")
    return f"({' | '.join(any_of)})"


def _hit(row: Row, asked: Question) -> Hit:
    message, conversation, name, address, subject, body, author, agent, channel, at, is_closed = row
    return Hit(
        message_id=message,
        conversation_id=conversation,
        customer_name=customer_name(name, address),
        subject=asked.pieces(subject),
        text=asked.pieces(body),
        author_kind=author,
        agent_name=agent or "",
        channel_kind=channel,
        at=moment(at),
        is_closed=bool(is_closed),
    )
