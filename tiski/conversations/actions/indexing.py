"""Keeping the message index: it follows the facts, and reads what was said before it began.

Each step is one transaction with the index's own progress in it: after a crash it goes on where it was, and what is
written twice is the same row. Terms are made before the right to write is asked for, which is held for milliseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, connection, transaction

from tiski.conversations.events import MessagePosted, MessageWithdrawn, SubjectChanged
from tiski.conversations.models import SearchIndex
from tiski.conversations.queries.sayings import entry
from tiski.kernel.events import FactRow, stream
from tiski.kernel.reading import fetch, marks
from tiski.kernel.terms import ANALYSER, terms

BATCH = 100
"""Messages in one step: SQLite's right to write is held for some 5 ms."""
MERGED_PAGES = 40
"""SQLite: each step leaves lists of its own, which are merged in parts of so many pages, more than a step writes."""
WORTH_NOTING = 1_000
"""Facts that concern no message are passed over by so many, not one commit each."""
ORPHANS_AMONG = 5_000
ONLY = 1

TOLD_OF_MESSAGES = frozenset({MessagePosted.name, MessageWithdrawn.name})
HEARD = (*sorted(TOLD_OF_MESSAGES), SubjectChanged.name)
# The subject stands in the index with the first message.
FIRST_MESSAGES = "SELECT id FROM conversations_message WHERE conversation_id IN ({marks}) AND seq = 1"
OLDER = "SELECT id FROM conversations_message WHERE id > %s AND id <= %s ORDER BY id LIMIT %s"
LAST = "SELECT COALESCE(MAX(id), 0) FROM conversations_message"
TEXTS = """
    SELECT m.id, m.shop_id, m.body, CASE WHEN m.seq = 1 THEN c.subject ELSE '' END, c.language, s.language
    FROM conversations_message m
    JOIN conversations_conversation c ON c.id = m.conversation_id
    JOIN accounts_shop s ON s.id = m.shop_id
    WHERE m.id IN ({marks}) AND m.withdrawn_at IS NULL
"""
EMPTY = {
    "sqlite": "INSERT INTO conversations_terms(conversations_terms) VALUES ('delete-all')",
    "postgresql": "TRUNCATE conversations_terms",
}
FORGET = {
    "sqlite": "DELETE FROM conversations_terms WHERE rowid = %s",
    "postgresql": "DELETE FROM conversations_terms WHERE message_id = %s",
}
PUT = {
    "sqlite": "INSERT OR REPLACE INTO conversations_terms(rowid, terms) VALUES (%s, %s)",
    "postgresql": "INSERT INTO conversations_terms(message_id, shop_id, terms) VALUES (%s, %s, array_to_tsvector(%s)) "
    "ON CONFLICT (message_id) DO UPDATE SET terms = EXCLUDED.terms",
}
MERGE = "INSERT INTO conversations_terms(conversations_terms, rank) VALUES ('merge', %s)"
INDEXED = {
    "sqlite": "SELECT id FROM conversations_terms_docsize WHERE id > %s ORDER BY id LIMIT %s",
    "postgresql": "SELECT message_id FROM conversations_terms WHERE message_id > %s ORDER BY message_id LIMIT %s",
}


@dataclass(frozen=True, slots=True)
class _Step:
    """What one transaction brings: messages to look at, and how far the index has got with them."""

    messages: Sequence[int]
    position: int
    filled_to: int


def index_more(most: int = BATCH) -> int | None:
    """Bring the index a step closer to the messages: how many were looked at; None when there was nothing to do, or
    another did it.
    """
    head = stream.head()
    state = _state(head)
    step = _next(state, head, most)
    if step is None:
        return None
    texts = _texts(step.messages)
    gone = sorted(set(step.messages) - texts.keys())
    with transaction.atomic():
        mine = SearchIndex.objects.filter(
            id=ONLY, analyser=state.analyser, position=state.position, filled_to=state.filled_to
        )
        if not mine.update(position=step.position, filled_to=step.filled_to):
            return None  # another worker was faster
        if step.messages:
            _write(texts, gone)
    return len(step.messages)


def drop_orphans(after: int = 0, most: int = ORPHANS_AMONG) -> int | None:
    """Forget those of the next indexed messages that no longer exist; where to go on, None at the end."""
    indexed = [row[0] for row in fetch(INDEXED[connection.vendor], [after, most])]
    if not indexed:
        return None
    orphans = set(indexed)
    for start in range(0, len(indexed), 500):
        some = indexed[start : start + 500]
        kept = f"SELECT id FROM conversations_message WHERE id IN ({marks(some)})"  # noqa: S608  numbers alone
        orphans -= {row[0] for row in fetch(kept, some)}
    if orphans:
        with transaction.atomic():
            _write({}, sorted(orphans))
    last: int = indexed[-1]
    return last


def _state(head: int) -> SearchIndex:
    state = SearchIndex.objects.filter(id=ONLY).first()
    if state is None:
        return _begin()
    if state.analyser != ANALYSER:
        # Search goes on with the terms there are, while each message gets its new ones.
        renewed = {"analyser": ANALYSER, "filled_to": 0, "fill_until": _last_message()}
        SearchIndex.objects.filter(id=ONLY, analyser=state.analyser).update(**renewed)
        state.refresh_from_db()
    elif head > state.position and stream.tail() > state.position + 1:
        return _begin()  # facts were thrown away before they were followed
    return state


def _begin() -> SearchIndex:
    """An empty index that will follow what is told from now on, and read all that is there."""
    position = stream.head()  # before the last message: what is committed between the two is told of later
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            # The row comes before the terms here as in each step, so that two workers cannot wait for each other.
            SearchIndex.objects.filter(id=ONLY).delete()
            state = SearchIndex.objects.create(
                id=ONLY, analyser=ANALYSER, position=position, filled_to=0, fill_until=_last_message()
            )
            cursor.execute(EMPTY[connection.vendor])
            return state
    except IntegrityError:  # another worker was faster
        return SearchIndex.objects.get(id=ONLY)


def _last_message() -> int:
    last: int = fetch(LAST, [])[0][0]
    return last


def _next(state: SearchIndex, head: int, most: int) -> _Step | None:
    """`head` was read before the facts, so what came between the two is either among them or after it."""
    facts = stream.after(state.position, most, names=HEARD) if head > state.position else []
    last = facts[-1].position if facts else 0
    position = last if len(facts) == most else max(state.position, head, last)
    told = _told_of(facts)
    older: list[int] = []
    filled_to, room = state.filled_to, most - len(told)
    if filled_to < state.fill_until and room > 0:
        older = [row[0] for row in fetch(OLDER, [filled_to, state.fill_until, room])]
        filled_to = older[-1] if len(older) == room else state.fill_until
    if not told and filled_to == state.filled_to and position < state.position + WORTH_NOTING:
        return None
    return _Step(sorted({*told, *older}), position, filled_to)


def _told_of(facts: list[FactRow]) -> set[int]:
    told = {int(fact.data["message"]) for fact in facts if fact.name in TOLD_OF_MESSAGES}
    renamed = sorted({int(fact.data["conversation"]) for fact in facts if fact.name == SubjectChanged.name})
    if renamed:
        told |= {row[0] for row in fetch(FIRST_MESSAGES.format(marks=marks(renamed)), renamed)}
    return told


def _texts(messages: Sequence[int]) -> dict[int, tuple[int, set[str]]]:
    """The shop and the terms of each of these messages that may be found."""
    if not messages:
        return {}
    return {
        message: (shop, made)
        for message, shop, body, subject, spoken, usual in fetch(TEXTS.format(marks=marks(messages)), messages)
        if (made := _terms(f"{subject}\n{body}" if subject else body, spoken, usual))
    }


def _terms(text: str, spoken: str, usual: str) -> set[str]:
    """By the conversation's language and the shop's: a widget in Swedish is written to in Finnish too."""
    made = terms(text, usual)
    return made | terms(text, spoken) if spoken and spoken[:2] != usual[:2] else made


def _write(texts: dict[int, tuple[int, set[str]]], gone: Sequence[int]) -> None:
    put: list[tuple[Any, ...]] = []
    for message, (shop, made) in sorted(texts.items()):
        entries = sorted(entry(shop, term) for term in made)
        put.append((message, " ".join(entries)) if connection.vendor == "sqlite" else (message, shop, entries))
    with connection.cursor() as cursor:
        if gone:
            cursor.executemany(FORGET[connection.vendor], [(message,) for message in gone])
        if put:
            cursor.executemany(PUT[connection.vendor], put)
        if connection.vendor == "sqlite":
            cursor.execute(MERGE, [MERGED_PAGES])
