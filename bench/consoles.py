"""Agents of the load generator: the console's socket and the very requests its scripts make, with their spread."""

from __future__ import annotations

import asyncio
import random
import re
import time
import uuid
from collections.abc import Callable
from urllib.parse import urlencode

import orjson

from bench.shoppers import Chat, Tally
from bench.wires import Browser, Socket, handshake

MOST, PAUSE, LONGEST_PAUSE = 40, 0.1, 2.0  # list.js: rows in one request, the pause after it for each, and at most
SPREAD = 0.2  # news.js: a little later, and not in the same millisecond as fifty other consoles
MOMENTS, REST = 1.5, 5.0  # news.js: before a look at the navigation, and between two of them
SEQ = re.compile(rb'data-seq="(\d+)"')
MARK = re.compile(rb"C(\d+) N(\d+) ")
ANSWER = "Hei! Kyllä löytyy, laitan sinulle linkin."
WORDS = ("Aino Korhonen", "Virt", "elsa.holm", "4711", "asiakaspalvelu", "kiitos", "paketti puuttui", "tilaukse")


class Console(Socket):
    """An agent with the inbox open and one conversation beside it."""

    def __init__(self, number: int, *, browser: Browser, live_port: int, tally: Tally, chats: list[Chat]) -> None:
        super().__init__(handshake("/teepuoti/live/", live_port, cookies=browser.cookies))
        self.number, self.port, self.tally, self.chats = number, live_port, tally, chats
        self.browser = browser
        self.is_open = False
        self.opened_at = 0.0
        self.requests = 0
        self.is_over = False
        self.place = 0
        self.opened: Chat | None = None
        self._changed: dict[str, set[int] | None] = {}
        self._turned: set[str] = set()
        self._resting = False
        self._entries: set[int] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._rows: dict[int, None] = {}
        self._asking = False
        self._tries = 0
        self._answering = 0
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def is_busy(self) -> bool:
        """Whether an answer of this agent's is on its way."""
        return self._answering > 0

    async def arrive(self, chat: Chat) -> None:
        """Load the inbox and a conversation of it, then open the line."""
        await self._get("/teepuoti/inbox/open/", partial=False)
        await self._open(chat)
        await self.open()

    async def open(self) -> None:
        """Open the line; when it ends it is opened again."""
        self.is_accepted = False
        try:
            async with asyncio.timeout(20):
                await asyncio.get_running_loop().create_connection(
                    lambda: self, "127.0.0.1", self.port, local_addr=(self.browser.address, 0)
                )
        except (OSError, TimeoutError):
            self.closed()

    def accepted(self) -> None:
        """Say hello, and what is on the screen."""
        topics = ["inbox", *([f"conversation-{self.opened.conversation_id}"] if self.opened else [])]
        hello = {"t": "hello", "csrf": self.browser.csrf, "topics": topics}
        self.send(orjson.dumps(hello | ({"after": self.place} if self.place else {})))

    def closed(self) -> None:
        """Come back."""
        self.is_open = False
        if self.is_over:
            return
        wait = min(30.0, 0.5 * 2**self._tries) * random.uniform(0.7, 1.3)
        self._tries += 1
        asyncio.get_running_loop().call_later(wait, lambda: self.start(self.open))

    def heard(self, frame: bytes) -> None:
        """News is gathered for a moment, as the page does."""
        heard = orjson.loads(frame)
        kind = heard["t"]
        self.place = max(self.place, heard.get("seq", 0))
        if kind == "beat":
            self.send(frame)
        elif kind == "ready":
            self.is_open, self._tries, self.opened_at = True, 0, time.monotonic()
        elif kind in {"news", "resync"}:
            topic = heard.get("topic", "inbox")
            keys = self._changed.setdefault(topic, set())
            if heard.get("key") is None:
                self._changed[topic] = None
            elif keys is not None:
                keys.add(heard["key"])
            if heard.get("turns"):
                self._turned.add(topic)
            if self._timer is None:
                self._timer = asyncio.get_running_loop().call_later(random.uniform(0, SPREAD), self._tell)

    def start(self, act: Callable[..., object], *arguments: object) -> None:
        """Run something of this agent's beside the rest; its failure is an error of the load."""
        task = asyncio.get_running_loop().create_task(self._guarded(act, *arguments))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def answer(self, chat: Chat, *, since: float) -> None:
        """Open the conversation if it is not, read it, answer."""
        self._answering += 1
        try:
            await self._answer(chat, since)
        finally:
            self._answering -= 1

    async def _answer(self, chat: Chat, since: float) -> None:
        number = chat.conversation_id
        if self.opened is not chat:
            before = self.opened
            await self._open(chat)
            self.send(orjson.dumps({"t": "watch", "topics": [f"conversation-{number}"]}))
            if before is not None:
                self.send(orjson.dumps({"t": "unwatch", "topics": [f"conversation-{before.conversation_id}"]}))
            self.send(orjson.dumps({"t": "here", "conversation": number, "writing": True}))
            await self._post(f"conversations/{number}/read-mark/", seq=str(chat.windows[0].reached))
        client_id = uuid.uuid4()
        mark = f"A{client_id.hex[:12]}"
        chat.answers[mark] = since
        entry = await self._post(
            f"conversations/{number}/sending/",
            mode="reply", body=f"{mark} C{chat.number} N{chat.said} {ANSWER}", client_id=str(client_id),
            seen_seq="1000000",
        )  # fmt: skip
        if entry is None:
            chat.answers.pop(mark, None)
            return
        if self.opened is chat:
            self._entries |= _seqs(entry)
        self.tally.acks.append((since, time.monotonic() - since))
        line = {"t": "ack", "conversation": chat.conversation.hex, "client_id": client_id.hex, "seq": None}
        self.tally.lines.append(line)

    async def _open(self, chat: Chat) -> None:
        self.opened = chat
        self._entries = _seqs(await self._get(f"/teepuoti/inbox/open/conversations/{chat.conversation_id}/"))

    async def search(self) -> None:
        """Look someone up."""
        await self._get(f"/teepuoti/search/?{urlencode({'q': random.choice(WORDS)})}", partial=False)

    def end(self) -> None:
        """Leave."""
        self.is_over = True
        if self.transport is not None:
            self.transport.close()

    def _tell(self) -> None:
        changed, self._changed, self._timer = self._changed, {}, None
        turned, self._turned = self._turned, set()
        here = f"conversation-{self.opened.conversation_id}" if self.opened else ""
        if here in turned and self.opened is not None:
            self.start(self._fetch_header, self.opened)
        if "inbox" in turned:
            self._look_at_navigation()
        for topic, keys in changed.items():
            if topic == "inbox":
                for key in keys or ():
                    self._rows.pop(key, None)
                    self._rows[key] = None
                self.start(self._fetch_rows)
            elif self.opened is not None and topic == here and not (keys and keys <= self._entries):
                self.start(self._fetch_entries, self.opened)

    def _look_at_navigation(self) -> None:
        """news.js: within moments, then after a rest."""
        self._turned.add("inbox")
        if self._resting or self.is_over:
            return
        self._resting = True
        loop = asyncio.get_running_loop()
        loop.call_later(random.uniform(0, MOMENTS), self.start, self._fetch_navigation)
        loop.call_later(MOMENTS + random.uniform(0, REST), self._rested)

    def _rested(self) -> None:
        self._resting = False
        if "inbox" in self._turned:
            self._look_at_navigation()

    async def _fetch_navigation(self) -> None:
        self._turned.discard("inbox")
        if not self.is_over:
            await self._get("/teepuoti/inbox/navigation/?view=open")

    async def _fetch_header(self, chat: Chat) -> None:
        await self._get(f"/teepuoti/inbox/open/conversations/{chat.conversation_id}/header/")

    async def _fetch_rows(self) -> None:
        """list.js: one request at a time, and a pause after it."""
        if self._asking:
            return
        self._asking = True
        try:
            while self._rows and not self.is_over:
                keys = [*self._rows][-MOST:]
                for key in keys:
                    del self._rows[key]
                listed = ",".join(map(str, keys))
                one = f"conversations/{keys[0]}/row/"
                body = await self._get(f"/teepuoti/inbox/open/{one if len(keys) == 1 else f'?rows={listed}'}")
                self.tally.rows += self._show(body, in_list=True)
                await asyncio.sleep(min(LONGEST_PAUSE, PAUSE * len(keys)) * random.uniform(0.5, 1.5))
        finally:
            self._asking = False

    async def _fetch_entries(self, chat: Chat) -> None:
        after = max(0, chat.windows[0].reached - 2)
        body = await self._get(f"/teepuoti/conversations/{chat.conversation_id}/messages/?after={after}")
        self._show(body, in_list=False)
        if self.opened is chat:
            self._entries |= _seqs(body)

    def _show(self, body: bytes, *, in_list: bool) -> int:
        """Note what has become visible; in the list for the agents who answer the chat, in the thread for all."""
        marks = list(MARK.finditer(body))
        for found in marks:
            number, said = int(found[1]), int(found[2])
            if number < len(self.chats) and (not in_list or number % 20 == self.number % 20):
                self.chats[number].shown(said, in_list=in_list)
        return len(marks)

    async def _get(self, path: str, *, partial: bool = True) -> bytes:
        status, head, body = await self.browser.get(path, partial=partial)
        self._count("GET", status, head)
        return body if status == 200 else b""

    async def _post(self, path: str, **fields: str) -> bytes | None:
        status, head, body = await self.browser.post(f"/teepuoti/{path}", urlencode(fields).encode())
        self._count(f"POST {body[:200].decode(errors='replace')!r}" if status == 422 else "POST", status, head)
        return body if status < 300 else None

    def _count(self, method: str, status: int, head: str) -> None:
        self.requests += 1
        if status in {429, 503} and "retry-after" in head.lower():
            self.tally.refusals[f"{status} with Retry-After"] += 1
        elif status >= 400:
            self.tally.errors[f"{method} {status}"] += 1

    async def _guarded(self, act: Callable[..., object], *arguments: object) -> None:
        try:
            await act(*arguments)  # type: ignore[misc]
        except (OSError, EOFError) as error:
            self.tally.errors[f"{type(error).__name__} {error}"[:60]] += 1


def _seqs(body: bytes) -> set[int]:
    return {int(seq) for seq in SEQ.findall(body)}
