"""Growth: B1, B4, B5 and B6 over ten, a hundred thousand and a million messages; cost must stay flat.

What is compared is CPU per unit of work, which holds on a busy machine; <= 1.5 times for ten times the rows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import psutil

from bench.budget import Figure
from bench.measuring import cpu, percentile
from bench.scene import Scene

SIZES = (1_000, 10_000, 100_000)  # conversations, of ten messages each
MOST = 1.5
SECONDS = 6.0


def run(place: Scene) -> dict[str, Figure]:
    """The four costs at each size, on one database that grows."""
    costs: dict[str, list[float]] = {}
    for size in SIZES:
        place.with_past(size)
        for name, measure in MEASURES.items():
            costs.setdefault(name, []).append(measure(place, size))
    return {f"{name} growth": _figure(name, found) for name, found in costs.items()}


def _figure(name: str, found: list[float]) -> Figure:
    steps = [later / earlier for earlier, later in pairwise(found)]
    sizes = ", ".join(f"{size * 10:,}: {cost:.3f}" for size, cost in zip(SIZES, found, strict=True))
    return Figure(
        max(steps), "times per 10x rows", f"<= {MOST}", max(steps) <= MOST, f"{UNITS[name]} at messages {sizes}"
    )


def _storing(place: Scene, size: int) -> float:
    """Milliseconds of server CPU for a message, acknowledged and told, on the live process."""
    from bench.live import COMMAND
    from bench.serving import served
    from bench.sockets import Tally, enter

    async def measure(server: psutil.Process, port: int) -> float:
        tally = Tally()
        visitors = await enter(tally, port, 100, window=40)
        for visitor in visitors:
            for _ in range(visitor.window):
                visitor.say()
        await asyncio.sleep(1)
        before, used = tally.acks, cpu(server)
        await asyncio.sleep(SECONDS)
        cost = (cpu(server) - used) / max(1, tally.acks - before)
        for visitor in visitors:
            visitor.window = 0
            if visitor.transport is not None:
                visitor.transport.close()
        return cost * 1000

    with served(place.data, COMMAND) as (server, port):
        return asyncio.run(measure(server, port))


def _pages(place: Scene, size: int) -> dict[str, Figure]:
    from bench import pages

    return pages.run(replace(place, conversations=size))


def _inbox(place: Scene, size: int) -> float:
    """Milliseconds of CPU for the inbox page."""
    return _pages(place, size)["B4"].figure


def _conversation(place: Scene, size: int) -> float:
    """Milliseconds of CPU for a conversation's pane."""
    return _pages(place, size)["B5"].figure


def _searching(place: Scene, size: int) -> float:
    """Milliseconds for a search, the median over all words; CPU on SQLite, wall where the database is elsewhere."""
    from bench.searching import WORDS, measured

    costs = [measured(words, 10) for words in WORDS]
    place_of = 1 if place.database == "sqlite" else 0
    return sum(percentile([each[place_of] for each in found], 0.5) for found in costs) / len(costs)


MEASURES: dict[str, Callable[[Scene, int], float]] = {
    "B1": _storing,
    "B4": _inbox,
    "B5": _conversation,
    "B6": _searching,
}
UNITS = {
    "B1": "ms of server CPU per message",
    "B4": "ms of CPU per page",
    "B5": "ms of CPU per pane",
    "B6": "ms per search, mean of the medians",
}
