"""The ledger of reliability.md 6: every intent and every acknowledgement, written down before anything is made of it.

    ledger = Ledger(folder / "ledger.jsonl")
    visitor = Visitor(tiski.address, ledger)           # tiski.testing.shoppers; or `Crowd` for some dozens at once
    ...                                                # chat, break something, let it mend
    verdict = judge(ledger.lines(), stored(tiski.data, database_url), [visitor.rendered()])
    assert verdict == Verdict()                        # nothing lost, doubled, moved or missing

Each line is one JSON object and is on disk (fdatasync) before `write` returns: `{"t": "intent", "conversation",
"client_id", "body"}` before a message is sent, `{"t": "ack", "conversation", "client_id", "seq"}` before it counts as
acknowledged (`seq` is null where the answer does not say it), `{"t": "refused", "client_id", "code"}` when it was
refused for good. Lines of several visitors that wait
at the same moment share one fdatasync. Ids are written as 32 hexadecimal digits.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from pysqlite3 import dbapi2 as sqlite

Line = dict[str, Any]
Entries = list[tuple[int, str]]
"""Seq and client id, in the order of seq."""

_QUERY = """
    SELECT c.uuid, c.last_seq, m.seq, m.client_id
    FROM conversations_conversation c JOIN conversations_message m ON m.conversation_id = c.id
    ORDER BY c.id, m.seq
"""


class Ledger:
    """One file of lines; several visitors of one event loop may share it."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.acknowledged = 0
        self._waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self._flushing = False
        self._handle = os.open(file, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)

    async def write(self, **line: Any) -> None:
        """Return once the line is on disk."""
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((json.dumps(line).encode() + b"\n", done))
        if not self._flushing:
            self._flushing = True
            try:
                while self._waiting:
                    await self._flush()
            finally:
                self._flushing = False
        await done
        self.acknowledged += line["t"] == "ack"

    def note(self, **line: Any) -> None:
        """The same from a thread without an event loop."""
        self._append(json.dumps(line).encode() + b"\n")
        self.acknowledged += line["t"] == "ack"

    def lines(self) -> list[Line]:
        """Everything written so far, oldest first."""
        return [json.loads(line) for line in self.file.read_text().splitlines()]

    def close(self) -> None:
        """No more lines."""
        os.close(self._handle)

    async def _flush(self) -> None:
        batch, self._waiting = self._waiting, []
        await asyncio.to_thread(self._append, b"".join(text for text, _ in batch))
        for _, done in batch:
            if not done.done():
                done.set_result(None)

    def _append(self, text: bytes) -> None:
        os.write(self._handle, text)
        os.fdatasync(self._handle)


@dataclass(frozen=True, slots=True)
class Conversation:
    """What the database has of a conversation."""

    last_seq: int
    entries: Entries


@dataclass(frozen=True, slots=True)
class Rendered:
    """What a visitor's window shows: entries without holes up to the last one, from the oldest it has loaded."""

    conversation: str
    entries: Entries


@dataclass(frozen=True, slots=True)
class Verdict:
    """What went wrong, each thing in words that name the message; a good verdict equals `Verdict()`."""

    lost: list[str] = field(default_factory=list)
    """Acknowledged, but not stored."""
    doubled: list[str] = field(default_factory=list)
    """One client id twice, in the database or in a window."""
    moved: list[str] = field(default_factory=list)
    """Acknowledged with another seq than it is stored with."""
    gaps: list[str] = field(default_factory=list)
    """Holes in the seq of a conversation, in the database or in a window."""
    differing: list[str] = field(default_factory=list)
    """A window shows something else than the database has."""

    @property
    def figures(self) -> dict[str, int]:
        """How many of what the record tells."""
        return {"lost": len(self.lost), "doubled": len(self.doubled), "gaps": len(self.gaps)}


def stored(data: Path, database_url: str = "") -> dict[str, Conversation]:
    """Every conversation of a Tiski by its uuid: from SQLite in its data folder, or from PostgreSQL."""
    rows = _from_postgresql(database_url) if database_url else _from_sqlite(data / "tiski.sqlite3")
    found: dict[str, Conversation] = {}
    for uuid, last_seq, seq, client_id in rows:
        found.setdefault(_hex(uuid), Conversation(last_seq, [])).entries.append((seq, _hex(client_id)))
    return found


def judge(lines: Iterable[Line], database: Mapping[str, Conversation], windows: Iterable[Rendered] = ()) -> Verdict:
    """Compare what was acknowledged, what is stored and what the visitors' windows show."""
    verdict = Verdict()
    places = {(uuid, client_id): seq for uuid, kept in database.items() for seq, client_id in kept.entries}
    for line in lines:
        if line["t"] == "ack":
            _judge_acknowledgement(line, places, verdict)
    times = Counter(client_id for kept in database.values() for _, client_id in kept.entries)
    verdict.doubled.extend(f"{client_id} is stored {count} times" for client_id, count in times.items() if count > 1)
    for uuid, kept in database.items():
        seqs = [seq for seq, _ in kept.entries]
        if seqs != list(range(1, kept.last_seq + 1)):
            verdict.gaps.append(f"conversation {uuid} counts to {kept.last_seq} and has {_holes(seqs)}")
    for window in windows:
        _judge_window(window, database.get(window.conversation, Conversation(0, [])), verdict)
    return verdict


def unacknowledged(lines: Sequence[Line], database: Mapping[str, Conversation]) -> int:
    """How many messages are stored although nobody was told so; a retry must find each of them."""
    told = {line["client_id"] for line in lines if line["t"] == "ack"}
    meant = {line["client_id"] for line in lines if line["t"] == "intent"}
    kept = {client_id for conversation in database.values() for _, client_id in conversation.entries}
    return len((meant & kept) - told)


def _judge_acknowledgement(line: Line, places: Mapping[tuple[str, str], int], verdict: Verdict) -> None:
    seq = places.get((line["conversation"], line["client_id"]))
    if seq is None:
        verdict.lost.append(f"{line['client_id']} was acknowledged with seq {line['seq']} and is not stored")
    elif line["seq"] not in {None, seq}:
        verdict.moved.append(f"{line['client_id']} was acknowledged with seq {line['seq']} and has {seq}")


def _judge_window(window: Rendered, kept: Conversation, verdict: Verdict) -> None:
    name = f"the window of {window.conversation}"
    own = Counter(client_id for _, client_id in window.entries if client_id)
    verdict.doubled.extend(f"{name} shows {client_id} {count} times" for client_id, count in own.items() if count > 1)
    seqs = [seq for seq, _ in window.entries]
    if seqs and seqs != list(range(seqs[0], seqs[-1] + 1)):
        verdict.gaps.append(f"{name} shows {_holes(seqs)}")
    first = seqs[0] if seqs else 1
    shown = dict(window.entries)
    lacking = [seq for seq, _ in kept.entries if seq >= first and seq not in shown]
    if lacking:
        verdict.differing.append(f"{name} lacks {lacking[:10]} of {kept.last_seq}")
    there = dict(kept.entries)
    wrong = [seq for seq, client_id in window.entries if seq not in there or (client_id and client_id != there[seq])]
    if wrong:
        verdict.differing.append(f"{name} shows other entries at {wrong[:10]}")


def _holes(seqs: Sequence[int]) -> str:
    missing = sorted(set(range(seqs[0], seqs[-1] + 1)) - set(seqs))
    return f"{seqs[0]}..{seqs[-1]} without {missing[:10]}, {len(seqs)} in all"


def _from_sqlite(file: Path) -> list[tuple[Any, ...]]:
    connection = sqlite.connect(f"file:{file}?mode=ro", uri=True, timeout=20)
    try:
        return list(connection.execute(_QUERY).fetchall())
    finally:
        connection.close()


def _from_postgresql(url: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return list(connection.execute(_QUERY).fetchall())


def _hex(value: object) -> str:
    return (value if isinstance(value, UUID) else UUID(str(value))).hex
