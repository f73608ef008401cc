"""B1, B2 and B3: chat messages, fan-out and idle sockets, on `tiski live` alone."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import psutil

from bench.budget import Figure
from bench.serving import memory, served
from bench.sockets import Tally, Visitor, enter

COMMAND = ["bench.live_server"]
SECONDS = 10.0
IDLE = 10_000


def run(data: Path) -> dict[str, Figure]:
    """The three budgets of the live path."""
    with served(data, COMMAND) as (server, port):
        figures = {"B1": asyncio.run(_throughput(server, port))}
    with served(data, COMMAND) as (server, port):
        figures["B1p"] = asyncio.run(_latency(server, port))
    with served(data, COMMAND) as (server, port):
        figures["B2"] = asyncio.run(_fan_out(server, port))
    with served(data, COMMAND) as (server, port):
        figures["B3"] = asyncio.run(_idle(server, port))
    return figures


async def _throughput(server: psutil.Process, port: int) -> Figure:
    tally = Tally()
    visitors = await enter(tally, port, 200, window=40)
    for visitor in visitors:
        for _ in range(visitor.window):
            visitor.say()
    await asyncio.sleep(2)
    before, began, cpu, own = tally.acks, time.perf_counter(), _cpu(server), _cpu(psutil.Process())
    await asyncio.sleep(SECONDS)
    took = time.perf_counter() - began
    rate = (tally.acks - before) / took
    shares = f"server CPU {(_cpu(server) - cpu) / took:.0%}, generator {(_cpu(psutil.Process()) - own) / took:.0%}"
    _hang_up(visitors)
    conditions = f"200 sockets, 40 messages each on the way, SQLite FULL, limits lifted; {shares}"
    return Figure(rate, "messages/s", ">= 10,000", rate >= 10_000, conditions)


async def _latency(server: psutil.Process, port: int) -> Figure:
    tally, wanted = Tally(), 1000
    visitors = await enter(tally, port, 200)
    tally.waits.clear()
    began, sent, own = time.perf_counter(), 0, _cpu(psutil.Process())
    while (elapsed := time.perf_counter() - began) < SECONDS:
        while sent < elapsed * wanted:
            visitors[sent % len(visitors)].say()
            sent += 1
        await asyncio.sleep(0.001)
    await asyncio.sleep(1)
    p99 = sorted(tally.waits)[int(len(tally.waits) * 0.99)] * 1000
    _hang_up(visitors)
    share = f"generator CPU {(_cpu(psutil.Process()) - own) / SECONDS:.0%}"
    conditions = f"open loop at {wanted}/s over 200 sockets, {len(tally.waits)} of {sent} acknowledged; {share}"
    return Figure(p99, "ms p99 ack", "<= 10 at 1,000/s", p99 <= 10 and len(tally.waits) == sent, conditions)


async def _fan_out(server: psutil.Process, port: int) -> Figure:
    tally = Tally()
    visitors = await enter(tally, port, 40 * 11, per_conversation=11)
    speakers = visitors[::11]
    for speaker in speakers:  # the first message opens the conversation, which the other windows then find by hello
        speaker.say()
    await asyncio.sleep(2)
    _hang_up([each for each in visitors if each not in speakers])
    listeners = [await _listen(tally, port, speaker) for speaker in speakers for _ in range(10)]
    for speaker in speakers:
        speaker.window = 8
        for _ in range(speaker.window):
            speaker.say()
    await asyncio.sleep(2)
    before, began, cpu, own = tally.messages, time.perf_counter(), _cpu(server), _cpu(psutil.Process())
    await asyncio.sleep(SECONDS)
    took = time.perf_counter() - began
    rate = (tally.messages - before) / took
    shares = f"server CPU {(_cpu(server) - cpu) / took:.0%}, generator {(_cpu(psutil.Process()) - own) / took:.0%}"
    _hang_up([*speakers, *listeners])
    conditions = f"40 conversations of 10 listeners, each message stored first; {shares}"
    return Figure(rate, "deliveries/s", ">= 50,000", rate >= 50_000, conditions)


async def _idle(server: psutil.Process, port: int) -> Figure:
    before = memory(server)
    visitors = await enter(Tally(), port, IDLE)
    await asyncio.sleep(2)
    after = memory(server)
    _hang_up(visitors)
    conditions = f"{IDLE:,} sockets after hello, {before:.0f} MB without them"
    return Figure(after, "MB PSS", "<= 250", after <= 250, conditions)


async def _listen(tally: Tally, port: int, speaker: Visitor) -> Visitor:
    listener = Visitor(tally, port=port, token=speaker.token, conversation=speaker.conversation)
    await asyncio.get_running_loop().create_connection(lambda: listener, "127.0.0.1", port)
    await listener.ready
    return listener


def _hang_up(visitors: list[Visitor]) -> None:
    for visitor in visitors:
        visitor.window = 0
        if visitor.transport is not None:
            visitor.transport.close()


def _cpu(process: psutil.Process) -> float:
    used = process.cpu_times()
    return float(used.user + used.system)
