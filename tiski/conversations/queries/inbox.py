"""The inbox: pages of fifty rows by keyset, one row by itself, and how many wait in each view.

Every view has an index that holds its order, so a page costs the same among a hundred conversations and a million.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from django.utils.translation import gettext as _

from tiski.accounts.models import Agent, Shop
from tiski.kernel import rows
from tiski.kernel.errors import NotFound
from tiski.kernel.reading import Row, fetch, marks, moment, moment_or_none
from tiski.kernel.scope import current_shop
from tiski.kernel.text import snippet

PAGE = 50
COUNTED = 1000
"""Views are counted up to here; a count of 1000 means "at least"."""
SNIPPET = 120
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class View(StrEnum):
    """What an inbox shows."""

    OPEN = "open"
    MINE = "mine"
    UNASSIGNED = "unassigned"
    CLOSED = "closed"


CONDITIONS = {
    View.OPEN: "closed_at IS NULL",
    View.MINE: "closed_at IS NULL AND assignee_id = %s",
    View.UNASSIGNED: "closed_at IS NULL AND assignee_id IS NULL",
    View.CLOSED: "closed_at IS NOT NULL",
}

ROWS = """
    SELECT c.id, COALESCE(kept.name, cu.name),
           CASE WHEN COALESCE(kept.name, cu.name) = '' THEN (
               SELECT i.shown FROM customers_identity i
               WHERE i.customer_id = COALESCE(cu.merged_into_id, cu.id) AND i.kind <> 'visitor'
               ORDER BY i.id LIMIT 1) END,
           c.subject, SUBSTR(m.body, 1, 160), m.author_kind, ca.kind, c.last_message_at,
           c.customer_seq > COALESCE(r.seq, 0), c.waiting_since, c.assignee_id, a.name, d.id IS NOT NULL,
           c.closed_at IS NOT NULL, c.last_seq
    FROM (SELECT * FROM conversations_conversation WHERE shop_id = %s AND {where}
          ORDER BY last_message_at DESC, id DESC LIMIT %s) c
    JOIN customers_customer cu ON cu.id = c.customer_id
    LEFT JOIN customers_customer kept ON kept.id = cu.merged_into_id
    JOIN conversations_channelaccount ca ON ca.id = c.channel_account_id
    LEFT JOIN conversations_message m ON m.id = c.last_message_id
    LEFT JOIN accounts_agent a ON a.id = c.assignee_id
    LEFT JOIN conversations_readmark r ON r.conversation_id = c.id AND r.agent_id = %s
    LEFT JOIN conversations_draft d ON d.conversation_id = c.id AND d.agent_id = %s AND d.mode = 'reply'
                                   AND (TRIM(d.body) <> '' OR d.files <> '[]')
    ORDER BY c.last_message_at DESC, c.id DESC
"""
COUNT = (
    "(SELECT COUNT(*) FROM (SELECT 1 FROM conversations_conversation WHERE shop_id = %s AND {where} LIMIT %s) counted)"
)


class InboxRow(NamedTuple):
    """A conversation as the list shows it. `is_unread`: the customer wrote something this agent has not read."""

    id: int
    customer_name: str
    subject: str
    snippet: str
    last_author: str
    channel_kind: str
    last_at: datetime
    is_unread: bool
    waiting_since: datetime | None
    assignee_id: int | None
    assignee_name: str
    has_draft: bool
    is_closed: bool
    last_seq: int

    @property
    def key(self) -> str:
        """Where the row stands in its view (microseconds since 1970, and its id), for the page after it."""
        return f"{(self.last_at - EPOCH) // MICROSECOND}-{self.id}"


@dataclass(frozen=True, slots=True)
class InboxCounts:
    """How many conversations are in each view that waits for someone; 1000 stands for 1000 or more."""

    open: int
    mine: int
    unassigned: int


@dataclass(frozen=True, slots=True)
class InboxPage:
    """Fifty rows of a view; `next` is what the following page is asked for with, None on the last."""

    rows: list[InboxRow]
    next: str | None


def inbox(shop: Shop, agent: Agent, view: str, before: str | None = None) -> InboxPage:
    """A page of a view, newest first, after the row whose key is `before`. One query. Raises `NotFound`."""
    where, parameters = _condition(view, agent.id)
    if before:
        where += " AND (last_message_at, id) < (%s, %s)"
        parameters += _place(before)
    found = _rows(agent.id, where, [shop.id, *parameters, PAGE + 1])
    page = found[:PAGE]
    return InboxPage(page, page[-1].key if len(found) > PAGE else None)


def row(conversation_id: int, view: str, agent: Agent) -> InboxRow | None:
    """One row of a view, or None when the conversation is not in it any more. One query."""
    where, parameters = _condition(view, agent.id)
    found = _rows(agent.id, f"id = %s AND {where}", [current_shop(), conversation_id, *parameters, 1])
    return found[0] if found else None


def rows_in(conversation_ids: list[int], view: str, agent: Agent) -> list[InboxRow]:
    """Those of the conversations that are in a view, newest first. One query."""
    if not conversation_ids:
        return []
    where, parameters = _condition(view, agent.id)
    where = f"id IN ({marks(conversation_ids)}) AND {where}"
    return _rows(agent.id, where, [current_shop(), *conversation_ids, *parameters, len(conversation_ids)])


def rows_of(conversation_ids: list[int], agent: Agent) -> list[InboxRow]:
    """These conversations as rows, newest first, in whatever view they are. One query."""
    if not conversation_ids:
        return []
    where = f"id IN ({marks(conversation_ids)})"
    return _rows(agent.id, where, [current_shop(), *conversation_ids, len(conversation_ids)])


def inbox_counts(agent_id: int) -> InboxCounts:
    """How many wait in each view of the shop in scope. One query, which stops counting at a thousand."""
    parts, values = [], []
    for view in (View.OPEN, View.MINE, View.UNASSIGNED):
        where, parameters = _condition(view, agent_id)
        parts.append(COUNT.format(where=where))
        values += [current_shop(), *parameters, COUNTED]
    return InboxCounts(*fetch(f"SELECT {', '.join(parts)}", values)[0])


def customer_name(name: str, address: str | None) -> str:
    """What a customer is called on screen: their name, else an address of theirs, else a visitor."""
    return name or address or _("Visitor")


def short(body: str) -> str:
    """The beginning of a message on one line."""
    line = " ".join(body.split())
    # Printable text needs no look at each character, and nearly all text is printable.
    return line if len(line) <= SNIPPET and line.isprintable() else snippet(line, SNIPPET)


def _rows(agent_id: int, where: str, parameters: list[object]) -> list[InboxRow]:
    return [_row(found) for found in fetch(ROWS.format(where=where), [*parameters, agent_id, agent_id])]


def _row(found: Row) -> InboxRow:
    return InboxRow(
        id=found[0],
        customer_name=customer_name(found[1], found[2]),
        subject=found[3],
        snippet=short(found[4] or ""),
        last_author=found[5] or "",
        channel_kind=found[6],
        last_at=moment(found[7]),
        is_unread=bool(found[8]),
        waiting_since=moment_or_none(found[9]),
        assignee_id=found[10],
        assignee_name=found[11] or "",
        has_draft=bool(found[12]),
        is_closed=bool(found[13]),
        last_seq=found[14],
    )


def _condition(view: str, agent_id: int) -> tuple[str, list[object]]:
    if view not in CONDITIONS:
        raise NotFound
    return CONDITIONS[View(view)], [agent_id] if view == View.MINE else []


def _place(key: str) -> list[object]:
    microseconds, _dash, number = key.partition("-")
    try:
        return [rows.moment(EPOCH + int(microseconds) * MICROSECOND), int(number)]
    except (ValueError, OverflowError) as error:
        raise NotFound from error
