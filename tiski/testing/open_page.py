"""Pages that stay open: what an agent's console and a shopper's window show when they are never loaded again.

    page = ConsolePage(world.mia, conversation)       # loaded now
    ...                                               # an action, and the worker that does what follows from it
    page.hear(facts)                                  # what the socket says; the page asks for what that names
    assert page.shown() == ConsolePage(world.mia, conversation).shown()

The rules are those of `news.js`, `list.js` and `thread.js`: a row is asked for by its key in the view that is open, the
header and the navigation draw themselves anew on their topic, and the thread asks for what follows its last entry, or
its first one whose delivery is still open.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from tiski.accounts.models import Agent
from tiski.channels.chat import queries as chat
from tiski.conversations import queries
from tiski.conversations.models import Conversation
from tiski.conversations.queries import FAILED, ON_ITS_WAY, InboxRow, ThreadItem, View
from tiski.kernel import live
from tiski.kernel.events import FactRow

RECENT = 40
STILL_OPEN = frozenset({"sending", "sent", "failed"})


class ConsolePage:
    """An agent's console with all four lists and one conversation open."""

    def __init__(self, agent: Agent, conversation: Conversation) -> None:
        self.agent = agent
        self.conversation = conversation
        self.topics = {"inbox", f"agent-{agent.id}", f"conversation-{conversation.id}"}
        self.lists: dict[View, dict[int, InboxRow]] = {}
        self.items: dict[str, ThreadItem] = {}
        for view in View:
            page = queries.inbox(conversation.shop, agent, view)
            self.lists[view] = {row.id: row for row in page.rows}
        self.counts = queries.inbox_counts(agent.id)
        self.header = queries.header(conversation.id, agent)
        self._take(queries.thread(conversation), 0)

    def hear(self, facts: Iterable[FactRow]) -> None:
        """Everything that was told, one after the other."""
        for fact in facts:
            for topic, key in live.hub.topics.told(fact):
                if topic in self.topics:
                    self._hear(topic, key)

    def shown(self) -> dict[str, Any]:
        """What stands on the screen, and nothing that is only known behind it."""
        head = self.header
        return {
            "lists": {view: sorted(map(_row, rows.values())) for view, rows in self.lists.items()},
            "counts": self.counts,
            "header": (head.subject, head.customer_name, head.opened_at, head.closed_at, head.assignee_name),
            "thread": {dom_id: self._entry(item) for dom_id, item in self.items.items()},
        }

    def _hear(self, topic: str, key: int | None) -> None:
        if topic.startswith("conversation-"):
            self.header = queries.header(self.conversation.id, self.agent)
            after = self._after()
            self._take(queries.thread(self.conversation, after) if after else queries.thread(self.conversation), after)
            return
        if topic == "inbox":
            self.counts = queries.inbox_counts(self.agent.id)
        for view, rows in self.lists.items():
            if key is None:
                self.lists[view] = {row.id: row for row in queries.inbox(self.conversation.shop, self.agent, view).rows}
            elif row := queries.row(key, view, self.agent):
                rows[key] = row
            else:
                rows.pop(key, None)

    def _after(self) -> int:
        numbered = sorted((item for item in self.items.values() if item.seq), key=lambda item: item.seq or 0)
        last = (numbered[-1].seq or 0) if numbered else 0
        first = next((item.seq or 0 for item in numbered if _state(item) in STILL_OPEN), None)
        return last if first is None else max(first - 1, last - RECENT)

    def _take(self, fresh: Sequence[ThreadItem], after: int) -> None:
        came = {item.dom_id for item in fresh}
        for item in list(self.items.values()):
            if item.dom_id not in came and (item.seq or 0) > after and _state(item) == "sending":
                del self.items[item.dom_id]
        self.items |= {item.dom_id: item for item in fresh}

    def _entry(self, item: ThreadItem) -> tuple[Any, ...]:
        undo = item.next_at if item.state == "held" and item.author_id == self.agent.id else None
        again = item.outbox_item if item.state in FAILED else None
        # A customer's bubbles keep the name they were loaded with; the header's is the one that follows.
        name = self.header.customer_name if item.author_kind == "customer" else item.author_name
        said = (item.kind, item.at, name, item.text, item.files, item.is_automatic, item.is_verified)
        return (*said, _state(item), item.reason, item.event, item.about, item.quoted, undo, again)


class ChatWindow:
    """A shopper's window: messages in order, brought up by what the server says has been reached."""

    def __init__(self, key: str, conversation: Conversation) -> None:
        self.widget = chat.widget(key)
        self.conversation = conversation
        self.messages = {said.seq: said for said in chat.ready(self.widget, conversation.id).messages}

    def hear(self, facts: Iterable[FactRow]) -> None:
        """Follow the conversation as the live line does."""
        for fact in facts:
            reached = live.hub.topics.seq_of(fact)
            if reached is not None and reached[0] == f"conversation-{self.conversation.id}":
                last = max(self.messages, default=0)
                missed = chat.missed(self.widget.key, self.widget.shop_id, self.conversation.id, last)
                self.messages |= {said.seq: said for said in missed}


def _state(item: ThreadItem) -> str:
    if item.state in FAILED:
        return "failed"
    return "sending" if item.state in ON_ITS_WAY else item.state


def _row(row: InboxRow) -> tuple[Any, ...]:
    """What a row shows; who has the conversation is not among it."""
    words = (row.id, row.customer_name, row.subject, row.snippet, row.channel_kind, row.last_at)
    return (*words, row.is_unread, str(row.waiting_since), row.has_draft)
