"""Shoppers without a screen: they chat over the live socket as the widget does, and keep a ledger.

    with Crowd(tiski.address, folder, count=30) as crowd:   # a thread of its own; the test stays synchronous
        crowd.wait_for(200)                                 # acknowledgements
        broken = crowd.now()
        tiski.kill()
        tiski.start()
        seconds = crowd.steady_since(broken)                # everyone has sent and been acknowledged again
        crowd.settle()                                      # nobody speaks, nothing is on its way
        assert crowd.judge(data, database_url) == Verdict()

A visitor reconnects for ever with the widget's back-off, resumes after the last seq without a hole, sends again what
was not acknowledged under the same client id, answers beats, and takes 44 s of silence for a dead line.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import secrets
import threading
import time
from collections import Counter
from collections.abc import Coroutine, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any
from uuid import uuid4

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.typing import Origin

from tiski.testing import ledger as ledgers
from tiski.testing.ledger import Ledger, Line, Rendered, Verdict
from tiski.testing.ports import wait_until

SILENCE = 44.0  # as long as a page takes at most
STABLE = 10.0
LONGEST_WAIT = 30.0
ACK_WITHIN = 10.0
HOLE_WITHIN = 2.0
SHOWN_WITHIN = 5.0
LONGEST_RETRY = 60
BODY = "Onko teillä vihreää teetä irtona?"


class Visitor:
    """One browser: its token, its conversation, what it has not been acknowledged, and what its window shows."""

    def __init__(self, address: str, ledger: Ledger, *, key: str = "teepuoti", silence: float = SILENCE) -> None:
        self.address = address
        self.ledger = ledger
        self.token = secrets.token_urlsafe(32)
        self.conversation = uuid4()
        self.entries: dict[int, str] = {}
        self.contradictions: list[tuple[int, str]] = []
        """Entries that came with a seq another entry has."""
        self.connects = 0
        self.asked_again = 0
        self.is_open = False
        self.opened_at = 0.0
        self.closes: Counter[int] = Counter()
        self.refusals: Counter[str] = Counter()
        self.acknowledged: dict[str, int] = {}
        self.waits: list[float] = []
        self.last_good = 0.0
        """When the latest message that was acknowledged had been meant (monotonic)."""
        self._key = key
        self._silence = silence
        self._socket: ClientConnection | None = None
        self._beginning = 0
        self._unsent: dict[str, dict[str, Any]] = {}
        self._due: dict[str, float] = {}
        self._meant: dict[str, float] = {}
        self._told: dict[str, asyncio.Future[int | None]] = {}
        self._reached = 0
        self._hole_since: float | None = None

    def rendered(self) -> Rendered:
        """What the window shows now."""
        return Rendered(self.conversation.hex, sorted([*self.entries.items(), *self.contradictions]))

    @property
    def waiting(self) -> int:
        """How many messages are on their way, or about to be."""
        return len(self._unsent) + self._beginning

    @property
    def reached(self) -> int:
        """The last seq up to which nothing is missing."""
        return self._reached

    @property
    def has_hole(self) -> bool:
        """Whether something came whose predecessor has not."""
        return max(self.entries, default=0) > self._reached

    async def say(
        self, body: str = BODY, *, client_id: str = "", files: Sequence[str] = ()
    ) -> asyncio.Future[int | None]:
        """Write the intent down and send; the future gives the seq, or None when it was refused for good."""
        client_id = client_id or uuid4().hex
        frame = {"t": "message", "client_id": client_id, "conversation": str(self.conversation), "body": body}
        self._beginning += 1
        try:
            await self.ledger.write(t="intent", conversation=self.conversation.hex, client_id=client_id, body=body)
        finally:
            self._beginning -= 1  # nothing else runs between this and the line that puts it with the unsent
        told: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        self._told[client_id] = told
        self._meant[client_id] = time.monotonic()
        self._unsent[client_id] = frame | {"page": "/demo/", "lang": "fi", "files": [*files]}
        await self._send(client_id)
        return told

    async def stay(self) -> None:
        """Keep a socket up until cancelled."""
        tries = 0
        while True:
            began = time.monotonic()
            try:
                await self._visit()
            except ConnectionClosed as closed:
                self.closes[closed.rcvd.code if closed.rcvd else 1006] += 1
            except (OSError, TimeoutError, EOFError, WebSocketException):
                self.closes[1006] += 1
            was_stable = self.is_open and time.monotonic() - began > STABLE
            self.is_open, self._socket = False, None
            tries = 0 if was_stable else tries
            await asyncio.sleep(min(LONGEST_WAIT, 0.5 * 2**tries) * random.uniform(0.7, 1.3))
            tries += 1

    async def hang_up(self) -> None:
        """Drop the line without a word; `stay` opens another."""
        if self._socket is not None:
            self._socket.transport.abort()

    async def _visit(self) -> None:
        address = f"{self.address.replace('http', 'ws', 1)}/w/{self._key}/live"
        opening = connect(
            address, origin=Origin(self.address), proxy=None, compression=None, ping_interval=None, close_timeout=0.5
        )
        async with opening as socket:
            self._socket = socket
            self.connects += 1
            hello = {"t": "hello", "token": self.token, "conversation": str(self.conversation), "after": self._reached}
            await socket.send(json.dumps(hello))
            heartbeat = asyncio.create_task(self._look_after())
            try:
                while True:
                    async with asyncio.timeout(self._silence):
                        text = await socket.recv()
                    await self._hear(json.loads(text))
            finally:
                heartbeat.cancel()

    async def _look_after(self) -> None:
        """Every second, as the widget: what is overdue goes again, and a hole that stays is asked about."""
        while True:
            await asyncio.sleep(1)
            now = time.monotonic()
            for client_id in [each for each, due in self._due.items() if due < now]:
                await self._send(client_id)
            if self._hole_since is not None and now - self._hole_since > HOLE_WITHIN:
                self.asked_again += 1
                await self.hang_up()

    async def _hear(self, frame: dict[str, Any]) -> None:
        kind = frame["t"]
        if kind == "beat":
            await self._put(frame)
        elif kind == "message":
            self._have(frame["seq"], frame.get("client_id"))
        elif kind == "ack":
            await self._stored(frame)
        elif kind == "refused":
            await self._refused(frame)
        elif kind == "ready":
            await self._ready(frame)
        elif kind == "resync":
            self.entries.clear()
            self._reached = 0
            await self.hang_up()

    async def _ready(self, frame: dict[str, Any]) -> None:
        if self._reached == 0 and frame["messages"]:
            self._reached = frame["messages"][0]["seq"] - 1
            self.entries = {seq: client_id for seq, client_id in self.entries.items() if seq > self._reached}
        self._hole_since = None
        for said in frame["messages"]:
            self._have(said["seq"], said.get("client_id"))
        self.is_open, self.opened_at = True, time.monotonic()
        for client_id in list(self._unsent):
            await self._send(client_id)

    async def _stored(self, frame: dict[str, Any]) -> None:
        client_id, seq = frame["client_id"].replace("-", ""), frame["seq"]
        self._have(seq, client_id)
        if self._unsent.pop(client_id, None) is None:
            return
        self._due.pop(client_id, None)
        meant = self._meant.pop(client_id)
        await self.ledger.write(t="ack", conversation=self.conversation.hex, client_id=client_id, seq=seq)
        self.acknowledged[client_id] = seq
        self.waits.append(time.monotonic() - meant)
        self.last_good = max(self.last_good, meant)
        self._told.pop(client_id).set_result(seq)

    async def _refused(self, frame: dict[str, Any]) -> None:
        self.refusals[frame["code"]] += 1
        client_id = (frame.get("client_id") or "").replace("-", "")
        if client_id not in self._unsent:
            return
        wait = frame.get("retry_after") or 0
        if 0 < wait <= LONGEST_RETRY:
            self._due[client_id] = time.monotonic() + wait
            return
        del self._unsent[client_id]
        self._due.pop(client_id, None)
        self._meant.pop(client_id)
        await self.ledger.write(t="refused", client_id=client_id, code=frame["code"])
        self._told.pop(client_id).set_result(None)

    def _have(self, seq: int, client_id: str | None) -> None:
        entry = (client_id or "").replace("-", "")
        if self.entries.setdefault(seq, entry) != entry:
            self.contradictions.append((seq, entry))
        while self._reached + 1 in self.entries:
            self._reached += 1
        if not self.has_hole:
            self._hole_since = None
        elif self._hole_since is None:
            self._hole_since = time.monotonic()

    async def _send(self, client_id: str) -> None:
        if client_id in self._unsent and self.is_open:
            self._due[client_id] = time.monotonic() + ACK_WITHIN
            await self._put(self._unsent[client_id])

    async def _put(self, frame: dict[str, Any]) -> None:
        if self._socket is not None:
            with contextlib.suppress(ConnectionClosed):
                await self._socket.send(json.dumps(frame))


class Crowd:
    """Some dozens of visitors who chat in a thread of their own until told to be quiet."""

    def __init__(
        self,
        address: str,
        folder: Path,
        *,
        count: int,
        pause: float = 0.1,
        talking: bool = True,
        silence: float = SILENCE,
    ) -> None:
        """`pause` is the mean of the seconds between an acknowledgement and the next message."""
        self.ledger = Ledger(folder / f"ledger-{secrets.token_hex(4)}.jsonl")
        self.visitors = [Visitor(address, self.ledger, silence=silence) for _ in range(count)]
        self._pause = pause
        self._talking = talking
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="crowd", daemon=True)
        self._failure: BaseException | None = None

    def __enter__(self) -> Crowd:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(lambda: [task.cancel() for task in asyncio.all_tasks(self._loop)])
        self._thread.join(30)
        self.ledger.close()

    @staticmethod
    def now() -> float:
        """The moment of a fault, for `steady_since`."""
        return time.monotonic()

    @property
    def acknowledged(self) -> int:
        """Acknowledgements so far."""
        return self.ledger.acknowledged

    def wait_for(self, more: int, *, seconds: float = 60.0) -> None:
        """Return when so many more acknowledgements have come."""
        wanted = self.acknowledged + more
        self._wait(lambda: self.acknowledged >= wanted, f"{more} acknowledgements", seconds)

    def wait_until_open(self, *, seconds: float = 60.0) -> None:
        """Return when every visitor has been answered its hello."""
        self._wait(lambda: all(visitor.is_open for visitor in self.visitors), "every socket", seconds)

    def wait_until_closed(self, *, seconds: float = 60.0) -> None:
        """Return when no visitor has a line any more."""
        self._wait(lambda: not any(visitor.is_open for visitor in self.visitors), "every line cut", seconds)

    def steady_since(self, moment: float, *, seconds: float = 60.0) -> float:
        """Wait until everyone was acknowledged something meant after the moment; returns how many seconds that took."""
        left = seconds - (time.monotonic() - moment)
        self._wait(
            lambda: all(visitor.last_good > moment for visitor in self.visitors), f"all at ease in {seconds:g} s", left
        )
        return time.monotonic() - moment

    def speak(self) -> None:
        """Go on after `settle`."""
        self._talking = True

    def settle(self, *, seconds: float = 60.0) -> None:
        """Be quiet, and wait until nothing is on its way and no window has a hole."""
        self._talking = False
        self._wait(
            lambda: not any(visitor.waiting or visitor.has_hole for visitor in self.visitors),
            "quiet",
            seconds,
        )

    def judge(self, data: Path, database_url: str = "", *, also: Iterable[Line] = ()) -> Verdict:
        """The verdict over ledger, database and windows; `data` is the product's data folder.

        `also` are the lines of other ledgers kept over the same database. A window has a few seconds to show what
        somebody else has just stored: no acknowledgement tells the crowd to wait for that.
        """
        lines = [*self.ledger.lines(), *also]
        until = time.monotonic() + SHOWN_WITHIN
        while True:
            kept = ledgers.stored(data, database_url)
            verdict = ledgers.judge(lines, kept, [visitor.rendered() for visitor in self.visitors])
            if not verdict.differing or time.monotonic() > until:
                return verdict
            time.sleep(0.2)

    def do(self, coroutine: Coroutine[Any, Any, Any], *, seconds: float = 60.0) -> Any:
        """Run something in the crowd's event loop, for example `visitor.say(...)`."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(seconds)

    def waits(self) -> Sequence[float]:
        """Seconds from intent to acknowledgement, of all messages, sorted."""
        return sorted(wait for visitor in self.visitors for wait in visitor.waits)

    def _wait(self, holds: Any, what: str, seconds: float) -> None:
        wait_until(lambda: self._failure or holds(), what, seconds=seconds)
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._live())
        except asyncio.CancelledError:
            pass
        except BaseException as failure:
            self._failure = failure
            raise
        finally:
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()

    async def _live(self) -> None:
        async with asyncio.TaskGroup() as group:
            for visitor in self.visitors:
                group.create_task(visitor.stay())
                group.create_task(self._chat(visitor))

    async def _chat(self, visitor: Visitor) -> None:
        while True:
            await asyncio.sleep(random.uniform(0, 2 * self._pause))
            if self._talking:
                await (await visitor.say())
