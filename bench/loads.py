"""L1 to L4: the product under the load of a shop's day, of a busy one, through a restart, and of far too much.

python -m bench --load L1 L2 L3 L4 [--seconds 60] [--database postgresql [--apart]]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil

from bench import seats
from bench.budget import Figure
from bench.gates import figures_of
from bench.house import APART, TOGETHER, House
from bench.scene import Scene
from bench.serving import GENERATOR_CORE
from tiski.testing import ledger
from tiski.testing.dovecot import Dovecot
from tiski.testing.ledger import Rendered

SHOP_DAY = {"chats": 300, "agents": 20, "visitors": 5.0, "answers": 5.0, "mails": 1.0}
BUSIEST = {
    "chats": 1200, "agents": 60, "visitors": 20.0, "answers": 20.0, "mails": 5.0, "boots": 50.0, "searches": 2.0
}  # fmt: skip
OVERLOAD = SHOP_DAY | {"chats": 600, "boots": 10.0, "searches": 0.5, "overload": True}
PLANS: Mapping[str, dict[str, Any]] = {"L1": SHOP_DAY, "L2": BUSIEST, "L3": BUSIEST, "L4": OVERLOAD}
NEEDS_PAST = {"L2", "L3"}
PAST = 100_000  # conversations: a million messages, a hundred thousand customers
MAIL_PASSWORD = "teepannu"


@dataclass(slots=True)
class Watched:
    """What was seen of the server's processes: seconds of CPU between begin and end, the most memory in megabytes."""

    cpu: float = 0.0
    took: float = 1.0
    memory: list[tuple[float, float]] = field(default_factory=list)
    down_at: float = 0.0
    up_at: float = 0.0
    phases: dict[str, float] = field(default_factory=dict)

    @property
    def most_memory(self) -> float:
        """The most they held together."""
        return max((held for _at, held in self.memory), default=0.0)


def run(place: Scene, levels: list[str], seconds: float, *, apart: bool = False) -> dict[str, Figure]:
    """Each level on its own server and its own mailbox, over the same database."""
    figures: dict[str, Figure] = {}
    for level in levels:
        if level in NEEDS_PAST:
            place.with_past(PAST, shops=50)
        figures |= _level(place, level, seconds, commands=APART if apart else TOGETHER)
    return {f"{name} apart": figure for name, figure in figures.items()} if apart else figures


def _level(place: Scene, level: str, seconds: float, *, commands: Sequence[str]) -> dict[str, Figure]:
    from django.db import connections

    plan = PLANS[level] | {"seconds": seconds, "report": str(place.data / f"{level}.json")}
    with _mail_server() as dovecot:
        agents = seats.agents(int(plan["agents"]))
        mailbox = seats.mailbox(level, dovecot.imap_port, MAIL_PASSWORD)
        connections.close_all()
        url = os.environ.get("TISKI_DATABASE_URL", "")
        module = "tiski.testing.lifted" if level == "L4" else "tiski.config.cli"
        tiski = House(place.data, url, commands=commands, module=module)
        plan |= {"port": tiski.port, "live_port": tiski.live_port}
        try:
            tiski.start()
            report, watched = _attack(tiski, plan | {"agents": agents, "lmtp": dovecot.lmtp_port}, level)
            report["mails_left"] = seats.mails_left(mailbox, report["mails"], seconds=60)
        finally:
            tiski.stop()
            seats.close_mailbox(mailbox)
    windows = [Rendered(uuid, [(seq, name) for seq, name in entries]) for uuid, entries in report["windows"]]
    verdict = ledger.judge(report["lines"], ledger.stored(place.data, url), windows)
    return figures_of(level, plan, report, watched=watched, verdict=verdict)


@contextmanager
def _mail_server() -> Iterator[Dovecot]:
    """The shop's mail provider stands elsewhere: its work is not the server's."""
    from bench import mails

    dovecot = Dovecot({mails.SHOP: MAIL_PASSWORD})
    with _on(GENERATOR_CORE):
        dovecot.start()
    try:
        yield dovecot
    finally:
        dovecot.stop()


@contextmanager
def _on(core: int) -> Iterator[None]:
    """What is started in here runs on this core, with everything it starts itself."""
    before = os.sched_getaffinity(0)
    if len(before) > 1 or (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _attack(tiski: House, plan: dict[str, Any], level: str) -> tuple[dict[str, Any], Watched]:
    """Run the generator on the other core and watch the server meanwhile."""
    watched, over = Watched(), threading.Event()
    with _on(GENERATOR_CORE):
        crowd = subprocess.Popen(
            [sys.executable, "-m", "bench.crowd"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
    assert crowd.stdin is not None
    assert crowd.stdout is not None
    watcher = threading.Thread(target=_watch, args=(tiski, watched, over), daemon=True)
    watcher.start()
    print(json.dumps(plan), file=crowd.stdin, flush=True)
    try:
        began = used = 0.0
        for line in crowd.stdout:
            word, _space, rest = line.strip().partition(" ")
            watched.phases[word] = time.monotonic()
            if word == "chats":
                ids = seats.ids_of([UUID(uuid) for uuid in json.loads(rest)])
                print(json.dumps(ids), file=crowd.stdin, flush=True)
            elif word == "begin":
                began, used = time.monotonic(), tiski.cpu()
                if level == "L3":
                    threading.Thread(target=_restart, args=(tiski, watched, plan["seconds"] / 3), daemon=True).start()
            elif word == "end":
                watched.took = time.monotonic() - began
                watched.cpu = tiski.cpu() - used
        if crowd.wait(60):
            raise RuntimeError(f"the generator ended with {crowd.returncode}")
    finally:
        over.set()
        watcher.join(10)
        crowd.kill()
    return json.loads(Path(plan["report"]).read_text()), watched


def _watch(tiski: House, watched: Watched, over: threading.Event) -> None:
    while not over.wait(1):
        try:
            watched.memory.append((time.monotonic(), tiski.memory()))
        except (psutil.Error, RuntimeError):
            continue  # it is being restarted


def _restart(tiski: House, watched: Watched, after: float) -> None:
    time.sleep(after)
    watched.down_at = time.monotonic()
    tiski.stop()
    tiski.launch()  # who is back, and when, is told by the sockets
    watched.up_at = time.monotonic()
