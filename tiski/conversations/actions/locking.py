"""What the writer reads and locks before it writes, and how it writes back, each with one statement for the batch.

Rows are locked in the order of their ids, so that two writers on PostgreSQL never wait for each other; on SQLite the
transaction holds the only write lock there is. While a conversation is locked its numbers and its client ids stand
still, so what is known can be looked up instead of collided with.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import connection

from tiski.conversations.actions.envelopes import Posting
from tiski.conversations.actions.files import uploader_of
from tiski.kernel.action import ActorKind

TIMES = ("c.last_message_at", "c.waiting_since", "c.closed_at")
STANDINGS = """
    SELECT c.id, c.uuid, c.shop_id, c.customer_id, c.channel_account_id, c.last_seq, c.customer_seq, c.last_message_id,
           {times}, i.value
    FROM conversations_conversation c
    LEFT JOIN customers_identity i ON i.customer_id = c.customer_id AND i.kind = 'visitor'
    WHERE {where} ORDER BY c.id {lock}
"""
WRITE_BACK = """
    UPDATE conversations_conversation
    SET last_seq = %s, customer_seq = %s, last_message_id = %s, last_message_at = %s, waiting_since = %s, closed_at = %s
    WHERE id = %s
"""

Known = dict[tuple[int, str], tuple[int, int]]
"""Seq and id of stored messages, by conversation and client id."""


@dataclass(slots=True)
class Standing:
    """A locked conversation: what the writer must know of it, kept in step while a batch is planned.

    Times are as the database has them, text on SQLite: they are compared and written back, never shown.
    """

    id: int
    raw_uuid: UUID | str
    shop_id: int
    customer_id: int
    channel_account_id: int
    last_seq: int
    customer_seq: int
    last_message_id: int | None
    last_message_at: Any
    waiting_since: Any
    closed_at: Any
    tokens: list[str] = field(default_factory=list)

    @property
    def uuid(self) -> UUID:
        """The name of the conversation outside the house."""
        return self.raw_uuid if isinstance(self.raw_uuid, UUID) else UUID(self.raw_uuid)

    def take(self, author: ActorKind, at: Any, *, is_live: bool) -> bool:
        """Count one more message; True when it reopens the conversation.

        A live message of the customer starts the wait unless one is running, a person's answer ends it; automatic
        messages and history do neither (channels.md 3.3).
        """
        self.last_seq += 1
        self.last_message_at = max(self.last_message_at, at)
        if author is ActorKind.CUSTOMER:
            self.customer_seq = self.last_seq
        if not is_live:
            return False
        if author is ActorKind.AGENT:
            self.waiting_since = None
        if author is not ActorKind.CUSTOMER:
            return False
        self.waiting_since = self.waiting_since or at
        reopens = self.closed_at is not None
        self.closed_at = None
        return reopens


@dataclass(slots=True)
class Standings:
    """The locked conversations of a batch, found by what a posting says about them."""

    by_id: dict[int, Standing] = field(default_factory=dict)
    by_uuid: dict[str, Standing] = field(default_factory=dict)

    def add(self, standing: Standing) -> None:
        """Remember a locked conversation."""
        self.by_id[standing.id] = standing
        self.by_uuid[standing.raw_uuid if isinstance(standing.raw_uuid, str) else standing.raw_uuid.hex] = standing

    def of(self, posting: Posting) -> Standing | None:
        """The conversation the posting may write to. A visitor's token opens its own customer's conversations only."""
        if posting.visitor is None:
            standing = self.by_id.get(posting.conversation_id or 0)
        else:
            standing = self.by_uuid.get(posting.visitor.conversation.hex)
            if standing is not None and posting.visitor.token_hash not in standing.tokens:
                return None
        return standing if standing is not None and standing.shop_id == posting.shop_id else None


@dataclass(slots=True)
class Files:
    """Uploads that nothing uses yet, by (shop, uploader, blob), and which posting took which."""

    free: dict[tuple[int, str, str], int] = field(default_factory=dict)
    taken: dict[int, list[int]] = field(default_factory=dict)

    def take(self, posting: Posting) -> bool:
        """Keep all files of the posting for it, or none when one of them is not its uploader's to use."""
        uploader = posting.uploader
        if posting.visitor is not None:
            uploader = uploader_of(posting.author, token_hash=posting.visitor.token_hash)
        keys = [(posting.shop_id, uploader, blob) for blob in dict.fromkeys(posting.files)]
        if not all(key in self.free for key in keys):
            return False
        self.taken[id(posting)] = [self.free.pop(key) for key in keys]
        return True

    def taken_by(self, posting: Posting) -> list[int]:
        """Ids of the attachments this posting took."""
        return self.taken.get(id(posting), [])


def lock(postings: Iterable[Posting]) -> Standings:
    """Lock every conversation the postings name, and read how each stands."""
    ids: set[int] = set()
    uuids: set[str] = set()
    for posting in postings:
        if posting.visitor is not None:
            uuids.add(posting.visitor.conversation.hex)
        elif posting.conversation_id is not None:
            ids.add(posting.conversation_id)
    standings = Standings()
    lock_more(standings, ids, uuids)
    return standings


def lock_more(standings: Standings, ids: Iterable[int], uuids: Iterable[str]) -> None:
    """Lock conversations by id or uuid and add them to those locked already."""
    wanted = [*ids]
    conditions = [f"c.id IN ({marks(len(wanted))})"] if wanted else []
    by_uuid = [*uuids]
    if by_uuid:
        conditions.append(f"c.uuid IN ({marks(len(by_uuid))})")
    if not conditions:
        return
    where = " OR ".join(conditions)
    parameters: list[Any] = [*wanted, *by_uuid]
    with connection.cursor() as cursor:
        cursor.execute(_standings(where), parameters)
        for *columns, token in cursor.fetchall():
            standing = standings.by_id.get(columns[0])
            if standing is None:
                standing = Standing(*columns)
                standings.add(standing)
            if token is not None:
                standing.tokens.append(token)


def _standings(where: str) -> str:
    if connection.vendor == "postgresql":
        return STANDINGS.format(times=", ".join(TIMES), where=where, lock="FOR NO KEY UPDATE OF c")
    # As text, a time is what `rows.moment` writes; as a column SQLite's driver would make an object without its zone.
    return STANDINGS.format(times=", ".join(f"CAST({time} AS TEXT)" for time in TIMES), where=where, lock="")


def known_messages(pairs: Sequence[tuple[int, str]]) -> Known:
    """Which of these (conversation, client id) are stored already."""
    if not pairs:
        return {}
    # The same set, written as each database can use its index for it.
    listed = ", ".join(["(%s, %s)"] * len(pairs))
    wanted = f"(VALUES {listed})" if connection.vendor == "sqlite" else f"({listed})"
    statement = (
        "SELECT conversation_id, client_id, seq, id FROM conversations_message "  # noqa: S608  placeholders only
        f"WHERE (conversation_id, client_id) IN {wanted}"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [value for pair in pairs for value in pair])
        return {
            (row[0], row[1] if isinstance(row[1], str) else row[1].hex): (row[2], row[3]) for row in cursor.fetchall()
        }


def lock_files(postings: Iterable[Posting]) -> Files:
    """Lock the unused uploads whose blobs the postings name."""
    blobs = sorted({blob for posting in postings for blob in posting.files})
    files = Files()
    if not blobs:
        return files
    suffix = "FOR NO KEY UPDATE" if connection.vendor == "postgresql" else ""
    statement = (
        "SELECT shop_id, uploader, blob_id, id FROM conversations_attachment "  # noqa: S608  placeholders only
        f"WHERE message_id IS NULL AND note_id IS NULL AND blob_id IN ({marks(len(blobs))}) ORDER BY id {suffix}"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, blobs)
        files.free = {(shop, uploader, blob): number for shop, uploader, blob, number in cursor.fetchall()}
    return files


def write(standings: Sequence[Standing]) -> None:
    """Write back how the conversations stand now."""
    write_many(
        WRITE_BACK,
        [
            (
                standing.last_seq,
                standing.customer_seq,
                standing.last_message_id,
                standing.last_message_at,
                standing.waiting_since,
                standing.closed_at,
                standing.id,
            )
            for standing in standings
        ],
    )


def write_many(statement: str, parameters: Sequence[tuple[Any, ...]]) -> None:
    """Run one statement for each tuple of parameters; nothing when there are none."""
    if not parameters:
        return
    with connection.cursor() as cursor:
        cursor.executemany(statement, parameters)


def marks(count: int) -> str:
    """So many placeholders, for an IN list."""
    return ", ".join(["%s"] * count)
