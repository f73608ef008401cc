"""Chats of the load generator: two windows of one visitor each, who send again, come back and keep a ledger."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import orjson

from bench.wires import Socket, handshake, next_address

RESEND_AFTER = 10.0
LONGEST_WAIT = 30.0
WORDS = "Onko teillä vihreää teetä irtona? Tarvitsisin sata grammaa."


@dataclass(slots=True)
class Tally:
    """What all of them heard: seconds from sending to acknowledgement and to the other side, refusals, the ledger."""

    acks: list[tuple[float, float]] = field(default_factory=list)
    """(when it was sent, seconds until its acknowledgement)"""
    seen: list[tuple[float, float]] = field(default_factory=list)
    """By whom they are meant for: in the conversation an agent has open, or in a visitor's window."""
    listed: list[tuple[float, float]] = field(default_factory=list)
    """As a row of the inbox, where the conversation is not open."""
    rows: int = 0
    sent: int = 0
    refusals: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    lines: list[dict[str, Any]] = field(default_factory=list)


class Window(Socket):
    """One tab with the chat open: it comes back for ever, and goes on after the last seq it has."""

    def __init__(self, chat: Chat) -> None:
        super().__init__("")
        self.chat = chat
        self.entries: dict[int, str] = {}
        self.reached = 0
        self.is_open = False
        self.opened_at = 0.0
        self.connects = 0
        self._tries = 0
        self._address = next_address()

    async def open(self) -> None:
        """Open the line; `closed` opens the next one."""
        self.is_accepted = False
        self.head = handshake(f"/w/{self.chat.key}/live", self.chat.port)
        try:
            async with asyncio.timeout(20):
                await asyncio.get_running_loop().create_connection(
                    lambda: self, "127.0.0.1", self.chat.port, local_addr=(self._address, 0)
                )
        except (OSError, TimeoutError):
            self.closed()

    def accepted(self) -> None:
        """Say hello."""
        self.connects += 1
        chat = self.chat
        hello = {"t": "hello", "token": chat.token, "conversation": str(chat.conversation), "after": self.reached}
        self.send(orjson.dumps(hello))

    def closed(self) -> None:
        """Come back by the widget's back-off."""
        self.is_open = False
        if self.chat.is_over:
            return
        wait = min(LONGEST_WAIT, 0.5 * 2**self._tries) * random.uniform(0.7, 1.3)
        self._tries += 1
        loop = asyncio.get_running_loop()
        loop.call_later(wait, lambda: self.chat.keep(loop.create_task(self.open())))

    def heard(self, frame: bytes) -> None:
        """What the server says."""
        heard = orjson.loads(frame)
        kind = heard["t"]
        if kind == "beat":
            self.send(frame)
        elif kind == "message":
            self._have(heard)
        elif kind == "ack":
            self._note(heard["seq"], heard["client_id"].replace("-", ""))
            self.chat.stored(heard)
        elif kind == "ready":
            self.is_open, self._tries, self.opened_at = True, 0, time.monotonic()
            for said in heard["messages"]:
                self._have(said)
            self.chat.send_again()
        elif kind == "refused":
            self.chat.refused(heard)

    def _have(self, said: dict[str, Any]) -> None:
        self._note(said["seq"], (said.get("client_id") or "").replace("-", ""))
        if said["author"]["kind"] == "agent":
            self.chat.answered(said["body"], by_first=self is self.chat.windows[0])

    def _note(self, seq: int, client_id: str) -> None:
        self.entries[seq] = client_id
        while self.reached + 1 in self.entries:
            self.reached += 1


class Chat:
    """A visitor and their conversation; `number` is in every message, so that the console's side can be told apart."""

    def __init__(self, number: int, port: int, tally: Tally, *, key: str = "teepuoti", windows: int = 2) -> None:
        self.number, self.port, self.tally, self.key = number, port, tally, key
        self.token, self.conversation = secrets.token_urlsafe(32), uuid.uuid4()
        self.said = 0
        self.conversation_id = 0
        self.is_over = False
        self.resends = True
        self.spoken: dict[int, float] = {}
        """When each message was sent, until the console has shown it."""
        self.answers: dict[str, float] = {}
        self.windows = [Window(self) for _ in range(windows)]
        self._waiting: dict[str, tuple[float, bytes]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def say(self, *, lateness: float = 0.0) -> None:
        """Send a message now; it counts from when it should have been sent."""
        self.said += 1
        client_id = uuid.uuid4()
        frame = orjson.dumps(
            {
                "t": "message", "client_id": str(client_id), "conversation": str(self.conversation),
                "body": f"C{self.number} N{self.said} {WORDS}", "page": "/demo/", "lang": "fi", "files": [],
            }
        )  # fmt: skip
        now = time.monotonic() - lateness
        self.tally.sent += 1
        self._waiting[client_id.hex] = (now, frame)
        self.spoken[self.said] = now
        self.windows[0].send(frame)

    @property
    def waiting(self) -> int:
        """How many messages are not acknowledged yet."""
        return len(self._waiting)

    @property
    def is_settled(self) -> bool:
        """Whether nothing is on its way and all windows are open and have got to the same place."""
        places = {window.reached if window.is_open else -1 for window in self.windows}
        return not self._waiting and not self.answers and len(places) == 1 and -1 not in places

    def send_again(self, *, overdue: float = 0.0) -> None:
        """What is not acknowledged goes again, under the same client id."""
        now = time.monotonic()
        for since, frame in self._waiting.values():
            if now - since >= overdue and self.windows[0].is_open:
                self.windows[0].send(frame)

    def stored(self, ack: dict[str, Any]) -> None:
        """Acknowledged: into the ledger."""
        client_id = ack["client_id"].replace("-", "")
        found = self._waiting.pop(client_id, None)
        if found is None:
            return
        self.tally.acks.append((found[0], time.monotonic() - found[0]))
        line = {"t": "ack", "conversation": self.conversation.hex, "client_id": client_id, "seq": ack["seq"]}
        self.tally.lines.append(line)

    def refused(self, frame: dict[str, Any]) -> None:
        """Refused: for good, or until `retry_after`."""
        wait = frame.get("retry_after") or 0
        self.tally.refusals[f"{frame['code']}{' with retry_after' if wait else ''}"] += 1
        client_id = (frame.get("client_id") or "").replace("-", "")
        if not wait or not self.resends:
            self._waiting.pop(client_id, None)
        else:
            asyncio.get_running_loop().call_later(wait, self.send_again)

    def shown(self, said: int, *, in_list: bool) -> None:
        """A console shows this message of the visitor, or a later one: in the open conversation, or as a row."""
        for number in [each for each in self.spoken if each <= said]:
            since = self.spoken.pop(number)
            (self.tally.listed if in_list else self.tally.seen).append((since, time.monotonic() - since))

    def answered(self, body: str, *, by_first: bool) -> None:
        """An agent's answer has come to a window."""
        mark = body.partition(" ")[0]
        since = self.answers.get(mark) if not by_first else self.answers.pop(mark, None)
        if since is not None and by_first:
            self.tally.seen.append((since, time.monotonic() - since))

    def keep(self, task: asyncio.Task[None]) -> None:
        """Hold a reference to what runs."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def end(self) -> None:
        """Close the windows and stay away."""
        self.is_over = True
        for window in self.windows:
            if window.transport is not None:
                window.transport.close()
