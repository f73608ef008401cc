"""B9: what the worker can deliver in batches, and how late it is when facts come steadily."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.budget import Figure
from bench.measuring import cpu, percentile
from bench.scene import Scene
from bench.serving import SERVER_CORE, pin

MANY = 60_000
STEADY = 1_000
SECONDS = 10


@dataclass(slots=True)
class Worker:
    """The worker process and what it noted: (when, how late) of each delivery."""

    process: psutil.Process
    notes: list[tuple[float, float]]


def run(place: Scene) -> dict[str, Figure]:
    """Both halves of the budget."""
    return {"B9": _throughput(place), "B9l": _lag(place)}


def _throughput(place: Scene) -> Figure:
    for start in range(0, MANY, 1000):
        _ring(start, 1000)
    with _working(place) as worker:
        used = cpu(worker.process)
        _wait_until_none_waits()
        used = cpu(worker.process) - used
    moments = sorted(when for when, _late in worker.notes)
    rate = len(moments) / (moments[-1] - moments[0])
    conditions = (
        f"{MANY:,} facts waiting, one handler that does nothing, {len(moments):,} calls, the worker on one core, "
        f"its usual threads; {used / MANY * 1e6:.0f} µs CPU each = {MANY / used:,.0f}/s of CPU time"
    )
    whole = len(moments) == MANY
    return Figure(rate, "deliveries/s", ">= 10,000", whole and rate >= 10_000, conditions)


def _lag(place: Scene) -> Figure:
    with _working(place) as worker:
        used, own, began, sent = cpu(worker.process), cpu(psutil.Process()), time.perf_counter(), 0
        while (elapsed := time.perf_counter() - began) < SECONDS:
            due = int(elapsed * STEADY) - sent
            if due:
                _ring(sent, due)
                sent += due
            time.sleep(0.005)
        _wait_until_none_waits()
        took = time.perf_counter() - began
        used, own = (cpu(worker.process) - used) / took, (cpu(psutil.Process()) - own) / took
    late = [seconds * 1000 for _when, seconds in worker.notes]
    p95 = percentile(late, 0.95)
    conditions = (
        f"{STEADY}/s for {SECONDS} s in commits of about {STEADY // 200}, {len(late):,} of {sent:,} delivered; "
        f"p50 {percentile(late, 0.5):.0f}, p99 {percentile(late, 0.99):.0f} ms; worker CPU {used:.0%}, "
        f"generator CPU {own:.0%}"
    )
    return Figure(p95, "ms p95 lag", "<= 50 at 1,000/s", p95 <= 50 and len(late) == sent, conditions)


def _ring(first: int, count: int) -> None:
    from django.db import transaction

    from bench.bells import Rang
    from tiski.accounts.models import Shop
    from tiski.kernel.action import SYSTEM
    from tiski.kernel.events import Emission, emit_many

    shop = Shop.objects.values_list("id", flat=True).get(is_demo=True)
    with transaction.atomic():
        emit_many([Emission(shop, Rang(number=number), SYSTEM) for number in range(first, first + count)])


def _wait_until_none_waits() -> None:
    from tiski.kernel.models import Delivery

    for _ in range(1200):
        if not Delivery.objects.filter(handler__endswith="do_nothing").exists():
            return
        time.sleep(0.1)
    raise RuntimeError("the worker did not deliver everything within two minutes")


@contextmanager
def _working(place: Scene) -> Iterator[Worker]:
    """The worker on the server's core; its notes are there when it has ended."""
    file = place.data / f"notes-{time.monotonic_ns()}.json"
    ready = file.with_suffix(".ready")
    environment = os.environ | {"TISKI_DATA": str(place.data)}
    with (place.data / "bench.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.noop_worker", str(file)], env=environment, stdout=log, stderr=log
        )
    worker = Worker(psutil.Process(process.pid), [])
    pin(worker.process, SERVER_CORE)
    try:
        _wait_for(ready, process)
        yield worker
    finally:
        process.terminate()
        process.wait(60)
    worker.notes = [(when, late) for when, late in json.loads(file.read_text())]


def _wait_for(ready: Path, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        if ready.exists():
            return
        if process.poll() is not None:
            raise RuntimeError(f"the worker ended with {process.returncode}")
        time.sleep(0.1)
    raise RuntimeError("the worker did not start within a minute")
