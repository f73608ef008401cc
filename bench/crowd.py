"""The load generator, a process of its own: `python -m bench.crowd` reads a plan, runs it, and reports.

Over its pipes it speaks in lines: it says `chats` with their uuids and is told their ids; it says `begin` and `end` of
what is measured, and last the name of the file that holds its report.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections.abc import Awaitable, Callable
from itertools import count
from pathlib import Path
from typing import Any

import psutil
import uvloop

from bench import mails
from bench.consoles import Console
from bench.measuring import percentile
from bench.shoppers import RESEND_AFTER, Chat, Tally
from bench.wires import Browser

FIRST_MESSAGES = 60  # a second, while the chats begin
STEP_SECONDS = 6.0
MOST = 20_000
BOOT = ("/w/loader.js", "/w/config/teepuoti.json?lang=fi")


class Crowd:
    """Everyone at once, by a plan."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.plan, self.tally = plan, Tally()
        self.chats = [Chat(number, plan["live_port"], self.tally) for number in range(plan["chats"])]
        self.consoles = [
            Console(
                number,
                browser=Browser(plan["port"], cookies, csrf),
                live_port=plan["live_port"],
                tally=self.tally,
                chats=self.chats,
            )
            for number, (cookies, csrf) in enumerate(plan["agents"])
        ]
        self.factor = 1.0
        self.mails_sent: list[str] = []
        self.timeline: list[tuple[float, int]] = []
        self.report: dict[str, Any] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._numbers = count()
        self._over = False

    async def run(self) -> None:
        """Arrive, be measured, come to rest, report."""
        await self._arrive()
        own = psutil.Process().cpu_times()
        began, cpu = time.monotonic(), own.user + own.system
        _say("begin")
        streams = [self._task(self._stream(name, act)) for name, act in self._streams()]
        streams.append(self._task(self._watch()))
        if self.plan.get("overload"):
            await self._overload()
        else:
            await asyncio.sleep(self.plan["seconds"])
        self._over = True
        took, own = time.monotonic() - began, psutil.Process().cpu_times()
        await asyncio.gather(*streams)
        _say("end")
        await self._settle()
        self._write(began, took, (own.user + own.system - cpu) / took)

    async def _arrive(self) -> None:
        for chat in self.chats:
            for window in chat.windows[:1]:
                chat.keep(asyncio.get_running_loop().create_task(window.open()))
            await asyncio.sleep(1 / FIRST_MESSAGES)
            chat.say()
        await self._need(lambda: all(chat.windows[0].is_open and not chat.waiting for chat in self.chats))
        for number, chat in enumerate(self.chats):
            for window in chat.windows[1:]:
                chat.keep(asyncio.get_running_loop().create_task(window.open()))
            if number % 100 == 99:
                await asyncio.sleep(0.3)
        _say("chats " + json.dumps([chat.conversation.hex for chat in self.chats]))
        ids = json.loads(await asyncio.to_thread(sys.stdin.readline))
        for chat, number in zip(self.chats, ids, strict=True):
            chat.conversation_id = number
            chat.spoken.clear()
        for console in self.consoles:
            console.start(console.arrive, self.chats[console.number % 20])
            await asyncio.sleep(0.05)
        await self._need(lambda: all(each.is_open for each in self._sockets()))
        self.tally.acks.clear()
        self.tally.errors.clear()
        self.tally.sent = 0

    def _sockets(self) -> list[Any]:
        return [*(window for chat in self.chats for window in chat.windows), *self.consoles]

    def _streams(self) -> list[tuple[str, Callable[[float], None]]]:
        return [
            ("visitors", self._visitor_speaks),
            ("answers", self._agent_answers),
            ("mails", self._mail_comes),
            ("boots", self._widget_boots),
            ("searches", self._agent_searches),
        ]

    async def _stream(self, name: str, act: Callable[[float], None]) -> None:
        """Open loop: what is late is sent late and counts from when it was due; answers are not waited for."""
        rate = self.plan.get(name, 0)
        if not rate:
            return
        due = time.monotonic() + random.uniform(0, 1 / rate)
        while not self._over:
            now = time.monotonic()
            while due <= now:
                act(now - due)
                due += random.expovariate(rate * self.factor)
            await asyncio.sleep(max(0.001, min(0.05, due - time.monotonic())))

    def _visitor_speaks(self, late: float) -> None:
        if len(self._tasks) < MOST:
            random.choice(self.chats).say(lateness=late)

    def _agent_answers(self, late: float) -> None:
        console = random.choice(self.consoles)
        own = self.chats[console.number % 20 :: 20]
        self.tally.sent += 1
        console.start(self._answer, console, random.choice(own), late)

    async def _answer(self, console: Console, chat: Chat, late: float) -> None:
        await console.answer(chat, since=time.monotonic() - late)

    def _agent_searches(self, late: float) -> None:
        console = random.choice(self.consoles)
        console.start(console.search)

    def _widget_boots(self, late: float) -> None:
        self._task(self._boot())

    async def _boot(self) -> None:
        browser = Browser(self.plan["port"])
        for path in BOOT:
            try:
                status, head, _body = await browser.get(path)
                self._count_boot(status, head)
            except OSError as error:
                self.tally.errors[f"boot {error}"[:60]] += 1
        browser.close()

    def _count_boot(self, status: int, head: str) -> None:
        if status in {429, 503} and "retry-after" in head.lower():
            self.tally.refusals[f"{status} with Retry-After"] += 1
        elif status >= 400:
            self.tally.errors[f"boot {status}"] += 1

    def _mail_comes(self, late: float) -> None:
        self._task(self._mail(next(self._numbers)))

    async def _mail(self, number: int) -> None:
        raw, name = self._raws()[number % 200], f"load-{number}-{self.plan['port']}@posti.example"
        raw = raw.replace(b"Message-ID: <", f"Message-ID: <{name}>\nX-Was: <".encode(), 1)
        self.mails_sent.append(name)
        try:
            await _deliver(self.plan["lmtp"], raw)
        except (OSError, asyncio.IncompleteReadError) as error:
            self.mails_sent.remove(name)
            self.tally.errors[f"mail {error}"[:60]] += 1

    def _raws(self) -> list[bytes]:
        if not hasattr(self, "_corpus"):
            self._corpus = [raw for raw in mails.corpus(220, seed=3) if b"multipart/report" not in raw][:200]
        return self._corpus

    async def _overload(self) -> None:
        """Find the knee by steps of a half, go to three times that, then back to where it began."""
        for chat in self.chats:
            chat.resends = False
        steps: list[list[float]] = []
        knee = self.factor
        while True:
            rate, p95, share = await self._step(STEP_SECONDS)
            steps.append([self.factor, rate, p95, share])
            if p95 > 1.0 or share < 0.9 or self.factor > 400:
                break
            knee = self.factor
            self.factor *= 1.5
        self.report |= {"steps": steps, "knee": knee, "refused_before": sum(self.tally.refusals.values())}
        self.factor = knee * 3
        _say("overload")
        self.report["above"] = await self._step(20.0)
        self.factor = 1.0
        _say("relief")
        calmed = time.monotonic()
        self.report["recovered"] = None
        while time.monotonic() - calmed < 60:
            _rate, p95, share = await self._step(3.0)
            if share > 0.95 and p95 < 0.4:
                self.report["recovered"] = time.monotonic() - calmed
                return

    async def _step(self, seconds: float) -> tuple[float, float, float]:
        """Acknowledgements a second, their p95, and which share of what was sent they are."""
        began, sent = time.monotonic(), self.tally.sent
        await asyncio.sleep(seconds)
        acks = [wait for since, wait in self.tally.acks if since >= began]
        sent = max(1, self.tally.sent - sent)
        return len(acks) / seconds, percentile(acks, 0.95), len(acks) / sent

    async def _watch(self) -> None:
        """How many sockets are open, and what is overdue is sent again."""
        while not self._over:
            self.timeline.append((time.monotonic(), sum(each.is_open for each in self._sockets())))
            if not self.plan.get("overload"):
                for chat in self.chats:
                    chat.send_again(overdue=RESEND_AFTER)
            await asyncio.sleep(0.1 if not self.plan.get("overload") else 1)

    async def _settle(self) -> None:
        """Nothing is on its way any more, and the windows of each chat show the same."""
        await self._until(lambda: not any(console.is_busy for console in self.consoles), 40)
        await self._until(lambda: all(chat.is_settled for chat in self.chats), 40)
        everyone: list[Chat | Console] = [*self.chats, *self.consoles]
        for each in everyone:
            each.end()

    def _write(self, began: float, took: float, cpu: float) -> None:
        tally = self.tally
        windows = [
            [chat.conversation.hex, sorted(window.entries.items())] for chat in self.chats for window in chat.windows
        ]
        report = self.report | {
            "began": began, "took": took, "cpu": cpu, "sent": tally.sent, "acks": tally.acks, "seen": tally.seen,
            "listed": tally.listed, "rows": tally.rows,
            "unseen": sum(len(chat.spoken) + len(chat.answers) for chat in self.chats),
            "waiting": sum(chat.waiting for chat in self.chats), "refusals": tally.refusals, "errors": tally.errors,
            "lines": tally.lines, "windows": windows, "mails": self.mails_sent, "timeline": self.timeline,
            "requests": sum(each.requests for each in self.consoles), "sockets": len(self._sockets()),
            "reconnects": sum(window.connects - 1 for chat in self.chats for window in chat.windows),
        }  # fmt: skip
        Path(self.plan["report"]).write_text(json.dumps(report))
        _say("done")

    async def _need(self, holds: Callable[[], bool]) -> None:
        await self._until(holds, 120)
        if not holds():
            raise RuntimeError("the chats did not begin within two minutes")

    async def _until(self, holds: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not holds() and time.monotonic() < deadline:
            for chat in self.chats:
                chat.send_again(overdue=RESEND_AFTER)
            await asyncio.sleep(0.2)

    def _task(self, work: Awaitable[Any]) -> asyncio.Task[Any]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


async def _deliver(port: int, raw: bytes) -> None:
    """Hand a mail to the mail server, as its own front door would (LMTP, RFC 2033)."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        await reader.readline()
        for line in (b"LHLO bench", b"MAIL FROM:<ada@posti.example>", f"RCPT TO:<{mails.SHOP}>".encode(), b"DATA"):
            writer.write(line + b"\r\n")
            while (answer := await reader.readline())[3:4] == b"-":
                pass
            if answer[:1] not in b"23":
                raise ConnectionError(answer.decode(errors="replace").strip())
        body = b"\r\n".join(raw.splitlines())
        writer.write(body.replace(b"\r\n.", b"\r\n..") + b"\r\n.\r\n")
        if not (await reader.readline()).startswith(b"2"):
            raise ConnectionError("not taken")
    finally:
        writer.close()


def _say(line: str) -> None:
    print(line, flush=True)


def main() -> int:
    """Run the plan that stands in the first line of the input."""
    crowd = Crowd(json.loads(sys.stdin.readline()))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(crowd.run())
    return 0


if __name__ == "__main__":
    sys.exit(main())
